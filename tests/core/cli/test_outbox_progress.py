"""The line that shows how far a drain is: what it says, how often, how wide, and where it never appears."""

from __future__ import annotations

import io
import logging
from contextlib import redirect_stderr
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.cli.fitting import cut, fitted
from checkmill.cli.paragraphs import width_of
from checkmill.cli.progress import Line, shown
from checkmill.edges import Edges
from support.commands import Captured

ERASE = "\r\x1b[K"
HEAD = ("ONE", "TWO", "THREE")
TEXT = st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=30)


@dataclass
class Screen:
    """A terminal of some width, and a clock beside it."""

    width: int = 100
    now: float = 50.0
    written: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.line = Line(self.written.append, lambda: self.width, lambda: self.now)

    def after(self, seconds: float, settled: int, waiting: int, **counts: int) -> str:
        """What is written when there is news after some seconds."""
        self.now += seconds
        before = len(self.written)
        self.line.show(settled, waiting, counts)
        return "".join(self.written[before:])


def test_the_line_tells_count_speed_time_left_and_outcomes() -> None:
    screen = Screen()
    screen.after(1, 50, 9950, accepted=50)

    drawn = screen.after(9, 4210, 5790, accepted=4200, pending=8, refused=2)

    bar = "[########............]"
    assert drawn == f"{ERASE}{bar} 4,210 of 10,000  42%  421/s  13s left  8 pending, 4,200 accepted, 2 refused"


def test_a_short_drain_shows_nothing() -> None:
    screen = Screen()
    assert [screen.after(0.1, number, 9) for number in range(4)] == [""] * 4
    screen.line.take_back()
    assert screen.written == []
    assert screen.after(0.2, 5, 9) != ""


def test_the_line_is_drawn_ten_times_a_second_at_most() -> None:
    screen = Screen()
    drawn = [screen.after(0.01, number, 1000) for number in range(300)]
    # The first half second is quiet.
    assert 20 <= sum(map(bool, drawn)) <= 26


def test_the_speed_is_that_of_the_last_seconds() -> None:
    screen = Screen()
    for second in range(60):
        screen.after(1, second * 100, 100_000, accepted=second * 100)
    for second in range(30):
        last = screen.after(1, 5900 + second, 60, accepted=5900 + second)
    assert "1.0/s  1m00s left" in last


@pytest.mark.parametrize(
    ("waiting", "left"),
    [(0, "0s left"), (9, "9s left"), (125, "2m05s left"), (7300, "2h01m left"), (3_600_000, "1,000h00m left")],
)
def test_the_time_that_is_left_is_readable(waiting: int, left: str) -> None:
    assert f"  {left}" in Screen(200).after(10, 10, waiting)


def test_without_progress_there_is_no_speed_and_no_promise() -> None:
    assert Screen().after(10, 0, 8) == f"{ERASE}[....................] 0 of 8  0%"
    assert Screen().after(10, 0, 0) == f"{ERASE}[####################] 0 of 0  100%"


@pytest.mark.parametrize("width", [1, 2, 10, 40, 59, 61, 80, 300])
def test_the_line_leaves_the_last_column_free(width: int) -> None:
    drawn = Screen(width).after(5, 1234, 9_999_999, accepted=1000, unknown=234).removeprefix(ERASE)
    assert len(drawn) <= max(width - 1, 1)
    assert ("[" in drawn) == (width > 60)


def test_the_line_is_taken_back_once() -> None:
    screen = Screen()
    screen.after(5, 1, 2)
    screen.line.take_back()
    screen.line.take_back()
    assert (len(screen.written), screen.written[1]) == (2, ERASE)


def test_what_is_logged_stands_on_a_line_of_its_own() -> None:
    clock, log = Screen(), logging.getLogger()
    with redirect_stderr(io.StringIO()) as stderr:
        handler = logging.StreamHandler(stderr)
        log.addHandler(handler)
        try:
            streams = Captured(err_is_terminal=True)
            with shown(streams, Edges(monotonic=lambda: clock.now, environ={"TERM": "xterm"})) as line:
                assert line is not None
                clock.now += 1
                line.show(1, 3, {"accepted": 1})
                log.warning("not sent")
                clock.now += 1
                line.show(2, 2, {"accepted": 2})
            log.warning("over")
        finally:
            log.removeHandler(handler)
    assert stderr.getvalue() == (
        f"{ERASE}[#####...............] 1 of 4  25%  1.0/s  3s left  1 accepted{ERASE}not sent\n"
        f"{ERASE}[##########..........] 2 of 4  50%  1.0/s  2s left  2 accepted{ERASE}over\n"
    )


@pytest.mark.parametrize(
    ("streams", "environ"),
    [
        (Captured(), {"TERM": "xterm"}),
        (Captured(out_is_terminal=True, in_is_terminal=True), {"TERM": "xterm"}),
        (Captured(err_is_terminal=True, quiet=True), {"TERM": "xterm"}),
        (Captured(err_is_terminal=True), {"TERM": "dumb"}),
        (Captured(err_is_terminal=True), {}),
    ],
    ids=["no terminal", "only stdout", "quiet", "a dumb terminal", "no word of a terminal"],
)
def test_the_line_is_for_terminals_alone(streams: Captured, environ: dict[str, str]) -> None:
    with redirect_stderr(io.StringIO()) as stderr, shown(streams, Edges(environ=environ)) as line:
        assert line is None
    assert stderr.getvalue() == ""


@pytest.mark.parametrize("environ", [{"TERM": "xterm"}, {"TERM": "xterm", "NO_COLOR": "1"}], ids=["plain", "NO_COLOR"])
def test_the_line_has_no_colour(environ: dict[str, str]) -> None:
    clock = Screen()
    edges = Edges(monotonic=lambda: clock.now, environ=environ)
    with redirect_stderr(io.StringIO()) as stderr, shown(Captured(err_is_terminal=True), edges) as line:
        assert line is not None
        clock.now += 1
        line.show(1, 1, {"accepted": 1})
    assert stderr.getvalue() != ""
    assert stderr.getvalue().replace(ERASE, "").isprintable()


# What fits


@given(text=TEXT, width=st.integers(0, 40))
def test_a_cut_text_fits_and_begins_as_it_did(text: str, width: int) -> None:
    short = cut(text, width)
    assert width_of(short) <= width
    assert short == text or text.startswith(short.removesuffix("..."[:width]))


@given(
    rows=st.lists(st.lists(TEXT, min_size=3, max_size=3), max_size=5),
    width=st.integers(1, 120),
    cuts=st.lists(st.tuples(st.sampled_from(HEAD), st.integers(1, 10)), max_size=4),
    spare=st.lists(st.sampled_from(HEAD[1:]), max_size=3),
)
def test_a_table_fits_whatever_is_in_it(
    rows: list[list[str]], width: int, cuts: list[tuple[str, int]], spare: list[str]
) -> None:
    lines = fitted(HEAD, rows, width, cuts, spare).split("\n")
    assert len(lines) == len(rows) + 2
    assert max(map(width_of, lines)) <= width
