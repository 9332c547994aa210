"""A multiple post that is refused, over real connections: the single posts after it have a time of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from checkmill.api.v1 import Outcome, Receipt, Secret
from checkmill.edges import Edges
from checkmill.model.delivery import Delivery
from checkmill.model.reporter import ConfiguredReporter, Report
from checkmill.steps.fetching import Job, carry_out
from checkmill.steps.reporting import receipts_of, sending_of, start_of
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget
from support.batchmon import Manner, Receiver, Visit, answer, scenario

REFUSAL = answer({"header": {"isSuccessful": False, "resultCode": -4, "resultMessage": "NO"}})


def delivered(receiver: Receiver, number: int, **settings: Any) -> Sequence[Receipt]:
    own = BatchmonSettings(base_url=receiver.url, appkey=Secret("81713f1cc96b4eae834f7535ec4fae7a"), **settings)
    reporter = ConfiguredReporter("nhn", NHN_BATCHMON, own, "{}", "checks.d/nhn.yaml", "digest")
    targets = [BatchmonTarget(scenario=scenario(n)) for n in range(1, number + 1)]
    deliveries = [Delivery("nhn", "{}", "OK", (), '{"state": "OK"}', 0.0, 1.0) for _ in targets]
    sending = sending_of(deliveries, [Report(reporter, target, {}) for target in targets])
    job = Job("reporter nhn", "reporter nhn", own, start_of(sending), sending.timeout_s, merge_reads=False)
    (done,) = carry_out([job], Edges())
    return receipts_of(sending, done.value, done.error)


def posted(receiver: Receiver) -> Counter[str]:
    return Counter(one for post in receiver.posts if not post.is_multiple for one in post.scenarios)


def refused_after(seconds: float, single_s: float) -> Manner:
    def visited(visit: Visit) -> None:
        if visit.post.is_multiple:
            visit.wait(seconds)
            visit.say(REFUSAL)
        else:
            visit.wait(single_s)
            visit.accept()

    return visited


@pytest.mark.parametrize("refused_s", [0.0, 0.7])
def test_single_posts_after_a_refusal_that_came_late_are_all_made(refused_s: float) -> None:
    with Receiver() as receiver:
        receiver.manner = refused_after(refused_s, 0.3)
        receipts = delivered(receiver, 6, timeout=0.9, workers=4)
        assert [receipt.outcome for receipt in receipts] == [Outcome.ACCEPTED] * 6
        assert set(posted(receiver).values()) == {1}


def test_single_posts_for_which_no_time_is_left_are_not_sent_and_none_is_unknown() -> None:
    with Receiver() as receiver:
        receiver.manner = refused_after(0.0, 0.25)
        receipts = delivered(receiver, 30, timeout=0.5, workers=2)
        outcomes = Counter(receipt.outcome for receipt in receipts)
        assert outcomes[Outcome.UNKNOWN] == 0
        assert outcomes[Outcome.ACCEPTED] == sum(posted(receiver).values()) >= 2
        assert outcomes[Outcome.NOT_SENT] == 30 - outcomes[Outcome.ACCEPTED] > 0


def test_a_multiple_post_without_an_answer_takes_the_time_of_one_delivery() -> None:
    with Receiver() as receiver:
        receiver.manner = refused_after(5.0, 0.0)
        receipts = delivered(receiver, 3, timeout=0.4)
        assert {receipt.outcome for receipt in receipts} == {Outcome.UNKNOWN}
        assert all(" within 0.4 s" in receipt.message for receipt in receipts)
        assert not posted(receiver)
