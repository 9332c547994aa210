"""What follows from the outcome of an attempt: the stage of the delivery, and when it may be tried again."""

from __future__ import annotations

import math
from dataclasses import dataclass

from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt

#: The wait after the first attempt that failed, and the longest one.
FIRST_WAIT_S = 5.0
LONGEST_WAIT_S = 120.0
#: A receiver may ask for any wait. It is asked again after this much all the same: sooner than a delivery expires that
#: may grow an hour old, and soon enough for an operator who waits for it.
LONGEST_ASKED_S = 2700.0


@dataclass(frozen=True)
class Ended:
    """An attempt that is over: the delivery as it was begun, what came of it and how long that took.

    `answered` says that the receiver was there, whatever it said: the outcome may be unknown all the same. `not_now`
    says that it answered 429 or 503. `tries` is how often what is refused is sent, `chance` a number in [0, 1).
    `is_cut_off` says that it was left before it was over, which says nothing of the receiver; `is_begun` that anything
    was done at all.
    """

    delivery: Delivery
    receipt: Receipt
    elapsed_s: float | None = None
    answered: bool = False
    not_now: bool = False
    tries: int = 1
    chance: float = 0.0
    is_cut_off: bool = False
    is_begun: bool = True

    @property
    def has_answer(self) -> bool:
        """Whether the receiver is there and takes deliveries, or says no."""
        return self.answered or self.receipt.outcome in {Outcome.ACCEPTED, Outcome.REFUSED}


def stage_after(ended: Ended, refusals: int) -> Stage:
    """The stage that an attempt leads to; `refusals` counts those of this delivery, this one included."""
    outcome = ended.receipt.outcome
    if outcome is Outcome.ACCEPTED:
        return Stage.ACCEPTED
    if outcome is Outcome.REFUSED:
        return Stage.REFUSED if refusals >= ended.tries else Stage.PENDING
    if outcome is Outcome.UNKNOWN:
        return Stage.PENDING if ended.delivery.repeat_unknown else Stage.UNKNOWN
    return Stage.PENDING


def backoff_s(failures: int, chance: float) -> float:
    """Seconds to wait after so many failures (from 1): twice as long each time, shortened by chance to half at most.

    What many machines began together is so not repeated together.
    """
    longest_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(max(failures, 1) - 1, 30))
    return longest_s * (1 - chance / 2)


def asked_s(retry_after_s: float | None) -> float:
    """The wait that the receiver asked for: 0 where it asked for none, or for what is no number."""
    if retry_after_s is None or math.isnan(retry_after_s):
        return 0.0
    return min(max(retry_after_s, 0.0), LONGEST_ASKED_S)


def next_try_at(ended: Ended, now: float) -> float:
    """When a delivery may be tried again, never sooner than the receiver asked."""
    return now + max(backoff_s(ended.delivery.attempts, ended.chance), asked_s(ended.receipt.retry_after_s))
