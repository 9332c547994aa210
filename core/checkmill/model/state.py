"""The four states a service can be in, their exit codes, and which is worse."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(Enum):
    """A verdict, as Nagios, Icinga and Checkmk know it."""

    OK = "OK"
    WARNING = "WARNING"
    CRITICAL = "CRITICAL"
    UNKNOWN = "UNKNOWN"

    @property
    def exit_code(self) -> int:
        """The exit code of a Nagios plugin, which is also the state field of a Checkmk local check."""
        return _EXIT_CODE[self]

    @property
    def badness(self) -> int:
        """The place in the order OK < WARNING < UNKNOWN < CRITICAL.

        UNKNOWN stands below CRITICAL, as in Checkmk: what could not be measured must never hide what is known to be
        broken, as the plain maximum of the exit codes would. It stands above WARNING, because it may be anything.
        """
        return _BADNESS[self]

    def is_worse_than(self, other: State) -> bool:
        """Whether this state outranks the other."""
        return _BADNESS[self] > _BADNESS[other]


_EXIT_CODE = {State.OK: 0, State.WARNING: 1, State.CRITICAL: 2, State.UNKNOWN: 3}
_BADNESS = {State.OK: 0, State.WARNING: 1, State.UNKNOWN: 2, State.CRITICAL: 3}

#: The words a rule file uses for states.
STATE_WORDS = {"ok": State.OK, "warn": State.WARNING, "crit": State.CRITICAL, "unknown": State.UNKNOWN}


def worst_of(states: Iterable[State]) -> State:
    """Give the worst of some states; of none at all, UNKNOWN, since nothing was seen to be well."""
    return max(states, key=lambda state: state.badness, default=State.UNKNOWN)
