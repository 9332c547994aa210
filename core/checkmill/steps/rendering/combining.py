"""Several services of one check as a single result, for consumers that take one plugin output."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from checkmill.model.result import Perf, Result
from checkmill.model.state import State, worst_of
from checkmill.steps.rendering.cleaning import cut, one_line

#: How many services that are not OK the text names, and how many bytes it gives to each.
NAMED = 3
BYTES_EACH = 100


def combined(results: Sequence[Result]) -> Result:
    """Give many results as one: the worst state, a text that leads with the problem, a line in the details for each.

    Labels of values are led by the label values of their service, or by its name where it has none. Of one result
    nothing changes; of none the state is UNKNOWN.
    """
    if not results:
        return Result(check="", service="", state=State.UNKNOWN, output="no results", failed=True)
    if len(results) == 1:
        return results[0]
    worst_first = sorted(results, key=lambda result: -result.state.badness)
    check = _common(result.check for result in results)
    return Result(
        check=check,
        service=check or "all services",
        state=worst_of(result.state for result in results),
        output=_text(worst_first),
        source=_common(result.source for result in results),
        metric=_common(result.metric for result in results),
        host=_common(result.host for result in results),
        details="\n".join(f"[{result.state.value}] {_named(result)}" for result in worst_first),
        perfdata=tuple(_told_apart(result, perf) for result in results for perf in result.perfdata),
        tags=tuple(tag for tag in results[0].tags if all(tag in result.tags for result in results)),
        checked_at=min(result.checked_at for result in results),
        good_until=min(result.good_until for result in results),
        failed=all(result.failed for result in results),
    )


def _text(worst_first: Sequence[Result]) -> str:
    bad = [result for result in worst_first if result.state is not State.OK]
    if not bad:
        return f"{len(worst_first)} services OK"
    named = "; ".join(cut(_named(result), BYTES_EACH) for result in bad[:NAMED])
    others = f"; and {len(bad) - NAMED} more" if len(bad) > NAMED else ""
    return f"{len(bad)} of {len(worst_first)} services not OK: {named}{others}"


def _named(result: Result) -> str:
    return f"{one_line(result.service, 'unnamed')}: {one_line(result.output)}"


def _told_apart(result: Result, perf: Perf) -> Perf:
    item = " ".join(result.labels.values()) or result.service
    return replace(perf, label=f"{item} {perf.label}")


def _common(values: Iterable[str]) -> str:
    different = set(values)
    return different.pop() if len(different) == 1 else ""
