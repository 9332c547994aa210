"""Credentials in addresses and bodies: found, hidden, and given back as references."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.api.v1 import redact
from checkmill.steps.reading.expansion import Expansion
from checkmill_nhn_monitoring.credentials import References, escaped, hidden, note
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
        note("https://user:geheimnis-1@shop.example/?token=geheimnis-2&short=x&key=kurz")
        assert redact("geheimnis-1, geheimnis-2, kurz") == "***, ***, kurz"
