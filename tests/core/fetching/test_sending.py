"""What one request meets: statuses, tries, Retry-After, redirects."""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import formatdate
from typing import Any
from urllib.parse import parse_qsl

import pytest

from checkmill import __version__
from checkmill.model.errors import (
    ConfigurationError,
    DeadlineError,
    LoginError,
    PluginError,
    RateLimitError,
    ReadError,
    RedirectError,
    SourceError,
    StatusError,
)
from checkmill.model.flow import Flow, Response, Text, attempt, send
from checkmill.model.secret import Secret
from checkmill.model.settings import SourceSettings
from checkmill.steps.fetching.sending import retry_after
from support.loopback import Got, Reply, Script, Talk, raw_server

JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True, kw_only=True)
class TokenSettings(SourceSettings):
    token: Secret

    def headers(self) -> dict[str, Text]:
        return {"x-token": self.token}


def test_an_answer_reaches_the_flow_whole(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, '{"name": "웹"}'.encode(), {**JSON, "X-Vendor": "yes"})))
    settings = TokenSettings(base_url=server.url + "/api/", token=Secret("tok-whole-1"))

    def flow() -> Flow[Response]:
        return (yield from settings.get("/hosts/{name}", values={"name": "a/b"}, params={"q": "x y"}))

    response = fetch(flow, settings).value
    assert response.json() == {"name": "웹"}
    assert (response.status, response.headers["x-vendor"]) == (200, "yes")
    assert response.url == server.url + "/api/hosts/a%2Fb?q=x+y"
    assert response.elapsed_s >= 0
    got = server.got[0]
    assert got.target == "/api/hosts/a%2Fb?q=x+y"
    assert got.headers["x-token"] == "tok-whole-1"
    assert got.headers["user-agent"] == f"checkmill/{__version__}"
    assert got.headers["accept-encoding"] == "gzip, deflate"


def test_json_is_posted_with_its_secrets_and_its_type(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, b"{}", JSON)))
    settings = SourceSettings(base_url=server.url)
    done = fetch(lambda: settings.post("/in", json={"key": Secret("tok-in-body")}), settings)
    assert done.error is None
    assert server.got[0].body == b'{"key": "tok-in-body"}'
    assert server.got[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("status", "error", "tries"),
    [
        (400, StatusError, 1),
        (401, LoginError, 1),
        (403, LoginError, 1),
        (404, StatusError, 1),
        (407, SourceError, 1),
        (429, RateLimitError, 1),
        (500, StatusError, 2),
        (501, StatusError, 1),
        (502, StatusError, 2),
        (503, StatusError, 2),
        (504, StatusError, 2),
        (304, RedirectError, 1),
        (302, RedirectError, 1),
    ],
)
def test_a_status_without_success_is_an_error_and_only_passing_ones_are_tried_again(
    fetch: Any, serve: Any, status: int, error: type[SourceError], tries: int
) -> None:
    server = serve(Script(Reply(status)))
    settings = SourceSettings(base_url=server.url, retries=1)
    done = fetch(lambda: settings.get("/x"), settings)
    assert isinstance(done.error, error)
    assert str(status) in str(done.error)
    assert server.where in str(done.error)
    assert len(server.got) == tries


def test_a_read_that_fails_for_a_moment_is_tried_again(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(503), Reply(500), Reply(200, b"{}")))
    settings = SourceSettings(base_url=server.url)
    assert fetch(lambda: settings.get("/x"), settings).error is None
    assert len(server.got) == 3


@pytest.mark.parametrize("retries", [0, -1])
def test_no_retries_means_one_try(fetch: Any, serve: Any, retries: int) -> None:
    server = serve(Script(Reply(503)))
    settings = SourceSettings(base_url=server.url, retries=retries)
    assert isinstance(fetch(lambda: settings.get("/x"), settings).error, StatusError)
    assert len(server.got) == 1


def test_a_post_that_may_have_arrived_is_not_sent_again(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(503, headers={"Retry-After": "0"})))
    settings = SourceSettings(base_url=server.url)
    assert isinstance(fetch(lambda: settings.post("/x"), settings).error, StatusError)
    assert len(server.got) == 1


def test_a_post_that_says_it_is_repeatable_is_sent_again(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(502), Reply(200)))
    settings = SourceSettings(base_url=server.url)
    assert fetch(lambda: settings.post("/x", repeatable=True), settings).error is None
    assert len(server.got) == 2


def test_a_failure_wanted_as_response_is_given_as_it_is(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(302, b"moved", {"Location": "/y"}), Reply(503, b"busy"), Reply(200)))
    settings = SourceSettings(base_url=server.url)

    def flow() -> Flow[list[int]]:
        first = yield from settings.get("/a", any_status=True)
        second = yield from settings.get("/b", any_status=True)
        return [first.status, second.status]

    assert fetch(flow, settings).value == [302, 503]
    assert len(server.got) == 2


def test_retry_after_that_fits_is_kept(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(429, headers={"Retry-After": "0"}), Reply(200)))
    settings = SourceSettings(base_url=server.url)
    assert fetch(lambda: settings.get("/x"), settings).error is None
    assert len(server.got) == 2


@pytest.mark.parametrize(("status", "error"), [(429, RateLimitError), (503, StatusError)])
def test_retry_after_that_is_too_long_fails_at_once(
    fetch: Any, serve: Any, status: int, error: type[SourceError]
) -> None:
    server = serve(Script(Reply(status, headers={"Retry-After": "60"})))
    settings = SourceSettings(base_url=server.url)
    done = fetch(lambda: settings.get("/x"), settings, timeout_s=2.0)
    assert isinstance(done.error, error)
    assert done.error.retry_after_s == 60
    assert len(server.got) == 1
    assert done.ended_at - done.started_at < 1.5


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        ("1.5", 1.5),
        (formatdate(1030, usegmt=True), 30),
        (formatdate(900, usegmt=True), 0),
        ("-5", None),
        ("", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("9" * 400, None),
        ("Mon, 99 Foo 2026 99:99:99 GMT", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_or_nothing(text: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": text}, now=1000) == seconds


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (b'{"message": "no\\nsuch\\nproject"}', "application/json", '{"message": "no\\nsuch\\nproject"}'),
        (b"  two\r\n lines ", "text/plain; charset=utf-8", "two lines"),
        (b"<html>login</html>", "text/html", ""),
        (b"<html>login</html>", "application/json", ""),
        (b"\xff\xfe\x00", "text/plain", ""),
        (b"", "application/json", ""),
        (b"x" * 500, "text/plain", "x" * 117 + "..."),
    ],
)
def test_an_error_quotes_what_the_vendor_said(fetch: Any, serve: Any, body: bytes, kind: str, said: str) -> None:
    server = serve(Script(Reply(404, body, {"Content-Type": kind})))
    settings = SourceSettings(base_url=server.url)
    sentence = f"HTTP 404 from {server.url}/x"
    assert str(fetch(lambda: settings.get("/x"), settings).error) == (f"{sentence}: {said}" if said else sentence)


def test_an_error_status_with_an_unreadable_body_is_still_that_error(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(401, b"no gzip", {"Content-Encoding": "gzip"})))
    settings = SourceSettings(base_url=server.url)
    assert isinstance(fetch(lambda: settings.get("/x"), settings).error, LoginError)


def test_a_read_that_is_reset_is_tried_again(fetch: Any) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        if server.connections < 3:
            talk.reset()
        else:
            talk.say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url)
        done = fetch(lambda: settings.get("/x"), settings)
    assert done.error is None
    assert done.value.json() == {}


@pytest.mark.parametrize(
    ("answer", "word"),
    [
        (b"", "broke off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc", "broke off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "broke off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "does not answer in HTTP"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", "does not answer in HTTP"),
    ],
    ids=["nothing", "not http", "short body", "short chunk", "negative length", "endless header"],
)
def test_an_answer_that_breaks_off_or_is_none_is_a_read_error(fetch: Any, answer: bytes, word: str) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(answer)

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url, retries=0)
        done = fetch(lambda: settings.get("/x"), settings)
        assert type(done.error) is ReadError
        assert done.error.arrived
        assert word in str(done.error)
        assert server.where in str(done.error)
        assert server.connections == 1


def test_a_redirect_within_the_source_is_followed_with_its_headers(fetch: Any, serve: Any) -> None:
    def answer(got: Got) -> Reply:
        return Reply(200, b"here") if got.target == "/new" else Reply(301, headers={"Location": "/new"})

    server = serve(answer)
    settings = TokenSettings(base_url=server.url, token=Secret("tok-redirect"))
    assert fetch(lambda: settings.get("/old"), settings).value.body == b"here"
    assert server.got[1].headers["x-token"] == "tok-redirect"


def test_a_redirect_to_a_listed_host_takes_no_headers_along(fetch: Any, serve: Any) -> None:
    other = serve(Script(Reply(200, b"there")))
    server = serve(Script(Reply(302, headers={"Location": other.url + "/file?sig=1"})))
    settings = TokenSettings(base_url=server.url, token=Secret("tok-listed"), redirect_hosts=(other.where,))
    response = fetch(lambda: settings.get("/old", headers={"x-more": "1"}, params={"q": "1"}), settings).value
    assert response.body == b"there"
    assert other.got[0].target == "/file?sig=1"
    assert not {"x-token", "x-more", "authorization"} & set(other.got[0].headers)


def test_a_redirect_elsewhere_is_refused_and_names_the_host_alone(fetch: Any, serve: Any) -> None:
    other = serve(Script(Reply(200)))
    server = serve(Script(Reply(302, headers={"Location": other.url + "/login?ticket=abc"})))
    settings = SourceSettings(base_url=server.url)
    error = fetch(lambda: settings.get("/old"), settings).error
    assert isinstance(error, RedirectError)
    assert other.where in str(error)
    assert "ticket" not in str(error)
    assert other.got == []


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/x", "http://", "http://127.0.0.1:99999/", "javascript:x", "http://[::1/", "//[x]/"]
)
def test_a_redirect_to_no_address_is_refused(fetch: Any, serve: Any, location: str) -> None:
    server = serve(Script(Reply(302, headers={"Location": location})))
    settings = SourceSettings(base_url=server.url)
    assert isinstance(fetch(lambda: settings.get("/old"), settings).error, RedirectError)


def test_a_post_is_never_redirected(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(307, headers={"Location": "/new"})))
    settings = SourceSettings(base_url=server.url)
    error = fetch(lambda: settings.post("/old"), settings).error
    assert isinstance(error, RedirectError)
    assert "POST" in str(error)
    assert len(server.got) == 1


@pytest.mark.parametrize(("hops", "arrives"), [(5, True), (6, False)])
def test_five_redirects_are_followed_and_no_more(fetch: Any, serve: Any, hops: int, arrives: bool) -> None:
    def answer(got: Got) -> Reply:
        at = int(got.target[1:])
        return Reply(200) if at == hops else Reply(302, headers={"Location": f"/{at + 1}"})

    server = serve(answer)
    settings = SourceSettings(base_url=server.url)
    done = fetch(lambda: settings.get("/0"), settings)
    assert (done.error is None) is arrives
    assert arrives or isinstance(done.error, RedirectError)


@pytest.mark.parametrize("base_url", ["", "api.example.com", "ftp://h/", "http://", "https://:443", "http://h:0/"])
def test_an_address_that_is_none_is_a_configuration_error(fetch: Any, base_url: str) -> None:
    settings = SourceSettings(base_url=base_url)
    assert isinstance(fetch(lambda: settings.get("/x"), settings).error, ConfigurationError)


def test_a_login_in_the_address_is_sent_and_never_shown(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(401)))
    settings = SourceSettings(base_url=f"http://ann:pass%40word@{server.where}")
    error = fetch(lambda: settings.get("/x"), settings).error
    assert server.got[0].headers["authorization"] == "Basic YW5uOnBhc3NAd29yZA=="
    assert str(error) == f"HTTP 401 from {server.url}/x"


@pytest.mark.parametrize("value", ["a\r\nb: c", "토큰", "a\0"])
def test_a_header_that_http_does_not_allow_is_refused_without_its_value(fetch: Any, serve: Any, value: str) -> None:
    server = serve(Script(Reply(200)))
    settings = TokenSettings(base_url=server.url, token=Secret(value))
    error = fetch(lambda: settings.get("/x"), settings).error
    assert isinstance(error, ConfigurationError)
    assert "x-token" in str(error)
    assert value not in str(error)
    assert server.got == []


def test_a_form_is_posted_encoded_and_shows_no_secret(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200, b"{}", JSON)))
    settings = TokenSettings(base_url=server.url, token=Secret("tok-form-1"))
    form = {"request": '{"a": ["웹", "&="]}', "_secret": Secret("tok-in-form")}
    shown = repr(settings.request("POST", "/in", form=form))
    fetch(lambda: settings.post("/in", form=form), settings)
    assert server.got[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qsl(server.got[0].body.decode()) == [("request", '{"a": ["웹", "&="]}'), ("_secret", "tok-in-form")]
    assert "tok-in-form" not in shown


def test_json_that_cannot_be_written_is_the_plugins_failure(fetch: Any, serve: Any) -> None:
    server = serve(Script(Reply(200)))
    settings = SourceSettings(base_url=server.url)
    assert isinstance(fetch(lambda: settings.post("/x", json={"a": object()}), settings).error, PluginError)
    assert isinstance(fetch(lambda: settings.post("/x", json=float("nan")), settings).error, PluginError)


def test_secrets_are_found_in_no_error(fetch: Any, serve: Any) -> None:
    token = "s3cr3t/ap+key"
    server = serve(lambda got: Reply(400, f"bad {got.target} {token}".encode(), {"Content-Type": "text/plain"}))
    settings = TokenSettings(base_url=server.url, token=Secret(token))

    def flow() -> Flow[Any]:
        refused = yield from attempt(
            settings.get("/a/{key}", values={"key": settings.token}, params={"k": settings.token})
        )
        raise ReadError(f"{refused} and the token itself: {settings.token.reveal()}")

    error = fetch(flow, settings).error
    assert "HTTP 400" in str(error)
    for spelling in (token, "s3cr3t", "ap+key", "ap%2Bkey"):
        assert spelling not in repr(error)
    assert error.__context__ is None


def test_a_request_may_have_a_shorter_time_of_its_own(fetch: Any) -> None:
    with raw_server(lambda talk: talk.hang()) as server:
        settings = SourceSettings(base_url=server.url)

        def flow() -> Flow[Any]:
            late = yield from attempt(send(settings.request("GET", "/x", timeout_s=0.2)))
            return late

        done = fetch(flow, settings)
    assert isinstance(done.value, DeadlineError)
    assert done.value.arrived
    assert done.ended_at - done.started_at < 2


def broken_bodies() -> dict[str, bytes]:
    return {
        "cut": b"Content-Length: 100\r\n\r\n{",
        "bad gzip": b"Content-Encoding: gzip\r\nContent-Length: 7\r\n\r\nno gzip",
        "unknown encoding": b"Content-Encoding: br\r\nContent-Length: 2\r\n\r\n\x01\x02",
        "too large": b"Content-Length: 5000\r\n\r\n" + b"x" * 5000,
        "never whole": b"Content-Length: 100\r\n\r\n{",
    }


@pytest.mark.parametrize("kind", broken_bodies())
@pytest.mark.parametrize(
    ("status", "error", "wait_s"),
    [
        (503, StatusError, 70.0),
        (429, RateLimitError, 70.0),
        (400, StatusError, None),
        (401, LoginError, None),
        (302, RedirectError, None),
    ],
)
def test_a_status_that_is_known_is_told_although_its_body_cannot_be_read(
    fetch: Any, status: int, error: type[SourceError], wait_s: float | None, kind: str
) -> None:
    waits = b"Retry-After: 70\r\n" if wait_s is not None else b""

    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 %d X\r\nLocation: /y\r\n%s%s" % (status, waits, broken_bodies()[kind]))
        if kind == "never whole":
            talk.hang()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url, max_size=1000)
        failure = fetch(lambda: settings.post("/x", any_status=True, timeout_s=0.4), settings).error
        assert server.connections == 1
    assert type(failure) is error
    assert f"HTTP {status} from {server.url}/x" in str(failure)
    assert failure.retry_after_s == wait_s
    assert failure.arrived


@pytest.mark.parametrize("kind", broken_bodies())
def test_a_success_whose_body_cannot_be_read_is_none(fetch: Any, kind: str) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(b"HTTP/1.1 200 OK\r\n" + broken_bodies()[kind])
        if kind == "never whole":
            talk.hang()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url, max_size=1000)
        failure = fetch(lambda: settings.post("/x", any_status=True, timeout_s=0.4), settings).error
    assert failure is not None
    assert not isinstance(failure, StatusError)
    assert failure.arrived
