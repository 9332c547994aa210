"""What httpx's exceptions mean: which stage failed, in words, and whether it may go better in a moment."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Iterator

import httpx

from checkmill.model.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    ReadError,
    SourceError,
    TlsError,
)
from checkmill.model.secret import redact
from checkmill.steps.fetching.moves import Failure, seconds_text
from checkmill.steps.fetching.resolving import unresolved
from checkmill.steps.fetching.trail import Stage, Trail

#: X.509 verification results, as OpenSSL's x509_vfy.h numbers them.
_EXPIRED, _NOT_YET_VALID = 10, 9
_WRONG_NAMES = {62, 64}
_UNKNOWN_AUTHORITY = {2, 18, 19, 20, 21}
#: Alerts that only a handshake brings, as OpenSSL names them after `TLSV13_ALERT_` and the like.
_ABOUT_CERTIFICATES = {
    "ACCESS_DENIED",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_REQUIRED",
    "CERTIFICATE_REVOKED",
    "CERTIFICATE_UNKNOWN",
    "NO_CERTIFICATE",
    "UNKNOWN_CA",
    "UNSUPPORTED_CERTIFICATE",
}


def failure_of(error: BaseException, trail: Trail) -> Failure:
    """Give the failure that an exception of one transmission stands for."""
    if isinstance(error, SourceError):
        return Failure(error)
    unsayable = isinstance(error, UnicodeError) and trail.stage is Stage.WAITING
    if unsayable or isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol | httpx.LocalProtocolError):
        return Failure(ConfigurationError(redact(f"the request to {trail.peer} cannot be sent: {error}")))
    if isinstance(error, httpx.ProxyError):
        return Failure(ConnectError(redact(f"the proxy {trail.proxy} gives no way to {trail.peer}: {error}")))
    if trail.stage is Stage.CONNECT:
        return _not_connected(error, trail)
    if trail.stage is Stage.TLS:
        return _no_handshake(error, trail)
    if trail.stage is Stage.PROXY:
        if isinstance(error, httpx.TimeoutException):
            return Failure(trail.late())
        return Failure(ConnectError(f"the proxy {trail.proxy} broke off"), passing=True)
    if isinstance(error, httpx.TimeoutException):
        return Failure(_silence(error, trail))
    said = _refused_certificate(error)
    if trail.head is None and said:
        return Failure(TlsError(f"{trail.peer} refused the TLS handshake: {said}"))
    if isinstance(error, httpx.TransportError | OSError):
        return Failure(ReadError(_broken_off(error, trail)), passing=True)
    return Failure(ReadError(f"the answer from {trail.peer} cannot be read ({type(error).__name__})"))


def _not_connected(error: BaseException, trail: Trail) -> Failure:
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            host = trail.peer.rpartition(":")[0]
            return Failure(unresolved(cause, host), passing=cause.errno == socket.EAI_AGAIN)
        if isinstance(cause, UnicodeError):
            return Failure(ConfigurationError(f"{trail.peer} is not a host name"))
    if isinstance(error, httpx.TimeoutException):
        if trail.is_late():
            return Failure(trail.late())
        waited = seconds_text(trail.order.connect_timeout_s)
        return Failure(ConnectError(f"no connection to {trail.peer} within {waited}"), passing=True)
    codes = [cause.errno for cause in causes if isinstance(cause, OSError) and cause.errno]
    reason = os.strerror(codes[-1]).lower() if codes else "it failed"
    return Failure(ConnectError(f"no connection to {trail.peer}: {reason}"), passing=True)


def _no_handshake(error: BaseException, trail: Trail) -> Failure:
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            return Failure(TlsError(f"the certificate of {trail.peer} {_complaint(cause)}"))
        # An error without a reason is a connection that ended, as are the other two.
        ended = isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) or not getattr(cause, "reason", None)
        if isinstance(cause, ssl.SSLError) and not ended:
            if cause.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "RECORD_LAYER_FAILURE"}:
                return Failure(TlsError(f"{trail.peer} does not speak TLS"))
            said = cause.reason.replace("_", " ").lower()
            return Failure(TlsError(f"the TLS handshake with {trail.peer} failed: {said}"))
    if isinstance(error, httpx.TimeoutException):
        return Failure(trail.late(), passing=not trail.is_late())
    return Failure(TlsError(f"{trail.peer} broke off the TLS handshake"), passing=True)


def _refused_certificate(error: BaseException) -> str:
    """What a server says that wants another certificate of us, or one at all; "" for any other error.

    Since TLS 1.3 a client hears of it after its handshake, when it has sent its request, which nobody reads.
    """
    reasons = [cause.reason or "" for cause in _causes(error) if isinstance(cause, ssl.SSLError)]
    for reason in reasons:
        _, is_alert, said = reason.partition("_ALERT_")
        if is_alert and said in _ABOUT_CERTIFICATES:
            return said.replace("_", " ").lower()
    return ""


def _complaint(error: ssl.SSLCertVerificationError) -> str:
    if error.verify_code == _EXPIRED:
        return "has expired"
    if error.verify_code == _NOT_YET_VALID:
        return "is not valid yet"
    if error.verify_code in _WRONG_NAMES:
        return "is for another name"
    if error.verify_code in _UNKNOWN_AUTHORITY:
        return "is from an unknown authority; name its PEM file in ca_file if it can be trusted"
    return f"cannot be trusted: {error.verify_message}"


def _silence(error: httpx.TimeoutException, trail: Trail) -> SourceError:
    if trail.is_late():
        return trail.late()
    waited = seconds_text(trail.order.read_timeout_s)
    if isinstance(error, httpx.WriteTimeout):
        return DeadlineError(f"{trail.peer} took nothing of the request for {waited}")
    return DeadlineError(f"{trail.peer} was silent for {waited}")


def _broken_off(error: BaseException, trail: Trail) -> str:
    for cause in _causes(error):
        if isinstance(cause, ConnectionResetError | BrokenPipeError) or getattr(cause, "errno", 0) == errno.ECONNRESET:
            return f"{trail.peer} reset the connection"
    said = redact(str(error))
    if "without sending" in said or "disconnected" in said or not said:
        return f"{trail.peer} broke off before the answer was whole"
    return f"{trail.peer} does not answer in HTTP: {said[:120]}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that led to it, exception groups included."""
    pending: list[BaseException] = [error]
    seen: set[int] = set()
    while pending:
        cause = pending.pop()
        if id(cause) in seen:
            continue
        seen.add(id(cause))
        yield cause
        pending += [before for before in (cause.__context__, cause.__cause__) if before is not None]
        if isinstance(cause, BaseExceptionGroup):
            pending += cause.exceptions
