"""Reads definitions as a command does: from YAML, with places, `${...}` and all that is wrong told at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from checkmill.cli.presenting import plain_data, yaml_text
from checkmill.model.option import options_of
from checkmill.steps.reading.documents import document_of
from checkmill_nhn_monitoring.commands import Defined
from checkmill_nhn_monitoring.definitions import Definition

OPTION = next(one for one in options_of(Defined) if one.name == "definitions")


def read(text: str, environ: Mapping[str, str] | None = None) -> tuple[tuple[Definition, ...] | None, list[str]]:
    """The definitions in a text, or what is wrong with it."""
    raw = text.encode()
    value, problems = document_of(OPTION, "-", environ or {}, sandbox=False, standard_input=lambda most: raw[:most])
    return value, [str(problem) for problem in problems]


def definitions(text: str, environ: Mapping[str, str] | None = None) -> tuple[Definition, ...]:
    """The definitions in a text that is well."""
    value, problems = read(text, environ)
    assert problems == []
    assert value is not None
    return value


def written(data: Any) -> str:
    """What a command prints of its data."""
    return yaml_text(plain_data(data))
