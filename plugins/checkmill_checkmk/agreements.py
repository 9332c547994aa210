"""What was computed of service levels, in nobody's wire form: readers of any API fill these, metrics read them.

Agreement       one SLA of one service
  Computation   one of its requirements on the service, as configured
    Span        one SLA period of it: verdict, shares of time
      Requirement   one part that is kept or broken
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

#: The states a monitored service can be in, and that in which nothing is known of it.
MONITORED = ("ok", "warn", "crit", "unknown")
UNMONITORED = "unmonitored"
STATES = (*MONITORED, UNMONITORED)
#: Kinds of computation that the metrics know.
PERCENTAGE, OUTAGES = "percentage", "outages"


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One part of a computation. What was not sent, or made no sense, is None or "".

    `state` is one of STATES, `bound` is `min` or `max`, `required` the bound: percent, or a number of outages.
    `deviation` is what is left until it is broken, negative beyond, in percentage points or outages.
    `deviation_state` is `ok`, `warn` or `crit`; `levels` are the margins at which the last two begin, None where no
    usable ones came, (0, 0) where none are configured. `outages` counts what broke or used up the requirement.
    """

    broken: bool | None
    state: str = ""
    bound: str = ""
    required: float | None = None
    deviation: float | None = None
    deviation_state: str = ""
    levels: tuple[float, float] | None = None
    outages: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """One SLA period of one computation. Times are epoch seconds.

    `seconds` and `percentages` are by state, a state that did not occur is 0; where they are None, `no_seconds` and
    `no_percentages` say why. `duration` in seconds is what the computation covers, None where it is not usable.
    """

    since: float
    until: float
    broken: bool | None
    duration: float | None = None
    seconds: Mapping[str, float] | None = None
    no_seconds: str = ""
    percentages: Mapping[str, float] | None = None
    no_percentages: str = ""
    requirements: tuple[Requirement, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Computation:
    """One requirement as configured: `kind` is PERCENTAGE, OUTAGES or the vendor's word; `spans` in order of time."""

    kind: str
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """One SLA of one service. `cycle` is `daily`, `weekly`, `monthly` or "". With a `problem` nothing else is good.

    `numbers` are the SLA periods that the answer itself says it is of: the newest and how many more before it, as they
    are asked for; None where it does not say so in the documented form.
    """

    site: str
    host: str
    service: str
    sla: str
    cycle: str = ""
    numbers: tuple[int, int] | None = None
    computations: tuple[Computation, ...] = field(default=())
    problem: str = ""
