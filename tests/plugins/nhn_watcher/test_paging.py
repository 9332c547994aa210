"""Lists are read to their end, each row once, and one that was not read whole is never counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from checkmill.api.v1 import ParseError, Request
from plugins.nhn_watcher.documented import (
    HISTORY,
    SEARCH,
    Vendor,
    alarm,
    alarms,
    make,
    params_of,
    reason,
    record,
    records,
    samples,
    values,
)

MANY = [alarm(f"al-{number}", f"alarm {number}") for number in range(7)]


def paged(rows: list[Any], make_page: Callable[..., Any] = alarms) -> Callable[[Request], Any]:
    """A vendor that cuts a list into the pages that are asked for."""

    def answer(request: Request) -> Any:
        asked = dict(params_of(request))
        number, size = int(asked["page"]), int(asked["size"])
        return make_page(*rows[number * size : (number + 1) * size], total=len(rows))

    return answer


@pytest.mark.parametrize(
    ("size", "pages"), [(1, 7), (2, 4), (3, 3), (6, 2), (7, 1), (100, 1)], ids=lambda value: str(value)
)
def test_all_pages_are_read_and_none_too_many(size: int, pages: int) -> None:
    vendor = Vendor({SEARCH: paged(MANY)})
    (sample,) = samples("alarms", vendor, make(page_size=size))
    assert sample.value == 7
    assert [dict(params_of(one))["page"] for one in vendor.asked] == [str(number) for number in range(pages)]


def test_a_vendor_that_sends_less_than_was_asked_for_is_read_to_the_end() -> None:
    def capped(request: Request) -> Any:
        number = int(dict(params_of(request))["page"])
        return alarms(*MANY[number * 3 : number * 3 + 3], total=7)

    (sample,) = samples("alarms", {SEARCH: capped}, make(page_size=50))
    assert sample.value == 7


def test_no_alarm_at_all_is_a_count() -> None:
    (sample,) = samples("alarms", {SEARCH: alarms()})
    assert sample.value == 0


def test_what_comes_twice_while_the_list_grows_is_one() -> None:
    pages = [alarms(*MANY[:3], total=5), alarms(*MANY[2:5], total=6), alarms(total=6)]
    (sample,) = samples("alarms", {SEARCH: pages}, make(page_size=3))
    assert sample.value == 5


@pytest.mark.parametrize(
    ("pages", "said"),
    [
        ([alarms(*MANY[:3], total=7), alarms(total=7)], "the list is not whole: 3 of 7 items came"),
        ([alarms(*MANY[:3], total=7), alarms(*MANY[:3], total=7)], "the list is not whole: 3 of 7 items came"),
        (
            [alarms(*MANY[:3], total=5), alarms(*MANY[3:4], total=4)],
            "the list changed while it was read: it went from 5 items to 4",
        ),
        ([alarms(*MANY[:3], total=1)], "the list contradicts itself: 3 items came, and totalItems is 1"),
        ([alarms(*MANY[:3], total=0)], "the list contradicts itself: 3 items came, and totalItems is 0"),
    ],
)
def test_a_list_that_is_not_whole_is_not_counted(pages: Any, said: str) -> None:
    assert reason(samples("alarms", {SEARCH: pages}, make(page_size=3))) == said


def test_a_list_longer_than_most_pages_is_not_counted_and_says_what_to_do() -> None:
    vendor = Vendor({SEARCH: paged(MANY)})
    found = samples("alarms", vendor, make(page_size=2, most_pages=3))
    assert reason(found) == ("the list is not whole: 6 of 7 items came; most_pages and page_size say how much is read")
    assert len(vendor.asked) == 3


def test_a_list_that_is_just_as_long_as_most_pages_is_whole() -> None:
    (sample,) = samples("alarms", {SEARCH: paged(MANY[:6])}, make(page_size=2, most_pages=3))
    assert sample.value == 6


def test_items_without_any_on_the_first_page_are_refused() -> None:
    with pytest.raises(ParseError, match="empty although totalItems is 12"):
        samples("alarms", {SEARCH: alarms(total=12)})


@pytest.mark.parametrize("name", ["notifications", "failed_notifications", "stuck_notifications", "events"])
def test_a_history_that_is_cut_is_missing_for_its_alarm(name: str) -> None:
    rows = [record(f"ah-{number}") for number in range(5)]
    found = samples(name, {HISTORY: paged(rows, records)}, make(page_size=2, most_pages=2))
    assert "4 of 5 items came" in reason(found)
    assert found[0].labels == {"alarm": "deploys", "id": "al-1"}


def test_a_history_of_several_pages_is_counted_whole() -> None:
    rows = [record(f"ah-{number}", ago=number) for number in range(25)]
    assert values("notifications", {HISTORY: paged(rows, records)}, make(page_size=10)) == {"deploys": 25}


def test_alarms_that_are_known_are_told_although_the_list_is_cut() -> None:
    found = samples("alarm_status", {SEARCH: paged(MANY)}, make(page_size=2, most_pages=1))
    assert [sample.value for sample in found] == [None, "STABLE", "STABLE"]
    assert found[0].labels == {}


def test_a_record_that_came_twice_and_not_alike_is_not_counted() -> None:
    pages = [records(record("a"), record("b"), total=3), records(record("b", result="FAILURE"), record("c"), total=3)]
    found = samples("failed_notifications", {HISTORY: pages}, make(page_size=2))
    assert reason(found) == "1 of 3 records came twice, and not alike"


def test_the_other_spelling_of_the_id_of_a_record_is_one_as_well() -> None:
    rows = [{**record(), "alarmHistoriesId": f"ah-{number}"} for number in range(2)]
    for row in rows:
        del row["alarmHistoryId"]
    assert values("notifications", {HISTORY: records(*rows)}) == {"deploys": 2}
