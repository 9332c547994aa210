"""How bodies are read: never longer than the deadline, never larger than allowed, never garbage."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.model.errors import DeadlineError, ParseError, ReadError, SourceError, TooLargeError
from checkmill.model.settings import MIB, SourceSettings
from checkmill.steps.fetching.body import Body
from support.loopback import Got, Reply, Talk, http_server, raw_server

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def bare_deflate(data: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(data) + stream.flush()


def body_of(data: bytes, encoding: str = "", cap: int = 1000, piece: int = 7) -> bytes:
    body = Body({"content-encoding": encoding}, bodiless=False, cap=cap, where="vendor:443")
    for start in range(0, len(data), piece):
        body.add(data[start : start + piece])
    return body.whole()


@pytest.mark.parametrize(
    "begin",
    [HEAD, HEAD + b"Content-Length: 100000\r\n\r\n", HEAD + b"\r\n", b"HTTP/1.1 100 Continue\r\n"],
    ids=["headers", "body of known length", "body until the end", "interim answers"],
)
def test_an_answer_that_drips_ends_at_the_deadline(fetch: Any, begin: bytes) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(begin)
        talk.drip(b"x")

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url)
        done = fetch(lambda: settings.get("/x"), settings, timeout_s=0.2)
    assert isinstance(done.error, DeadlineError)
    assert server.where in str(done.error)
    assert 0.15 <= done.ended_at - done.started_at < 0.9


def test_a_server_that_hangs_is_waited_for_until_the_read_timeout(fetch: Any) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.hang()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url, read_timeout=0.2)
        done = fetch(lambda: settings.get("/x"), settings)
        assert isinstance(done.error, DeadlineError)
        assert str(done.error) == f"{server.where} was silent for 0.2 s"
        assert server.connections == 1


def test_an_answer_that_is_announced_as_too_large_fails_before_it_is_read(fetch: Any) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(HEAD + b"Content-Length: 17000000\r\n\r\n")
        talk.hang()

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url)
        done = fetch(lambda: settings.get("/x"), settings)
    assert isinstance(done.error, TooLargeError)
    assert "16 MiB" in str(done.error)
    assert done.ended_at - done.started_at < 2


def test_an_answer_without_length_is_counted(fetch: Any) -> None:
    def talk(talk: Talk) -> None:
        talk.read_request()
        talk.say(HEAD + b"\r\n")
        talk.drip(b"x" * 1000, every_s=0.001)

    with raw_server(talk) as server:
        settings = SourceSettings(base_url=server.url, max_size=5000)
        done = fetch(lambda: settings.get("/x"), settings)
    assert isinstance(done.error, TooLargeError)
    assert "5000 bytes" in str(done.error)


@pytest.mark.parametrize(("size", "fits"), [(0, True), (99, True), (100, True), (101, False)])
def test_the_cap_of_the_job_goes_before_that_of_the_settings(fetch: Any, size: int, fits: bool) -> None:
    with http_server(lambda _: Reply(200, b"x" * size)) as server:
        settings = SourceSettings(base_url=server.url, max_size=10)
        done = fetch(lambda: settings.get("/x"), settings, max_size=100)
    assert isinstance(done.error, TooLargeError) is not fits
    assert not fits or done.value.body == b"x" * size


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_a_bomb_is_refused_in_little_memory(fetch: Any, encoding: str) -> None:
    pack = gzip.compress if encoding == "gzip" else zlib.compress
    bomb = pack(b"\0" * (16 * MIB))
    with http_server(lambda _: Reply(200, bomb, {"Content-Encoding": encoding})) as server:
        settings = SourceSettings(base_url=server.url, max_size=MIB)
        tracemalloc.start()
        try:
            done = fetch(lambda: settings.get("/x"), settings)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert isinstance(done.error, TooLargeError)
    assert peak < 10 * MIB


def test_compressed_answers_are_given_plain(fetch: Any) -> None:
    def answer(got: Got) -> Reply:
        return Reply(200, gzip.compress(b'{"a": 1}'), {"Content-Encoding": "gzip"})

    with http_server(answer) as server:
        settings = SourceSettings(base_url=server.url)
        assert fetch(lambda: settings.get("/x"), settings).value.json() == {"a": 1}


def test_a_head_and_an_empty_answer_need_no_body(fetch: Any) -> None:
    def answer(got: Got) -> Reply:
        return Reply(200, b"x" * 50, {"Content-Encoding": "gzip"}) if got.method == "HEAD" else Reply(204)

    with http_server(answer) as server:
        settings = SourceSettings(base_url=server.url, max_size=10)

        def flow() -> Any:
            yield settings.request("HEAD", "/x")
            return (yield settings.request("GET", "/x"))

        done = fetch(flow, settings)
    assert done.error is None
    assert done.value.body == b""


@pytest.mark.parametrize(
    ("data", "encoding", "content"),
    [
        (b"plain", "", b"plain"),
        (b"plain", "identity", b"plain"),
        (b"", "gzip", b""),
        (gzip.compress(b"one", mtime=0), "gzip", b"one"),
        (gzip.compress(b"one", mtime=0), "X-GZIP", b"one"),
        (gzip.compress(b"one", mtime=0) + gzip.compress(b"two", mtime=0), "gzip", b"onetwo"),
        (gzip.compress(b"one", mtime=0) + b"\0" * 20, "gzip", b"one"),
        (zlib.compress(b"one"), "deflate", b"one"),
        (bare_deflate(b"one"), "deflate", b"one"),
        (bare_deflate(b"one two" * 20), "identity, deflate", b"one two" * 20),
    ],
)
@pytest.mark.parametrize("piece", [1, 7, 10_000])
def test_what_is_encoded_as_agreed_is_decoded(data: bytes, encoding: str, content: bytes, piece: int) -> None:
    assert body_of(data, encoding, piece=piece) == content


@pytest.mark.parametrize(
    ("data", "encoding", "error"),
    [
        (b"x", "br", ParseError),
        (b"x", "gzip, gzip", ParseError),
        (b"plain text", "gzip", ParseError),
        (b"plain text", "deflate", ParseError),
        (gzip.compress(b"one", mtime=0) + b"garbage", "gzip", ParseError),
        (zlib.compress(b"one") + b"garbage", "deflate", ParseError),
        (gzip.compress(b"one", mtime=0)[:-4], "gzip", ReadError),
        (gzip.compress(b"one", mtime=0)[:-9] + b"\0" * 9, "gzip", ParseError),
        (zlib.compress(b"one")[:1], "deflate", ReadError),
        (gzip.compress(b"", mtime=0) * 10_100, "gzip", SourceError),
    ],
)
@pytest.mark.parametrize("piece", [1, 10_000_000])
def test_what_is_not_as_it_says_is_never_given(
    data: bytes, encoding: str, error: type[SourceError], piece: int
) -> None:
    with pytest.raises(error):
        body_of(data, encoding, cap=MIB, piece=piece)


@given(data=st.binary(max_size=400), cap=st.integers(0, 400), piece=st.integers(1, 50))
def test_a_compressed_body_is_whole_or_too_large(data: bytes, cap: int, piece: int) -> None:
    packed = gzip.compress(data)
    if len(packed) > cap or len(data) > cap:
        with pytest.raises(TooLargeError):
            body_of(packed, "gzip", cap=cap, piece=piece)
    else:
        assert body_of(packed, "gzip", cap=cap, piece=piece) == data


def test_a_body_shorter_than_announced_is_a_read_error() -> None:
    body = Body({"content-length": "10"}, bodiless=False, cap=100, where="vendor:443")
    body.add(b"123")
    with pytest.raises(ReadError, match="3 of 10 bytes"):
        body.whole()
