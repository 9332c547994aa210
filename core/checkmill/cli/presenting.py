"""What a command of a plugin found, as a table, as YAML or as JSON: without secrets, and harmless to a terminal.

What is written as YAML or JSON reads back as it was, by Checkmill's own rules for files too: `no`, `12:30` and `0o17`
stand in quotes where they are text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from checkmill.cli.paragraphs import printable
from checkmill.cli.tables import columns
from checkmill.model.levels import plain
from checkmill.model.secret import Secret, redact

#: Deeper data comes from a plugin that has lost its way.
DEEPEST = 100
#: How an absent value stands in a table.
ABSENT = "-"


class UnshowableError(ValueError):
    """A plugin gave what cannot be shown; `str()` says what."""


def shown_data(data: Any, form: str) -> str:
    """Plain data as text. A form that does not fit it, a table of what is no list of rows, becomes YAML."""
    if form == "json":
        return json_text(data)
    return table_text(data) if form == "table" and is_table(data) else yaml_text(data)


def plain_data(data: Any, depth: int = 0) -> Any:
    """Data of maps, lists, texts, numbers, booleans and None alone, without secrets; NaN and infinities become None.

    Raises `UnshowableError` for anything else.
    """
    if depth > DEEPEST:
        raise UnshowableError(f"data that nests deeper than {DEEPEST} levels")
    if data is None or isinstance(data, bool):
        return data
    if isinstance(data, Secret):
        return str(data)
    if isinstance(data, str):
        # An enum of texts has a text of its own.
        return redact(str.__str__(data))
    if isinstance(data, int | float):
        return _plain_number(data)
    if isinstance(data, Mapping):
        return {redact(str(key)): plain_data(value, depth + 1) for key, value in data.items()}
    if isinstance(data, Sequence) and not isinstance(data, bytes | bytearray | memoryview):
        return [plain_data(item, depth + 1) for item in data]
    raise UnshowableError(f"an object of type {type(data).__name__}, which is no plain data")


def is_table(data: Any) -> bool:
    """Whether plain data is a list of rows with the same keys and no map inside."""
    if not isinstance(data, list) or not data or not all(isinstance(row, dict) and row for row in data):
        return False
    head = list(data[0])
    return all(list(row) == head and all(map(_fits_a_cell, row.values())) for row in data)


def table_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as columns."""
    head = [printable(name).replace("_", " ").upper() for name in rows[0]]
    return columns(head, [[_cell(value) for value in row.values()] for row in rows])


def json_text(data: Any) -> str:
    """Plain data as JSON; no character of it moves a terminal."""
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=2)
    return _escaped(text, lambda one: json.dumps(one)[1:-1]) + "\n"


def yaml_text(data: Any) -> str:
    """Plain data as YAML in block style; no character of it moves a terminal."""
    # PyYAML is imported only where something is shown with it.
    from checkmill.cli.yamltext import dumped

    return _escaped(dumped(data), lambda one: f"\\U{ord(one):08x}")


def _plain_number(number: float) -> Any:
    if isinstance(number, int):
        number = int(number)
    elif math.isfinite(number):
        number = float(number)
    else:
        return None
    written = repr(number)
    said = redact(written)
    return number if said == written else said


def _fits_a_cell(value: Any) -> bool:
    return not isinstance(value, dict) and (
        not isinstance(value, list) or not any(isinstance(one, dict | list) for one in value)
    )


def _cell(value: Any) -> str:
    if value is None or value in ("", []):
        return ABSENT
    if isinstance(value, list):
        return ", ".join(map(_cell, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return plain(value) if isinstance(value, float) else printable(str(value))


def _escaped(text: str, escape: Any) -> str:
    """A text whose characters outside the printable ones are written as escapes, line ends aside."""
    if text.replace("\n", "").isprintable():
        return text
    return "".join(one if one == "\n" or one.isprintable() else escape(one) for one in text)
