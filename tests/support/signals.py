"""A vendor of railway signals, as a plugin with commands and on loopback: what commands of plugins are tried on."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

from checkmill.api.v1 import (
    Answer,
    App,
    Arguments,
    Asked,
    Change,
    Command,
    Dataset,
    Doc,
    Document,
    Flow,
    Metric,
    NoQuery,
    ParseError,
    Plan,
    Positional,
    Sample,
    Sandbox,
    Seconds,
    Secret,
    SessionExpired,
    Source,
    SourceSettings,
    World,
    attempt,
    heavy,
    hookimpl,
    send,
    session,
    together,
)
from support.commands import Desk
from support.loopback import Got, Reply, Server, http_server, unused_port

KEY = "signal-key-123456"
TICKET = "ticket-778899"


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    key: Annotated[Secret, Doc("API key")]

    def headers(self) -> dict[str, Secret]:
        return {"x-key": self.key}


# What a document holds


@dataclass(frozen=True, kw_only=True)
class Lamp:
    kind: Literal["lamp"]
    color: Literal["red", "yellow", "green"]
    watts: int = 40


@dataclass(frozen=True, kw_only=True)
class Arm:
    kind: Literal["arm"]
    angle: int


@dataclass(frozen=True, kw_only=True)
class Login:
    user: str
    password: Secret


@dataclass(frozen=True, kw_only=True)
class Signal:
    name: str
    aspect: Lamp | Arm
    headers: dict[str, Secret] = field(default_factory=dict)
    tracks: tuple[int, ...] = ()
    login: Login | None = None
    repeat: Annotated[Seconds, Doc("how often")] = 60.0

    def __post_init__(self) -> None:
        if not self.name.strip("- "):
            raise ValueError(f"{self.name!r} is no name; write a word")


# What commands are told


@dataclass(frozen=True, kw_only=True)
class Listing(Arguments):
    names: Annotated[tuple[str, ...], Positional("NAME"), Doc("which signals; 100% of them without")] = ()
    color: Annotated[Literal["red", "yellow", "green"] | None, Doc("only those of a color")] = None
    track: Annotated[tuple[int, ...], Doc("only those of a track")] = ()
    since: Annotated[Seconds, Doc("seen how long ago at most")] = 3600.0
    limit: Annotated[int | None, Doc("how many at most")] = None
    no_wait: Annotated[bool, Doc("ask once")] = False

    def __post_init__(self) -> None:
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"--limit {self.limit} shows nothing; write 1 or more")


@dataclass(frozen=True, kw_only=True)
class One(Arguments):
    name: Annotated[str, Positional("NAME"), Doc("which signal")]


@dataclass(frozen=True, kw_only=True)
class Several(Arguments):
    names: Annotated[tuple[str, ...], Positional("NAME"), Doc("which signals")]


@dataclass(frozen=True, kw_only=True)
class Applied(Arguments):
    file: Annotated[tuple[Signal, ...], Positional("FILE"), Document(), Doc("the signals as they should be")]
    only: Annotated[str | None, Doc("one of them")] = None


@dataclass(frozen=True, kw_only=True)
class Single(Arguments):
    file: Annotated[Signal, Document(), Doc("one signal")]


def listed(settings: Settings, asked: Listing) -> Flow[Plan]:
    params = {"since": int(asked.since), **({} if asked.color is None else {"color": asked.color})}
    response = yield from settings.get("/signals", params=params)
    rows = [row for row in response.json() if not asked.names or row["name"] in asked.names]
    return Plan(data=rows[: asked.limit], nothing="there is no such signal")


def shown(settings: Settings, asked: One) -> Flow[Plan]:
    response = yield from settings.get("/signals/{name}", values={"name": asked.name})
    return Plan(data=response.json())


def deleted(settings: Settings, asked: Several) -> Flow[Plan]:
    found = yield from together([attempt(settings.get("/signals/{name}", values={"name": n})) for n in asked.names])
    there = [name for name, one in zip(asked.names, found, strict=True) if not isinstance(one, Exception)]
    missing = [f"there is no signal {name!r}" for name in asked.names if name not in there]
    changes = [Change(f"delete {name}", partial(delete, settings, name)) for name in there]
    return Plan(changes=changes, problems=missing)


def delete(settings: Settings, name: str) -> Flow[str]:
    yield from send(settings.request("DELETE", "/signals/{name}", values={"name": name}))
    return f"deleted {name}"


def applied(settings: Settings, asked: Applied) -> Flow[Plan]:
    ticket = yield from session(log_in)
    there = {row["name"]: row for row in (yield from settings.get("/signals", headers={"x-ticket": ticket})).json()}
    changes = []
    for signal in asked.file:
        if asked.only in (None, signal.name):
            verb = "update" if signal.name in there else "create"
            details = [f"- color: {there.get(signal.name, {}).get('color')}", f"+ color: {_color(signal)}"]
            changes.append(Change(f"{verb} {signal.name}", partial(put, settings, signal), details))
    return Plan(changes=changes, nothing="all is as it should be")


def put(settings: Settings, signal: Signal) -> Flow[str]:
    ticket = yield from session(log_in)
    body = {"name": signal.name, "color": _color(signal), "headers": signal.headers}
    request = settings.request(
        "PUT", "/signals/{name}", values={"name": signal.name}, json=body, headers={"x-ticket": ticket}
    )
    answer = (yield from send(request)).json()
    if "name" not in answer:
        raise ParseError("the answer names no signal")
    return f"{answer['name']} is as it should be, with password {signal.login and signal.login.password.reveal()}"


def _color(signal: Signal) -> str:
    return signal.aspect.color if isinstance(signal.aspect, Lamp) else "none"


def log_in(settings: Settings) -> Flow[Secret]:
    response = yield from settings.post("/login")
    return Secret(response.json()["ticket"])


def one_read(settings: Settings, asked: Single) -> Flow[Plan]:
    yield from settings.get("/signals")
    one = asked.file
    return Plan(data={"name": one.name, "aspect": one.aspect.kind, "tracks": list(one.tracks), "repeat": one.repeat})


def odd(settings: Settings, asked: One) -> Flow[Plan]:
    yield from settings.get("/signals")
    match asked.name:
        case "crash":
            raise KeyError("x")
        case "hang":
            yield from heavy(time.sleep, 60.0)
        case "leave":
            return Plan(data={"pid": subprocess.Popen(["sleep", "60"]).pid})
        case "list":
            return [1]  # type: ignore[return-value]
        case "object":
            return Plan(data=[object()])
        case "change":
            return Plan(changes=["delete all"])  # type: ignore[list-item]
        case "secret":
            key = settings.key.reveal()
            change = Change(f"send {key}", partial(said, f"sent {key}"), [f"+ {key}", "+ \x1b[31mred\tx"])
            return Plan(data=[{"key": key, key: settings.key}], changes=[change], problems=[f"no {key} \x1b[2J"])
        case "harmful":
            return Plan(data=[{"name": "\x1b[2Jweb\n1", "note": "a\u202eb"}])
        case "unsaid":
            return Plan(changes=[Change("say nothing", partial(said, ""))])
        case "crashing":
            return Plan(changes=[Change("crash", crash), Change("never", partial(said, "never"))])
        case "half":
            return Plan(changes=[Change("half", partial(half, settings)), Change("never", partial(said, "never"))])
        case "slow":
            flows = (said("first is done"), hang(), said("third is done"))
            names = ("first", "second", "third")
            return Plan(changes=[Change(n, partial(given, f)) for n, f in zip(names, flows, strict=True)])
        case "gone":
            return Plan(changes=[Change("go", partial(elsewhere, settings))])
        case "stuck":
            return Plan(changes=[Change("hang", hang), Change("never", partial(said, "never"))])
        case "expiring":
            return Plan(changes=[Change("make and look", partial(made, settings))])
        case "multiline":
            return Plan(
                changes=[Change("paint", partial(said, "painted"), ["+ color: red\n+ color: green\ndelete south"])]
            )
        case "reading":
            return Plan(changes=[Change("read", partial(read_broken, settings))])
    return Plan()


def said(sentence: str) -> Flow[str]:
    return sentence
    yield


def given(flow: Flow[str]) -> Flow[str]:
    return flow


def crash() -> Flow[str]:
    raise KeyError("x")
    yield


def half(settings: Settings) -> Flow[str]:
    yield from settings.post("/login")
    yield from settings.post("/broken")
    return "never"


def elsewhere(settings: Settings) -> Flow[str]:
    yield from settings.post(f"http://127.0.0.1:{unused_port()}/")
    return "never"


def hang() -> Flow[str]:
    time.sleep(6.0)
    return "never"
    yield


def made(settings: Settings) -> Flow[str]:
    """Make something, and look at it; both find that the session is over where the vendor says 440."""
    ticket = yield from session(log_in)
    headers = {"x-ticket": ticket}
    for method in ("PUT", "GET"):
        request = settings.request(method, "/signals/made", json={"name": "made"}, headers=headers, any_status=True)
        if (yield from send(request)).status == 440:
            raise SessionExpired("the session is over")
    return "made it"


def read_broken(settings: Settings) -> Flow[str]:
    yield from settings.get("/broken")
    return "never"


def compared(settings: Settings, asked: Applied) -> Flow[Plan]:
    return (yield from applied(settings, asked))


COMMANDS: list[Command[Any, Any]] = [
    Command("yard signal list", "signals", listed, Listing, "the signals; 100% of them"),
    Command("yard signal get", "signals", shown, One, "one signal whole", form="yaml"),
    Command("yard signal delete", "signals", deleted, Several, "delete signals", changes=True),
    Command("yard signal apply", "signals", applied, Applied, "make signals as a file says", changes=True),
    Command("yard signal diff", "signals", compared, Applied, "what apply would change"),
    Command("yard read", "signals", one_read, Single, "read a file", form="yaml"),
    Command("yard odd", "signals", odd, One, "odd plans", changes=True),
]


def _rows(payload: Any, query: NoQuery) -> Iterable[Sample]:
    return [Sample(1)]


def _fetched(settings: Settings, query: NoQuery) -> Flow[Any]:
    return (yield from settings.get("/signals")).json()


def _sandbox(world: World) -> App:
    def app(asked: Asked) -> Answer:
        if asked.headers.get("x-key") != "sandbox-key":
            return Answer(status=401, json={})
        if asked.path == "/login":
            return Answer(json={"ticket": TICKET})
        if asked.method == "PUT":
            return Answer(json={"name": asked.path.rpartition("/")[2]})
        return Answer(json=[{"name": "sandy", "color": "red", "track": 1}])

    return app


SIGNALS = Source(
    type="signals",
    settings=Settings,
    metrics=[Metric("count", Dataset("signals", _fetched), _rows, help="how many there are")],
    sandbox=Sandbox(_sandbox, settings={"key": "sandbox-key"}),
    session=log_in,
)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    return [SIGNALS]


@hookimpl
def checkmill_commands() -> Iterable[Command[Any, Any]]:
    return COMMANDS


def site(home: Path) -> Path:
    """Lay the plugin down as an installed distribution, and give the folder for the path."""
    about = home / "site" / "signals-1.0.dist-info"
    about.mkdir(parents=True)
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: signals\nVersion: 1.0\n", "utf-8")
    about.joinpath("entry_points.txt").write_text("[checkmill]\nsignals = support.signals\n", "utf-8")
    return about.parent


RULES = """\
sources:
  main: {type: signals, base_url: <url>, key: "${KEY}", retries: 0}
"""


@contextmanager
def served(yard: Yard, desk: Desk, patch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve a yard, install the plugin for the test and for its processes, and configure one source."""
    folder = site(desk.home)
    patch.syspath_prepend(str(folder))
    tests = Path(__file__).parents[1]
    desk.environ |= {"KEY": KEY, "PYTHONPATH": f"{folder}{os.pathsep}{tests}", "PATH": os.environ["PATH"]}
    with http_server(yard.answer) as server:
        desk.write(RULES, url=server.url)
        yield server


class Yard:
    """The vendor: keeps signals, answers to who has the key, or with what a test wants by method and path."""

    def __init__(self, *rows: Mapping[str, Any]) -> None:
        self.rows = {row["name"]: dict(row) for row in rows}
        self.replies: dict[str, Reply] = {}
        self.got: list[Got] = []

    @property
    def changing(self) -> Sequence[str]:
        """The requests that change something: method and path."""
        return [f"{one.method} {one.target}" for one in self.got if one.method in {"PUT", "DELETE"}]

    def answer(self, got: Got) -> Reply:
        self.got.append(got)
        path = got.target.partition("?")[0]
        wanted = self.replies.get(f"{got.method} {path}")
        if wanted is not None:
            return wanted
        if got.headers.get("x-key") != KEY:
            return Reply(401, f"no such key {got.headers.get('x-key')}".encode())
        name = path.removeprefix("/signals").strip("/")
        if path == "/login":
            return _json({"ticket": TICKET})
        if got.method == "PUT":
            self.rows[name] = json.loads(got.body)
            return _json({"name": name})
        if name and name not in self.rows:
            return Reply(404, b"there is none")
        if got.method == "DELETE":
            del self.rows[name]
            return Reply(204)
        return _json(self.rows[name] if name else list(self.rows.values()))


def _json(value: Any) -> Reply:
    return Reply(200, json.dumps(value).encode(), {"Content-Type": "application/json"})
