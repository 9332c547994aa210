"""What can be configured, and what is refused with words on what to write instead."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkmill_nhn_watcher.settings import Expected, Window
from plugins.nhn_watcher.documented import (
    ACCESS_KEY,
    APPKEY,
    SEARCH,
    SECRET_KEY,
    Vendor,
    alarm,
    alarms,
    make,
    samples,
)
from support.commands import Desk

RULES = """
    sources:
      audit:
        type: nhn-watcher
        base_url: https://watcher.example
        appkey: appkey-0042
        user_access_key: access-0042
        secret_access_key: secret-0042
        <more>
    checks:
      - {name: status, source: audit, metric: alarm_status}
"""


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"zone": "Asia/Soul"}, "zone 'Asia/Soul' is no time zone; write a name such as Asia/Seoul, or an offset"),
        ({"zone": ""}, "is no time zone"),
        ({"zone": "../etc/passwd"}, "is no time zone"),
        ({"zone": "Asia"}, "is no time zone"),
        ({"zone": "+25:00"}, "is no offset that any place has"),
        ({"zone": "+09:99"}, "is no offset that any place has"),
        ({"alarms": ()}, "alarms selects nothing"),
        ({"alarms": ("deploys", " ")}, "alarms selects nothing"),
        ({"page_size": 0}, "page_size 0 reads nothing"),
        ({"most_pages": 0}, "most_pages 0 reads nothing"),
    ],
)
def test_what_cannot_work_is_refused(more: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match="; write") as refused:
        make(**more)
    assert said in str(refused.value)


@pytest.mark.parametrize("zone", ["UTC", "utc", "Z", "Asia/Seoul", "+09:00", "+0900", "-3", "Europe/Berlin"])
def test_zones_are_names_or_offsets(zone: str) -> None:
    assert make(zone=zone).time_zone is not None


@pytest.mark.parametrize("name", ["event", "product", "project", "resource", "source_type"])
@pytest.mark.parametrize("value", ["a,b", " ", ("ok", "")])
def test_a_query_names_ids_one_by_one(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} .* is no id; write one id, or a list"):
        Window(**{name: value})


@pytest.mark.parametrize("address", ["office", "10.0.0.0/33", ("10.0.0.1", "x")])
def test_expected_addresses_are_addresses(address: Any) -> None:
    with pytest.raises(ValueError, match="neither an address nor a network"):
        Expected(address=address)


@pytest.mark.parametrize(
    ("chosen", "watched"),
    [
        ("*", ["deploys", "members", "prod-db"]),
        ("deploys", ["deploys"]),
        ("al-2", ["members"]),
        (("prod-*", "al-1"), ["deploys", "prod-db"]),
        (("prod-??", "al-1"), ["deploys", "prod-db"]),
    ],
)
def test_alarms_are_chosen_by_name_or_id(chosen: Any, watched: list[str]) -> None:
    rows = [alarm("al-1", "deploys"), alarm("al-2", "members"), alarm("al-3", "prod-db")]
    answers = {SEARCH: alarms(*rows), **{f"GET /alarms/al-{n}/alarm-history": EMPTY for n in (1, 2, 3)}}
    vendor = Vendor(answers)
    assert [one.labels["alarm"] for one in samples("notifications", vendor, make(alarms=chosen))] == watched
    assert len(vendor.asked) == 1 + len(watched)


EMPTY = {"header": {"isSuccessful": True, "resultCode": 0, "resultMessage": ""}, "alarmHistories": [], "totalItems": 0}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ("zone: Asia/Soul", "zone 'Asia/Soul' is no time zone"),
        ("overlap: 0s", "not above zero"),
        ("lists: semicolon", "comma"),
        ("lang: fr", "ko"),
        ("api: v3", "v1.0"),
        ("sort: x", "unknown key 'sort'"),
    ],
)
def test_a_rule_file_says_what_is_wrong_where_it_is(tmp_path: Path, more: str, said: str) -> None:
    desk = Desk(tmp_path)
    desk.write(RULES, more=more)
    ran = desk("validate")
    assert ran.code == 3
    assert said in ran.out + ran.err
    assert "rules.yaml" in ran.out + ran.err


def test_the_address_has_no_default(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    desk.write(RULES.replace("        base_url: https://watcher.example\n", ""), more="lang: en")
    ran = desk("validate")
    assert ran.code == 3
    assert "'base_url' is missing" in ran.out + ran.err


@pytest.mark.parametrize(
    "more", ["zone: +09:00", "overlap: 30m", "alarms: deploys", "alarms: [a, b*]", "lists: repeated", "api: v2.0"]
)
def test_good_settings_are_good(tmp_path: Path, more: str) -> None:
    desk = Desk(tmp_path)
    desk.write(RULES, more=more)
    ran = desk("validate")
    assert ran.code == 0, ran.out + ran.err


def test_keys_are_never_shown() -> None:
    for secret in (APPKEY, ACCESS_KEY, SECRET_KEY):
        assert secret not in repr(make())
