"""Flows: side by side, failures as values, and the wall round a plugin."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from checkmill.model.errors import DeadlineError, ParseError, PluginError, ReadError, SourceError, StatusError
from checkmill.model.flow import Attempt, Flow, Together, attempt, together
from checkmill.model.secret import Secret
from checkmill.model.settings import SourceSettings
from support.loopback import Got, Reply, Server, http_server


@pytest.fixture
def server() -> Iterator[Server]:
    def answer(got: Got) -> Reply:
        return Reply(404 if got.target == "/13" else 200, got.target.encode())

    with http_server(answer) as serving:
        yield serving


@pytest.fixture
def settings(server: Server) -> SourceSettings:
    return SourceSettings(base_url=server.url)


def test_one_of_twenty_that_fails_is_a_value_and_the_others_are_answers(fetch: Any, settings: SourceSettings) -> None:
    def flow() -> Flow[list[str]]:
        answers = yield from together([attempt(settings.get(f"/{n}")) for n in range(20)])
        return ["failed" if isinstance(answer, StatusError) else answer.text() for answer in answers]

    expected = [f"/{n}" for n in range(20)]
    expected[13] = "failed"
    assert fetch(flow, settings).value == expected


def test_the_first_failure_of_several_is_raised_in_the_flow(fetch: Any, settings: SourceSettings) -> None:
    def flow() -> Flow[str]:
        try:
            yield from together([settings.get(f"/{n}") for n in range(20)])
        except StatusError as error:
            return f"caught {error.status}"
        return "nothing"

    assert fetch(flow, settings).value == "caught 404"


def test_calls_flows_and_attempts_nest(fetch: Any, settings: SourceSettings) -> None:
    def pages(n: int) -> Flow[list[str]]:
        first = yield from settings.get(f"/{n}")
        rest = yield from together([settings.get(f"/{n}/{page}") for page in range(2)])
        return [first.text(), *(page.text() for page in rest)]

    def flow() -> Flow[Any]:
        request = settings.request("GET", "/alone")
        return (yield Together((pages(1), request, Attempt(pages(13)), Together((request,)), Attempt(Together(())))))

    value = fetch(flow, settings).value
    assert value[0] == ["/1", "/1/0", "/1/1"]
    assert value[1].text() == "/alone"
    assert isinstance(value[2], StatusError)
    assert value[3][0].text() == "/alone"
    assert value[4] == []


def test_a_failure_is_raised_at_the_yield(fetch: Any, settings: SourceSettings) -> None:
    def flow() -> Flow[str]:
        try:
            yield from settings.get("/13")
        except StatusError:
            return (yield from settings.get("/instead")).text()
        return "nothing"

    assert fetch(flow, settings).value == "/instead"


def test_what_a_flow_raises_itself_is_its_error(fetch: Any, settings: SourceSettings) -> None:
    def flow() -> Flow[None]:
        yield from settings.get("/1")
        raise ParseError("there is no host in the answer")

    assert fetch(flow, settings).error.sentence == "parse: there is no host in the answer"


@pytest.mark.parametrize("value", [None, 0, {"a": 1}])
def test_a_function_that_is_no_flow_gives_its_result(fetch: Any, value: object) -> None:
    assert fetch(lambda: value, SourceSettings()).value == value


def endless() -> Flow[None]:
    return (yield from endless())


def raising(error: BaseException) -> Callable[[], Flow[None]]:
    def flow() -> Flow[None]:
        raise error
        yield

    return flow


def stubborn() -> Flow[None]:
    while True:
        try:
            yield SourceSettings(base_url="http://").request("GET", "/x")
        except GeneratorExit:
            yield SourceSettings().request("GET", "/y")
        except SourceError:
            raise KeyError("gone") from None


async def coroutine() -> None: ...


class SpeechlessError(SourceError):
    def __str__(self) -> str:
        raise KeyError("no words")


@pytest.mark.filterwarnings("ignore:coroutine")
@pytest.mark.parametrize(
    ("start", "word"),
    [
        (raising(KeyError("cpu")), "KeyError"),
        (raising(SystemExit(0)), "SystemExit"),
        (raising(KeyboardInterrupt()), "KeyboardInterrupt"),
        (raising(GeneratorExit()), "GeneratorExit"),
        (raising(MemoryError()), "MemoryError"),
        (raising(StopIteration(1)), "RuntimeError"),
        (endless, "RecursionError"),
        (stubborn, "KeyError"),
        (coroutine, "coroutine"),
        (lambda: sys.exit(2), "SystemExit"),
        (lambda: (i for i in [5]), "int"),
        (lambda: (i for i in [None]), "NoneType"),
        (lambda: (Together((item,)) for item in [{"a": 1}]), "dict"),
        (raising(SpeechlessError("x")), "SpeechlessError"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_whatever_a_plugin_does_is_a_plugin_error_that_names_the_job(fetch: Any, start: Any, word: str) -> None:
    error = fetch(start, SourceSettings()).error
    assert isinstance(error, PluginError)
    assert word in str(error)


def test_the_traceback_of_a_crash_is_logged_without_secrets(fetch: Any, caplog: pytest.LogCaptureFixture) -> None:
    token = Secret("tok-in-traceback")
    error = fetch(raising(KeyError(f"no {token.reveal()} here")), SourceSettings()).error
    assert str(error) == "shop/hosts failed with KeyError; the log has the traceback"
    record = next(record for record in caplog.records if "shop/hosts" in record.getMessage())
    assert (record.name, record.levelname) == ("checkmill", "ERROR")
    assert "Traceback" in record.getMessage()
    assert "KeyError" in record.getMessage()
    assert "tok-in-traceback" not in caplog.text


def test_a_flow_that_goes_on_after_its_deadline_is_ended(fetch: Any, settings: SourceSettings) -> None:
    asked = []

    def flow() -> Flow[None]:
        while True:
            asked.append(1)
            yield from attempt(settings.get(f"/{len(asked)}"))

    done = fetch(flow, settings, timeout_s=0.2)
    assert isinstance(done.error, DeadlineError)
    assert done.ended_at - done.started_at < 0.9


def test_a_flow_is_closed_when_another_of_several_fails(fetch: Any, settings: SourceSettings) -> None:
    closed = []

    def never_done() -> Flow[None]:
        try:
            while True:
                yield from settings.post("/1")
        finally:
            closed.append(True)

    def failing() -> Flow[None]:
        yield from settings.post("/1")
        raise ReadError("enough")

    def flow() -> Flow[Any]:
        return (yield from together([never_done(), failing()]))

    assert str(fetch(flow, settings).error) == "enough"
    assert closed == [True]
