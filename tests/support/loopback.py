"""Servers on loopback for tests: one that answers HTTP, one that does with its connections whatever a test wants."""

from __future__ import annotations

import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

LOOPBACK = "127.0.0.1"
#: The datagram that ends a server.
_OVER = b"\0over\0"


@dataclass(frozen=True)
class Got:
    """A request as it arrived: `target` is path and query, header names are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """What the server answers; a Content-Length is added unless there is one."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Script:
    """Answers with one reply after the other; the last one stays."""

    def __init__(self, *replies: Reply) -> None:
        self.replies = list(replies)

    def __call__(self, _: Got) -> Reply:
        return self.replies.pop(0) if len(self.replies) > 1 else self.replies[0]


@dataclass
class Server:
    """A running server and what it got so far. A raw server counts connections only."""

    port: int
    scheme: str = "http"
    got: list[Got] = field(default_factory=list)
    connections: int = 0

    @property
    def where(self) -> str:
        return f"{LOOPBACK}:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.where}"


@contextmanager
def http_server(answer: Callable[[Got], Reply], *, tls: ssl.SSLContext | None = None) -> Iterator[Server]:
    """Serve HTTP/1.1 with kept connections; `answer` is called in the thread of each connection."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10
        disable_nagle_algorithm = True  # headers and body are two writes

        def _answer(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            headers = {name.lower(): value for name, value in self.headers.items()}
            got = Got(self.command, self.path, headers, self.rfile.read(length))
            server.got.append(got)
            reply = answer(got)
            given = {name.lower() for name in reply.headers}
            self.send_response_only(reply.status)
            if "date" not in given:
                self.send_header("Date", self.date_time_string())
            for name, value in reply.headers.items():
                self.send_header(name, value)
            if "content-length" not in given:
                self.send_header("Content-Length", str(len(reply.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(reply.body)

        do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = _answer  # noqa: N815 - http.server wants these names

        def handle(self) -> None:
            server.connections += 1
            with suppress(OSError):
                super().handle()

        def log_message(self, *parts: object) -> None:
            pass

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def get_request(self) -> tuple[socket.socket, object]:
            connection, address = super().get_request()
            if tls is not None:
                connection.settimeout(10)
                connection = tls.wrap_socket(connection, server_side=True)
            return connection, address

        def handle_error(self, request: object, client_address: object) -> None:
            pass

    with Quiet((LOOPBACK, 0), Handler) as listening:
        server = Server(listening.server_port, "http" if tls is None else "https")
        thread = threading.Thread(target=listening.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            listening.shutdown()
            thread.join(5)


@dataclass
class Talk:
    """One connection of a raw server."""

    connection: socket.socket
    over: threading.Event

    def read_request(self) -> bytes:
        """Read a request, with its body if it says how long that is."""
        text = b""
        while b"\r\n\r\n" not in text:
            piece = self.connection.recv(65536)
            if not piece:
                return text
            text += piece
        said = re.search(rb"\r\ncontent-length: *(\d+)", text, re.IGNORECASE)
        whole = text.index(b"\r\n\r\n") + 4 + (int(said[1]) if said else 0)
        while len(text) < whole:
            piece = self.connection.recv(65536)
            if not piece:
                break
            text += piece
        return text

    def say(self, data: bytes) -> None:
        self.connection.sendall(data)

    def drip(self, piece: bytes, every_s: float = 0.02) -> None:
        """Send the same piece again and again until the other side or the test has had enough."""
        while not self.over.wait(every_s):
            self.connection.sendall(piece)

    def hang(self) -> None:
        """Keep the connection open and say nothing, until the test is over."""
        self.over.wait(10)

    def reset(self) -> None:
        """Close the connection with a reset instead of an end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        self.connection.close()


@contextmanager
def raw_server(talk: Callable[[Talk], None]) -> Iterator[Server]:
    """Accept connections and let `talk` have each, in a thread of its own; it is closed when `talk` returns."""
    over = threading.Event()
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            talk(Talk(connection, over))

    def accept() -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            server.connections += 1
            thread = threading.Thread(target=serve, args=[connection], daemon=True)
            threads.append(thread)
            thread.start()

    with socket.create_server((LOOPBACK, 0)) as listening:
        server = Server(listening.getsockname()[1])
        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        try:
            yield server
        finally:
            over.set()
            with suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            accepting.join(5)
            for thread in threads:
                thread.join(5)


@contextmanager
def udp_server(answer: Callable[[bytes], bytes | None]) -> Iterator[Server]:
    """Answer each datagram with another one, or with none; `connections` counts what came."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind((LOOPBACK, 0))
        server = Server(listening.getsockname()[1], "udp")

        def serve() -> None:
            with suppress(OSError):
                while True:
                    data, peer = listening.recvfrom(1 << 16)
                    if data == _OVER:
                        return
                    server.connections += 1
                    said = answer(data)
                    if said is not None:
                        listening.sendto(said, peer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ending:
                ending.sendto(_OVER, (LOOPBACK, server.port))
            thread.join(5)


def unused_port() -> int:
    """A port on which nobody listens right now."""
    with socket.create_server((LOOPBACK, 0)) as listening:
        return int(listening.getsockname()[1])
