"""Answers over TCP and UDP: texts at positions, and the length that a message says it has."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill_nhn_monitoring.positions import expected_of
from checkmill_nhn_monitoring.scenario import LengthValidation, PositionCheck, Validation
from checkmill_nhn_monitoring.verdict import NotCarriedOut


def validation(*texts: tuple[int, str], length: tuple[str, str, str, str] | None = None) -> Validation:
    return Validation(
        response_validations=tuple(PositionCheck(*text) for text in texts),
        length_validation=None if length is None else LengthValidation(*length),
    )


@pytest.mark.parametrize(
    ("texts", "data", "objection"),
    [
        ([(0, "Hello World!"), (13, "It's new world!")], b"Hello World! It's new world!", ""),
        ([(0, "Hello World!"), (13, "It's new world!")], b"Hello World!\0It's new world!...", ""),
        ([(0, "Hello")], b"Hi", 'at position 0 there is "Hi", not "Hello"'),
        ([(0, "Hello")], b"hello", 'at position 0 there is "hello", not "Hello"'),
        ([(0, "Hello")], b"", 'at position 0 there is nothing, not "Hello"'),
        ([(3, "OK")], b"+ OK", 'at position 3 there is "K", not "OK"'),
        ([(9, "OK")], b"+ OK", 'at position 9 there is nothing, not "OK"'),
        ([(0, "OK")], b"\xff\x00", 'at position 0 there is "\\xff\x00", not "OK"'),
        ([(3, "상")], "정상".encode(), ""),  # positions count bytes
        ([(1, "상")], "정상".encode(), 'at position 1 there is "\\xa0\\x95\\xec", not "상"'),
        ([(0, "a"), (1, "")], b"a", ""),
        ([], b"", ""),
    ],
)
def test_texts_stand_at_their_positions(texts: list[tuple[int, str]], data: bytes, objection: str) -> None:
    assert expected_of(validation(*texts)).objection_to(data) == objection


@pytest.mark.parametrize(
    ("length", "data", "objection", "whole"),
    [
        # BASE plus the value is the length of the whole: the documented BIG INT at 4, counting from 15.
        (("BIG", "4", "INT", "15"), b"HEAD" + b"\0\0\0\x05" + b"7890123" + b"BODY!", "", 20),
        (("BIG", "4", "INT", "15"), b"HEAD" + b"\0\0\0\x05", "", 20),
        (("BIG", "4", "INT", "15"), b"HEAD\0\0\0\x05" + b"x" * 20, "its length field says 20 bytes, and 28 came", 0),
        (("LITTLE", "0", "INT", "4"), b"\x02\0\0\0ab", "", 6),
        (("LITTLE", "0", "INT", "4"), b"\0\0\0\x02ab", "", 0x02000004),
        (("BIG", "0", "SHORT", "2"), b"\0\x01a", "", 3),
        (("BIG", "0", "BYTE", "0"), b"\x03ab", "", 3),
        (("BIG", "1", "LONG", "9"), b"v" + b"\0" * 7 + b"\x01" + b"x", "", 10),
        (("BIG", "0", "INTEGER", "-2"), b"\0\0\0\x06", "", 4),
        (("BIG", "0", "INT", ""), b"\0\0\0\x04", "", 4),
        (("BIG", "0", "INT", "0"), b"\xff\xff\xff\xff", "its length field says -1 bytes, and 4 came", 0),
        (("BIG", "0", "INT", "0"), b"\0\0", "the answer has 2 bytes, and its length field would end at 4", 0),
        (("BIG", "0", "INT", "0"), b"", "the answer has 0 bytes, and its length field would end at 4", 0),
        (("BIG", "0", "INT", "0"), b"HTTP", "", int.from_bytes(b"HTTP", "big")),
    ],
)
def test_the_length_field_says_how_long_the_whole_is(
    length: tuple[str, str, str, str], data: bytes, objection: str, whole: int
) -> None:
    expected = expected_of(validation(length=length))
    assert expected.objection_to(data) == objection
    assert objection or expected.length_in(data) == whole


@pytest.mark.parametrize(
    ("length", "sentence"),
    [
        (("MIDDLE", "0", "INT", "0"), "lengthValidation has the ENDIAN 'MIDDLE', which is neither BIG nor LITTLE"),
        (("", "0", "INT", "0"), "lengthValidation has the ENDIAN '', which is neither BIG nor LITTLE"),
        (("BIG", "0", "STRING", "0"), "lengthValidation is of the TYPE 'STRING', which is not known"),
        (("BIG", "0", "", "0"), "lengthValidation is of the TYPE '', which is not known"),
        (("BIG", "x", "INT", "0"), "lengthValidation has the POS 'x', which is not a whole number"),
        (("BIG", "", "INT", "0"), "lengthValidation has the POS '', which is not a whole number"),
        (("BIG", "4.0", "INT", "0"), "lengthValidation has the POS '4.0', which is not a whole number"),
        (("BIG", "-1", "INT", "0"), "lengthValidation has the POS -1, which is below zero"),
        (("BIG", "0", "INT", "1e3"), "lengthValidation has the BASE '1e3', which is not a whole number"),
        (("BIG", "9" * 5000, "INT", "0"), "lengthValidation has the POS '999"),
    ],
)
def test_a_length_field_that_is_not_understood_is_not_carried_out(
    length: tuple[str, str, str, str], sentence: str
) -> None:
    with pytest.raises(NotCarriedOut) as caught:
        expected_of(validation(length=length))
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("texts", "length", "shortest"),
    [
        ([], None, 0),
        ([(0, "")], None, 0),
        ([(0, "Hello World!"), (13, "It's new world!")], None, 28),
        ([(13, "It's new world!"), (0, "Hello World!")], ("BIG", "4", "INT", "15"), 28),
        ([(0, "ab")], ("BIG", "4", "LONG", "0"), 12),
        ([(2, "정")], None, 5),
    ],
)
def test_as_much_is_read_as_the_checks_need(
    texts: list[tuple[int, str]], length: tuple[str, str, str, str] | None, shortest: int
) -> None:
    assert expected_of(validation(*texts, length=length)).shortest == shortest


def test_half_a_character_cannot_be_compared() -> None:
    with pytest.raises(NotCarriedOut, match="half a character"):
        expected_of(validation((0, "\ud800")))


@given(
    texts=st.lists(st.tuples(st.integers(0, 40), st.text(max_size=5)), max_size=3),
    length=st.none()
    | st.tuples(
        *(st.sampled_from(["BIG", "LITTLE", "INT", "BYTE", "LONG", "", "0", "4", "-3", "x"]) for _ in range(4))
    ),
    data=st.binary(max_size=60),
)
def test_whatever_comes_is_judged_or_not_carried_out(
    texts: list[tuple[int, str]], length: tuple[str, str, str, str] | None, data: bytes
) -> None:
    try:
        expected = expected_of(validation(*texts, length=length))
    except NotCarriedOut:
        return
    if not expected.objection_to(data):
        assert len(data) >= expected.shortest
        assert all(text.encode() in data for _, text in texts)
