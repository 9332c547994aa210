"""Rule files that tell under `x-story` what their vendors know, moment by moment, and what must come of it.

    x-story:
      - samples:                # of each source, or of all that a glob means; the first that fits counts
          shop:
            web-1: {cpu: 42.5}  # facts, of which the vendor's module makes the documents that the vendor answers
          backup: HTTP 503      # this one answers with an error
        verdicts:               # of each check: state, service, and the output where it matters
          cpu: |
            CRITICAL  cpu web-1   cpu 97.2% above 90%
            WARNING   cpu web-2
            OK        +38         so many more services, all in that state
        deliveries: |           # where it matters: state, target and services of every delivery
          CRITICAL  web-scenario  cpu web-1, cpu web-2
      - after: 5m               # since the moment before; samples that are not told again stay as they were
        ...

Columns are two blanks apart or more; what is indented goes on with the line before. The verdicts of a check name all
of its services, and no other.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import yaml

from checkmill.model.units import seconds
from support.commands import Clock, Desk
from support.loopback import Got, Reply, http_server
from support.operations import checkmk, nezha, nhn_monitoring, nhn_watcher, whatap
from support.operations.question import CREDENTIALS, Question, as_json

RULES = Path(__file__).parents[2] / "acceptance" / "rules"
#: What each vendor makes of a question and of its table of facts.
VENDORS: Mapping[str, Callable[[Question, Any], Reply]] = {
    "checkmk": checkmk.answer,
    "nezha": nezha.answer,
    "nhn-monitoring": nhn_monitoring.answer,
    "nhn-watcher": nhn_watcher.answer,
    "whatap": whatap.answer,
}
_BATCHMON = "/v1.0/monitoring/batchmon"
_REFUSED = re.compile(r"HTTP (\d+)")


@dataclass(frozen=True)
class Verdict:
    """What must come of a service. Without `output` any will do; one that ends in `...` may go on otherwise."""

    state: str
    service: str
    output: str = ""


@dataclass(frozen=True, order=True)
class Delivered:
    """What one batch scenario must be told: the worst state, and of which services."""

    state: str
    scenario: str
    services: str


@dataclass(frozen=True)
class Moment:
    """One run of a story: what the vendors know from then on, and what must come of it."""

    number: int
    after_s: float
    samples: Mapping[str, Any]
    verdicts: Mapping[str, tuple[Verdict, ...]]
    deliveries: tuple[Delivered, ...] | None


@dataclass(frozen=True)
class Story:
    """A rule file: its checks and its sources as written, and its moments."""

    theme: str
    written: tuple[Mapping[str, Any], ...]
    sources: Mapping[str, Mapping[str, Any]]
    moments: tuple[Moment, ...]

    @property
    def checks(self) -> tuple[str, ...]:
        """The names of its checks."""
        return tuple(check["name"] for check in self.written)


def stories() -> list[Story]:
    """The stories of all rule files, in the order of their names."""
    return [story_of(path) for path in sorted(RULES.glob("*.yaml"))]


def story_of(path: Path) -> Story:
    """Read one rule file's story."""
    document = yaml.safe_load(path.read_text("utf-8"))
    moments: list[Moment] = []
    samples: dict[str, Any] = {}
    for number, told in enumerate(document["x-story"], start=1):
        samples = {**samples, **told.get("samples", {})}
        verdicts = {
            check: tuple(Verdict(*columns) for columns in _table(text)) for check, text in told["verdicts"].items()
        }
        sent = told.get("deliveries")
        deliveries = None if sent is None else tuple(sorted(Delivered(*columns) for columns in _table(sent)))
        after_s = seconds(told["after"]) if "after" in told else 0.0
        moments.append(Moment(number, after_s, samples, verdicts, deliveries))
    return Story(path.stem, tuple(document["checks"]), document["sources"], tuple(moments))


class Stopwatch:
    """The clock on which runs measure how long things take: only what a vendor takes counts, to the microsecond.

    After five minutes it goes on all the same, so that what hangs comes to an end.
    """

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._taken_s = 0.0

    def __call__(self) -> float:
        return round(self._taken_s + (time.monotonic() - self._began) // 300 * 300, 6)

    def take(self, seconds_s: float) -> None:
        """Let so many seconds pass."""
        self._taken_s += seconds_s


@dataclass
class World:
    """All vendors of all stories on one loopback server, each below the name of a source.

    `asked` are the requests to vendors as they came: method, path with query, and body.
    """

    sources: Mapping[str, Mapping[str, Any]]
    clock: Clock
    stopwatch: Stopwatch
    samples: Mapping[str, Any] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    posted: list[tuple[str, str]] = field(default_factory=list)
    broken: list[Exception] = field(default_factory=list)
    url: str = ""

    def answer(self, got: Got) -> Reply:
        """Answer a request; what goes wrong here must not pass for a vendor's failure."""
        try:
            return self._answer(got)
        except Exception as error:
            self.broken.append(error)
            raise

    def _answer(self, got: Got) -> Reply:
        path, _, query = got.target.partition("?")
        if path.startswith(_BATCHMON):
            return self._take(got)
        _, name, rest = path.split("/", 2)
        self.asked.append(f"{got.method} {got.target} {got.body.decode()}".strip())
        told = self._told(name)
        if isinstance(told, str):
            match = _REFUSED.fullmatch(told)
            assert match, f"{name}: {told!r} is neither facts nor 'HTTP 503'"
            return Reply(int(match[1]))
        question = Question(
            method=got.method,
            path=f"/{rest}",
            params=dict(parse_qsl(query)),
            headers=got.headers,
            body=got.body,
            at=self.clock.now,
            source=name,
            settings=self.sources[name],
            url=f"{self.url}/{name}",
            take=self.stopwatch.take,
        )
        return VENDORS[self.sources[name]["type"]](question, told)

    def _told(self, name: str) -> Any:
        found = self.samples.get(name)
        globs = (told for glob, told in self.samples.items() if fnmatchcase(name, glob))
        return next(globs) if found is None else found

    def _take(self, got: Got) -> Reply:
        if got.target == _BATCHMON:
            post = json.loads(got.body)
            ids = [one for entry in post["target"] for one in entry["scenarioIdList"]]
            data = json.loads(post["data"])
        else:
            ids, data = [got.target.rpartition("/")[2]], json.loads(got.body)
        self.posted += [(data["state"], one) for one in ids]
        echoes = [{"pk": {"requestId": f"request-{one}"}, "scenarioId": one} for one in ids]
        header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
        return as_json({"header": header, "body": echoes if got.target == _BATCHMON else echoes[0]})


@contextmanager
def operations_room(home: Path, told: Sequence[Story]) -> Iterator[tuple[Desk, World]]:
    """A desk with the rule files of some stories, their vendors answering."""
    stopwatch = Stopwatch()
    desk = Desk(home, dict(CREDENTIALS), monotonic=stopwatch)
    sources = {name: source for story in told for name, source in story.sources.items()}
    for story in told:
        desk.write((RULES / f"{story.theme}.yaml").read_text("utf-8"), f"{story.theme}.yaml")
    world = World(sources, desk.clock, stopwatch)
    with http_server(world.answer) as server:
        desk.environ["VENDORS"] = world.url = server.url
        yield desk, world


def _table(text: str) -> list[list[str]]:
    """The two or three columns of each line; what is indented goes on with the line before."""
    whole = re.sub(r"\n +", " ", text)
    return [re.split(r" {2,}", line.rstrip(), maxsplit=2) for line in whole.splitlines() if line.strip()]
