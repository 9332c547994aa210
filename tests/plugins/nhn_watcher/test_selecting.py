"""Which alarms the setting `alarms` means: each of its entries some, or it is said of which there is none."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import ConfigurationError, Sample
from checkmill.testing import play
from checkmill_nhn_watcher.inventory import INVENTORY
from plugins.nhn_watcher.documented import NOW, PERSONAL, SEARCH, Vendor, alarm, alarms, make, records, samples, values

PER_ALARM = ["alarm_status", "alarm_change_age", "recipients", "notifications", "failed_notifications", "events"]
ODD_NAMES = ["[prod] deploys", "deploys?", "*deploys*", "[!a]", "prod-*"]


def watching(entries: Any, *rows: Any) -> dict[str, Any]:
    """What `failed_notifications` and others are asked for: the setting and the list of alarms."""
    histories = {f"GET /alarms/{row['alarmId']}/alarm-history": records() for row in rows}
    return {"answers": {SEARCH: alarms(*rows), **histories}, "settings": make(alarms=entries)}


def unlabelled(found: list[Sample]) -> dict[str, Any]:
    return {one.labels.get("alarm", ""): one.value for one in found}


@pytest.mark.parametrize("name", ["alarm_status", "failed_notifications", "expected_alarm"])
@pytest.mark.parametrize("entry", ODD_NAMES)
def test_an_alarm_whose_name_reads_like_a_glob_is_missed_when_it_is_gone(name: str, entry: str) -> None:
    asked = watching((entry, "members"), alarm("al-2", "members"))
    found = values(name, asked["answers"], asked["settings"])
    assert found[entry] == ("missing" if name == "expected_alarm" else None)
    assert found["members"] in {"STABLE", 0, "present"}


@pytest.mark.parametrize("entry", ODD_NAMES)
def test_an_alarm_whose_name_reads_like_a_glob_is_meant_by_its_name_alone(entry: str) -> None:
    asked = watching(entry, alarm("al-1", entry), alarm("al-2", "p deploys"), alarm("al-3", "prod-b"))
    assert values("alarm_status", asked["answers"], asked["settings"]) == {entry: "STABLE"}
    (sample,) = samples("expected_alarm", asked["answers"], asked["settings"])
    assert (sample.value, sample.labels) == ("present", {"alarm": entry, "id": "al-1"})


@pytest.mark.parametrize("name", PER_ALARM)
@pytest.mark.parametrize("entry", ["prod-*", "al-*"], ids=["no name", "an id, of which there are no globs"])
def test_a_glob_that_matches_nothing_beside_others_is_missing(entry: str, name: str) -> None:
    found = samples(name, None, make(alarms=("deploys", entry)))
    assert found[0].labels["alarm"] == "deploys"
    assert found[0].value is not None
    assert found[1].labels == {"alarm": entry}
    assert found[1].reason.removeprefix("parse: ") == "no alarm of this name or id, and none that it matches"


@pytest.mark.parametrize("entries", ["prod-*", ("prod-*", "qa-*"), "deploys"])
def test_where_there_is_no_alarm_at_all_each_entry_is_missing(entries: Any) -> None:
    named = (entries,) if isinstance(entries, str) else entries
    found = unlabelled(samples("notifications", {SEARCH: alarms()}, make(alarms=entries)))
    assert found == dict.fromkeys(named)


@pytest.mark.parametrize("entries", ["*", "**", ("*", "*")])
def test_whatever_there_is_may_be_nothing(entries: Any) -> None:
    assert samples("notifications", {SEARCH: alarms()}, make(alarms=entries)) == []
    with pytest.raises(ConfigurationError, match="no alarm is named"):
        samples("expected_alarm", {SEARCH: alarms()}, make(alarms=entries))


def test_a_list_that_is_not_whole_does_not_say_that_a_glob_matches_nothing() -> None:
    settings = make(alarms=("deploys", "prod-*"), most_pages=1)
    assert values("expected_alarm", {SEARCH: alarms(alarm(), total=9)}, settings) == {
        "deploys": "present",
        "prod-*": None,
    }


def test_the_inventory_misses_what_an_entry_means() -> None:
    dataset = INVENTORY.dataset
    payload = play(dataset.flow(make(alarms=("deploys", "prod-*")), dataset.query_type()), Vendor(), NOW)
    found = list(INVENTORY.entities(payload, None))
    assert [(one.labels["alarm"], one.is_missing) for one in found] == [("deploys", False), ("prod-*", True)]


@pytest.mark.parametrize("name", [*PER_ALARM, "expected_alarm"])
def test_an_absent_alarm_is_called_as_it_would_be_if_it_were_there(name: str) -> None:
    called = f"gone for {PERSONAL[8]}"
    there = samples(name, {SEARCH: alarms(alarm("al-1", called))}, make(alarms=(called, "x")))
    gone = samples(name, {SEARCH: alarms(alarm("al-1", "x"))}, make(alarms=(called, "x")))
    assert "gone for (e-mail)" in {one.labels["alarm"] for one in there}
    assert "gone for (e-mail)" in {one.labels["alarm"] for one in gone}
    assert PERSONAL[8] not in str([(one.labels, one.reason) for one in (*there, *gone)])


def test_a_mistake_in_the_setting_shows_nobody() -> None:
    with pytest.raises(ConfigurationError) as failed:
        samples("notifications", None, make(alarms=f"{PERSONAL[8]}*"))
    assert PERSONAL[8] not in str(failed.value)
