"""Results as a table for people at a terminal."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from io import StringIO

from checkmill.model.moments import age
from checkmill.model.result import Result
from checkmill.model.state import State
from checkmill.steps.rendering.cleaning import one_line

_COLOURS = {State.OK: "green", State.WARNING: "yellow", State.UNKNOWN: "magenta", State.CRITICAL: "bold red"}
#: Wide enough that no text is wrapped.
_ENDLESS = 1_000_000
_BLANK_END = re.compile(r"(?: |\x1b\[[0-9;]*m)+$", re.MULTILINE)


def table(results: Sequence[Result], *, width: int | None, color: bool, now: float) -> str:
    """Write a table, worst first and then by name, with a line below that counts the states.

    `width` is that of the terminal in columns, None for lines as long as they need to be; `now` is epoch seconds.
    """
    if not results:
        return "no results\n"
    # rich is imported only here: no other form may wait for it.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    hosts = any(result.host for result in results)
    drawn = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    drawn.add_column("State", no_wrap=True)
    drawn.add_column("Service", overflow="fold")
    if hosts:
        drawn.add_column("Host", overflow="fold")
    drawn.add_column("Output", overflow="fold")
    drawn.add_column("Checked", no_wrap=True)
    for result in sorted(results, key=lambda result: (-result.state.badness, result.service)):
        cells = [Text(result.state.value, style=_COLOURS[result.state]), Text(one_line(result.service, "unnamed"))]
        if hosts:
            cells.append(Text(one_line(result.host, "")))
        drawn.add_row(*cells, Text(one_line(result.output)), Text(age(result.checked_at, now)))
    paper = StringIO()
    console = Console(
        file=paper,
        width=_ENDLESS if width is None else max(1, width),
        force_terminal=color,
        color_system="standard" if color else None,
        legacy_windows=False,
        # Nothing of the environment decides how the table looks.
        _environ={},
    )
    console.print(drawn)
    console.print(Text(f"\n{_summary(results)}"))
    return _BLANK_END.sub(lambda found: found[0].replace(" ", ""), paper.getvalue())


def _summary(results: Sequence[Result]) -> str:
    counts = Counter(result.state for result in results)
    counted = ", ".join(f"{counts[state]} {state.value}" for state in sorted(counts, key=lambda state: state.badness))
    return f"{len(results)} {'service' if len(results) == 1 else 'services'}: {counted}"
