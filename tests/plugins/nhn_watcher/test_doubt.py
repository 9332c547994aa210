"""The commands that change: what cannot be seen is neither taken for absent nor for done."""

from __future__ import annotations

from typing import Any

import pytest

from plugins.nhn_watcher.documented import SEARCH, Vendor, alarm, alarms, body_of, carry_out, plan
from plugins.nhn_watcher.test_changing import CREATE, DONE, several
from plugins.nhn_watcher.test_definitions import definition


@pytest.mark.parametrize("name", ["deploys ", " deploys", "deploys\t"])
def test_a_name_with_spaces_around_it_is_the_same_name(name: str) -> None:
    vendor = Vendor()
    assert "exists already: al-1" in plan("create", vendor, file=definition(name=name)).problems[0]
    assert body_of(vendor.asked[0]) == {"alarmNameAnyLike": "deploys"}
    made = Vendor({CREATE: DONE})
    carry_out(plan("create", made, file=definition(name=name), duplicate=True).changes[0], made)
    assert body_of(made.asked[-1])["alarm"]["alarmName"] == "deploys"


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (
            alarms(*(alarm(f"al-{n}", f"new {n}") for n in range(3)), total=5),
            "the list is not whole: 3 of 5 items came",
        ),
        (alarms(alarm("", "new")), "row 1 of the list of alarms has no usable alarmId"),
        (alarms("new"), "row 1 of the list of alarms should be an object, but is text"),
        (alarms(alarm(alarmName=5)), "alarm al-1: its alarmName should be a text, but is 5"),
    ],
)
def test_nothing_is_created_where_nobody_can_see_whether_it_is_there_already(rows: Any, said: str) -> None:
    made = plan("create", {SEARCH: rows}, file=definition(name="new one"))
    sentence = f"whether an alarm of the name new one exists already could not be seen: {said}"
    assert made.problems == (f"{sentence}; --duplicate creates one nevertheless",)
    assert made.changes == ()
    assert len(plan("create", {SEARCH: rows}, file=definition(name="new one"), duplicate=True).changes) == 1


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (alarms(alarm("al-9"), total=3), "the list is not whole: 1 of 3 items came"),
        (alarms(alarm("", "deploys")), "row 1 of the list of alarms has no usable alarmId"),
        (alarms(alarm(alarmId=7), "x"), "row 1 of the list of alarms has no usable alarmId"),
    ],
)
def test_where_a_look_decides_nothing_it_is_said(rows: Any, said: str) -> None:
    vendor = several(**{SEARCH: rows})
    (change,) = plan("delete", vendor, ids=("al-1", "al-2")).changes
    assert carry_out(change, vendor) == f"deleted 2 alarms; whether all of them are gone could not be seen: {said}"
