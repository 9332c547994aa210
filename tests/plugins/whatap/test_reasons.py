"""Why there is no value: what came in place of it is said, short and without secrets and e-mail addresses."""

from typing import Any

import pytest

from checkmill.api.v1 import ParseError
from plugins.whatap.documented import SERVER, TOKEN, only, samples


def _snapshot(figures: object) -> dict[str, Any]:
    return {"/open/json/sm": {"pname": "P", "values": {"servers": [{**SERVER, "snapshot": figures}]}}}


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (None, "null came"),
        ("", "a number was expected, text came: ''"),
        ("n/a", "a number was expected, text came: 'n/a'"),
        ("NaN", "a number was expected, text came: 'NaN'"),
        (True, "a number was expected, yes/no came: True"),
        ([1, 2], "a number was expected, a list of 2 came"),
        ({"bps": 1}, "a number was expected, an object with bps came"),
        (-0.5, "-0.5 is below zero"),
        ("of kim@whatap.example", "a number was expected, text came: 'of (e-mail)'"),
        (f"{'x' * 50} kim@whatap.example", f"a number was expected, text came: '{'x' * 50} (e-ma..."),
    ],
    ids=str,
)
def test_the_reason_says_what_came(raw: object, reason: str) -> None:
    assert only(samples("cpu", {"/open/json/infra_cpu": {"values": {"a": raw}}})).reason == reason


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("cpu_used", "it came without idle"),
        ("memory_used", "it came without pused"),
        ("open_files", "it came without open_filedescriptors"),
        ("uptime", "it came without uptime"),
        ("disk_used", "it came without usedPercent"),
        ("net_errors", "it came without errorIn"),
        ("swap_used", "it came without swappused"),
    ],
)
def test_a_member_that_is_absent_is_named(name: str, reason: str) -> None:
    figures = {"cpu": {}, "memory": {}, "disk": {"/": {}}, "network": {"eth0": {}}}
    assert only(samples(name, _snapshot(figures))).reason == reason


@pytest.mark.parametrize("before", range(40, 180, 3))
@pytest.mark.parametrize("raw", ["{}", " {} of kim@whatap.example", '{{"token": "{}"}}'])
def test_no_part_of_a_token_is_left_where_a_text_is_cut(raw: str, before: int) -> None:
    echoed = "x" * before + raw.format(TOKEN)
    answers: list[Any] = [
        {"values": {"a": echoed}},
        {"values": {"a": {echoed: 1}}},
        {"values": echoed},
        {"msg": echoed},
    ]
    for answer in answers:
        try:
            said = only(samples("cpu", {"/open/json/infra_cpu": answer})).reason
        except ParseError as error:
            said = str(error)
        assert TOKEN[:4] not in said
        assert "@" not in said


def test_a_huge_text_in_place_of_a_number_is_looked_at_once() -> None:
    found = only(samples("cpu", {"/open/json/infra_cpu": {"values": {"a": "x" * 2_000_000}}}))
    assert found.reason == f"a number was expected, text came: '{'x' * 56}..."
