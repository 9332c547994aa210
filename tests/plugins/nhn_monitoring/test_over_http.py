"""The reporter over real HTTP on loopback, carried out by the driver: to the sandbox, and to servers that fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

import pytest

from checkmill.api.v1 import Answer, Asked, Outcome, Receipt, Secret, World
from checkmill.edges import Edges
from checkmill.steps.fetching import Job, carry_out
from checkmill_nhn_monitoring.reporting import NHN_BATCHMON
from checkmill_nhn_monitoring.sandbox import APPKEY, SANDBOX, SCENARIO, UNKNOWN_SCENARIO
from checkmill_nhn_monitoring.settings import BatchmonSettings, BatchmonTarget

OTHER = "12962600-5c39-11ea-bd8f-0bbd7856015c"
BODY = '{"state": "CRITICAL", "output": "디스크 97%"}'
EDGES = Edges(sleep=lambda _seconds: None, chance=lambda: 0.0)


@contextmanager
def serving(app: Callable[[Asked], Answer]) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", "0")))
            answer = app(Asked(method="POST", path=urlsplit(self.path).path, headers=headers, body=body))
            sent = answer.sent_body()
            self.send_response(answer.status)
            for name, value in {"content-length": str(len(sent)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the standard library's
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def delivered(base_url: str, *scenarios: str) -> Sequence[Receipt]:
    settings = BatchmonSettings(base_url=base_url, appkey=Secret(APPKEY))
    targets = [BatchmonTarget(scenario=scenario) for scenario in scenarios]
    deliver_many = NHN_BATCHMON.deliver_many
    assert deliver_many is not None
    job = Job(
        name="nhn",
        group="nhn",
        settings=settings,
        start=lambda: deliver_many(settings, targets, BODY),
        timeout_s=10.0,
        merge_reads=False,
    )
    (done,) = carry_out([job], EDGES)
    assert done.error is None
    receipts: Sequence[Receipt] = done.value
    return receipts


def test_single_multiple_and_fallback_reach_the_sandbox() -> None:
    simulated = SANDBOX.start(World(lambda: 0.0))
    asked: list[Asked] = []

    def app(request: Asked) -> Answer:
        asked.append(request)
        return simulated(request)

    accepted, refused = Outcome.ACCEPTED, Outcome.REFUSED
    with serving(app) as base_url:
        assert [receipt.outcome for receipt in delivered(base_url, SCENARIO)] == [accepted]
        assert [receipt.outcome for receipt in delivered(base_url, SCENARIO, OTHER)] == [accepted, accepted]
        assert len(asked) == 2
        mixed = delivered(base_url, SCENARIO, UNKNOWN_SCENARIO, OTHER)
    assert [receipt.outcome for receipt in mixed] == [accepted, refused, accepted]
    assert len(asked) == 6
    assert asked[0].body == BODY.encode()
    assert {request.headers["content-type"] for request in asked} == {"application/json"}


@pytest.mark.parametrize(
    ("answer", "outcome", "wait_s"),
    [
        (Answer(status=429, headers={"Retry-After": "7"}), Outcome.NOT_SENT, 7.0),
        (Answer(status=503), Outcome.NOT_SENT, None),
        (Answer(status=500), Outcome.UNKNOWN, None),
        (Answer(body=b"<html>"), Outcome.UNKNOWN, None),
        (Answer(body=b"{}", headers={"content-length": "99"}), Outcome.UNKNOWN, None),
    ],
    ids=["429", "503", "500", "HTML", "broken off"],
)
def test_what_may_have_arrived_is_sent_once(answer: Answer, outcome: Outcome, wait_s: float | None) -> None:
    asked: list[Asked] = []

    def app(request: Asked) -> Answer:
        asked.append(request)
        return answer

    with serving(app) as base_url:
        receipts = delivered(base_url, SCENARIO, OTHER)
    assert [(receipt.outcome, receipt.retry_after_s) for receipt in receipts] == [(outcome, wait_s)] * 2
    assert len(asked) == 1


def test_a_redirect_is_a_refusal_and_is_not_followed() -> None:
    with serving(lambda _: Answer(status=307, headers={"Location": "/elsewhere"})) as base_url:
        (receipt,) = delivered(base_url, SCENARIO)
    assert receipt.outcome is Outcome.REFUSED


def test_a_refused_connection_is_not_sent() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # bound and never listening: nobody else can take the port
        receipts = delivered(f"http://127.0.0.1:{bound.getsockname()[1]}", SCENARIO, OTHER)
    assert [receipt.outcome for receipt in receipts] == [Outcome.NOT_SENT] * 2
    assert all(receipt.message.startswith("connect: ") and APPKEY not in receipt.message for receipt in receipts)
