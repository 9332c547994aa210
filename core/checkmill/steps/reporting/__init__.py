"""Last step of a run: results become deliveries, and deliveries are sent.

    making      deliveries of results: which services go to which target, in which words, and how long that is true
    targeting   what makes two targets the same, and targets that each service fills in for itself
    sending     one call for one body, and what came of it for each of its targets

A delivery is what one target of one reporter gets of one run: the worst state, and all services that report there. It
is in the outbox before it is sent, and its body holds no secret: those join on the wire.
"""

from __future__ import annotations

from checkmill.steps.reporting.making import body_of, deliveries_of
from checkmill.steps.reporting.sending import Sending, receipts_of, sending_of, start_of
from checkmill.steps.reporting.targeting import TargetError, may_be_same, stored_target, target_text

__all__ = [
    "Sending",
    "TargetError",
    "body_of",
    "deliveries_of",
    "may_be_same",
    "receipts_of",
    "sending_of",
    "start_of",
    "stored_target",
    "target_text",
]
