"""Sessions: one login per source and run, renewed once, and a failed login is said as such."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from checkmill.edges import Edges
from checkmill.model.errors import LoginError, ParseError, PluginError, SessionExpired, SourceError
from checkmill.model.fetch import Fetch as Fetching
from checkmill.model.flow import Flow, Request, Response, attempt, session, together
from checkmill.model.settings import NoQuery, SourceSettings
from checkmill.model.source import ConfiguredSource, ContractError, Dataset, Source
from checkmill.steps.fetching import Job, carry_out, fetch_all
from checkmill.testing import play
from support.loopback import Got, Reply, Server, http_server


class Doorkeeper:
    """A vendor that gives out tokens `t1`, `t2`... and takes those that `is_valid` says are valid."""

    def __init__(self, is_valid: Callable[[str], bool] = lambda _: True, at_once: int = 1) -> None:
        self.is_valid = is_valid
        self.logins = 0
        self._lock = threading.Lock()
        # Requests with the first token are answered together, so that all find their session ended at once.
        self._together = threading.Barrier(at_once)

    def __call__(self, got: Got) -> Reply:
        if got.target == "/login":
            with self._lock:
                self.logins += 1
                return Reply(200, f"t{self.logins}".encode())
        token = got.headers.get("x-token", "")
        if token == "t1":
            self._together.wait(5)
        return Reply(200, f"{got.target} with {token}".encode()) if self.is_valid(token) else Reply(401)


def log_in(settings: SourceSettings) -> Flow[str]:
    return (yield from settings.post("/login")).text()


def asking(settings: SourceSettings, path: str) -> Flow[str]:
    token = yield from session(log_in)
    response = yield from settings.get(path, headers={"x-token": token}, any_status=True)
    if response.status == 401:
        raise SessionExpired(f"HTTP 401 from {response.url}")
    return response.text()


@pytest.fixture
def serving() -> Iterator[Callable[[Any], Server]]:
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(http_server(answer))


def jobs_of(settings: SourceSettings, count: int, **more: Any) -> list[Job]:
    return [
        Job(f"shop/{n}", "shop", settings, lambda n=n: asking(settings, f"/{n}"), 4.0, login=log_in, **more)
        for n in range(count)
    ]


def test_one_login_serves_a_flow_that_asks_for_it_often(fetch: Any, serving: Any) -> None:
    vendor = Doorkeeper()
    settings = SourceSettings(base_url=serving(vendor).url)

    def flow() -> Flow[list[str]]:
        first = yield from asking(settings, "/0")
        return [first, *(yield from together([asking(settings, f"/{n}") for n in range(1, 4)]))]

    done = fetch(flow, settings, login=log_in)
    assert done.value == [f"/{n} with t1" for n in range(4)]
    assert vendor.logins == 1


def test_one_login_serves_all_flows_of_a_source_and_each_source_has_its_own(serving: Any, edges: Edges) -> None:
    vendor = Doorkeeper()
    settings = SourceSettings(base_url=serving(vendor).url)
    dones = carry_out(jobs_of(settings, 10), edges)
    assert [done.value for done in dones] == [f"/{n} with t1" for n in range(10)]
    assert vendor.logins == 1
    other = Job("office/0", "office", settings, lambda: asking(settings, "/0"), 4.0, login=log_in)
    assert [done.error for done in carry_out([*jobs_of(settings, 2), other], edges)] == [None] * 3
    assert vendor.logins == 3


def test_a_run_that_needs_no_session_opens_none(fetch: Any, serving: Any) -> None:
    vendor = Doorkeeper()
    settings = SourceSettings(base_url=serving(vendor).url)
    assert fetch(lambda: settings.get("/free"), settings, login=log_in).error is None
    assert vendor.logins == 0


def test_an_ended_session_is_renewed_once_and_the_flow_starts_again(fetch: Any, serving: Any) -> None:
    vendor = Doorkeeper(lambda token: token == "t2")
    settings = SourceSettings(base_url=serving(vendor).url)
    started = []

    def flow() -> Flow[str]:
        started.append(1)
        return (yield from asking(settings, "/x"))

    done = fetch(flow, settings, login=log_in)
    assert done.value == "/x with t2"
    assert (vendor.logins, len(started)) == (2, 2)


@pytest.mark.parametrize("count", [2, 8])
def test_flows_whose_session_ends_at_the_same_time_cause_one_renewal(serving: Any, edges: Edges, count: int) -> None:
    vendor = Doorkeeper(lambda token: token == "t2", at_once=count)
    settings = SourceSettings(base_url=serving(vendor).url, workers=8)
    dones = carry_out(jobs_of(settings, count), edges)
    assert [done.value for done in dones] == [f"/{n} with t2" for n in range(count)]
    assert vendor.logins == 2


def test_a_session_that_ends_again_is_a_login_error(fetch: Any, serving: Any) -> None:
    vendor = Doorkeeper(lambda _: False)
    server = serving(vendor)
    settings = SourceSettings(base_url=server.url)
    error = fetch(lambda: asking(settings, "/x"), settings, login=log_in).error
    assert type(error) is LoginError
    assert error.sentence == f"login: HTTP 401 from {server.url}/x; a new login did not help"
    assert vendor.logins == 2


def test_many_flows_whose_sessions_never_hold_cause_two_logins(serving: Any, edges: Edges) -> None:
    vendor = Doorkeeper(lambda _: False)
    settings = SourceSettings(base_url=serving(vendor).url)
    dones = carry_out(jobs_of(settings, 12), edges)
    assert all(isinstance(done.error, LoginError) for done in dones)
    assert vendor.logins == 2


def test_the_same_read_is_sent_again_with_a_session_of_the_same_token(fetch: Any, serving: Any) -> None:
    """A vendor may bring an old token back to life; what it said before must not be taken for its answer."""
    logins: list[int] = []

    def answer(got: Got) -> Reply:
        if got.target == "/login":
            logins.append(1)
            return Reply(200, b"same")
        return Reply(200, b"ok") if len(logins) > 1 else Reply(401)

    settings = SourceSettings(base_url=serving(answer).url)
    assert fetch(lambda: asking(settings, "/x"), settings, login=log_in).value == "ok"


def test_an_attempt_does_not_take_an_ended_session_for_an_answer_before_there_was_another(
    fetch: Any, serving: Any
) -> None:
    vendor = Doorkeeper(lambda token: token == "t2")
    settings = SourceSettings(base_url=serving(vendor).url)

    def flow() -> Flow[list[Any]]:
        return (yield from together([attempt(asking(settings, "/x"))]))

    assert fetch(flow, settings, login=log_in).value == ["/x with t2"]
    vendor.is_valid = lambda _: False
    value = fetch(flow, settings, login=log_in).value
    assert isinstance(value[0], SessionExpired)


def _broken(settings: SourceSettings) -> Flow[str]:
    raise KeyError("user")
    yield


def _unreadable(settings: SourceSettings) -> Flow[str]:
    yield from settings.post("/login")
    raise ParseError("the login's answer holds no token")


def endless(settings: SourceSettings) -> Flow[str]:
    return (yield from session(endless))


@pytest.mark.parametrize(
    ("login", "status", "kind", "sentence"),
    [
        (log_in, 403, LoginError, "login: HTTP 403 from {url}/login"),
        (log_in, 500, LoginError, "login: read: HTTP 500 from {url}/login"),
        (log_in, 429, LoginError, "login: rate limit: HTTP 429 from {url}/login"),
        (_unreadable, 200, LoginError, "login: parse: the login's answer holds no token"),
        (_broken, 200, PluginError, "plugin: the login of shop/hosts failed with KeyError; the log has the traceback"),
        (
            endless,
            200,
            PluginError,
            "plugin: the login of shop/hosts asks for a session, but the source does not declare session=endless",
        ),
    ],
    ids=["refused", "vendor down", "rate limit", "no token", "crash", "a session for the login"],
)
def test_a_login_that_fails_fails_the_flow_at_that_stage(
    fetch: Any, serving: Any, login: Any, status: int, kind: type[SourceError], sentence: str
) -> None:
    server = serving(lambda _: Reply(status))
    settings = SourceSettings(base_url=server.url, retries=0)

    def flow() -> Flow[str]:
        return (yield from session(login))

    error = fetch(flow, settings, login=login).error
    assert type(error) is kind
    assert error.sentence == sentence.format(url=server.url)


def test_a_login_without_a_connection_fails_at_the_login_and_says_why(fetch: Any) -> None:
    settings = SourceSettings(base_url="http://127.0.0.1:1", retries=0)
    error = fetch(lambda: asking(settings, "/x"), settings, login=log_in).error
    assert error.sentence == "login: connect: no connection to 127.0.0.1:1: connection refused"


def test_a_failed_login_is_not_tried_again_by_each_flow(serving: Any, edges: Edges) -> None:
    server = serving(lambda _: Reply(401))
    dones = carry_out(jobs_of(SourceSettings(base_url=server.url), 6), edges)
    assert {done.error.sentence for done in dones if done.error} == {f"login: HTTP 401 from {server.url}/login"}
    assert [got.target for got in server.got] == ["/login"]


@pytest.mark.parametrize("login", [None, _broken], ids=["none", "another"])
def test_a_session_that_the_source_does_not_declare_is_the_plugins_error(fetch: Any, login: Any) -> None:
    error = fetch(lambda: session(log_in), SourceSettings(), login=login).error
    assert isinstance(error, PluginError)
    assert str(error) == "shop/hosts asks for a session, but the source does not declare session=log_in"


def test_without_a_session_an_expired_one_is_a_login_error_as_it_stands(fetch: Any) -> None:
    def flow() -> Flow[None]:
        raise SessionExpired("HTTP 401 from vendor:443")
        yield

    for login in (None, log_in):
        assert fetch(flow, SourceSettings(), login=login).error.sentence == "login: HTTP 401 from vendor:443"


def test_a_source_declares_its_session_and_its_fetches_share_it(serving: Any, edges: Edges) -> None:
    vendor = Doorkeeper()
    datasets = [Dataset(name, lambda settings, _, name=name: asking(settings, f"/{name}")) for name in ("cpu", "disk")]
    kind = Source("vendor", SourceSettings, (), session=log_in)
    settings = SourceSettings(base_url=serving(vendor).url)
    source = ConfiguredSource("shop", kind, settings, labels={}, file="", digest="")
    fetched = fetch_all([Fetching(source, dataset, NoQuery(), 4.0) for dataset in datasets], edges)
    assert [one.payload for one in fetched.values()] == ["/cpu with t1", "/disk with t1"]
    assert vendor.logins == 1


def test_a_session_that_is_no_flow_is_refused_when_it_is_declared() -> None:
    with pytest.raises(ContractError, match="its session is not callable"):
        Source("vendor", SourceSettings, (), session="token")


def test_a_flow_is_played_with_the_value_of_its_session() -> None:
    def respond(request: Request) -> Response:
        return Response(status=200, body=str(request.headers["x-token"]).encode())

    assert play(asking(SourceSettings(base_url="http://vendor"), "/x"), respond, session="t9") == "t9"
