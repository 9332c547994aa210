"""Tolerance: how many samples of a service breach, and whether that is more than may.

Breaches of warn are all that are WARNING or CRITICAL, breaches of crit those that are CRITICAL. Each is held against
its own tolerance, of all samples that are there, missing, or expected and absent. What is absent breaches as
`on_missing` says, and what is stale as `on_stale` says. But a sample without value that is not OK is never tolerated:
it makes the service UNKNOWN at best, and CRITICAL where more are critical than may be.
"""

from __future__ import annotations

from collections.abc import Sequence

from checkmill.model.rule import Tolerate
from checkmill.model.state import State


def tolerated_state(states: Sequence[State], tolerate: Tolerate, *, unsure: bool = False) -> State:
    """The state of a service whose samples, present and absent, are in these states.

    `unsure` says that one of them has no value and is not OK for that.
    """
    critical = states.count(State.CRITICAL)
    if tolerate.crit.is_exceeded(critical, len(states)):
        return State.CRITICAL
    if unsure or State.UNKNOWN in states:
        return State.UNKNOWN
    return State.WARNING if tolerate.warn.is_exceeded(critical + states.count(State.WARNING), len(states)) else State.OK


def tolerated_note(tolerate: Tolerate, of: State, result: State) -> str:
    """What stands behind the reason of samples in a state: `, 10% tolerated`."""
    if of not in {State.WARNING, State.CRITICAL}:
        return ""
    if tolerate.warn == tolerate.crit:
        return f", {tolerate.crit} tolerated"
    if of is State.CRITICAL and result is not State.WARNING:
        return f", {tolerate.crit} tolerated"
    return f", {tolerate.warn} tolerated" + (" as warning" if of is State.CRITICAL else "")
