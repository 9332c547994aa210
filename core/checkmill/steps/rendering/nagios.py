"""The output of a Nagios plugin, as Nagios, Icinga, NRPE and Checkmk's MRPE read it.

    STATE - text | label=value;warn;crit;min;max label=value ...
    details

All values stand on line 1, since Nagios and Icinga differ about where a second line of them would begin, and no other
pipe stands anywhere, since both split at the first one.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkmill.model.levels import plain
from checkmill.model.moments import iso_utc
from checkmill.model.result import Result
from checkmill.steps.rendering.cleaning import cut, cut_lines, lines_of, one_line, size_of
from checkmill.steps.rendering.combining import combined
from checkmill.steps.rendering.perfdata import graphed, is_finite, nagios_metric

#: Nagios documents 8192 bytes with the closing NUL for the whole output, and the tools that read it may cut there.
WHOLE = 8191
#: A line 1 of this size passes every hop; NRPE's version 2 packets cut at 1023 bytes.
LINE = 1000
#: The text gets what the values leave of the line within these bounds. A text that is cut is whole in the details.
SHORTEST_TEXT, LONGEST_TEXT = 200, 400
#: What is left of the whole for values when the text is shortest and the details are only a note.
VALUES = 7800


def nagios(results: Sequence[Result], *, verbosity: int = 0) -> str:
    """Write one plugin output for one service or many; it is never empty and ends with a line end.

    With verbosity 1 the details say what was measured when, by which check; with 2 they list the values.
    """
    result = combined(results)
    values, left_out = _values(result)
    room = max(SHORTEST_TEXT, min(LONGEST_TEXT, LINE - size_of(values)))
    lead = f"{result.state.value} - "
    # Nagios makes a colon of every semicolon in line 1, which would change the sense of the sentence.
    text = _unpiped(one_line(result.output)).replace(";", ",")
    shown = cut(text, room - size_of(lead) - size_of(left_out))
    line = lead + shown + left_out + values
    details = [text] if shown != text else []
    further = lines_of(result.details) + [spoken for each in results for spoken in _spoken(each, verbosity)]
    details += map(_unpiped, further)
    return "\n".join([line, *cut_lines(details, WHOLE - size_of(line) - 1)]) + "\n"


def _values(result: Result) -> tuple[str, str]:
    """The values with the pipe before them, and a remark about those that are left out."""
    graph = graphed(result.perfdata)
    written: list[str] = []
    room = VALUES - size_of(" |")
    for label, perf in graph.values:
        metric = nagios_metric(label, perf)
        if size_of(metric) + 1 > room:
            break
        room -= size_of(metric) + 1
        written.append(metric)
    too_many = len(graph.values) - len(written)
    note = f" ({too_many} of {len(graph.values)} metrics left out)" if too_many else ""
    return (" | " + " ".join(written) if written else "", graph.note + note)


def _spoken(result: Result, verbosity: int) -> list[str]:
    if verbosity < 1:
        return []
    measured = f"check {result.check}, source {result.source}, metric {result.metric}, at {iso_utc(result.checked_at)}"
    lines = [one_line(f"{result.service}: {measured}")]
    if verbosity > 1:
        for perf in result.perfdata:
            value = f"{plain(perf.value)} {perf.unit}" if is_finite(perf.value) else "not finite"
            limits = "".join(
                f", {name} {limit}" for name, limit in (("warn", perf.warn), ("crit", perf.crit)) if limit is not None
            )
            lines.append(one_line(f"{result.service}: {perf.label} = {value.rstrip()}{limits}"))
    return lines


def _unpiped(text: str) -> str:
    return text.replace("|", "¦")
