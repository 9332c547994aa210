"""Projects: which ones a source reads, with whose token, and what each of them answered.

A source with `pcode` and `token` is one project. One with `account_token` lists the account's projects and asks each
selected one with its own token, side by side; a project that fails keeps its failure to itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

from checkmill.api.v1 import (
    ConfigurationError,
    Flow,
    ParseError,
    Response,
    Sample,
    Secret,
    SourceError,
    attempt,
    together,
)
from checkmill_whatap.answers import Labels, Members, data_of, label, shape, shown, whole
from checkmill_whatap.settings import Settings

T = TypeVar("T")
Q = TypeVar("Q")

#: The labels of a project.
PROJECT = ("project", "pcode")
PROJECTS_PATH = "/open/api/json/projects"


@dataclass(frozen=True, kw_only=True)
class Project:
    """One row of the account's projects. Two of them may have one name; their codes differ.

    `problem` says why the project cannot be asked for its servers, and is empty if it can.
    """

    name: str
    pcode: int | None
    status: str
    kinds: frozenset[str]
    token: Secret | None
    problem: str

    @property
    def labels(self) -> Labels:
        """Its labels: two projects of one name differ in their code."""
        return labels_of(self.name, self.pcode)


@dataclass(frozen=True)
class Answered(Generic[T]):
    """What one project, with its labels, answered, or the error that kept it from answering."""

    labels: Labels
    answer: T | SourceError


#: What a dataset of servers holds: an answer for each project that the source reads.
PerProject = tuple[Answered[T], ...]
#: A flow that asks one project and gives the name by which it answered, or "".
Asking = Callable[[Settings], Flow[tuple[str, T]]]


def ask_each(settings: Settings, ask: Asking[T]) -> Flow[PerProject[T]]:
    """Ask every project that the source reads. Raises `SourceError` if the only project, or the list of them, fails."""
    if settings.account_token is None:
        name, answer = yield from ask(settings)
        return (Answered(labels_of(name or str(settings.pcode), settings.pcode), answer),)
    chosen = with_servers(settings, (yield from matching_projects(settings)))
    answers = yield from together([attempt(_ask_one(settings, project, ask)) for project in chosen])
    return tuple(Answered(project.labels, answer) for project, answer in zip(chosen, answers, strict=True))


def get_each(settings: Settings, path: str, parse: Callable[[Response], tuple[str, T]]) -> Flow[PerProject[T]]:
    """Send one request to every project that the source reads."""

    def ask(project: Settings) -> Flow[tuple[str, T]]:
        response = yield from project.get(path)
        return parse(response)

    return (yield from ask_each(settings, ask))


def matching_projects(settings: Settings) -> Flow[tuple[Project, ...]]:
    """List the account's projects whose names match `projects`, whatever their product and status.

    Raises `ConfigurationError` if there is none.
    """
    require_account(settings, "the list of projects")
    response = yield from settings.get(PROJECTS_PATH)
    listed = projects_of(data_of(response, "projects"))
    globs = settings.project_globs
    chosen = tuple(p for p in listed if any(fnmatchcase(p.name, glob) for glob in globs))
    if not chosen:
        raise ConfigurationError(f"no project matches projects: {', '.join(globs)}; the account sees {_names(listed)}")
    return chosen


def with_servers(settings: Settings, projects: Iterable[Project]) -> tuple[Project, ...]:
    """Those projects that have servers, by product and status. Raises `ConfigurationError` if there is none."""
    found = tuple(projects)
    chosen = tuple(
        project
        for project in found
        if (not project.kinds or project.kinds & settings.server_products)
        and project.status not in settings.ignored_statuses
    )
    if not chosen:
        raise ConfigurationError(
            f"no project is read: of {_names(found)}, none has a product type in products "
            f"({', '.join(sorted(settings.server_products))}) and a status outside ignore_status"
        )
    return chosen


def require_account(settings: Settings, what: str) -> None:
    """Raise `ConfigurationError` unless the source has an account token."""
    if settings.account_token is None:
        raise ConfigurationError(f"{what} needs the account's own token: give the source account_token")


def projects_of(rows: Sequence[Any]) -> tuple[Project, ...]:
    """Read the rows of the project list; their tokens become `Secret`s before anything else is looked at."""
    return tuple(_project(number, row) for number, row in enumerate(rows, start=1))


def labels_of(name: str, pcode: int | None) -> Labels:
    """The labels of a project, with its code if that is known."""
    return {"project": name} if pcode is None else {"project": name, "pcode": str(pcode)}


def per_project(samples: Callable[[T, Q], Iterable[Sample]]) -> Callable[[PerProject[T], Q], Iterator[Sample]]:
    """Make a metric of one project one of all of them: with the labels of its project, and failures as missing samples.

    A project that answers nothing among others is missing; a source that is one project then has no samples at all.
    """

    def of_all(projects: PerProject[T], query: Q) -> Iterator[Sample]:
        for part in projects:
            if isinstance(part.answer, SourceError):
                yield Sample.missing(part.answer.sentence, **part.labels)
                continue
            empty = True
            for sample in samples(part.answer, query):
                sample.labels.update(part.labels)
                empty = False
                yield sample
            if empty and len(projects) > 1:
                yield Sample.missing("the answer is empty", **part.labels)

    return of_all


def _ask_one(settings: Settings, project: Project, ask: Asking[T]) -> Flow[T]:
    if project.pcode is None or project.token is None or project.problem:
        raise ParseError(project.problem or "the list of projects says too little about it")
    _, answer = yield from ask(settings.for_project(project.pcode, project.token))
    return answer


def _project(number: int, row: Any) -> Project:
    if not isinstance(row, dict):
        return Project(
            name=f"row {number}",
            pcode=None,
            status="",
            kinds=frozenset(),
            token=None,
            problem=f"row {number} of the list of projects should be an object, but is {shape(row, private=True)}",
        )
    secret = _secret(row.get("apiToken"))
    pcode = whole(row.get("projectCode"))
    pcode = pcode if pcode is not None and pcode > 0 else None
    name = _text(row, "projectName") or (str(pcode) if pcode is not None else f"row {number}")
    without = [what for what, value in (("a usable apiToken", secret), ("a projectCode", pcode)) if value is None]
    return Project(
        name=label(name),
        pcode=pcode,
        status=_text(row, "status").casefold(),
        kinds=frozenset(text for key in ("productType", "platform") if (text := _text(row, key).casefold())),
        token=secret,
        problem=f"the list of projects gives it without {' and '.join(without)}" if without else "",
    )


def _secret(token: Any) -> Secret | None:
    """Make a token a secret at once; one that no header can carry is none, but is still never shown."""
    written = token.strip() if isinstance(token, str) else ""
    secret = Secret(written) if written else None
    return secret if written.isascii() and written.isprintable() else None


def _text(row: Members, key: str) -> str:
    value = row.get(key)
    return value.strip() if isinstance(value, str) else ""


def _names(projects: Sequence[Project]) -> str:
    if not projects:
        return "none"
    names = ", ".join(sorted(project.name for project in projects)[:8])
    return f"{shown(names)} and more" if len(projects) > 8 else shown(names)
