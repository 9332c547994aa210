"""Requests as they go out: address and headers checked, secrets revealed, and what people may see of them."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from urllib.parse import SplitResult, unquote, urljoin, urlsplit, urlunsplit

from checkmill import __version__
from checkmill.model.errors import ConfigurationError, PluginError, RedirectError
from checkmill.model.flow import Request
from checkmill.model.reach import Reach, host_and_port, host_of
from checkmill.model.secret import redact
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching.moves import Answer, Outgoing

REDIRECTS = {301, 302, 303, 307, 308}
MOST_HOPS = 5

_PORTS = {"http": 80, "https": 443}
_USERINFO = re.compile(r"(?<=://)[^/?#]*@")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
_LONGEST_SHOWN = 300


def outgoing_of(request: Request) -> Outgoing:
    """Make a request ready to be sent.

    Raises `ConfigurationError` for an address that is none or out of reach, or a header that HTTP does not allow;
    `PluginError` for a request that cannot be written at all, such as JSON that holds an object of the plugin's own.
    """
    if request.below_base and not request.base_url and request.reach is None:
        raise ConfigurationError("base_url is missing")
    try:
        refusal = request.refusal
        url, shown = request.url(), shown_text(_told(request))
        headers, body = request.sent_headers(), request.sent_body()
    except (TypeError, ValueError, AttributeError, RecursionError) as error:
        raise PluginError(redact(f"the plugin's request cannot be written: {error}")) from None
    if refusal:
        raise ConfigurationError(redact(refusal))
    parts = _address(url, shown_text(request.base_url) if request.below_base else shown)
    outgoing = Outgoing(
        method=request.method,
        scheme=parts.scheme,
        where=where_of(parts),
        shown=shown,
        home=request.below_base,
        url=_without_userinfo(parts),
        headers=tuple(_headers(headers, parts, _content_type(request)).items()),
        body=body,
    )
    return outgoing if request.reach is None else _limited(outgoing, parts, request.reach)


def _told(request: Request) -> str:
    """The address as people may see it, but for secrets; of one that is not the configuration's own, without its query.

    Nobody has looked through that for credentials, whose names are whatever its owner likes.
    """
    url = request.shown_url()
    if request.reach is None:
        return url
    bare, mark, _ = url.partition("#")[0].partition("?")
    return f"{bare}?..." if mark else bare


def redirected(request: Request, outgoing: Outgoing, answer: Answer, settings: HttpSettings) -> Outgoing:
    """Follow a redirect where that is safe: reads only, never from https to http, and only to known hosts.

    Below the source's own address its headers go along, elsewhere nothing does. Raises `RedirectError`, which names
    the host that was led to, but not the path or query, which may hold what only that host should know.
    """
    sentence = f"HTTP {answer.status} from {outgoing.shown} leads to"
    try:
        parts = _address(urljoin(outgoing.url, answer.headers.get("location", "")), "")
    except (ConfigurationError, ValueError):  # urljoin refuses `http://[`
        raise RedirectError(f"{sentence} what is no http or https address") from None
    where = redact(where_of(parts))
    if outgoing.reach is not None:
        raise RedirectError(f"{sentence} {where}; no redirect is followed from there")
    if outgoing.method not in {"GET", "HEAD"}:
        raise RedirectError(f"{sentence} {where}; a {outgoing.method} is not sent elsewhere")
    if outgoing.scheme == "https" and parts.scheme == "http":
        raise RedirectError(f"{sentence} {where} without TLS")
    shown = shown_text(f"{parts.scheme}://{where}{parts.path}")
    base = urlsplit(settings.base_url)
    if where_of(parts) == where_of(base):
        if outgoing.home:
            return Outgoing(
                method=outgoing.method,
                scheme=parts.scheme,
                where=where,
                shown=shown,
                home=True,
                url=_without_userinfo(parts),
                headers=outgoing.headers,
                body=None,
            )
    elif not _allowed(parts, settings.redirect_hosts):
        raise RedirectError(f"{sentence} {where}, which is neither the source's own address nor in redirect_hosts")
    away = outgoing_of(request.away(_without_userinfo(parts)))
    return Outgoing(
        method=outgoing.method,
        scheme=away.scheme,
        where=where,
        shown=shown,
        home=False,
        url=away.url,
        headers=tuple(pair for pair in away.headers if pair[0] != "content-type"),
        body=None,
    )


def at_address(outgoing: Outgoing, address: str) -> Outgoing:
    """The same request to one address of its host, which its `Host` header still names."""
    netloc = host_and_port(address, outgoing.port)
    return replace(outgoing, url=urlunsplit(urlsplit(outgoing.url)._replace(netloc=netloc)))


def shown_text(text: str) -> str:
    """Text that may hold an address, fit to be shown: no secrets, no user and password, not endless."""
    shown = _USERINFO.sub("", redact(text))
    return shown if len(shown) <= _LONGEST_SHOWN else shown[:_LONGEST_SHOWN] + "..."


def where_of(parts: SplitResult) -> str:
    """The host and port that an address leads to: `api.example.com:443`."""
    return host_and_port((parts.hostname or "").lower(), _port_of(parts))


def _port_of(parts: SplitResult) -> int:
    return parts.port or _PORTS.get(parts.scheme, 0)


def _limited(outgoing: Outgoing, parts: SplitResult, reach: Reach) -> Outgoing:
    """The request with its host in the spelling that was checked, which is what the peer is told too."""
    host, port = host_of(parts.hostname or ""), _port_of(parts)
    where = host_and_port(host, port)
    named = where if port != _PORTS[parts.scheme] else where.removesuffix(f":{port}")
    headers = {"host": named, **dict(outgoing.headers)}
    return replace(outgoing, where=where, headers=tuple(headers.items()), reach=reach, host=host, port=port)


def _address(url: str, shown: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        whole = parts.scheme in _PORTS and bool(parts.hostname) and parts.port != 0
    except ValueError:
        whole = False
    if not whole:
        raise ConfigurationError(f"{shown!r} is not an address like https://api.example.com")
    return parts


def _without_userinfo(parts: SplitResult) -> str:
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], fragment=""))


def _content_type(request: Request) -> str:
    """The type of a body that Checkmill writes itself."""
    if request.form is not None:
        return "application/x-www-form-urlencoded"
    return "application/json" if request.json is not None else ""


def _headers(own: dict[str, str], parts: SplitResult, content_type: str) -> dict[str, str]:
    headers = {"user-agent": f"checkmill/{__version__}", "accept": "*/*", "accept-encoding": "gzip, deflate"}
    if content_type:
        headers["content-type"] = content_type
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["authorization"] = "Basic " + b64encode(login.encode()).decode()
    for name, value in own.items():
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"{redact(name)!r} is not a name for an HTTP header")
        if not _HEADER_VALUE.fullmatch(value):
            raise ConfigurationError(f"the header {name} holds characters that HTTP does not allow in headers")
        headers[name.lower()] = value.strip()
    return headers


def _allowed(parts: SplitResult, hosts: tuple[str, ...]) -> bool:
    listed = {host.strip().lower() for host in hosts}
    return (parts.hostname or "").lower() in listed or where_of(parts) in listed
