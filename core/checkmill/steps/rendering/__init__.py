"""Rendering: results in, text out. From one result every form is cleaned for its own consumer; nothing here does I/O.

nagios      one plugin output           nagios.py, with combining.py when there are several services
checkmk     lines of a local check      checkmk.py
json jsonl  for programs                jsonform.py
openmetrics for Prometheus              openmetrics.py
table       for people                  table.py

A form that a plugin adds is one more entry beside those of `FORMATS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from checkmill.model.result import Result
from checkmill.steps.rendering.checkmk import checkmk_local
from checkmill.steps.rendering.combining import combined
from checkmill.steps.rendering.jsonform import json_lines, json_list
from checkmill.steps.rendering.nagios import nagios
from checkmill.steps.rendering.openmetrics import openmetrics
from checkmill.steps.rendering.table import table


@dataclass(frozen=True, kw_only=True)
class Look:
    """What a form may know about where its text goes.

    `now` is epoch seconds; `width` is the terminal's in columns, None where there is none; `verbosity` counts `-v`.
    """

    now: float
    width: int | None = None
    color: bool = False
    verbosity: int = 0


#: Makes text of results. The text is empty or ends with a line end.
Renderer: TypeAlias = Callable[[Sequence[Result], Look], str]

#: The forms that `--format` knows, by name.
FORMATS: Mapping[str, Renderer] = {
    "table": lambda results, look: table(results, width=look.width, color=look.color, now=look.now),
    "json": lambda results, _look: json_list(results),
    "jsonl": lambda results, _look: json_lines(results),
    "nagios": lambda results, look: nagios(results, verbosity=look.verbosity),
    "checkmk": lambda results, _look: checkmk_local(results),
    "openmetrics": lambda results, _look: openmetrics(results),
}

__all__ = [
    "FORMATS",
    "Look",
    "Renderer",
    "checkmk_local",
    "combined",
    "json_lines",
    "json_list",
    "nagios",
    "openmetrics",
    "table",
]
