"""The end of what a job wrote: its last lines, whatever pieces they came in, within bounds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.tail import KEPT_BYTES, KEPT_LINES, Tail

WORDS = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x2FFF, categories=["L", "N", "P"]), min_size=1, max_size=8
)


def tail_of(*pieces: bytes | tuple[int, bytes]) -> tuple[str, ...]:
    tail = Tail()
    for piece in pieces:
        tail.feed(*(piece if isinstance(piece, tuple) else (1, piece)))
    return tail.lines()


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ((), ()),
        ((b"",), ()),
        ((b"\n\n  \n",), ()),
        ((b"one",), ("one",)),
        ((b"one\n",), ("one",)),
        ((b"one\n\n \t\n",), ("one",)),
        ((b"one\r\ntwo\r\n",), ("one", "two")),
        ((b"o", b"ne\ntw", b"o\n"), ("one", "two")),
        ((b"10%\r50%\r100%\r\n",), ("100%",)),
        ((b"10%\r50%\r        \r",), ("50%",)),
        ((b"\x1b[1;31mred\x1b[0m \x1b]0;title\x07bell\a\n",), ("red bell",)),
        ((b"a\tb\x00c\x7fd\n",), ("a b c d",)),
        ((b"caf\xc3\xa9 \xff\n",), ("café \ufffd",)),
        ((b"caf\xc3", b"\xa9\n"), ("café",)),
        (((1, b"out\n"), (2, b"err\n"), (1, b"more\n")), ("out", "err", "more")),
        (((1, b"ou"), (2, b"err\n"), (1, b"t\n")), ("err", "out")),
        (((1, b"ou"), (2, b"er"), (1, b"t"), (2, b"r")), ("out", "err")),
    ],
)
def test_the_last_lines_are_those_that_show_something(
    pieces: tuple[bytes | tuple[int, bytes], ...], lines: tuple[str, ...]
) -> None:
    assert tail_of(*pieces) == lines


def test_of_many_lines_the_last_are_kept() -> None:
    assert tail_of(*(b"line %d\n" % number for number in range(100_000))) == tuple(
        f"line {number}" for number in range(100_000 - KEPT_LINES, 100_000)
    )


@pytest.mark.parametrize("size", [1, 7, 4096, 65536])
def test_a_line_whose_beginning_is_not_kept_is_left_out_where_there_is_another(size: int) -> None:
    data = b"x" * 50_000 + b"\nlast\n"

    assert tail_of(*(data[start : start + size] for start in range(0, len(data), size))) == ("last",)


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_of_one_endless_line_something_is_shown_and_not_where_it_was_cut(end: bytes) -> None:
    secret = b"s3cr3t"
    (line,) = tail_of(b"a" * (KEPT_BYTES * 2 - 3 - len(end)), secret[:3], secret[3:] + b"b" * (KEPT_BYTES - 3) + end)

    assert set(line) == {"b"}


@given(
    st.lists(st.tuples(st.sampled_from([1, 2]), st.lists(WORDS, max_size=5).map(" ".join)), max_size=60),
    st.randoms(use_true_random=False),
)
def test_lines_are_the_same_in_whatever_pieces_they_come(lines: list[tuple[int, str]], chance: object) -> None:
    tail = Tail()
    for stream, line in lines:
        data = f"{line}\n".encode()
        cut = chance.randint(0, len(data))  # type: ignore[attr-defined]
        tail.feed(stream, data[:cut])
        tail.feed(stream, data[cut:])

    assert tail.lines() == tuple([line for _, line in lines if line][-KEPT_LINES:])


@given(st.lists(st.tuples(st.sampled_from([1, 2, 3]), st.binary(max_size=300)), max_size=40), st.integers(1, 400))
def test_whatever_comes_is_kept_in_bounds_and_printable(pieces: list[tuple[int, bytes]], times: int) -> None:
    tail = Tail()
    for stream, piece in pieces:
        tail.feed(stream, piece * times)
    lines = tail.lines()

    assert len(lines) <= KEPT_LINES
    assert sum(len(line.encode()) for line in lines) <= 3 * 3 * KEPT_BYTES
    assert all(line.strip() and not any(ord(one) < 32 for one in line) for line in lines)
