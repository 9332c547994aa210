"""The question before anything is changed, at a real terminal, and what ends while it is asked."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import Desk
from support.loopback import Reply, Server
from support.signals import Yard, served

DEADLINE_S = 20
PLAN = "delete north\ndelete south\n"


@pytest.fixture
def yard() -> Yard:
    return Yard({"name": "north", "color": "red"}, {"name": "south", "color": "red"})


@pytest.fixture(autouse=True)
def server(yard: Yard, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(yard, desk, monkeypatch) as server:
        yield server


class Terminal:
    """A terminal with somebody at it: starts a command there, reads what is shown, types."""

    def __init__(self, desk: Desk, words: str, **streams: int) -> None:
        self._master, terminal = pty.openpty()
        at = {"stdin": terminal, "stdout": terminal, "stderr": terminal, **streams}
        self.process: subprocess.Popen[bytes] = desk.start(words, **at)
        os.close(terminal)
        self.shown = ""

    def read_to(self, text: str) -> str:
        while text not in self.shown:
            piece = self._piece()
            assert piece, self.shown
            self.shown += piece
        return self.shown

    def type(self, keys: str) -> None:
        os.write(self._master, keys.encode())

    def end(self) -> tuple[int, str]:
        while piece := self._piece():
            self.shown += piece
        os.close(self._master)
        return self.process.wait(DEADLINE_S), self.shown

    def _piece(self) -> str:
        try:
            return os.read(self._master, 65536).decode().replace("\r\n", "\n")
        except OSError:  # Linux says so when the last process has closed the terminal
            return ""


def question(server: Server, things: str = "2 things") -> str:
    return f"change {things} at main, {server.where}? [y/N] "


@pytest.mark.parametrize("typed", ["y", "Yes", " YES "])
def test_a_yes_at_the_terminal_is_enough(desk: Desk, yard: Yard, server: Server, typed: str) -> None:
    at = Terminal(desk, "yard signal delete north south")
    at.read_to(question(server))
    assert yard.changing == []
    at.type(f"{typed}\n")

    code, shown = at.end()

    assert (code, shown) == (0, f"{PLAN}{question(server)}{typed}\n\ndeleted north\ndeleted south\n")
    assert yard.changing == ["DELETE /signals/north", "DELETE /signals/south"]


@pytest.mark.parametrize("typed", ["\n", "n\n", "yess\n", "ja\n", "\x04"], ids=["enter", "n", "yess", "ja", "end"])
def test_anything_else_changes_nothing(desk: Desk, yard: Yard, server: Server, typed: str) -> None:
    at = Terminal(desk, "yard signal delete north")
    at.read_to(question(server, "1 thing"))
    at.type(typed)

    code, shown = at.end()

    assert code == 3
    assert shown.endswith("\ncheckmill: nothing was changed\n")
    assert yard.changing == []


def test_what_was_typed_before_the_question_does_not_answer_it(desk: Desk, yard: Yard, server: Server) -> None:
    at = Terminal(desk, "yard signal delete north")
    at.type("y\n")
    at.read_to(question(server, "1 thing"))
    at.type("n\n")

    code, shown = at.end()

    assert (code, shown.endswith("\ncheckmill: nothing was changed\n")) == (3, True)
    assert yard.changing == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_changes_nothing(desk: Desk, yard: Yard, server: Server, number: signal.Signals) -> None:
    at = Terminal(desk, "yard signal delete north")
    at.read_to(question(server, "1 thing"))
    at.process.send_signal(number)

    code, shown = at.end()

    assert code == 3
    assert shown.endswith(f"\ncheckmill: Checkmill was ended by {number.name}; nothing was changed\n")
    assert yard.changing == []


def test_whoever_is_asked_sees_what_about_wherever_results_go(desk: Desk, server: Server) -> None:
    results = desk.home / "results"
    with results.open("wb") as opened:
        at = Terminal(desk, "yard signal delete north south --format json", stdout=opened.fileno())
    at.read_to(question(server))
    at.type("y\n")

    code, shown = at.end()

    assert (code, shown) == (0, f"{PLAN}{question(server)}y\n")
    assert '"outcome": "deleted south"' in results.read_text(encoding="utf-8")


@pytest.mark.parametrize("away", ["stdin", "stderr"])
def test_nobody_is_asked_who_cannot_see_or_answer(desk: Desk, yard: Yard, away: str) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    at = Terminal(desk, "yard signal delete north", **{away: nowhere})
    os.close(nowhere)

    code, shown = at.end()

    assert code == 3
    assert "[y/N]" not in shown
    assert yard.changing == []


def test_in_the_sandbox_the_question_says_so(desk: Desk, yard: Yard) -> None:
    file = desk.home / "signals.yaml"
    file.write_text("{name: a, aspect: {kind: arm, angle: 1}}")
    at = Terminal(desk, f"yard signal apply {file} --sandbox")
    at.read_to("change 1 thing at main, the sandbox at 127.0.0.1:")
    at.type("y\n")

    assert at.end()[0] == 0
    assert yard.got == []


def test_a_signal_in_the_middle_says_what_was_under_way(desk: Desk, yard: Yard) -> None:
    process = desk.start("yard odd slow --yes")
    assert process.stdout is not None
    assert process.stderr is not None
    assert [process.stdout.readline() for _ in range(5)][3:] == [b"\n", b"first is done\n"]
    process.send_signal(signal.SIGINT)

    out, err = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, out) == (3, b"")
    assert err.decode() == (
        "checkmill: Checkmill was ended by SIGINT; 1 of 3 changes was carried out; under way was: second; "
        "it may have been carried out all the same; look before you repeat it; not done: third\n"
    )


@pytest.mark.parametrize(
    ("words", "text", "code", "told"),
    [
        ("yard read --file -", "name: a\naspect: {kind: arm, angle: 1}\n", 0, "name: a\naspect: arm\n"),
        (
            "yard read --file -",
            "name: a\naspect: {kind: arm, angle: x}\n",
            3,
            "stdin:2:28: aspect.angle: a whole number",
        ),
        ("yard read --file -", "", 3, "stdin: there is nothing in it; write a document into it\n"),
        ("yard read --file -", "a: " + "x" * (4 << 20), 3, "stdin: it is larger than 4 MiB; split it\n"),
        ("yard signal apply - --yes", "name: a\naspect: {kind: arm, angle: 1}\n", 0, "\na is as it should be"),
        (
            "yard signal apply - --dry-run",
            "name: a\naspect: {kind: arm, angle: 1}\n",
            0,
            "dry run: nothing was changed",
        ),
        (
            "yard signal apply -",
            "name: a\naspect: {kind: arm, angle: 1}\n",
            3,
            "add --yes or --dry-run, or name a file",
        ),
    ],
    ids=["read", "wrong", "empty", "large", "yes", "dry", "asked"],
)
def test_a_document_may_come_from_standard_input(desk: Desk, words: str, text: str, code: int, told: str) -> None:
    source = desk.home / "piped"
    source.write_text(text, encoding="utf-8")
    with source.open("rb") as piped:
        ran = desk.process(words, stdin=piped)

    assert ran.code == code
    assert told in (ran.out if code == 0 else ran.err)


def test_a_document_may_come_from_a_pipe_of_the_shell(desk: Desk, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    process = desk.start(f"yard read --file {pipe}")
    pipe.write_text("name: a\naspect: {kind: arm, angle: 1}\n", encoding="utf-8")

    out, err = process.communicate(timeout=DEADLINE_S)

    assert (process.returncode, out, err) == (0, b"name: a\naspect: arm\ntracks: []\nrepeat: 60.0\n", b"")


def test_what_could_not_be_shown_is_not_done(desk: Desk, yard: Yard) -> None:
    process = desk.start("yard signal delete north --yes", shell='exec "$@" >&-')

    _, err = process.communicate(timeout=DEADLINE_S)

    assert process.returncode == 3
    assert b"nothing was changed: what would change could not be shown" in err
    assert yard.changing == []


def test_a_change_is_never_sent_twice(desk: Desk, yard: Yard, server: Server) -> None:
    desk.write("sources: {main: {type: signals, base_url: <url>, key: '${KEY}', retries: 5}}\n", url=server.url)
    yard.replies["DELETE /signals/north"] = Reply(503, b"busy")

    ran = desk.process("yard signal delete north --yes")

    assert ran.code == 3
    assert yard.changing == ["DELETE /signals/north"]
