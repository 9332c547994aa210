"""Calls and flows: how a plugin says what it wants from its vendor without doing any I/O.

A flow is a generator that yields calls and is sent what came back, the way `httpx.Auth.auth_flow` works. Core drives
it, live or from a recording. `send`, `attempt`, `together` and `now` are small flows, so `yield from` gives typed
answers:

    response = yield from settings.get("/v1/hosts")
    pages = yield from together([settings.get("/v1/a"), settings.get("/v1/b")])
    answer = yield from attempt(settings.get("/v1/c"))          # a Response, or the SourceError as a value
    token = yield from session(log_in)                          # what the source's login gave, shared by all its flows
    said = yield from exchange(Exchange("10.0.0.5", 7, "udp", b"ping"))
    rows = yield from heavy(rows_of, response.body)             # in a child process that ends at the deadline
"""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, TypeVar, TypeVarTuple
from urllib.parse import quote, urlencode, urlsplit

from checkmill.model.answertext import decoded, json_value
from checkmill.model.errors import ConfigurationError, SourceError
from checkmill.model.reach import Reach, host_and_port
from checkmill.model.secret import SHOWN, Secret

S = TypeVar("S")
T = TypeVar("T")
Ts = TypeVarTuple("Ts")

_PORTS = {"http": 80, "https": 443}

#: Text that may be a secret: written with `reveal()` on its way out, shown as stars everywhere else.
Text: TypeAlias = "str | int | float | Secret"


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request.

    `path` is appended to `base_url`, unless it is a whole URL itself; `{name}` in it is filled from `values`, quoted.
    `source_headers` are the source's own and are sent below `base_url` only. The body is `json`, which may hold
    `Secret`s anywhere, or a `form` (name and value, url-encoded as UTF-8), or `content` as it stands.
    `repeatable` says that sending twice does no harm; `any_status` that the flow wants to see failures as responses.
    `timeout_s` bounds this one request below the deadline of the fetch.

    `reach` limits where it may go, for an address that is not the configuration's own: `path` is then a whole URL. It
    is sent once, to an address that was checked, over a connection of its own, through no proxy, shared with nobody.
    No redirect is followed: with `any_status` it is given to the flow, else it is a `RedirectError`. What `reach` does
    not allow is a `ConfigurationError`.
    """

    method: str
    path: str
    base_url: str = ""
    values: Mapping[str, Text] = field(default_factory=dict)
    params: Mapping[str, Text] = field(default_factory=dict)
    headers: Mapping[str, Text] = field(default_factory=dict)
    source_headers: Mapping[str, Text] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Text] | None = None
    content: bytes | None = field(default=None, repr=False)
    repeatable: bool = False
    any_status: bool = False
    timeout_s: float | None = None
    reach: Reach | None = None

    @property
    def below_base(self) -> bool:
        """Whether this request stays below the source's own address."""
        return "://" not in self.path

    @property
    def refusal(self) -> str:
        """Why `reach` forbids to send it, as far as that can be told without looking a name up; empty if it does not.

        A `Host` header of its own must be allowed too, since it asks for what another name stands for.
        """
        if self.reach is None:
            return ""
        if self.method.upper() == "CONNECT":
            return "CONNECT asks for a way to somewhere else, which cannot be checked"
        try:
            url = urlsplit("" if self.below_base else self.url())
            port = url.port or _PORTS[url.scheme]
        except (ValueError, KeyError):
            return "the address of a request whose reach is limited must be whole, like https://shop.example"
        hosts = [(url.hostname or "", port)]
        hosts += [_named(_revealed(value), port) for name, value in self.headers.items() if name.lower() == "host"]
        return next(filter(None, (self.reach.refusal_of_host(host, port) for host, port in hosts)), "")

    def url(self) -> str:
        """The whole URL with secrets revealed. For the driver alone."""
        return self._url(_revealed)

    def shown_url(self) -> str:
        """The whole URL with stars for secrets."""
        return self._url(str)

    def _url(self, text_of: Any) -> str:
        path = self.path
        for name, value in self.values.items():
            shown = text_of(value)
            if shown in {".", ".."}:
                raise ConfigurationError(f"{name} is {shown!r}, which would lead to another path")
            path = path.replace("{" + name + "}", shown if shown == SHOWN else quote(shown, safe=""))
        url = self.base_url.rstrip("/") + "/" + path.lstrip("/") if self.below_base else path
        if self.params:
            url = url.partition("#")[0]  # a fragment is not sent, and parameters in it would not be either
            url += ("&" if "?" in url else "?") + urlencode({k: text_of(v) for k, v in self.params.items()}, safe="*")
        return url

    def sent_headers(self) -> dict[str, str]:
        """The headers with secrets revealed. For the driver alone."""
        own = self.source_headers if self.below_base else {}
        return {name: _revealed(value) for name, value in {**own, **self.headers}.items()}

    def sent_body(self) -> bytes | None:
        """The body with secrets revealed. For the driver alone."""
        if self.form is not None:
            return urlencode({name: _revealed(value) for name, value in self.form.items()}).encode()
        if self.json is None:
            return self.content
        return json.dumps(_plain(self.json), ensure_ascii=False, allow_nan=False).encode()

    def away(self, url: str) -> Request:
        """The request that a redirect beyond `base_url` asks for: nothing of the source's own goes along."""
        return replace(self, path=url, values={}, params={}, headers={}, source_headers={})


@dataclass(frozen=True, kw_only=True)
class Response:
    """One answer, read whole and decompressed. Header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""
    elapsed_s: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the status is 2xx."""
        return 200 <= self.status <= 299

    def text(self) -> str:
        """The body as text: UTF-8, or the charset that the vendor names.

        Raises `ParseError` for bytes that are not in that charset, and for one that is not used for text.
        """
        return decoded(self.body, self.headers.get("content-type", ""))

    def json(self) -> Any:
        """The body as JSON. NaN and infinities become None, since they are no values.

        Raises `ParseError` for an empty body, for HTML, for broken, too deep or ambiguous JSON.
        """
        return json_value(self.text(), self.status)


@dataclass(frozen=True)
class Together:
    """Several calls or flows side by side; the answer is the list of theirs, in order."""

    items: tuple[Call | Flow[Any], ...]


@dataclass(frozen=True)
class Attempt:
    """A call or flow whose failure is wanted as a value."""

    item: Call | Flow[Any]


@dataclass(frozen=True)
class Now:
    """A look at the wall clock; the answer is the time in epoch seconds. A flow has no clock of its own."""


@dataclass(frozen=True)
class Session:
    """A look at the source's session; the answer is what `login` gave, which must be the `Source.session`."""

    login: Callable[[Any], Flow[Any]]


@dataclass(frozen=True)
class Exchange:
    """One exchange over TCP or UDP: connect, send the payload, read the answer.

    Over TCP the answer ends after `read_bytes` bytes (0: nothing is read), or with the bytes `read_until`, or when the
    peer closes; over UDP it is the first datagram. Where only the answer tells its length, `read_bytes` is a function
    of what came so far: it gives the length of the whole, or None as long as that cannot be told. `max_size` in bytes
    goes before the source's, `timeout_s` bounds it below the deadline of the fetch. It is sent once, shared with
    nobody, and goes through no proxy. `reach` limits where it may go, for an address that is not the configuration's
    own: it goes to an address that was checked, and what `reach` does not allow is a `ConfigurationError`.

    Raises `ConfigurationError` for what cannot be asked so.
    """

    host: str
    port: int
    protocol: Literal["tcp", "udp"] = "tcp"
    payload: bytes = field(default=b"", repr=False)
    read_until: bytes | None = None
    read_bytes: int | Callable[[bytes], int | None] | None = None
    max_size: int | None = None
    timeout_s: float | None = None
    reach: Reach | None = None

    def __post_init__(self) -> None:
        for holds, otherwise in (
            (self.protocol in {"tcp", "udp"}, f"{self.protocol!r} is neither tcp nor udp"),
            (bool(self.host), "the host is empty"),
            (1 <= self.port <= 65535, f"{self.port} is not a port: 1 to 65535"),
            (self.read_until is None or self.read_bytes is None, "read_until and read_bytes exclude each other"),
            (self.read_until != b"", "read_until is empty"),
            (not isinstance(self.read_bytes, int) or self.read_bytes >= 0, f"read_bytes {self.read_bytes} is negative"),
            (
                self.protocol != "udp" or (self.read_until is None and self.read_bytes is None),
                "a datagram is read whole: read_until and read_bytes are for tcp",
            ),
        ):
            if not holds:
                raise ConfigurationError(f"the exchange with {self.where} cannot be: {otherwise}")

    def whole_length(self, came: bytes) -> int | None:
        """How many bytes the whole answer has, by what came of it; None as long as that cannot be told."""
        return self.read_bytes(came) if callable(self.read_bytes) else self.read_bytes

    @property
    def where(self) -> str:
        """The host and port it goes to: `db.example:5432`."""
        return host_and_port(self.host, self.port)

    @property
    def refusal(self) -> str:
        """Why `reach` forbids it, as far as that can be told without looking a name up; empty if it does not."""
        return "" if self.reach is None else self.reach.refusal_of_host(self.host, self.port)


@dataclass(frozen=True)
class Exchanged:
    """What a peer answered; `address` is who was talked to, `elapsed_s` counts from the look-up of its name."""

    data: bytes
    elapsed_s: float = 0.0
    address: str = ""


@dataclass(frozen=True)
class Heavy:
    """A call of a function in a child process, which is ended at the deadline; the answer is what it returns.

    `timeout_s` bounds it below the deadline of the fetch.
    """

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()
    timeout_s: float | None = None


Call: TypeAlias = Request | Together | Attempt | Now | Session | Exchange | Heavy
#: A generator of calls that returns a T.
Flow: TypeAlias = Generator[Call, Any, T]


def send(request: Request) -> Flow[Response]:
    """Send one request; the answer is its response. A failure is raised at the yield as a `SourceError`."""
    response: Response = yield request
    return response


def attempt(flow: Flow[T]) -> Flow[T | SourceError]:
    """Carry out a flow; the answer is what it returns, or the `SourceError` that ended it."""
    answer: T | SourceError = yield Attempt(flow)
    return answer


def together(flows: Iterable[Flow[T]]) -> Flow[list[T]]:
    """Carry out flows side by side; the answer is the list of theirs, in order. The first failure is raised."""
    answers: list[T] = yield Together(tuple(flows))
    return answers


def now() -> Flow[float]:
    """Ask for the time; the answer is epoch seconds. For requests that name a period of time."""
    at: float = yield Now()
    return at


def session(login: Callable[[S], Flow[T]]) -> Flow[T]:
    """Give the value of the source's login, `Source(session=login)`: one login per source and run serves all flows.

    A flow that finds the session ended raises `SessionExpired`: the source is logged in once more, and each flow that
    raised it starts from its beginning, once. A login that fails is a `LoginError` of every flow.
    """
    value: T = yield Session(login)
    return value


def exchange(call: Exchange) -> Flow[Exchanged]:
    """Carry out one exchange over TCP or UDP. A failure is raised at the yield as a `SourceError`."""
    answer: Exchanged = yield call
    return answer


def heavy(function: Callable[[*Ts], T], *arguments: *Ts, timeout_s: float | None = None) -> Flow[T]:
    """Call a function in a child process that is ended at the deadline, whatever it does; the answer is its result.

    For what may take long or block; `timeout_s` ends it before the deadline of the fetch. The function must be one of a
    module, arguments and result must be picklable.
    """
    answer: T = yield Heavy(function, arguments, timeout_s)
    return answer


def _revealed(value: Text) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _named(header: str, port: int) -> tuple[str, int]:
    """The host and port that a `Host` header names; the header itself where it is no such thing."""
    header = header.strip()
    try:
        parts = urlsplit(f"//{header}")
        host, port = parts.hostname or "", parts.port or port
    except ValueError:
        return header, port
    return (host, port) if parts.netloc == header and parts.username is None else (header, port)


def _plain(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value
