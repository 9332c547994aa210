"""Reporters: where results are pushed, and what became of each delivery."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from enum import Enum
from typing import Any, Generic, TypeVar

from checkmill.model.flow import Flow
from checkmill.model.sandbox import Sandbox
from checkmill.model.settings import ReporterSettings, Target
from checkmill.model.source import ClassOf, ContractError

S = TypeVar("S")
T = TypeVar("T")

_TYPE = re.compile(r"[a-z][a-z0-9-]*")


class Outcome(Enum):
    """What became of one attempt to deliver.

    ACCEPTED: the receiver took it. REFUSED: it said no, and would again. NOT_SENT: it surely did not take it, so
    sending again is safe. UNKNOWN: it may have taken it, so sending again may do harm.
    """

    ACCEPTED = "accepted"
    REFUSED = "refused"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of one attempt, with the receiver's own code, words and request id, where it gave them."""

    outcome: Outcome
    message: str = ""
    code: str = ""
    request_id: str = ""
    retry_after_s: float | None = None


@dataclass(frozen=True)
class Reporter(Generic[S, T]):
    """A kind of reporter: its settings, what a rule says of a target, and the flow that delivers.

    `deliver(settings, target, body)` sends one body to one target; `deliver_many(settings, targets, body)`, where the
    receiver has such a call, sends one body to several and gives a receipt for each, in order. `body` is the default
    Jinja2 template of a body, `content` what it must be: `json object` or `text`.
    """

    type: str
    settings: ClassOf[S]
    target: ClassOf[T]
    deliver: Callable[[S, T, str], Flow[Receipt]]
    deliver_many: Callable[[S, Sequence[T], str], Flow[Sequence[Receipt]]] | None = None
    body: str = ""
    content: str = "json object"
    help: str = ""
    sandbox: Sandbox | None = None

    def __post_init__(self) -> None:
        if not _TYPE.fullmatch(self.type):
            raise ContractError(f"reporter type {self.type!r} is not like 'nhn-batchmon'")
        for what, declared, base in (
            ("settings", self.settings, ReporterSettings),
            ("target", self.target, Target),
        ):
            if not (isinstance(declared, type) and issubclass(declared, base) and is_dataclass(declared)):
                raise ContractError(
                    f"reporter type {self.type}: its {what} is no dataclass derived from {base.__name__}"
                )
        if not callable(self.deliver):
            raise ContractError(f"reporter type {self.type}: deliver is not callable")


@dataclass(frozen=True, eq=False)
class ConfiguredReporter:
    """One reporter of the rule files. `body` is the template of its bodies, `digest` changes with what is written."""

    name: str
    type: Reporter[Any, Any]
    settings: ReporterSettings
    body: str
    file: str
    digest: str


@dataclass(frozen=True, eq=False)
class Report:
    """One entry of a rule's `report:`: a reporter and a target of it; `key` is the target without secrets.

    Where values of the target are templates, `target` is None and `key` what is written; each service has its own then.
    """

    reporter: ConfiguredReporter
    target: Target | None
    key: Mapping[str, object] = field(default_factory=dict)
