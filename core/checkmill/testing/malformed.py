"""Malformed answers: what a vendor's documented answer becomes when something on its way, or the vendor, goes wrong."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hypothesis.strategies import DataObject

#: What may stand where something else should.
ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    "",
    "ok",
    "0x10",
    "1e999",
    "a\nb|c;d='e'",
    "\ud800",
    [],
    {},
    [[]],
    {"a": {"b": []}},
    0,
    -5,
    0.5,
    1 << 70,
    1 << 2000,
    float("nan"),
    float("inf"),
)
#: What stands for a whole answer.
WHOLE = (
    b"",
    b"null",
    b"[]",
    b"{}",
    b"5",
    b'"no"',
    b"true",
    b"<html>",
    b"\xff\xfe\x00{",
    b"[[[[[[[[]]]]]]]]",
    b"{{",
    b"'",
)


def malformed(body: bytes, data: DataObject) -> bytes:
    """Give the body with something wrong: bytes cut or changed, another answer whole, or for JSON one value of it."""
    from hypothesis import strategies as st

    answer = _tree(body)
    kinds = ["cut", "whole", "bytes", *(["value", "left out", "twice"] if isinstance(answer, dict | list) else [])]
    kind = data.draw(st.sampled_from(kinds), label="kind")
    if kind == "whole":
        return data.draw(st.sampled_from(WHOLE), label="instead")
    if kind == "cut":
        return body[: data.draw(st.integers(0, max(0, len(body) - 1)), label="length")]
    if kind == "bytes":
        at = data.draw(st.integers(0, max(0, len(body) - 1)), label="at")
        return body[:at] + data.draw(st.binary(max_size=4), label="bytes") + body[at + 1 :]
    spots = list(_spots(answer))
    if not spots:
        return b"[]"
    path = data.draw(st.sampled_from(spots), label="path")
    changed = copy.deepcopy(answer)
    holder = changed
    for part in path[:-1]:
        holder = holder[part]
    if kind == "value":
        holder[path[-1]] = data.draw(st.sampled_from(ODD_VALUES), label="value")
    elif kind == "left out":
        del holder[path[-1]]
    elif isinstance(holder, list):
        holder.append(copy.deepcopy(holder[path[-1]]))
    else:
        holder[f"{path[-1]} "] = holder[path[-1]]
    return json.dumps(changed).encode()


def _tree(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _spots(value: Any, path: tuple[Any, ...] = ()) -> Any:
    """The paths of all values within a value, but itself."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from _spots(item, (*path, key))
