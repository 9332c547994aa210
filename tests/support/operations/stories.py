"""Rule files that tell under `x-story` what their vendors answer, moment by moment, and what must come of it.

    x-story:
      - samples:                # of each source, or of all that a glob means; the first that fits counts
          shop:
            web-1: {cpu: 42.5}
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
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import yaml

from checkmill.model.units import seconds
from support.commands import Clock, Desk
from support.loopback import Got, Reply, http_server
from support.operations import whatap

TESTS = Path(__file__).parents[2]
RULES = TESTS / "acceptance" / "rules"
#: The types that `vendors` gives.
VENDORS = ("nhn-monitoring", "nhn-watcher", "checkmk", "nezha")
APPKEY = "81713f1cc96b4eae834f7535ec4fae7a"
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
    """One run of a story: what the sources answer from then on, and what must come of it."""

    number: int
    after_s: float
    samples: Mapping[str, Any]
    verdicts: Mapping[str, tuple[Verdict, ...]]
    deliveries: tuple[Delivered, ...] | None


@dataclass(frozen=True)
class Story:
    """A rule file: its checks as written, the types of its sources, and its moments."""

    theme: str
    written: tuple[Mapping[str, Any], ...]
    types: Mapping[str, str]
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
    types = {name: source["type"] for name, source in document["sources"].items()}
    return Story(path.stem, tuple(document["checks"]), types, tuple(moments))


@dataclass
class World:
    """All vendors of all stories on one loopback server, each below the name of its source."""

    types: Mapping[str, str]
    clock: Clock
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
        path = got.target.partition("?")[0]
        if path.startswith(_BATCHMON):
            return self._take(got)
        _, name, rest = path.split("/", 2)
        self.asked.append(path)
        told = self._told(name)
        if isinstance(told, str):
            match = _REFUSED.fullmatch(told)
            assert match, f"{name}: {told!r} is neither samples nor 'HTTP 503'"
            return Reply(int(match[1]))
        is_whatap = self.types[name] == "whatap"
        document = whatap.answer(f"/{rest}", name, told, self.clock.now) if is_whatap else told
        return Reply(404) if document is None else _json(document)

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
        return _json({"header": header, "body": echoes if got.target == _BATCHMON else echoes[0]})


@contextmanager
def operations_room(home: Path, told: Sequence[Story]) -> Iterator[tuple[Desk, World]]:
    """A desk with the rule files of some stories, their vendors answering; what `site` gives must be on the path."""
    desk = Desk(home, {"NHN_APPKEY": APPKEY, "WHATAP_TOKEN": "X2QEP7TOKENOFTHEPROJECT0"})
    types = {name: kind for story in told for name, kind in story.types.items()}
    for story in told:
        desk.write((RULES / f"{story.theme}.yaml").read_text("utf-8"), f"{story.theme}.yaml")
    world = World(types, desk.clock)
    with http_server(world.answer) as server:
        desk.environ["VENDORS"] = world.url = server.url
        yield desk, world


def site(home: Path) -> Path:
    """Lay the vendors' plugin down as an installed distribution, and give the folder for the path."""
    about = home / "site" / "operations_vendors-1.0.dist-info"
    about.mkdir(parents=True)
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: operations-vendors\nVersion: 1.0\n", "utf-8")
    lines = "".join(f"{kind} = support.operations.vendors\n" for kind in VENDORS)
    about.joinpath("entry_points.txt").write_text(f"[checkmill]\n{lines}", "utf-8")
    return about.parent


def _json(document: Any) -> Reply:
    return Reply(200, json.dumps(document, ensure_ascii=False).encode(), {"Content-Type": "application/json"})


def _table(text: str) -> list[list[str]]:
    """The two or three columns of each line; what is indented goes on with the line before."""
    whole = re.sub(r"\n +", " ", text)
    return [re.split(r" {2,}", line.rstrip(), maxsplit=2) for line in whole.splitlines() if line.strip()]
