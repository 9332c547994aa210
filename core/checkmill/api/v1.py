"""All that a plugin may import. Names here keep their meaning as long as the module is called v1."""

from checkmill.hookspecs import hookimpl
from checkmill.model.errors import (
    ConfigurationError,
    ConnectError,
    DeadlineError,
    DnsError,
    LoginError,
    ParseError,
    RateLimitError,
    ReadError,
    RedirectError,
    SessionExpired,
    SourceError,
    StatusError,
    TlsError,
    TooLargeError,
)
from checkmill.model.flow import Flow, Request, Response, attempt, now, send, together
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.reporter import Outcome, Receipt, Reporter
from checkmill.model.sample import Sample, number_of
from checkmill.model.sandbox import Answer, App, Asked, Sandbox, World, wave
from checkmill.model.secret import Secret, redact
from checkmill.model.settings import (
    Bytes,
    Doc,
    NoQuery,
    PerSecond,
    Query,
    ReporterSettings,
    Seconds,
    SourceSettings,
    Target,
)
from checkmill.model.source import ContractError, Dataset, Metric, Source
from checkmill.model.state import State

__all__ = [
    "Answer",
    "App",
    "Asked",
    "Bytes",
    "ConfigurationError",
    "ConnectError",
    "ContractError",
    "Dataset",
    "DeadlineError",
    "DnsError",
    "Doc",
    "Flow",
    "Levels",
    "Limits",
    "LoginError",
    "Metric",
    "NoQuery",
    "Outcome",
    "ParseError",
    "PerSecond",
    "Query",
    "Range",
    "RateLimitError",
    "ReadError",
    "Receipt",
    "RedirectError",
    "Reporter",
    "ReporterSettings",
    "Request",
    "Response",
    "Sample",
    "Sandbox",
    "Seconds",
    "Secret",
    "SessionExpired",
    "Source",
    "SourceError",
    "SourceSettings",
    "State",
    "StatusError",
    "Target",
    "TlsError",
    "TooLargeError",
    "World",
    "attempt",
    "hookimpl",
    "now",
    "number_of",
    "redact",
    "send",
    "together",
    "wave",
]
