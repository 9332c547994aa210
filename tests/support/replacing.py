"""Documented answers in which hypothesis has put arbitrary values."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import strategies as st


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += _places(member, (*path, key))
    return found


@st.composite
def replaced(draw: st.DrawFn, document: Any, values: st.SearchStrategy[Any]) -> bytes:
    """A documented answer, as JSON, with up to three places replaced by other values."""
    answer = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.sampled_from(_places(answer)))
        value = draw(values)
        if not place:
            answer = value
            continue
        parent = answer
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = value
    return json.dumps(answer).encode()
