"""A batch monitoring of NHN on loopback that writes down every post before it answers it, and misbehaves as told.

Made after the vendor's documentation. It can go down, so that connections are refused, and come back at its port.
"""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, TypeAlias
from urllib.parse import unquote

from support.loopback import LOOPBACK, Talk
from support.whatap_vendor import APPKEY, MULTIPLE

_SINGLE = re.compile(re.escape(MULTIPLE) + "/appkey/([^/]+)/scenarios/([^/]+)")
_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NOBODY = "00000000-0000-0000-0000-000000000000"
#: How long a thread of the receiver is waited for when it goes down.
_JOIN_S = 5.0


def scenario(number: int) -> str:
    """The id of a batch scenario, one for each number from 1."""
    return f"b00699c0-96f4-11e9-a68b-{number:012x}"


@dataclass(frozen=True)
class Post:
    """A post that was read whole: its place among all, when that was, and what it said to whom."""

    number: int
    at: float
    is_multiple: bool
    scenarios: tuple[str, ...]
    data: Mapping[str, Any]


class Visit:
    """One post and the connection it came on, for the manner that answers it."""

    def __init__(self, post: Post, talk: Talk) -> None:
        self.post = post
        self.is_over = False
        self._talk = talk

    def accept(self, echoed: Iterable[str] | None = None) -> None:
        """Answer as documented; `echoed` are the scenarios that the answer names, those of the post unless given."""
        self.say(self.acceptance(self.post.scenarios if echoed is None else echoed))

    def acceptance(self, echoed: Iterable[str]) -> bytes:
        """The documented answer to the post."""
        echoes = [self._echo(one) for one in echoed]
        body: Any = echoes if self.post.is_multiple else {**(echoes or [{}])[0], "status": "beforeValidation"}
        header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
        return answer({"header": header, "body": body})

    def say(self, data: bytes) -> None:
        """Write to the connection, which a killed client may have left."""
        with suppress(OSError):
            self._talk.say(data)

    def wait(self, seconds: float) -> None:
        """Let time pass, as long as the receiver is up."""
        self._talk.over.wait(seconds)

    def end(self) -> None:
        """Close the connection in good order."""
        self.is_over = True

    def reset(self) -> None:
        """Close the connection with a reset."""
        self.is_over = True
        self._talk.reset()

    def _echo(self, one: str) -> dict[str, Any]:
        return {
            "pk": {
                "serviceId": "d781dafc-2d5e-3d11-a87e-529b0868ea4f",
                "requestId": f"3f136280-9d6a-11e9-83b4-{self.post.number:012x}",
            },
            "scenarioId": one,
            "ipaddr": LOOPBACK,
            "requestTime": "2099-12-31T00:00:00.000",
            "requestData": {"body": json.dumps(self.post.data)},
            "serviceCode": 0,
        }


#: What the receiver does with a post that it has read.
Manner: TypeAlias = Callable[[Visit], None]


def accepting(visit: Visit) -> None:
    visit.accept()


def slowly(seconds: float) -> Manner:
    """Accept, after some time."""

    def answer_late(visit: Visit) -> None:
        visit.wait(seconds)
        visit.accept()

    return answer_late


def with_status(status: int, **headers: str) -> Manner:
    """Answer with a status that has no envelope; an underscore in a header's name is a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda visit: visit.say(answer("", status, named))


def refusing(code: object, text: str, status: int = 200) -> Manner:
    """Answer with a header that says failure."""
    header = {"isSuccessful": False, "resultCode": code, "resultMessage": text}
    return lambda visit: visit.say(answer({"header": header, "body": None}, status))


def naming_others(visit: Visit) -> None:
    visit.accept([_NOBODY] * len(visit.post.scenarios))


def leaving_out_the_last(visit: Visit) -> None:
    visit.accept(visit.post.scenarios[:-1])


def breaking_off(visit: Visit) -> None:
    """Send half of the answer and close."""
    whole = visit.acceptance(visit.post.scenarios)
    visit.say(whole[: whole.index(b"\r\n\r\n") + 40])
    visit.end()


def hanging_up(visit: Visit) -> None:
    visit.end()


def resetting(visit: Visit) -> None:
    visit.reset()


def unreadable(visit: Visit) -> None:
    visit.say(answer("<html>It works!</html>"))


def silent(visit: Visit) -> None:
    """Keep the connection and never answer."""
    visit.wait(60.0)
    visit.end()


def answer(document: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> bytes:
    """A response on a connection that is kept; what is not text is written as JSON."""
    body = (document if isinstance(document, str) else json.dumps(document)).encode()
    kind = "text/html" if isinstance(document, str) else "application/json"
    given = {"Content-Type": kind, "Content-Length": str(len(body)), **(headers or {})}
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", *(f"{name}: {value}" for name, value in given.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


@dataclass
class Receiver:
    """The batch monitoring. `manner` is asked for each post that is well-formed and names what it knows.

    `posts` are all of those, in the order in which they were read; `refused` counts the rest, `connections` all that
    were made. `clock` gives the time that posts are stamped with. With `is_rude`, posts are left unread and reset.
    """

    manner: Manner = accepting
    clock: Callable[[], float] = time.monotonic
    unknown: set[str] = field(default_factory=lambda: {_NOBODY})
    is_rude: bool = False
    posts: list[Post] = field(default_factory=list)
    refused: int = 0
    connections: int = 0
    port: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _over: threading.Event = field(default_factory=threading.Event)
    _open: set[socket.socket] = field(default_factory=set)
    _threads: list[threading.Thread] = field(default_factory=list)
    _holder: socket.socket | None = None
    _listening: socket.socket | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def is_talking(self) -> bool:
        """Whether a connection is open, or one was closed of which not all is read."""
        with self._lock:
            return bool(self._open)

    def __enter__(self) -> Receiver:
        # A port that is bound and not listened on refuses connections, and nobody else gets it meanwhile.
        self._holder = _bound(0)
        self.port = self._holder.getsockname()[1]
        self.up()
        return self

    def __exit__(self, *_: object) -> None:
        self.down()
        assert self._holder is not None
        self._holder.close()

    def up(self) -> None:
        """Take connections."""
        self._over = threading.Event()
        self._listening = _bound(self.port)
        self._listening.listen(256)
        self._start(self._accept, self._listening, self._over)

    def down(self) -> None:
        """Refuse connections, and end those there are."""
        if self._listening is None:
            return
        self._over.set()
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._listening = None
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(_JOIN_S)
        self._threads.clear()

    def _start(self, work: Callable[..., None], *given: object) -> None:
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        thread = threading.Thread(target=work, args=given, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self, listening: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._open.add(connection)
            self._start(self._serve, connection, over)

    def _serve(self, connection: socket.socket, over: threading.Event) -> None:
        talk = Talk(connection, over)
        with connection, suppress(OSError):
            while not over.is_set():
                if self.is_rude:
                    # As soon as anything has come.
                    connection.recv(1, socket.MSG_PEEK)
                    talk.reset()
                    break
                request = talk.read_request()
                if b"\r\n\r\n" not in request:
                    break
                visit = self._visit(request, talk)
                if visit is None:
                    talk.say(answer({"header": {"isSuccessful": False, "resultCode": -4, "resultMessage": "NO"}}))
                    continue
                self.manner(visit)
                if visit.is_over:
                    break
        with self._lock:
            self._open.discard(connection)

    def _visit(self, request: bytes, talk: Talk) -> Visit | None:
        """A post to scenarios that are known, written down; None for whatever else comes."""
        head, _, body = request.partition(b"\r\n\r\n")
        try:
            is_multiple, pairs, data = _read(head.decode(), body.decode())
        except (ValueError, KeyError, TypeError, AttributeError):
            pairs, is_multiple, data = [], False, None
        known = all(appkey == APPKEY and self._knows(one) for appkey, one in pairs)
        with self._lock:
            if not pairs or not known or not isinstance(data, dict):
                self.refused += 1
                return None
            post = Post(len(self.posts) + 1, self.clock(), is_multiple, tuple(one for _, one in pairs), data)
            self.posts.append(post)
        return Visit(post, talk)

    def _knows(self, one: str) -> bool:
        return bool(_UUID.fullmatch(one)) and one not in self.unknown


def _read(head: str, body: str) -> tuple[bool, list[tuple[str, str]], Any]:
    """Whether a post is a multiple one, its pairs of appkey and scenario, and its data. Raises for what is none."""
    method, target, _ = head.partition("\r\n")[0].split(" ")
    if method != "POST" or "\r\ncontent-type: application/json" not in head.lower():
        raise ValueError(head)
    single = _SINGLE.fullmatch(target)
    if single is not None:
        return False, [(unquote(single[1]), unquote(single[2]))], json.loads(body)
    if target != MULTIPLE:
        raise ValueError(target)
    post = json.loads(body)
    pairs = [(entry["appkey"], one) for entry in post["target"] for one in entry["scenarioIdList"]]
    return True, pairs, json.loads(post["data"])


def _bound(port: int) -> socket.socket:
    one = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    one.bind((LOOPBACK, port))
    return one
