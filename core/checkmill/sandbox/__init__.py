"""Serves the plugins' simulated vendors on loopback, over real HTTP, each below a path of its type."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from checkmill.model.reporter import Reporter
from checkmill.model.sandbox import Answer, App, Asked, World
from checkmill.model.source import Source

__all__ = ["SandboxServer"]

#: A request to a sandbox that is larger is refused.
LARGEST_REQUEST = 16 * 1024 * 1024

#: How often the server looks whether it is to end.
POLL_S = 0.02

log = logging.getLogger("checkmill.sandbox")


class SandboxServer:
    """One server on 127.0.0.1; a type is served from the moment its address is asked for.

    `port` 0 takes a free one. `watch` is given a line for everything a simulated vendor has to remark.
    """

    def __init__(self, world: World, *, port: int = 0, watch: Callable[[str], None] = log.info) -> None:
        self._world = world
        self._apps: dict[str, App] = {}
        self._watch = watch
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", port), self.answer, world.clock)

    def __enter__(self) -> SandboxServer:
        threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="sandbox", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self._server.server_address[1])

    def base_url(self, kind: Source[Any] | Reporter[Any, Any]) -> str | None:
        """Serve the sandbox of a type, and give its address; None when it brings none."""
        if kind.sandbox is None:
            return None
        with self._lock:
            if kind.type not in self._apps:
                self._apps[kind.type] = kind.sandbox.start(self._world)
        return f"http://127.0.0.1:{self.port}/{kind.type}"

    def answer(self, asked: Asked) -> Answer:
        """Answer one request; its path begins with the type."""
        name, _, rest = asked.path.lstrip("/").partition("/")
        app = self._apps.get(name)
        if app is None:
            return Answer(status=404, json={"message": f"no sandbox is served at /{name}"})
        inside = Asked(
            method=asked.method, path=f"/{rest}", params=asked.params, headers=asked.headers, body=asked.body
        )
        try:
            with self._lock:
                answer = app(inside)
        except Exception:  # the wall round a plugin: its sandbox is its own code
            log.exception("the sandbox of %s failed", name)
            return Answer(status=500, json={"message": "the sandbox failed; the log has the traceback"})
        if answer.remark:
            self._watch(answer.remark)
        return answer


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    # As many connections may wait as sources ask side by side.
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], answer: Callable[[Asked], Answer], clock: Callable[[], float]) -> None:
        self.answer = answer
        self.clock = clock
        super().__init__(address, _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - socketserver's signature
        """A client that hangs up is no news; an error of a sandbox is."""
        log.debug("the sandbox could not answer %s", client_address, exc_info=True)  # noqa: LOG014 - called in a handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version = "checkmill-sandbox"
    sys_version = ""
    timeout = 30.0
    server: _Server

    def do_GET(self) -> None:
        self._answer()

    do_POST = do_PUT = do_DELETE = do_HEAD = do_PATCH = do_GET  # noqa: N815 - the names http.server calls

    def _answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        if length > LARGEST_REQUEST:
            self.close_connection = True
            self._send(Answer(status=413, json={"message": "the request is too large"}))
            return
        url = urlsplit(self.path)
        asked = Asked(
            method=self.command,
            path=url.path,
            params=dict(parse_qsl(url.query, keep_blank_values=True)),
            headers={name.lower(): value for name, value in self.headers.items()},
            body=self.rfile.read(length),
        )
        self._send(self.server.answer(asked))

    def _send(self, answer: Answer) -> None:
        body = answer.sent_body()
        self.send_response(answer.status)
        headers = {"content-type": "application/json; charset=utf-8", **answer.headers}
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The Date header, by the clock of the simulated world: vendors' ages are counted by it."""
        return super().date_time_string(self.server.clock() if timestamp is None else timestamp)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name that http.server calls it by
        log.debug("sandbox: %s", format % args)
