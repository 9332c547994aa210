"""Where the request of a scenario goes: its address, and where redirects lead it within reach."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from checkmill.api.v1 import Request, Response
from checkmill_nhn_monitoring.verdict import NotCarriedOut

MOST_HOPS = 5

_REDIRECTS = {301, 302, 303, 307, 308}
_PORTS = {"http": 80, "https": 443}
_SEE_OTHER = 303
_MOVED = {301, 302}


def address_of(url: str) -> tuple[SplitResult, str, int] | None:
    """The parts, host and port of an http or https address, or None for anything else."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme not in _PORTS or not host or port == 0:
        return None
    return parts, host, _PORTS[parts.scheme] if port is None else port


def redirected(request: Request, answer: Response, allowed: tuple[str, ...]) -> Request | None:
    """The request that an answer redirects to, or None for an answer to be judged as it is.

    The latter is also a redirect whose code the scenario allows. Like a browser, 303 asks with GET, as do 301 and 302
    after a POST. Another host is told nothing of the definition's headers, and is not sent its body.

    Raises `NotCarriedOut` for a redirect that is not followed.
    """
    location = answer.headers.get("location", "").strip()
    if answer.status not in _REDIRECTS or not location or str(answer.status) in allowed:
        return None
    before, after = address_of(request.path), _led_to(request.path, location)
    if before is None or after is None:
        raise NotCarriedOut(f"HTTP {answer.status} leads to what is no http or https address")
    (parts, host, port), (old, old_host, old_port) = after, before
    if old.scheme == "https" and parts.scheme == "http":
        raise NotCarriedOut(f"HTTP {answer.status} leads to {host}:{port} without TLS")
    following = replace(request, path=parts.geturl())
    if answer.status == _SEE_OTHER or (answer.status in _MOVED and request.method == "POST"):
        following = replace(following, method="GET", content=None, headers=_without_body(following))
    is_upgrade = (old_port, port) == (_PORTS["http"], _PORTS["https"])
    is_same = host == old_host and (port == old_port or is_upgrade)
    if not is_same:
        following = replace(following, headers={})
    if following.refusal:
        raise NotCarriedOut(f"HTTP {answer.status} leads elsewhere: {following.refusal}")
    if not is_same and following.content is not None:
        raise NotCarriedOut(f"HTTP {answer.status} leads to {host}:{port}; a body is not sent on to another host")
    return following


def _led_to(url: str, location: str) -> tuple[SplitResult, str, int] | None:
    try:
        return address_of(urljoin(url, location))
    except ValueError:
        return None


def _without_body(request: Request) -> dict[str, Any]:
    return {name: value for name, value in request.headers.items() if not name.lower().startswith("content-")}
