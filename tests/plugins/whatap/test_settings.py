"""What can be configured: exactly one way to a project, and mistakes that say what to write instead."""

from typing import Any, get_type_hints

import pytest
from pydantic import TypeAdapter, ValidationError

from checkmill.api.v1 import Doc, Secret
from checkmill_whatap.settings import LongWindow, Processes, Settings, Window
from plugins.whatap.documented import ACCOUNT_TOKEN, TOKEN

SETTINGS = TypeAdapter(Settings)
WINDOW = TypeAdapter(Window)


def test_one_project_is_a_code_and_a_token() -> None:
    settings = SETTINGS.validate_python({"pcode": "12345", "token": TOKEN})
    assert settings.headers() == {"x-whatap-token": Secret(TOKEN), "x-whatap-pcode": "12345"}
    assert settings.base_url == "https://service.whatap.io"


@pytest.mark.parametrize(("written", "globs"), [("prod-*", ("prod-*",)), (["a", "b*"], ("a", "b*"))])
def test_an_account_is_its_token_and_globs(written: object, globs: tuple[str, ...]) -> None:
    settings = SETTINGS.validate_python({"account_token": ACCOUNT_TOKEN, "projects": written})
    assert settings.project_globs == globs
    assert settings.headers() == {"x-whatap-token": Secret(ACCOUNT_TOKEN)}


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({}, "write pcode and token, or account_token"),
        ({"pcode": 1}, "add token"),
        ({"token": TOKEN}, "add pcode"),
        ({"pcode": 1, "token": TOKEN, "account_token": ACCOUNT_TOKEN}, "keep pcode and token, or keep account_token"),
        ({"pcode": 1, "account_token": ACCOUNT_TOKEN}, "keep pcode and token, or keep account_token"),
        ({"token": TOKEN, "account_token": ACCOUNT_TOKEN}, "keep pcode and token, or keep account_token"),
        ({"pcode": 1, "token": TOKEN, "projects": "prod-*"}, "projects selects from what an account_token sees"),
        ({"pcode": 0, "token": TOKEN}, "not a project code"),
        ({"pcode": -5, "token": TOKEN}, "not a project code"),
        ({"pcode": "abc", "token": TOKEN}, "pcode"),
        ({"account_token": ACCOUNT_TOKEN, "projects": []}, "projects selects nothing"),
        ({"account_token": ACCOUNT_TOKEN, "projects": ["a", ""]}, "projects selects nothing"),
        ({"account_token": ACCOUNT_TOKEN, "products": []}, "products selects nothing"),
        ({"pcode": 1, "token": TOKEN, "process_path": "https://elsewhere.example/x"}, "is not a path"),
        ({"pcode": 1, "token": TOKEN, "traffic_unit": "MB/s"}, "bit/s"),
        ({"pcode": 1, "token": TOKEN, "tokens": "x"}, "tokens"),
    ],
)
def test_a_wrong_combination_says_what_to_do(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        SETTINGS.validate_python(written)
    messages = " ".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())
    assert says in messages
    assert TOKEN not in messages
    assert ACCOUNT_TOKEN not in messages


@pytest.mark.parametrize(("written", "seconds"), [("5m", 300.0), ("1h", 3600.0), (5, 5.0), ("90s", 90.0)])
def test_a_window_is_read_with_its_unit(written: object, seconds: float) -> None:
    assert WINDOW.validate_python({"window": written}).window == seconds


@pytest.mark.parametrize(
    ("written", "says"),
    [
        ({"window": "61m"}, "write 1h or less"),
        ({"window": "4s"}, "write 5s or more"),
        ({"window": 0}, "not above zero"),
        ({"window": -300}, "not above zero"),
        ({"window": "nan"}, "not a duration"),
        ({"id": 0}, "leave it out"),
        ({"windows": "5m"}, "windows"),
    ],
)
def test_a_wrong_window_says_what_to_write(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        WINDOW.validate_python(written)
    assert says in " ".join(f"{error['loc']} {error['msg']}" for error in caught.value.errors())


@pytest.mark.parametrize("declared", [Settings, Window, LongWindow, Processes])
def test_every_setting_is_described(declared: type[Any]) -> None:
    for name, hint in get_type_hints(declared, include_extras=True).items():
        if not name.startswith("__"):
            assert any(isinstance(note, Doc) for note in getattr(hint, "__metadata__", ())), name
