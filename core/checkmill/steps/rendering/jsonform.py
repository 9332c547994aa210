"""Results as JSON for programs: a list of objects, or JSON Lines. Nothing is cut, and all characters come through."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from checkmill.model.moments import iso_utc
from checkmill.model.result import Result, result_as_json
from checkmill.steps.rendering.cleaning import whole_characters
from checkmill.steps.rendering.perfdata import is_finite

#: What JSON allows in a string but line readers and terminals act on: DEL, C1, line separators, reading direction.
_ACTED_ON = re.compile("[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def json_list(results: Sequence[Result]) -> str:
    """Write a list of objects. Values that are not finite are null; `checked_at` is ISO 8601 in UTC."""
    return _escaped(json.dumps([_object(result) for result in results], indent=2, **_STRICT)) + "\n"


def json_lines(results: Sequence[Result]) -> str:
    """Write one object a line, the same objects as `json_list`."""
    return "".join(_escaped(json.dumps(_object(result), **_STRICT)) + "\n" for result in results)


_STRICT: dict[str, Any] = {"ensure_ascii": False, "allow_nan": False}


def _object(result: Result) -> Any:
    return _strict(result_as_json(result, iso_utc(result.checked_at)))


def _strict(value: Any) -> Any:
    """The same value with nothing in it that strict JSON or UTF-8 cannot say."""
    if isinstance(value, str):
        return whole_characters(value)
    if isinstance(value, Mapping):
        return {whole_characters(str(key)): _strict(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_strict(item) for item in value]
    if isinstance(value, int | float) and not is_finite(value):
        return None
    return value


def _escaped(document: str) -> str:
    return _ACTED_ON.sub(lambda found: f"\\u{ord(found[0]):04x}", document)
