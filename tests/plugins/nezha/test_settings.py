"""What can be configured and asked: mistakes say what to write instead."""

from __future__ import annotations

from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Doc, Secret
from checkmill_nezha.settings import Monitored, Servers, Settings
from plugins.nezha.documented import PASSWORD, TOKEN

SETTINGS = TypeAdapter(Settings)
SERVERS = TypeAdapter(Servers)
MONITORED = TypeAdapter(Monitored)
USER = {"username": "ops", "password": PASSWORD}


def words(caught: pytest.ExceptionInfo[ValidationError]) -> str:
    return " ".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())


@pytest.mark.parametrize(
    ("written", "asks_v0", "may_ask_v1"),
    [
        ({"token": TOKEN}, True, False),
        (USER, False, True),
        ({"token": TOKEN, **USER}, True, True),
        ({"token": TOKEN, **USER, "api": "v0"}, True, False),
        ({"token": TOKEN, **USER, "api": "v1"}, False, True),
        ({"token": TOKEN, "api": "v0"}, True, False),
        ({**USER, "api": "v1"}, False, True),
    ],
)
def test_the_generation_goes_by_what_is_configured(written: dict[str, Any], asks_v0: bool, may_ask_v1: bool) -> None:
    settings = SETTINGS.validate_python(written)
    assert (settings.asks_v0, settings.may_ask_v1) == (asks_v0, may_ask_v1)
    assert TOKEN not in repr(settings)
    assert PASSWORD not in repr(settings)


def test_no_header_goes_along_unasked() -> None:
    assert SETTINGS.validate_python({"token": TOKEN, **USER}).headers() == {}
    assert SETTINGS.validate_python({"token": TOKEN}).token == Secret(TOKEN)


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({}, "nothing says how to log in; write token (generation v0), or username and password (generation v1)"),
        ({"api": "v0", **USER}, "a dashboard of generation v0 is read with an API token; add token"),
        ({"api": "v1", "token": TOKEN}, "a dashboard of generation v1 is read by one of its users; add username and"),
        ({"username": "ops"}, "username needs the password of that user; add password"),
        ({"password": PASSWORD}, "password needs the user it belongs to; add username"),
        ({"username": " ", "password": PASSWORD}, "username is empty; write the name of a user of the dashboard"),
        ({"token": TOKEN, "api": "v2"}, "'auto', 'v0' or 'v1'"),
        ({"token": TOKEN, "stale_after": 0}, "not above zero"),
        ({"token": TOKEN, "stale_after": "soon"}, "not a duration"),
        ({"token": TOKEN, "skew": -5}, "not above zero"),
        ({"token": TOKEN, "line_rate": "fast"}, "not a size"),
        ({"token": TOKEN, "tokens": TOKEN}, "tokens"),
    ],
)
def test_a_wrong_combination_says_what_to_do(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SETTINGS.validate_python(written)
    assert says in words(caught)
    assert TOKEN not in words(caught)
    assert PASSWORD not in words(caught)


def test_amounts_are_read_with_their_units() -> None:
    settings = SETTINGS.validate_python({"token": TOKEN, "stale_after": "5m", "skew": "2m", "line_rate": "125MB"})
    assert (settings.stale_after, settings.skew, settings.line_rate) == (300.0, 120.0, 125_000_000)
    settings = SETTINGS.validate_python({"token": TOKEN})
    assert (settings.stale_after, settings.skew, settings.line_rate) == (60.0, 60.0, 1 << 34)


@pytest.mark.parametrize(
    ("written", "ids"),
    [
        (7, (7,)),
        ("7", (7,)),
        ("1,2,7", (1, 2, 7)),
        (" 1, 2 ", (1, 2)),
        ([1, 2, 1], (1, 2)),
        (["3"], (3,)),
        ((1 << 64) - 1, ((1 << 64) - 1,)),
        (None, ()),
    ],
    ids=str,
)
@pytest.mark.parametrize("kind", [SERVERS, MONITORED], ids=["servers", "monitor"])
def test_ids_may_be_written_in_many_ways(kind: TypeAdapter[Servers], written: object, ids: tuple[int, ...]) -> None:
    assert kind.validate_python({"id": written}).ids == ids


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"tag": "a", "id": 1}, "tag and id exclude each other: Nezha says that id wins, and lets tag win; keep one"),
        ({"tag": ""}, "tag is empty, which Nezha answers with all servers; leave it out, or name a group"),
        ({"tag": " "}, "tag is empty"),
        ({"tag": 5}, "tag"),
        ({"id": 0}, "id '0' is not the id of a server; ids are numbers such as 7"),
        ({"id": -1}, "id '-1' is not the id of a server"),
        ({"id": "web-1"}, "id 'web-1' is not the id of a server"),
        ({"id": "1,,2"}, "id '' is not the id of a server"),
        ({"id": "1;2"}, "id '1;2' is not the id of a server"),
        ({"id": "٣"}, "is not the id of a server"),
        ({"id": "1_0"}, "is not the id of a server"),
        ({"id": 1 << 64}, "is not the id of a server"),
        ({"id": "9" * 5000}, "is not the id of a server"),
        ({"id": []}, "id names no server; write a number such as 7, or leave it out"),
        ({"id": ""}, "is not the id of a server"),
        ({"id": {"a": 1}}, "id"),
        ({"ids": [1]}, "ids"),
        ({"stale_after": "0s"}, "not above zero"),
    ],
    ids=lambda value: str(value)[:40],
)
@pytest.mark.parametrize("kind", [SERVERS, MONITORED], ids=["servers", "monitor"])
def test_a_wrong_query_says_what_to_write(kind: TypeAdapter[Servers], written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        kind.validate_python(written)
    assert says in words(caught)
    assert len(words(caught)) < 400


@pytest.mark.parametrize(("written", "seconds"), [("30m", 1800.0), ("24h", 86400.0), (60, 60.0)])
def test_a_window_is_read_with_its_unit(written: object, seconds: float) -> None:
    assert MONITORED.validate_python({"window": written}).window == seconds


def test_a_window_beyond_the_history_says_what_to_write() -> None:
    with pytest.raises(ValidationError) as caught:
        MONITORED.validate_python({"window": "25h"})
    assert "window 90000s is longer than Nezha's history; write 24h or less" in words(caught)


@pytest.mark.parametrize("declared", [Settings, Servers, Monitored])
def test_every_setting_is_described(declared: type[Any]) -> None:
    for name, hint in get_type_hints(declared, include_extras=True).items():
        if not name.startswith("__"):
            assert any(isinstance(note, Doc) for note in getattr(hint, "__metadata__", ())), name
