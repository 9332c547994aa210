"""What can be configured and asked for, and mistakes that say what to write instead."""

from __future__ import annotations

import re
from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Doc, Secret
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.periods import MOST_PERIODS, period_from, periods_from
from checkmill_checkmk.settings import Named, Service, Settings, SlaQuery, services_in
from plugins.checkmk.documented import SECRET, USER

SETTINGS = TypeAdapter(Settings)
QUERY = TypeAdapter(SlaQuery)
GOOD: dict[str, Any] = {"base_url": "https://m.example/site", "username": USER, "secret": SECRET}


def test_a_site_is_an_address_a_user_and_a_secret_and_the_rest_is_careful() -> None:
    settings = SETTINGS.validate_python(GOOD)
    assert settings.secret == Secret(SECRET)
    assert (settings.workers, settings.retries) == (1, 0), "one request at a time, and none again"
    assert settings.read_timeout >= 120
    assert settings.max_size == 2 << 20
    assert (settings.request_format, settings.batch) == ("json", 200)


def test_all_metrics_share_one_dataset_that_is_asked_seldom() -> None:
    (dataset,) = {metric.dataset for metric in CHECKMK.metrics}
    assert dataset.interval_s is not None
    assert dataset.interval_s >= 300
    assert dataset.timeout_s is not None
    assert dataset.timeout_s >= 120


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"base_url": "https://m.example"}, "names a server, but no site; write the address of the site"),
        ({"base_url": "https://m.example/"}, "names a server, but no site"),
        ({"base_url": "https://m.example/site/check_mk/index.py"}, "leads to a page; write the address of the site"),
        ({"username": " "}, "username is empty; write the name of an automation user"),
        ({"secret": ""}, "the secret is empty"),
        ({"request_format": "xml"}, "'json' or 'python'"),
        ({"batch": 0}, "batch 0 is not from 1 to 5000; write 200"),
        ({"batch": 5001}, "batch 5001 is not from 1 to 5000"),
        ({"time_zone": "Europe/Berlyn"}, "is not known here; write it like Europe/Berlin"),
        ({"time_zone": "Europe"}, "is not known here"),
        ({"time_zone": "../../etc/passwd"}, "is not known here"),
        ({"sla": ""}, "sla is empty"),
        ({"sla": ["gold", " "]}, "sla holds an empty id"),
        ({"services": [["h", ""]]}, "services holds an empty name; write [host, service]"),
        ({"services": [{"host": [], "service": "s"}]}, "services holds an empty list"),
        ({"services": [{"host": "h"}]}, "service"),
        ({"services": [{"host": "h", "service": "s", "sites": "a"}]}, "sites"),
        ({"services": [["h", "s"], {"host": "h", "service": "s", "site": "a"}]}, "with and without a site"),
        ({"services": [["h"]]}, "services"),
        ({"services": ["h"]}, "services"),
        ({"services": [["h", 8080]]}, "services"),
        ({"site": "x"}, "site"),
    ],
)
def test_a_wrong_setting_says_what_to_write(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SETTINGS.validate_python({**GOOD, **written})
    messages = " ".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())
    assert says in messages
    assert SECRET not in messages


@pytest.mark.parametrize("base_url", ["", "m.example", "ftp://m.example", "http://[", "nonsense"])
def test_what_is_no_address_at_all_is_left_to_the_reader_of_rule_files(base_url: str) -> None:
    assert SETTINGS.validate_python({**GOOD, "base_url": base_url}).base_url == base_url


@pytest.mark.parametrize(
    ("written", "services"),
    [
        ([["h", "s"]], [("h", "s", "")]),
        ([["h", "a/b|c;'\"\\ü"]], [("h", "a/b|c;'\"\\ü", "")]),
        ([{"host": "h", "service": "s"}], [("h", "s", "")]),
        ([{"host": "h", "service": "s", "site": "x"}], [("h", "s", "x")]),
        (
            [{"host": ["h", "g"], "service": ["s", "t"]}],
            [("h", "s", ""), ("h", "t", ""), ("g", "s", ""), ("g", "t", "")],
        ),
        ([["h", "s"], {"host": "h", "service": ["s", "t"]}], [("h", "s", ""), ("h", "t", "")]),
    ],
)
def test_services_are_pairs_or_maps_with_one_name_or_several(written: Any, services: list[tuple[str, ...]]) -> None:
    for read in (SETTINGS.validate_python({**GOOD, "services": written}), QUERY.validate_python({"services": written})):
        assert services_in(read.services) == tuple(Service(*one) for one in services)


def test_named_services_are_shown_as_they_are_written() -> None:
    assert repr(Named(host="h", service="s")) == "{host: 'h', service: 's'}"
    assert repr(Named(host=("h", "g"), service="s", site="x")) == "{host: ('h', 'g'), service: 's', site: 'x'}"


@pytest.mark.parametrize(
    ("text", "most", "newest"),
    [
        *((code, most, None) for code, most in {"d0": 1, "d1": 1, "w0": 7, "w1": 7}.items()),
        *((code, most, None) for code, most in {"m0": 31, "m1": 31, "y0": 366, "y1": 366}.items()),
        ("last:1", 2, None),
        ("last:86400", 2, None),
        ("last:31622400", 367, None),
        ("range:0:1", 2, None),
        ("range:1530271236:1530281236", 2, None),
        ("sla:0:0", 1, 0),
        ("sla:1:0", 1, 1),
        ("sla:2:4", 5, 2),
        ("sla:0:365", 366, 0),
        ("sla:365:0", 1, 365),
    ],
)
def test_the_whole_grammar_of_time_ranges_is_read(text: str, most: int, newest: int | None) -> None:
    period = period_from(text)
    assert (period.text, period.most, period.newest) == (text, most, newest)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "'' is no time range of get_sla; write d0 d1"),
        ("week", "is no time range"),
        ("W1", "is no time range"),
        ("w1 ", "is no time range"),
        ("w2", "is none of the calendar ranges of get_sla"),
        ("d7", "is none of the calendar ranges"),
        ("m-1", "is none of the calendar ranges"),
        ("last", "is no time range"),
        ("last:", "'' in 'last:' is not a whole number"),
        ("last:0", "not between one second and 366 days"),
        ("last:-5", "'-5' in 'last:-5' is not a whole number"),
        ("last:1h", "'1h' in 'last:1h' is not a whole number"),
        ("last:1.5", "is not a whole number"),
        ("last:31622401", "not between one second and 366 days"),
        ("last:1:2", "is no time range"),
        ("range:5:5", "does not end after it begins; write range:FROM:UNTIL in Unix seconds, FROM first"),
        ("range:9:5", "does not end after it begins"),
        ("range:1", "is no time range"),
        ("range:0:31622401", "longer than 366 days"),
        ("range:1:99999999999", "does not end after it begins"),
        ("range: 1:2", "is not a whole number"),
        ("sla:1", "is no time range"),
        ("sla:-1:0", "is not a whole number"),
        ("sla:1:-1", "is not a whole number"),
        ("sla:1:+1", "is not a whole number"),
        ("sla:01:0", "is not a whole number"),
        ("sla:1:0:0", "is no time range"),
        ("sla:1:٣", "is not a whole number"),
        ("sla:0:366", "reaches back 366 periods; write START and LOOKBACK that come to less than 366 together"),
        ("sla:9999999999:0", "reaches back 9999999999 periods"),
    ],
)
def test_what_is_no_time_range_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        period_from(text)
    assert MOST_PERIODS == 366


def test_names_of_periods_last_from_week_to_week() -> None:
    assert [period_from("sla:1:2").label(place) for place in range(3)] == ["sla:1", "sla:2", "sla:3"]
    assert [period_from("w1").label(place) for place in range(2)] == ["w1 1", "w1 2"]


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ((), "period names no time range"),
        (("w1", "w1"), "w1 and w1 both ask for w1"),
        (("sla:0:1", "sla:1:0"), "sla:0:1 and sla:1:0 both ask for sla:1; ask for each period once"),
    ],
)
def test_no_period_is_asked_for_twice(written: tuple[str, ...], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        periods_from(written)


def test_the_default_is_the_last_closed_period() -> None:
    asked = QUERY.validate_python({})
    assert (asked.period, asked.open, asked.min_elapsed) == ("sla:1:0", "skip", None)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"period": "w2"}, "none of the calendar ranges"),
        ({"period": "sla:0:0"}, "names the running period alone, which is skipped; write open: judge, or sla:1:0"),
        ({"period": "d0"}, "names the running period alone"),
        ({"period": ["d0", "sla:0:0"]}, "names the running period alone"),
        ({"min_elapsed": "1d"}, "write open: judge, or drop it"),
        ({"open": "judge", "min_elapsed": "0s"}, "not above zero"),
        ({"open": "yes"}, "'skip' or 'judge'"),
        ({"sla": ["a", ""]}, "sla holds an empty id"),
        ({"services": [["", "s"]]}, "services holds an empty name"),
        ({"periods": "w1"}, "periods"),
    ],
)
def test_a_wrong_query_says_what_to_write(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        QUERY.validate_python(written)
    assert says in " ".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())


@pytest.mark.parametrize(
    "written", [{"period": "sla:0:0", "open": "judge"}, {"period": ["d0", "d1"]}, {"period": "w0"}]
)
def test_a_running_period_may_be_asked_for(written: dict[str, Any]) -> None:
    assert QUERY.validate_python(written).periods


@pytest.mark.parametrize("declared", [Settings, SlaQuery, Named])
def test_every_setting_is_described(declared: type[Any]) -> None:
    for name, hint in get_type_hints(declared, include_extras=True).items():
        if not name.startswith("__"):
            assert any(isinstance(note, Doc) for note in getattr(hint, "__metadata__", ())), name
