"""Every plugin of the tree passes the conformance suite that authors use for theirs."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import entry_points
from types import ModuleType

import pytest

from checkmill.api.v1 import (
    Answer,
    App,
    Asked,
    Dataset,
    Flow,
    Metric,
    NoQuery,
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

    def headers(self) -> dict[str, Secret]:
        return {"x-token": self.token}


def flow(settings: Careless, _: NoQuery) -> Flow[object]:
    response = yield from settings.get("/anything")
    return response.json()


def samples(payload: object, _: NoQuery) -> Iterator[Sample]:
    yield Sample(float(len(payload)), undeclared="yes")  # type: ignore[arg-type]


def lets_everybody_in(_: World) -> App:
    def answer(_: Asked) -> Answer:
        return Answer(json={"a": 1})

    return answer


def test_a_careless_plugin_is_told_everything_at_once() -> None:
    metric = Metric("things", Dataset("things", flow), samples)
    source = Source("careless", Careless, [metric], sandbox=Sandbox(lets_everybody_in, {"token": "some-token"}))
    plugin = ModuleType("careless")

    def checkmill_sources() -> Iterable[Source[Careless]]:
        return [source]

    plugin.checkmill_sources = checkmill_sources  # type: ignore[attr-defined]
    assert failures_of(plugin) == [
        "careless: setting token has no Doc",
        "careless: metric things has no help",
        "careless: metric things: its label undeclared is not declared",
        "careless: metric things raises TypeError for null; a SourceError or missing samples are expected",
        "careless: metric things makes a value of a list",
        "careless: metric things makes a value of an object",
        "careless: metric things raises TypeError for a number; a SourceError or missing samples are expected",
        "careless: metric things makes a value of a text",
        "careless: metric things makes a value of an error row",
        "careless: metric things gets values from the sandbox with a wrong token",
    ]
