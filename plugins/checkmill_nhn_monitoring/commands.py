"""Scenarios as code: `checkmill nhn scenario get, create, update, delete, apply, diff`.

NHN cannot list scenarios, so that the id alone says which one a definition is of: a definition without one is a new
scenario each time it is applied, until the id that NHN gave it stands in the file. One whose id NHN does not know is
never created: no code tells for certain that a scenario is gone, and a second one would be made beside it. A
modification replaces a scenario as a whole; what a file leaves out becomes its default.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Annotated, Any

from checkmill.api.v1 import (
    Arguments,
    Change,
    Command,
    ConfigurationError,
    Doc,
    Document,
    Flow,
    Plan,
    Positional,
    ReadError,
    SourceError,
    attempt,
    heavy,
    together,
)
from checkmill_nhn_monitoring.calls import Given, create_scenario, delete_scenario, get_scenario, modify_scenario
from checkmill_nhn_monitoring.credentials import References
from checkmill_nhn_monitoring.definitions import API, Definition, request_body
from checkmill_nhn_monitoring.differing import additions, differences, doubt, unseen, unsent
from checkmill_nhn_monitoring.envelope import RefusedError, one_line
from checkmill_nhn_monitoring.scenario import Scenario, TextValidation, scenario_from
from checkmill_nhn_monitoring.settings import Settings, require_id
from checkmill_nhn_monitoring.texts import is_search, objections_to
from checkmill_nhn_monitoring.writing import definition_of

#: Stands for the id of a scenario that has none yet.
_NEW = "new"
_LONGEST_NAME = 80


@dataclass(frozen=True, kw_only=True)
class Named(Arguments):
    """Scenarios by name or id."""

    ids: Annotated[
        tuple[str, ...], Positional("ID"), Doc("ids of the scenarios, or what the source calls them in `scenarios`")
    ]


@dataclass(frozen=True, kw_only=True)
class Shown(Arguments):
    """Scenarios to show."""

    ids: Annotated[
        tuple[str, ...],
        Positional("ID"),
        Doc("ids of the scenarios, or what the source calls them in `scenarios`; without any, all of those"),
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Defined(Arguments):
    """Definitions of scenarios."""

    definitions: Annotated[
        tuple[Definition, ...], Document(), Positional("FILE"), Doc("file with one definition or a list of them")
    ]


@dataclass(frozen=True, kw_only=True)
class Updated(Defined):
    """Definitions of scenarios that exist."""

    id: Annotated[str | None, Doc("id of the scenario, where the file holds one definition without")] = None


@dataclass(frozen=True)
class _Draft:
    """One definition on its way: the id it is for, "" for none, and how it looks as a scenario."""

    id: str
    name: str
    wanted: Scenario
    body: Mapping[str, Any]

    @property
    def title(self) -> str:
        return f"{self.name} ({self.id})" if self.id else self.name


@dataclass
class _Planning:
    """What a command has come to so far."""

    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    equal: int = 0

    def plan(self) -> Plan:
        equal = [f"nothing to do: {_count(self.equal)} as written"] if self.equal else ["nothing to do"]
        nothing = "; ".join([*equal, *dict.fromkeys(self.doubts)])
        return Plan(changes=self.changes, problems=self.problems, nothing=nothing)


def get(settings: Settings, asked: Shown) -> Flow[Plan]:
    """Show scenarios as `apply` takes them back; what looks like a credential becomes `${NAME}`."""
    ids = _ids(settings, asked.ids or [one.id for one in settings.watched])
    if not ids:
        return Plan(problems=["no scenario is named, and the source has no scenarios; give an id"])
    answers = yield from together([attempt(get_scenario(settings, one)) for one in ids])
    references, data, problems = References(), [], []
    for scenario, answer in zip(ids, answers, strict=True):
        if isinstance(answer, SourceError):
            problems.append(_failed(scenario, answer))
        else:
            owner = references.of(_owner(settings, answer.scenario.id))
            data.append(definition_of(answer.scenario, owner))
    return Plan(data=(data[0] if len(ids) == 1 and data else data) or None, problems=problems)


def create(settings: Settings, asked: Defined) -> Flow[Plan]:
    """Create a scenario of each definition."""
    planning = _Planning()
    for draft in _drafts(settings, asked.definitions, planning):
        if draft.id:
            planning.problems.append(f"{draft.title} has an id already; use update or apply, or leave out the id")
        else:
            yield from _plan_creation(settings, draft, planning)
    return planning.plan()


def update(settings: Settings, asked: Updated) -> Flow[Plan]:
    """Replace each scenario by its definition, also where nothing seems to differ."""
    planning = _Planning()
    definitions = list(asked.definitions)
    if asked.id is not None:
        if len(definitions) != 1:
            return Plan(problems=[f"--id is for a file with one definition, and this one has {len(definitions)}"])
        own = definitions[0].id
        if own is not None and settings.id_of(own) != settings.id_of(asked.id):
            return Plan(problems=[f"the definition has the id {own}, and --id says {asked.id}; leave one of them out"])
        definitions = [replace(definitions[0], id=asked.id)]
    drafts = list(_drafts(settings, definitions, planning))
    planning.problems += [
        f"{draft.title} has no id; write it into the file, or give --id" for draft in drafts if not draft.id
    ]
    known = [draft for draft in drafts if draft.id]
    answers = yield from _read(settings, known)
    for draft, answer in zip(known, answers, strict=True):
        if isinstance(answer, SourceError):
            planning.problems.append(_failed(draft.id, answer))
        else:
            yield from _plan_update(settings, draft, answer.scenario, planning)
    return planning.plan()


def delete(settings: Settings, asked: Named) -> Flow[Plan]:
    """Delete scenarios, after a look at what they are."""
    ids = _ids(settings, asked.ids)
    answers = yield from together([attempt(get_scenario(settings, one)) for one in ids])
    planning = _Planning()
    for scenario, answer in zip(ids, answers, strict=True):
        if isinstance(answer, SourceError):
            planning.problems.append(_failed(scenario, answer))
            continue
        kind, name = one_line(answer.scenario.type, _LONGEST_NAME), one_line(answer.scenario.name, _LONGEST_NAME)
        title = f"{name} ({scenario})"
        summary = f"delete {title}, a scenario of the type {kind}"
        planning.changes.append(Change(summary, partial(_deleted, settings, scenario, answer.scenario, title)))
    return planning.plan()


def apply(settings: Settings, asked: Defined) -> Flow[Plan]:
    """Create what has no id, replace what differs, leave the rest."""
    return (yield from _compared(settings, asked, may_change=True))


def diff(settings: Settings, asked: Defined) -> Flow[Plan]:
    """Show what `apply` would do, and how scenarios differ that only the console can change."""
    return (yield from _compared(settings, asked, may_change=False))


def _compared(settings: Settings, asked: Defined, *, may_change: bool) -> Flow[Plan]:
    planning = _Planning()
    drafts = list(_drafts(settings, asked.definitions, planning))
    known = [draft for draft in drafts if draft.id]
    answers = yield from _read(settings, known)
    found = dict(zip((draft.id for draft in known), answers, strict=True))
    for draft in drafts:
        answer = found.get(draft.id)
        if answer is None:
            yield from _plan_creation(settings, draft, planning)
        elif isinstance(answer, SourceError):
            gone = isinstance(answer, RefusedError) and answer.says_absent
            remedy = "; leave the id out of the file to create the scenario anew" if gone else ""
            planning.problems.append(_failed(draft.id, answer) + remedy)
        elif not (lines := differences(answer.scenario, draft.wanted)):
            planning.equal += 1
            if unsure := doubt(answer.scenario, draft.wanted):
                planning.doubts.append(f"{draft.name}: {unsure}")
        elif may_change or _is_changeable(answer.scenario, draft):
            yield from _plan_update(settings, draft, answer.scenario, planning)
        else:
            summary = f"{draft.title} differs; {_console_alone(answer.scenario, draft)}"
            planning.changes.append(Change(summary, partial(_updated, settings, draft, answer.scenario), lines))
    return planning.plan()


def _drafts(settings: Settings, definitions: Sequence[Definition], planning: _Planning) -> Iterator[_Draft]:
    """The definitions on their way; ids that stand twice are a problem."""
    ids = [settings.id_of(one.id) for one in definitions if one.id is not None]
    planning.problems += [
        f"the id {one} stands in {count} definitions" for one, count in Counter(ids).items() if count > 1
    ]
    for one in definitions:
        scenario = settings.id_of(one.id) if one.id is not None else ""
        body = request_body(one)
        wanted = scenario_from({**body, "scenarioId": scenario or _NEW})
        if wanted.headers:
            body["headers"] = dict(wanted.headers)  # with credentials as Secrets
        yield _Draft(scenario, one_line(one.name, _LONGEST_NAME), wanted, body)


def _read(settings: Settings, drafts: Sequence[_Draft]) -> Flow[list[Given | SourceError]]:
    return (yield from together([attempt(get_scenario(settings, draft.id)) for draft in drafts]))


def _plan_creation(settings: Settings, draft: _Draft, planning: _Planning) -> Flow[None]:
    if draft.wanted.type != API:
        planning.problems.append(
            f"{draft.title} is of the type {draft.wanted.type}: NHN's API creates {API} scenarios alone; create it in "
            "the console"
        )
        return
    if not (yield from _is_understood(draft, None, planning)):
        return
    planning.changes.append(Change(f"create {draft.name}", partial(_created, settings, draft), additions(draft.wanted)))


def _plan_update(settings: Settings, draft: _Draft, there: Scenario, planning: _Planning) -> Flow[None]:
    if not _is_changeable(there, draft):
        planning.problems.append(
            f"{draft.title} is of the type {one_line(there.type, _LONGEST_NAME)}: NHN's API changes {API} scenarios "
            "alone, and no type; change it in the console"
        )
        return
    if not (yield from _is_understood(draft, there.validation.text, planning)):
        return
    lines = [*differences(there, draft.wanted), *unsent(there)]
    summary = f"update {draft.title}" if lines else f"update {draft.title}, though nothing is seen to differ"
    changing = _changing(there, draft.wanted)
    planning.changes.append(Change(summary, partial(_updated, settings, draft, there), [*lines, *changing]))


def _is_understood(draft: _Draft, there: TextValidation | None, planning: _Planning) -> Flow[bool]:
    """Whether what a definition newly demands of the answer's text is understood; what is not is a problem.

    What NHN has already may be sent back: its dialect knows more than the one that is understood here.
    """
    wanted = draft.wanted.validation.text
    if wanted is None:
        return True
    old = there.checks if there is not None and there.kind == wanted.kind else ()
    # A search needs no operand for NHN, though in JSON it is not carried out here.
    new = tuple(check for check in wanted.checks if check not in old and not is_search(check))
    if not new:
        return True
    # The libraries that read them may take any time.
    objections = yield from attempt(heavy(objections_to, TextValidation(wanted.kind, new)))
    if isinstance(objections, SourceError):
        objections = [f"its text_validation could not be looked at: {objections.sentence}"]
    planning.problems += [f"{draft.title}: {one}" for one in objections]
    return not objections


def _changing(there: Scenario, wanted: Scenario) -> list[str]:
    """A line on what an update may change unseen, if there is such a thing."""
    unsure = unseen(there, wanted)
    return [f"! {unsure}"] if unsure else []


def _console_alone(there: Scenario, draft: _Draft) -> str:
    if there.type != draft.wanted.type:
        return "no type can be changed"
    return f"scenarios of the type {one_line(there.type, _LONGEST_NAME)} can be changed in the console alone"


def _is_changeable(there: Scenario, draft: _Draft) -> bool:
    return there.type == API == draft.wanted.type


def _created(settings: Settings, draft: _Draft) -> Flow[str]:
    made = yield from create_scenario(settings, draft.body)
    return f"created {draft.name}; its id is {one_line(made.id)}: write it into the file" + _otherwise(made, draft)


def _updated(settings: Settings, draft: _Draft, planned: Scenario) -> Flow[str]:
    yield from _require_as_planned(settings, draft.id, planned)
    made = yield from modify_scenario(settings, draft.id, draft.body)
    return f"updated {draft.title}" + _otherwise(made, draft)


def _deleted(settings: Settings, scenario: str, planned: Scenario, title: str) -> Flow[str]:
    yield from _require_as_planned(settings, scenario, planned)
    yield from delete_scenario(settings, scenario)
    return f"deleted {title}"


def _require_as_planned(settings: Settings, scenario: str, planned: Scenario) -> Flow[None]:
    """Look once more: what is replaced or deleted has to be what the plan showed. How it fares may differ."""
    present = (yield from get_scenario(settings, scenario)).scenario
    if replace(present, status=planned.status) != planned:
        raise ReadError("the scenario was changed meanwhile; nothing was done to it, look at what is there now")


def _otherwise(made: Scenario, draft: _Draft) -> str:
    """What NHN has otherwise than it was asked to, at the end of a sentence."""
    lines = differences(made, draft.wanted)
    return f"; but NHN has it otherwise: {'; '.join(lines)}" if lines else ""


def _failed(scenario: str, error: SourceError) -> str:
    return error.sentence if scenario in str(error) else f"scenario {scenario}: {error.sentence}"


def _ids(settings: Settings, words: Sequence[str]) -> list[str]:
    ids = list(dict.fromkeys(settings.id_of(word) for word in words))
    for one in ids:
        try:
            require_id(one)
        except ValueError as error:
            raise ConfigurationError(str(error)) from None
    return ids


def _owner(settings: Settings, scenario: str) -> str:
    """What the environment variables of a scenario begin with: its name, where that can stand in one, or its id."""
    name = settings.name_of(scenario)
    return name if name != scenario and name.isascii() else f"scenario_{scenario.partition('-')[0]}"


def _count(number: int) -> str:
    return "1 scenario is" if number == 1 else f"{number} scenarios are"


COMMANDS: tuple[Command[Settings, Any], ...] = (
    Command("nhn scenario get", "nhn-monitoring", get, Shown, "show scenarios as definitions", form="yaml"),
    Command("nhn scenario create", "nhn-monitoring", create, Defined, "create API scenarios", changes=True),
    Command("nhn scenario update", "nhn-monitoring", update, Updated, "replace scenarios by definitions", changes=True),
    Command("nhn scenario delete", "nhn-monitoring", delete, Named, "delete scenarios", changes=True),
    Command(
        "nhn scenario apply",
        "nhn-monitoring",
        apply,
        Defined,
        "create scenarios without an id, update those that differ",
        changes=True,
    ),
    Command("nhn scenario diff", "nhn-monitoring", diff, Defined, "show how scenarios differ from definitions"),
)
