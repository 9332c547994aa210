"""Why a source could not answer. Each error names its stage, which the operator reads first.

    SourceError                 anything that keeps a source from answering
    ├── ConfigurationError      configuration: the vendor cannot know what is asked
    ├── DnsError                DNS: the name does not resolve
    ├── ConnectError            connect: refused, unreachable, or no answer to it in time
    ├── TlsError                TLS: certificate or handshake
    ├── LoginError              login: 401, 403
    │   └── SessionExpired      login: the session is no longer valid; one new login may help
    ├── RateLimitError          rate limit: 429, with what Retry-After said
    ├── ReadError               read: the answer broke off, or was not one
    │   ├── DeadlineError       read: no whole answer in time
    │   ├── TooLargeError       read: more bytes than the source may send
    │   ├── RedirectError       read: sent elsewhere, where Checkmill does not go
    │   └── StatusError         read: an HTTP status that is no success
    ├── ParseError              parse: an answer came and was not what the vendor documents
    └── PluginError             plugin: the plugin itself failed; the log has the traceback

Errors of the first four stages after configuration are raised before a request can have reached the vendor
(`arrived` is False), so that even what changes something may be sent again.
"""

from __future__ import annotations

HTTP_TOO_MANY_REQUESTS = 429


class SourceError(Exception):
    """A source could not answer. `str()` is a sentence without the stage, without secrets."""

    stage = "read"
    #: Whether the vendor may have received the request.
    arrived = True

    def __init__(self, sentence: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after_s = retry_after_s

    @property
    def sentence(self) -> str:
        """What happened, led by the stage: `login: HTTP 401 from ...`."""
        return f"{self.stage}: {self}"


class ConfigurationError(SourceError):
    """The settings or the query cannot be asked of this vendor."""

    stage = "configuration"
    arrived = False


class DnsError(SourceError):
    """The host name does not resolve."""

    stage = "DNS"
    arrived = False


class ConnectError(SourceError):
    """No connection: refused, unreachable, or not in time."""

    stage = "connect"
    arrived = False


class TlsError(SourceError):
    """The certificate or the handshake failed."""

    stage = "TLS"
    arrived = False


class LoginError(SourceError):
    """The vendor does not accept the credentials."""

    stage = "login"


class SessionExpired(LoginError):  # noqa: N818 - the name is part of the plugin contract
    """The session is no longer valid; raise it in a flow to have the source logged in once more."""


class RateLimitError(SourceError):
    """The vendor asks for fewer requests; `retry_after_s` is its Retry-After in seconds, if it sent one."""

    stage = "rate limit"


class ReadError(SourceError):
    """The answer broke off or was not one."""

    stage = "read"


class DeadlineError(ReadError):
    """No whole answer before the deadline."""


class TooLargeError(ReadError):
    """The answer is larger than the source may send."""


class RedirectError(ReadError):
    """The vendor sends elsewhere, and Checkmill does not follow there."""


class StatusError(ReadError):
    """An HTTP status that is no success and has no class of its own."""

    def __init__(self, sentence: str, *, status: int, retry_after_s: float | None = None) -> None:
        super().__init__(sentence, retry_after_s=retry_after_s)
        self.status = status


class ParseError(SourceError):
    """The answer is not what the vendor documents."""

    stage = "parse"


class PluginError(SourceError):
    """The plugin itself failed. Core raises this; a plugin never does."""

    stage = "plugin"


def error_for_status(status: int, url: str, *, retry_after_s: float | None = None, said: str = "") -> SourceError:
    """Give the error that an HTTP status without success stands for. `url` and `said` are shown: no secrets in them."""
    reason = f": {said}" if said else ""
    sentence = f"HTTP {status} from {url}{reason}"
    if status in {401, 403}:
        return LoginError(sentence)
    if status == HTTP_TOO_MANY_REQUESTS:
        wait = f"; try again in {retry_after_s:.0f} s" if retry_after_s is not None else ""
        return RateLimitError(sentence + wait, retry_after_s=retry_after_s)
    if 300 <= status <= 399:
        return RedirectError(sentence)
    return StatusError(sentence, status=status, retry_after_s=retry_after_s)
