"""Credentials in addresses and bodies: found, hidden, and given back as references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.api.v1 import redact
from checkmill.steps.reading.expansion import Expansion
from checkmill_nhn_monitoring.credentials import References, escaped, hidden, is_credential, note
from checkmill_nhn_monitoring.differing import additions
from checkmill_nhn_monitoring.scenario import scenario_from
from checkmill_nhn_monitoring.writing import definition_of
from plugins.nhn_monitoring.documented import API_BODY
from plugins.nhn_monitoring.reading import written
from support.secrets import own_secrets

CASES = [
    ("https://shop.example/a?b=c", "https://shop.example/a?b=c"),
    ("https://user:pass-word@shop.example", "https://user:***@shop.example"),
    ("https://user@shop.example", "https://user@shop.example"),
    ("https://shop.example/?q=1&token=abc&x=2", "https://shop.example/?q=1&token=***&x=2"),
    ("https://shop.example/?api_key=abc#x", "https://shop.example/?api_key=***#x"),
    ("https://shop.example/?X-Amz-Signature=abc", "https://shop.example/?X-Amz-Signature=***"),
    ("https://shop.example/?author=kim", "https://shop.example/?author=kim"),
    ("https://shop.example/?key=abc&monkey=1", "https://shop.example/?key=***&monkey=1"),
    ('{"user": "kim", "password": "a\\"b", "n": 1}', '{"user": "kim", "password": "***", "n": 1}'),
    ('{"accessToken":"abc"}', '{"accessToken":"***"}'),
    ("user=kim&password=abc", "user=kim&password=***"),
    ("password=abc&user=kim", "password=***&user=kim"),
    ("<login><password>abc</password></login>", "<login><password>***</password></login>"),
    ("<login secret='abc'/>", "<login secret='***'/>"),
    ("https://shop.example/?pass=abc&compute=1", "https://shop.example/?pass=***&compute=1"),
    ("https://shop.example/?subscription-key=abc&spinning=1", "https://shop.example/?subscription-key=***&spinning=1"),
    ('{"pin": 1234, "shipping": 5}', '{"pin": ***, "shipping": 5}'),
    ('{"passphrase": "abc", "pass": "d", "monkey": "e"}', '{"passphrase": "***", "pass": "***", "monkey": "e"}'),
    ("AUTH supersecretpw\r\nPING", "AUTH ***\r\nPING"),
    ("PING\nauth kim geheimnis", "PING\nauth ***"),
    ("user[password]=abc&x=1", "user[password]=***&x=1"),
    ("", ""),
    ("a password is abc", "a password is abc"),
]


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_credentials_become_stars(text: str, shown: str) -> None:
    assert hidden(text) == shown


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_credentials_become_references_that_give_them_back(text: str, shown: str) -> None:
    references = References("shop")
    written = references.within(text)
    assert written.count("${SHOP_") == shown.count("***")
    assert Expansion(dict(_values(text, written))).text(written, "file") == text


def _values(text: str, written: str) -> list[tuple[str, str]]:
    """The variables of a written text with what they stand for, read off the text itself."""
    found = []
    while "${" in written:
        before, _, rest = written.partition("${")
        name, _, after = rest.partition("}")
        text = text[len(before) :]
        end = text.index(after.partition("${")[0]) if after.partition("${")[0] else len(text)
        found.append((name, text[:end]))
        text, written = text[end:], after
    return found


def test_equal_names_of_other_values_are_told_apart() -> None:
    references = References("shop")
    assert references.within("https://a.example/?token=one") == "https://a.example/?token=${SHOP_TOKEN}"
    assert references.within("https://a.example/?token=two") == "https://a.example/?token=${SHOP_TOKEN_2}"
    assert references.within("https://a.example/?token=one") == "https://a.example/?token=${SHOP_TOKEN}"
    assert references.of("shop").to("token", "three") == "${SHOP_TOKEN_3}"
    assert references.of("other").to("X-Api-Key", "one") == "${OTHER_X_API_KEY}"
    assert references.of("7days").to("", "x") == "${_7DAYS_PASSWORD}"


@given(st.text(alphabet="${}aA_:-/ ", max_size=30))
def test_what_only_looks_like_a_reference_is_read_as_it_was(text: str) -> None:
    assert Expansion({}).text(escaped(text), "file") == text


def test_a_noted_credential_is_shown_nowhere() -> None:
    with own_secrets():
        note("https://user:geheimnis-1@shop.example/?token=geheimnis-2&short=x&key=kurz&pass=abc1234")
        assert redact("geheimnis-1, geheimnis-2, kurz, abc1234") == "***, ***, kurz, ***"
        note("AUTH kim geheimnis-3")
        assert redact("kim said geheimnis-3") == "kim said ***"


@pytest.mark.parametrize(
    "name",
    ["Authorization", "Ocp-Apim-Subscription-Key", "X-Functions-Key", "X-Api-Key", "Cookie", "pass", "db_pass", "pin",
     "user.pin", "passphrase", "passcode", "password", "access_token", "key", "sig", "x-key", "session_id"],
)  # fmt: skip
def test_the_name_of_a_credential_is_known(name: str) -> None:
    assert is_credential(name)
    assert is_credential(name.upper())


@pytest.mark.parametrize(
    "name", ["author", "monkey", "shipping", "opinion", "X-Shop", "passenger", "keyboard", "q", ""]
)
def test_other_names_are_left_alone(name: str) -> None:
    assert not is_credential(name)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("requestBody", '{"user": "kim", "password": "geheimnis-1"}'),
        ("requestBody", "user=kim&passphrase=geheimnis-1"),
        ("request", "AUTH geheimnis-1\r\n"),
        ("url", "https://shop.example/?pass=geheimnis-1"),
        ("headers", {"Ocp-Apim-Subscription-Key": "geheimnis-1"}),
        ("headers", {"X-Functions-Key": "geheimnis-1"}),
    ],
)
def test_the_credentials_of_a_scenario_are_shown_nowhere(member: str, value: object) -> None:
    with own_secrets():
        scenario = scenario_from({**API_BODY, member: value})
        assert redact("geheimnis-1") == "***"
        assert "geheimnis-1" not in written(definition_of(scenario, References("shop")))
        assert "geheimnis-1" not in "".join(additions(scenario))
