"""A plugin whose settings cannot be validated is a problem of its source; the others are read."""

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from checkmill.host import Host
from checkmill.steps.reading.schema import schema_of
from support.rulefiles import book_of, problems_of

TYPES = {"unresolved": "Unresolved", "arbitrary": "Arbitrary", "raising": "Raising"}
RAISED = {"unresolved": "PydanticUserError", "arbitrary": "PydanticSchemaGenerationError", "raising": "KeyError"}


def _host() -> Host:
    points = [EntryPoint(name, "support.odd_vendors", "checkmill") for name in TYPES]
    return Host([*points, EntryPoint("site", "support.vendors", "checkmill")])


@pytest.mark.parametrize("sandbox", [False, True], ids=["live", "sandbox"])
@pytest.mark.parametrize("kind", TYPES)
def test_settings_that_cannot_be_validated_are_a_problem_of_their_source(
    kind: str, sandbox: bool, tmp_path: Path
) -> None:
    key = "key: s3cr3t" if kind == "raising" else "retries: 1"
    text = (
        f"sources:\n  odd: {{type: {kind}, {key}}}\n  ok: {{type: site, base_url: https://x.example}}\n"
        "checks: [{name: a, source: odd, metric: x}, {name: b, source: ok, metric: cpu}]\n"
    )
    book = book_of(tmp_path, text, host=_host(), sandbox=sandbox)
    said = f"the plugin's class support.odd_vendors.{TYPES[kind]} fails with {RAISED[kind]}"
    assert problems_of(book) == [f"rules.yaml:2:8: sources.odd: {said}; report it to the plugin's author"]
    assert book.rule("a") is None
    assert book.rule("b") is not None


def test_schema_is_made_for_the_others() -> None:
    definitions = schema_of(_host())["$defs"]
    assert {name for name in definitions if name.startswith("source.")} == {
        f"source.{kind}" for kind in (*TYPES, "site", "exec")
    }
