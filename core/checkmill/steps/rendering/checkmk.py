"""Lines of a Checkmk local check: `STATE "Service name" METRICS text`, one a service.

States are fixed ones (0 to 3): the rule has judged, and Checkmk's own levels treat a value equal to its limit in
another way. A result's host is for piggyback, which needs headers that a local check must not print; it is not
written here, and equal service names of two hosts are numbered like any others.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkmill.model.result import Result
from checkmill.steps.rendering.cleaning import cut, cut_lines, lines_of, one_line, unique
from checkmill.steps.rendering.perfdata import checkmk_metric, graphed

#: Checkmk has no limit of its own; these keep one hostile answer from filling the agent's output. In bytes.
LONGEST_NAME = 200
LONGEST_TEXT = 1000
LONGEST_DETAILS = 8000

#: Neither kind of quote may stand in a service name, and there is no escape.
_TYPOGRAPHIC = str.maketrans({'"': "\u201d", "'": "\u2019"})


def checkmk_local(results: Sequence[Result]) -> str:
    """Write a line for every result; names are unique over the output, the first of equals keeps its own."""
    names = unique([_name(result) for result in results], lambda name, number: f"{name} ({number})")
    return "".join(_line(name, result) for name, result in zip(names, results, strict=True))


def _line(name: str, result: Result) -> str:
    graph = graphed(result.perfdata)
    metrics = "|".join(checkmk_metric(label, perf) for label, perf in graph.values) or "-"
    text = one_line(result.output)
    shown = cut(text, LONGEST_TEXT)
    details = ([text] if shown != text else []) + lines_of(result.details)
    lines = [shown + graph.note, *cut_lines(details, LONGEST_DETAILS)]
    return f'{result.state.exit_code} "{name}" {metrics} ' + r"\n".join(map(_unescaped, lines)) + "\n"


def _name(result: Result) -> str:
    return cut(one_line(result.service, "unnamed").translate(_TYPOGRAPHIC), LONGEST_NAME)


def _unescaped(text: str) -> str:
    r"""A text in which no `\n` stands, since Checkmk makes a line end of it and knows no escape: `C:\new`, `C:/new`."""
    return text.replace(r"\n", "/n")
