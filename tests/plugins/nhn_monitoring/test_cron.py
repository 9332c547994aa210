"""Cron expressions: what may be written, what comes back, and when both mean the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill_nhn_monitoring import cron


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("* * * * ?", "* * * * ?"),
        ("* * * * *", "* * * * ?"),
        ("*/5  * ? *  mon-fri", "*/5 * ? * MON-FRI"),
        ("0 9 1 * *", "0 9 1 * ?"),
        ("0 9 * JAN 2", "0 9 ? JAN 2"),
        ("0 9 ? 1,6 SUN 2026-2030", "0 9 ? 1,6 SUN 2026-2030"),
        ("0,30 8-18/2 L * ?", "0,30 8-18/2 L * ?"),
        ("0 0 15W * ?", "0 0 15W * ?"),
        ("0 0 ? * 6#3", "0 0 ? * 6#3"),
        ("0 0 L-3 * ? 2099", "0 0 L-3 * ? 2099"),
        ("0/10 * * * ? *", "0/10 * * * ? *"),
    ],
)
def test_an_expression_is_sent_with_one_of_day_and_weekday_open(written: str, sent: str) -> None:
    assert cron.sent(written) == sent


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("", "has 0 fields"),
        ("5", "has 1 fields"),
        ("* * * *", "has 4 fields"),
        ("7 * * * * ? *", "has seven fields, as NHN answers them; leave out the first"),
        ("1 2 3 4 5 6 7 8", "has 8 fields"),
        ("60 * * * ?", "'60' is no minute; write 0 to 59"),
        ("-1 * * * ?", "'-1' is no minute"),
        ("* 24 * * ?", "'24' is no hour"),
        ("* * 0 * ?", "'0' is no day"),
        ("* * 32 * ?", "'32' is no day"),
        ("* * * 13 ?", "'13' is no month"),
        ("* * * MAI ?", "'MAI' is no month"),
        ("* * ? * 0", "'0' is no weekday"),
        ("* * ? * 8", "'8' is no weekday"),
        ("* * * * ? 1969", "'1969' is no year"),
        ("*/0 * * * ?", "'*/0' is no minute"),
        ("*/99 * * * ?", "'*/99' is no minute"),
        ("5-1 * * * ?", "'5-1' is no minute"),
        ("1-2-3 * * * ?", "'1-2-3' is no minute"),
        ("1,,2 * * * ?", "'1,,2' is no minute"),
        ("a * * * ?", "'A' is no minute"),
        ("٣ * * * ?", "'٣' is no minute"),
        ("? * * * ?", "'?' is no minute"),
        ("* * ? * ?", "day and weekday are both '?'"),
        ("* * 1 * 2", "sets day and weekday; write '?' for one of them"),
    ],
)
def test_what_nhn_would_refuse_is_refused_with_what_to_write(written: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^cron ") as caught:
        cron.sent(written)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("answered", "written"),
    [
        ("7 * * * * ? *", "* * * * ?"),
        ("41 0/5 8 ? * MON-FRI *", "0/5 8 ? * MON-FRI"),
        ("0 0 9 1 * ? 2030", "0 9 1 * ? 2030"),
        ("0/30 * * * * ? *", "0/30 * * * * ? *"),
        ("* * * * ?", "* * * * ?"),
        ("", ""),
    ],
)
def test_an_answered_expression_is_written_without_its_second(answered: str, written: str) -> None:
    assert cron.written(answered) == written


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("* * * * ?", "7 * * * * ? *", True),
        ("7 * * * * ? *", "52 * * * * ? *", True),
        ("*/5 * * * ?", "13 0/5 * * * ? *", True),
        ("0/1 * * * ?", "* * * * ?", True),
        ("0 9 ? * MON-FRI", "44 0 9 ? * 2-6 *", True),
        ("0 9 ? JAN,JUL sun", "44 00 09 ? 7,1 SUN *", True),
        ("0 9 1 * ? *", "0 9 1 * *", True),
        ("*/5 * * * ?", "13 0/6 * * * ? *", False),
        ("0 9 1 * ?", "0 0 9 1 * ? 2030", False),
        ("0 9 ? * MON", "0 9 ? * TUE", False),
        ("* * * * ?", "0/30 * * * * ? *", False),
        ("0/30 * * * * ? *", "0/30 * * * * ? *", True),
        ("* * * * ?", "", False),
        ("nonsense", "nonsense", True),
        ("nonsense", "other nonsense", False),
    ],
)
def test_two_expressions_mean_the_same_whatever_the_second(one: str, other: str, same: bool) -> None:
    assert cron.same(one, other) is same
    assert cron.same(other, one) is same


@pytest.mark.parametrize(
    ("answered", "interval_s"),
    [
        ("7 * * * * ? *", 60),
        ("0/30 * * * * ? *", 30),
        ("7/20 * * * * ? *", 20),
        ("23 0/5 * * * ? *", 300),
        ("23 */15 * * * ? *", 900),
        ("23 2/5 * * * ? *", 300),
        ("23 7/5 * * * ? *", None),
        ("23 0/7 * * * ? *", None),
        ("55 0 * * * ? *", 3600),
        ("55 0 0/6 * * ? *", 21600),
        ("55 30 8 * * ? *", 86400),
        ("0/30 0 * * * ? *", None),
        ("12 30 8 ? * 2-6 *", None),
        ("12 0,30 * * * ? *", None),
        ("12 0 0 1 * ? *", None),
        ("* * * * ?", 60),
        ("", None),
        ("rubbish", None),
    ],
)
def test_the_interval_of_an_expression(answered: str, interval_s: int | None) -> None:
    assert cron.interval_s(answered) == interval_s


@pytest.mark.parametrize(
    ("interval_s", "answered", "fits"),
    [
        (30, "7 * * * * ? *", True),
        (60, "7 * * * * ? *", True),
        (45, "7 * * * * ? *", True),
        (90, "7 * * * * ? *", False),
        (300, "7 0/5 * * * ? *", True),
        (300, "7 0/10 * * * ? *", False),
        (30, "7 0/5 * * * ? *", False),
        (30, "0/30 * * * * ? *", True),
        (30, "0/20 * * * * ? *", False),
        (3600, "", False),
        (300, "7 0 9 ? * 2 *", False),
    ],
)
def test_whether_nhn_may_have_made_an_expression_of_an_interval(interval_s: int, answered: str, fits: bool) -> None:
    assert cron.fits(interval_s, answered) is fits


@given(st.text(max_size=40))
def test_any_text_is_sent_or_refused_with_a_sentence(text: str) -> None:
    sent = sentence = ""
    try:
        sent = cron.sent(text)
    except ValueError as error:
        sentence = str(error)
    assert sent == "" or (cron.same(sent, text) and cron.sent(sent) == sent)
    assert (sent == "") == sentence.startswith("cron ")
    assert cron.interval_s(text) is None or text.split()
    assert cron.written(text) in {text, " ".join(text.split()[1:]), " ".join(text.split()[1:-1])}
