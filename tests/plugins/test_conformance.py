"""Every plugin of the tree passes the conformance suite that authors use for theirs."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType

import pytest

from checkmill.api.v1 import (
    Answer,
    App,
    Arguments,
    Asked,
    Command,
    Dataset,
    Flow,
    Metric,
    NoQuery,
    Plan,
    Sample,
    Sandbox,
    Secret,
    Source,
    SourceSettings,
    World,
)
from checkmill.testing.conformance import failures_of

MODULES = sorted({one.value for one in entry_points(group="checkmill") if one.dist and one.dist.name == "checkmill"})


@pytest.mark.parametrize("module", MODULES)
def test_a_plugin_of_the_tree_conforms(module: str) -> None:
    assert failures_of(importlib.import_module(module)) == []


@dataclass(frozen=True, kw_only=True)
class Careless(SourceSettings):
    token: Secret


@dataclass(frozen=True, kw_only=True)
class Named(Arguments):
    name: str = "x"


def flow(settings: Careless, _: NoQuery) -> Flow[object]:
    response = yield from settings.get(f"/anything/{settings.token.reveal()}")
    return response.json()


def samples(payload: object, _: NoQuery) -> Iterator[Sample]:
    Path(os.devnull).read_bytes()
    yield Sample(float(len(payload)), undeclared="yes")  # type: ignore[arg-type]


def listed(settings: Careless, _: Named) -> Flow[Plan]:
    response = yield from settings.get("/list")
    return Plan(data=[{"name": name} for name, _ in response.json().items()])


def lets_everybody_in(_: World) -> App:
    def answer(_: Asked) -> Answer:
        return Answer(json={"a": 1})

    return answer


def test_a_careless_plugin_is_told_everything_at_once() -> None:
    metric = Metric("things", Dataset("things", flow), samples, unit="furlongs")
    source = Source("careless", Careless, [metric], sandbox=Sandbox(lets_everybody_in, {"token": "tok-careless"}))
    plugin = ModuleType("careless")

    def checkmill_sources() -> Iterable[Source[Careless]]:
        return [source]

    def checkmill_commands() -> Iterable[Command[Careless, Named]]:
        return [Command("careless list", "careless", listed, Named, "")]

    plugin.checkmill_sources = checkmill_sources  # type: ignore[attr-defined]
    plugin.checkmill_commands = checkmill_commands  # type: ignore[attr-defined]
    assert failures_of(plugin) == [
        "careless: setting token has no Doc",
        "careless has no help",
        "careless: metric things has no help",
        "careless: metric things has the unit 'furlongs', which is none of '', '%', 'B', 's', '1/s', 'B/s', 'bit/s'",
        "careless: metric things does I/O: it opens a file",
        "careless: metric things: its label undeclared is not declared",
        "careless: metric things raises TypeError for null; a SourceError or missing samples are expected",
        "careless: metric things makes a value of a list",
        "careless: metric things makes a value of an object",
        "careless: metric things raises TypeError for a number; a SourceError or missing samples are expected",
        "careless: metric things makes a value of a text",
        "careless: metric things makes a value of an error row",
        "careless: metric things gets values from the sandbox with a wrong token",
        "careless: the request /anything/*** shows a secret; keep it a Secret up to the wire",
        "careless: metric things under a malformed answer: its label undeclared is not declared",
        "command 'careless list': argument name has no Doc",
        "command 'careless list': it has no help",
        "command 'careless list' raises AttributeError for null; a SourceError is expected",
        "command 'careless list' raises AttributeError for a list; a SourceError is expected",
        "command 'careless list' raises AttributeError for a number; a SourceError is expected",
        "command 'careless list' raises AttributeError for a text; a SourceError is expected",
        "command 'careless list' raises AttributeError for an error row; a SourceError is expected",
    ]
