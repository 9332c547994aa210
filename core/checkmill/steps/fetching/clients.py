"""Two clients: one request after the other, or many side by side; each streamed, counted, and ended at its limit.

Both use httpx's transports and not its clients: no cookies, no redirects, nothing from the environment, and no log of
addresses that hold an appkey.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import httpx

from checkmill.model.errors import ConfigurationError, ConnectError, DeadlineError, SourceError
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching.body import Body
from checkmill.steps.fetching.classifying import failure_of
from checkmill.steps.fetching.lanes import Lane, Lanes
from checkmill.steps.fetching.moves import Answer, Failure, Outgoing, Transmit
from checkmill.steps.fetching.outgoing import shown_text, where_of
from checkmill.steps.fetching.trail import Stage, Trail
from checkmill.steps.fetching.trust import Trust

#: How long a request that is past its limit may take to end by itself, once its connection was shut.
PARTING_S = 0.05


class PlainClient:
    """Sends one request after the other. Not for several threads. One that is `direct` goes through no proxy."""

    def __init__(self, settings: HttpSettings, trust: Trust, *, direct: bool = False) -> None:
        """Raises `ConfigurationError` for a proxy that is none."""
        self._trust = trust
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=1)
        self._transport = httpx.HTTPTransport(**_options(settings, trust, direct), limits=limits)
        self._taps: list[socket.socket] = []
        # A request that has run out of time is either not sent, or known to have been.
        self._either = threading.Lock()

    def send(self, trail: Trail) -> Answer | Failure:
        """Send the request of a trail within its limit.

        A thread of its own sends it, since nothing ends a look-up that hangs. Once the limit has passed that thread is
        waited for no longer, and sends nothing any more.
        """
        left_s = trail.begin()
        if left_s <= 0:
            return Failure(trail.late())
        cut = threading.Event()
        came: SimpleQueue[Answer | Failure] = SimpleQueue()

        def work() -> None:
            try:
                came.put(self._send(trail, cut))
            except Exception as error:  # noqa: BLE001 - whatever a vendor makes the libraries raise is the vendor's failure
                came.put(failure_of(error, trail))

        try:
            threading.Thread(target=work, name="checkmill-request", daemon=True).start()
        except RuntimeError:
            return Failure(ConnectError(f"the system gave no thread to ask {trail.order.outgoing.where}"))
        try:
            return came.get(timeout=min(left_s, threading.TIMEOUT_MAX))
        except Empty:
            self._cut(cut)
        with suppress(Empty):
            came.get(timeout=PARTING_S)
        # Whatever came of it: a connection that was cut looks like an answer that ended.
        return trail.late_outcome()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()
        for tap in self._taps:
            tap.close()

    def _send(self, trail: Trail, cut: threading.Event) -> Answer:
        def trace(event: str, info: dict[str, Any]) -> None:
            opened = info["return_value"] if event.endswith("connect_tcp.complete") else None
            with self._either:
                if not cut.is_set():
                    trail.note(event, info)
                    if opened is not None:
                        self._tap(opened.get_extra_info("socket"))
                    return
            # What became of it has been told: how far it had come stays as it was then, and it comes no further.
            if opened is not None:
                opened.close()
            if opened is not None or event.endswith("send_request_headers.started"):
                raise DeadlineError("nobody waits for it any more")

        response = self._transport.handle_request(_request(trail, self._trust, trace))
        try:
            return _collected(trail, response)
        finally:
            response.close()

    def _tap(self, connection: socket.socket) -> None:
        """Keep a second handle on a connection: TLS takes over the first, and a handshake must end in time too."""
        self._taps.append(connection.dup())

    def _cut(self, cut: threading.Event) -> None:
        """End whatever is being read: a vendor that drips bytes never lets a read time-out pass."""
        with self._either:
            cut.set()
        for tap in list(self._taps):
            with suppress(OSError):
                tap.shutdown(socket.SHUT_RDWR)


class SideClient:
    """Sends many requests side by side; whoever awaits keeps the limit. One that is `direct` goes through no proxy."""

    def __init__(self, settings: HttpSettings, trust: Trust, *, direct: bool = False) -> None:
        """Raises `ConfigurationError` for a proxy that is none."""
        self._trust = trust
        self._lanes = Lanes(max(1, settings.workers), _options(settings, trust, direct))

    async def send(self, trail: Trail) -> Answer | Failure:
        """Send the request of a trail."""
        opened: list[Any] = []

        async def trace(event: str, info: dict[str, Any]) -> None:
            trail.note(event, info)
            if event.endswith("connect_tcp.complete"):
                opened.append(info["return_value"])

        lane: Lane | None = None
        sound = False
        try:
            request = _request(trail, self._trust, trace)
            lane = self._lanes.take(_origin(trail.order.outgoing))
            response = await lane.transport.handle_async_request(request)
            try:
                answer = await _collected_alongside(trail, response)
            finally:
                await response.aclose()
            sound = answer.broken is None
            return answer  # noqa: TRY300 - what comes after it is for failures
        except Exception as error:  # noqa: BLE001 - whatever a vendor makes the libraries raise is the vendor's failure
            return failure_of(error, trail)
        finally:
            if trail.stage is Stage.TLS:
                # httpcore leaves a connection open whose handshake is cancelled.
                for stream in opened:
                    await stream.aclose()
            if lane is not None:
                await self._lanes.give_back(lane, sound=sound)

    async def aclose(self) -> None:
        """Close all connections."""
        await self._lanes.aclose()


def proxy_shown(settings: HttpSettings) -> str | None:
    """The host and port of the configured proxy."""
    return None if settings.proxy is None else where_of(urlsplit(settings.proxy))


def _origin(outgoing: Outgoing) -> tuple[str, str]:
    """Where a connection for a request leads: where its reach is limited, to the address that was checked."""
    return outgoing.scheme, outgoing.where if outgoing.reach is None else urlsplit(outgoing.url).netloc


def _options(settings: HttpSettings, trust: Trust, direct: bool) -> dict[str, Any]:
    return {
        "verify": trust.context,
        "proxy": None if direct else _proxy(settings, trust),
        # Neither proxies nor passwords from the environment: what is asked must stand in the configuration.
        "trust_env": False,
    }


def _proxy(settings: HttpSettings, trust: Trust) -> httpx.Proxy | None:
    if settings.proxy is None:
        return None
    try:
        proxy = httpx.Proxy(settings.proxy)
        usable = proxy.url.scheme in {"http", "https"} and bool(proxy.url.host)
    except (ValueError, httpx.InvalidURL):
        usable = False
    if not usable:
        raise ConfigurationError(f"proxy {shown_text(settings.proxy)!r} is not like http://proxy.example:3128")
    if proxy.url.scheme == "https":
        trust.load()
        proxy.ssl_context = trust.context
    return proxy


def _request(trail: Trail, trust: Trust, trace: Any) -> httpx.Request:
    outgoing = trail.order.outgoing
    if outgoing.scheme == "https":
        trust.load()
    extensions = {"timeout": trail.timeouts(), "trace": trace}
    if outgoing.reach is not None:
        # The URL holds an address: the certificate must be for the name all the same. SNI knows no dot at the end.
        extensions["sni_hostname"] = outgoing.host.removesuffix(".")
    return httpx.Request(
        outgoing.method, outgoing.url, headers=dict(outgoing.headers), content=outgoing.body, extensions=extensions
    )


def _collected(trail: Trail, response: httpx.Response) -> Answer:
    broken = None
    content = b""
    trail.head = _answer(trail, response, content, broken)
    try:
        body = _body(trail.order, response)
        for piece in response.iter_raw():
            body.add(piece)
        content = body.whole()
    except (SourceError, httpx.HTTPError) as error:
        broken = failure_of(error, trail)
    return _answer(trail, response, content, broken)


async def _collected_alongside(trail: Trail, response: httpx.Response) -> Answer:
    broken = None
    content = b""
    trail.head = _answer(trail, response, content, broken)
    try:
        body = _body(trail.order, response)
        async for piece in response.aiter_raw():
            body.add(piece)
        content = body.whole()
    except (SourceError, httpx.HTTPError) as error:
        broken = failure_of(error, trail)
    return _answer(trail, response, content, broken)


def _body(order: Transmit, response: httpx.Response) -> Body:
    bodiless = order.outgoing.method == "HEAD" or response.status_code in {204, 304}
    return Body(response.headers, bodiless=bodiless, cap=order.max_size, where=order.outgoing.where)


def _answer(trail: Trail, response: httpx.Response, content: bytes, broken: Failure | None) -> Answer:
    return Answer(
        status=response.status_code,
        headers={name.lower(): value for name, value in response.headers.items()},
        body=content,
        elapsed_s=trail.elapsed_s(),
        broken=broken,
    )
