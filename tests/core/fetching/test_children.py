"""Functions in child processes: their results, their failures, and that nothing of them is left."""

from __future__ import annotations

import ctypes
import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import (
    DeadlineError,
    ParseError,
    PluginError,
    ReadError,
    SessionExpired,
    StatusError,
    TooLargeError,
)
from checkmill.model.fetch import Fetch as Fetching
from checkmill.model.flow import Flow, attempt, heavy, together
from checkmill.model.secret import Secret
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import ConfiguredSource, Dataset, Source
from checkmill.steps.fetching import Job, carry_out, fetch_all
from checkmill.steps.fetching.descendants import descendants_of
from checkmill.testing import play
from support import blocking
from support.loopback import Reply

SETTINGS = SourceSettings()
#: More than a fresh interpreter takes to start on a busy machine.
PLENTY_S = 20.0


_SET_CHILD_SUBREAPER = 36
_BEFORE: list[int] = []


def _started_since() -> list[int]:
    """The processes below this one that the running test has started."""
    return [one for one in descendants_of(os.getpid()) if one not in _BEFORE]


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """No test leaves a process behind that was not there before."""
    # A job that ran in this very process has made it adopt what others leave; that is none of these tests' affair.
    ctypes.CDLL(None).prctl(_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    before = set(descendants_of(os.getpid()))
    _BEFORE[:] = before
    yield
    assert set(descendants_of(os.getpid())) - before == set()


def test_a_heavy_function_gives_its_result(fetch: Any) -> None:
    assert fetch(lambda: heavy(blocking.add, 1, 2), SETTINGS, timeout_s=PLENTY_S).value == 3


def test_nothing_is_a_result(fetch: Any) -> None:
    done = fetch(lambda: heavy(blocking.nothing), SETTINGS, timeout_s=PLENTY_S)
    assert (done.value, done.error) == (None, None)


def test_it_is_called_in_another_process_and_session(fetch: Any) -> None:
    def flow() -> Flow[Any]:
        return (yield from together([heavy(blocking.process_ids), heavy(blocking.session_id)]))

    (worker, guard), session = fetch(flow, SETTINGS, timeout_s=PLENTY_S).value
    assert os.getpid() not in {worker, guard}
    assert session not in {os.getsid(0), worker, guard}


def test_a_secret_comes_through_and_stands_nowhere_else(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The environment is what an operator gives secrets by.
    monkeypatch.setenv("VENDOR_TOKEN", "tok-for-the-child")
    monkeypatch.setenv("VENDOR_NAME", "no secret")
    value = fetch(
        lambda: heavy(blocking.reversed_secret, Secret("tok-for-the-child")), SETTINGS, timeout_s=PLENTY_S
    ).value
    backwards, token, arguments, environment = value
    assert backwards == "dlihc-eht-rof-kot"
    assert token == Secret("tok-for-the-child")
    assert "tok-for-the-child" not in arguments
    assert "tok-for-the-child" not in environment
    assert "'VENDOR_NAME': 'no secret'" in environment


@pytest.mark.parametrize(
    ("function", "arguments", "error", "words"),
    [
        (blocking.failing_parse, (), ParseError, "the answer holds no host"),
        (blocking.refusing, (), StatusError, "HTTP 500 from vendor:443"),
        (blocking.expiring, (), SessionExpired, "HTTP 401 from vendor:443"),
        (
            blocking.crashing,
            ("cpu",),
            PluginError,
            "shop/hosts: crashing failed with KeyError; the log has the traceback",
        ),
        (blocking.leaving, (), PluginError, "shop/hosts: leaving failed with SystemExit; the log has the traceback"),
        (blocking.unpicklable, (), PluginError, "shop/hosts: unpicklable failed with AttributeError"),
        (blocking.killed, (), PluginError, "shop/hosts: the child process of killed ended without a result"),
        (blocking.add, (1,), PluginError, "shop/hosts: add failed with TypeError; the log has the traceback"),
        (len, (iter([]),), PluginError, "shop/hosts: len failed with TypeError; the log has the traceback"),
        (lambda: 1, (), PluginError, "it must be a function of a module"),
        (blocking.add, (1, lambda: 1), PluginError, "with arguments that can be pickled"),
    ],
    ids=[
        "parse",
        "status",
        "session",
        "crash",
        "sys.exit",
        "no result to hand over",
        "killed",
        "wrong call",
        "built in",
        "lambda",
        "lambda as argument",
    ],
)
def test_what_goes_wrong_in_a_child_is_said(
    fetch: Any, function: Any, arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    failed = fetch(lambda: heavy(function, *arguments), SETTINGS, timeout_s=PLENTY_S).error
    assert type(failed) is error
    assert words in str(failed)


def test_an_error_of_a_child_keeps_what_it_knows(fetch: Any) -> None:
    value = fetch(lambda: attempt(heavy(blocking.refusing)), SETTINGS, timeout_s=PLENTY_S).value
    assert isinstance(value, StatusError)
    assert (value.status, value.retry_after_s, value.stage) == (500, 3.0, "read")


def test_the_traceback_of_a_child_is_logged_without_secrets(fetch: Any, caplog: pytest.LogCaptureFixture) -> None:
    token = Secret("tok-in-a-child")
    fetch(lambda: heavy(blocking.crashing, token.reveal()), SETTINGS, timeout_s=PLENTY_S)
    record = next(record for record in caplog.records if record.levelno == logging.ERROR)
    assert "in crashing" in record.getMessage()
    assert "KeyError: 'no *** here'" in record.getMessage()
    assert "tok-in-a-child" not in caplog.text


@pytest.mark.parametrize("size", [1000, 2_000_000])
def test_a_result_that_is_too_large_is_refused(fetch: Any, size: int) -> None:
    error = fetch(lambda: heavy(blocking.large, size), SETTINGS, timeout_s=PLENTY_S, max_size=1000).error
    assert isinstance(error, TooLargeError)
    assert str(error) == "what large returns is larger than the 1000 bytes of max_size"


def test_large_arguments_and_results_come_through(fetch: Any) -> None:
    def flow() -> Flow[int]:
        return len((yield from heavy(bytes.upper, bytes(3_000_000))))

    assert fetch(flow, SETTINGS, timeout_s=PLENTY_S).value == 3_000_000


@pytest.mark.parametrize("function", [*blocking.NEVER_DONE.values()][:4], ids=[*blocking.NEVER_DONE][:4])
def test_what_is_not_done_at_the_deadline_is_ended_with_all_it_started(fetch: Any, function: Any) -> None:
    started = time.monotonic()
    done = fetch(lambda: heavy(function, None, None), SETTINGS, timeout_s=0.5)
    assert isinstance(done.error, DeadlineError)
    assert time.monotonic() - started < 2
    assert _started_since() == []


def test_what_a_function_leaves_behind_ends_with_it(fetch: Any) -> None:
    assert fetch(lambda: heavy(blocking.forking_and_done), SETTINGS, timeout_s=PLENTY_S).value == "done"


def test_a_child_ends_when_another_of_several_fails(fetch: Any) -> None:
    def failing() -> Flow[None]:
        yield from SETTINGS.get("http://127.0.0.1:1/")
        raise ReadError("not reached")

    started = time.monotonic()
    done = fetch(lambda: together([heavy(blocking.looping, None, None), failing()]), SETTINGS, timeout_s=PLENTY_S)
    assert done.error.stage == "connect"
    assert time.monotonic() - started < PLENTY_S / 2
    until = time.monotonic() + 5
    while _started_since() and time.monotonic() < until:
        pass


def test_a_child_does_not_outlive_a_process_that_is_killed() -> None:
    """The parent is killed; its child, and what the child started, end by themselves."""
    program = (
        "from checkmill.edges import Edges\n"
        "from checkmill.model.flow import heavy\n"
        "from checkmill.model.settings import SourceSettings\n"
        "from checkmill.steps.fetching import Job, carry_out\n"
        "from support import blocking\n"
        "flow = lambda: heavy(blocking.forking, None, None)\n"
        "carry_out([Job('shop/x', 'shop', SourceSettings(), flow, 60.0)], Edges())\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    parent = subprocess.Popen([sys.executable, "-c", program], env=environment)
    until = time.monotonic() + PLENTY_S
    below: list[int] = []
    # The guard, the worker, two that forked twice, and two programs of the shell.
    while len(below) < 6 and time.monotonic() < until:
        below = descendants_of(parent.pid)
    parent.kill()
    parent.wait()
    assert len(below) >= 6
    while any(_lives(process) for process in below) and time.monotonic() < until:
        pass
    assert [process for process in below if _lives(process)] == []


def _lives(process: int) -> bool:
    try:
        with open(f"/proc/{process}/stat", encoding="utf-8") as stat:  # noqa: PTH123 - not a file
            return stat.read().rpartition(")")[2].split()[0] not in {"Z", "X"}
    except OSError:
        return False


def test_what_a_plugin_prints_in_a_child_is_no_result() -> None:
    program = (
        "from checkmill.edges import Edges\n"
        "from checkmill.model.flow import heavy\n"
        "from checkmill.model.settings import SourceSettings\n"
        "from checkmill.steps.fetching import Job, carry_out\n"
        "from support import blocking\n"
        "job = Job('shop/x', 'shop', SourceSettings(), lambda: heavy(blocking.chatty), 20.0)\n"
        "print(carry_out([job], Edges())[0].value)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    ran = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert ran.stdout == "quiet\n"
    assert sorted(ran.stderr.splitlines()) == ["printed by a plugin", "written by a plugin"]


def dataset_source(base_url: str = "") -> ConfiguredSource:
    kind = Source("vendor", SourceSettings, ())
    return ConfiguredSource("shop", kind, SourceSettings(base_url=base_url), labels={}, file="", digest="")


def test_a_dataset_may_be_a_plain_function() -> None:
    dataset: Any = Dataset("hosts", blocking.measured)  # type: ignore[arg-type]
    fetched = fetch_all([Fetching(dataset_source("http://v"), dataset, NoQuery(), PLENTY_S)], Edges())
    assert [one.payload for one in fetched.values()] == [{"web-1": 8.0}]


def test_a_plain_function_that_blocks_is_ended_at_its_deadline() -> None:
    dataset: Any = Dataset("hosts", blocking.sleeping)  # type: ignore[arg-type]
    (one,) = fetch_all([Fetching(dataset_source(), dataset, NoQuery(), 0.5)], Edges()).values()
    assert isinstance(one.error, DeadlineError)
    assert "shop/hosts: sleeping was still at work after 0.5 s and was ended" in str(one.error)


def test_a_function_without_types_that_gives_a_flow_is_a_flow(serve: Any) -> None:
    server = serve(lambda got: Reply(200, got.target.encode()))
    dataset: Any = Dataset("hosts", blocking.describing)
    (one,) = fetch_all([Fetching(dataset_source(server.url), dataset, NoQuery(), PLENTY_S)], Edges()).values()
    assert one.payload.text() == "/described"


def test_a_blocking_child_delays_no_job_of_its_own_source(serve: Any) -> None:
    server = serve(lambda got: Reply(200, got.target.encode()))
    settings = SourceSettings(base_url=server.url)
    ended: dict[int, float] = {}
    started = time.monotonic()
    jobs = [
        Job("shop/bad", "shop", settings, lambda: heavy(blocking.looping, None, None), 1.5),
        Job("shop/good", "shop", settings, lambda: settings.get("/x"), 1.5),
    ]
    dones = carry_out(jobs, Edges(), on_done=lambda index, _: ended.setdefault(index, time.monotonic() - started))
    assert isinstance(dones[0].error, DeadlineError)
    assert dones[1].value.text() == "/x"
    assert ended[1] < 1.2 < ended[0]


def test_a_heavy_function_is_called_here_when_a_flow_is_played() -> None:
    assert play(heavy(blocking.add, 1, 2), respond=lambda _: pytest.fail("nothing is asked")) == 3


def test_a_child_that_cannot_be_started_is_a_source_error(fetch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    # The interpreter's own path is nothing that could be passed along.
    monkeypatch.setattr(sys, "executable", "/nonexistent/python")
    error = fetch(lambda: heavy(blocking.nothing), SETTINGS).error
    assert str(error).startswith("shop/hosts: no child process can be started: ")
