"""A scenario as Service Monitoring answers it: every member is checked for its type here, its meaning elsewhere.

A member that is null counts as absent, one that is not known is left alone but for `validation`, whose unknown members
are remembered: they may demand what nobody here verifies. What can hold credentials is made known as a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

from checkmill.api.v1 import ParseError, Secret
from checkmill_nhn_monitoring.credentials import is_credential, note, note_value
from checkmill_nhn_monitoring.envelope import one_line

T = TypeVar("T")

#: `2020-09-03T08:49:01.197+0000`, with the fraction and the zone in the spellings that Java has for them.
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|UTC|GMT|[+-]\d\d:?\d\d)")
#: No integer of a scenario is larger; Java's own end here.
_LARGEST = (1 << 31) - 1
_LARGEST_PORT = 65535
_LONGEST_SHOWN = 60

_VALIDATION = {
    "textValidation",
    "timeout",
    "responseCodes",
    "avoidingValidationText",
    "responseValidation",
    "lengthValidation",
    "imageValidationPaths",
}
_TEXT_VALIDATION = {"textValidationType", "textValidationInfos"}
_TEXT_CHECK = {"operator", "expression", "operand"}
_POSITION_CHECK = {"position", "validationText"}
_LENGTH_VALIDATION = {"ENDIAN", "POS", "TYPE", "BASE"}


@dataclass(frozen=True)
class TextCheck:
    """One of `textValidationInfos`: what the expression finds, compared with the operand, as both are written."""

    operator: str
    expression: str
    operand: str | None = None


@dataclass(frozen=True)
class TextValidation:
    """What the text of an answer must hold, all checks of it. `kind` is JSON, HTML or XML, or whatever else came."""

    kind: str
    checks: tuple[TextCheck, ...]


@dataclass(frozen=True)
class PositionCheck:
    """One of `responseValidation`: the text that an answer over TCP or UDP must have from `position` on."""

    position: int
    text: str


@dataclass(frozen=True)
class LengthValidation:
    """`lengthValidation` as it is written: `ENDIAN`, `POS`, `TYPE` and `BASE`, an empty text for one that is absent."""

    endian: str
    position: str
    type: str
    base: str


@dataclass(frozen=True)
class Validation:
    """What a scenario demands of the answer. `timeout_s` is None where none, or 0, is set.

    `unknown` are the names of members that demand something, but nothing that is documented.
    """

    text: TextValidation | None = None
    timeout_s: float | None = None
    response_codes: tuple[str, ...] = ()
    avoiding_text: str = ""
    response_validations: tuple[PositionCheck, ...] = ()
    length_validation: LengthValidation | None = None
    image_paths: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True)
class Scenario:
    """One scenario. Texts that are absent are empty, all else that is absent is None, or empty where it is several.

    `type` is `API WEB MODULE TCP UDP ICMP` or what else came; `name` is the id where there is no name. `cron` has the
    seven fields that the server writes, `interval_s` may be absent where it is there. `registered_at` and `amended_at`
    are epoch seconds, None where there is no time that can be read. `raw` is the whole as it came, secrets in clear.
    """

    id: str
    name: str
    type: str
    status: str = ""
    url: str = ""
    http_method: str = ""
    headers: Mapping[str, Secret | str] = field(default_factory=dict)
    request_body: str | None = field(default=None, repr=False)
    ip: str = ""
    port: int | None = None
    request: str | None = field(default=None, repr=False)
    interval_s: int | None = None
    cron: str = ""
    error_limit: int | None = None
    regions: tuple[str, ...] = ()
    description: str = ""
    browser_option: Mapping[str, str] = field(default_factory=dict)
    registered_at: float | None = None
    amended_at: float | None = None
    validation: Validation = Validation()
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


def scenario_from(body: object) -> Scenario:
    """Read a scenario, the `body` of an answer.

    Raises `ParseError`, naming the member, for one that is not of its documented type and for a scenario that has no
    id or no type.
    """
    if not isinstance(body, dict):
        raise ParseError(f"the scenario should be an object, but is {_shape(body)}")
    members = _Members(body)
    scenario_id = members.label("scenarioId")
    kind = members.text("scenarioType").strip().upper()
    for name, value in (("scenarioId", scenario_id), ("scenarioType", kind)):
        if not value:
            raise ParseError(f"the scenario has no {name}")
    url = members.text("url")
    body_sent, message_sent = members.text_or_none("requestBody"), members.text_or_none("request")
    _note_credentials_of(url)
    note(body_sent or "")
    note(message_sent or "")
    return Scenario(
        id=scenario_id,
        name=members.label("scenarioName") or scenario_id,
        type=kind,
        status=members.label("status"),
        url=url,
        http_method=members.text("httpMethod").strip().upper(),
        headers=MappingProxyType(
            {name: _guarded(name, value) for name, value in members.texts_by_name("headers").items()}
        ),
        request_body=body_sent,
        ip=members.text("ip"),
        port=members.whole("port", _LARGEST_PORT),
        request=message_sent,
        interval_s=members.whole("monitoringInterval"),
        cron=members.text("monitoringCron"),
        error_limit=members.whole("errorLimitCount"),
        regions=members.texts("monitoringRegion"),
        description=members.text("description"),
        browser_option=MappingProxyType(members.texts_by_name("browserOption")),
        registered_at=time_of(body.get("registeredTime")),
        amended_at=time_of(body.get("amendedTime")),
        validation=_validation_from(members.within("validation")),
        raw=MappingProxyType(body),
    )


def time_of(raw: object) -> float | None:
    """The epoch seconds of a time like `2020-09-03T08:49:01.197+0000`, or None for anything else."""
    if not isinstance(raw, str) or not _TIME.fullmatch(raw):
        return None
    try:
        at = datetime.fromisoformat(re.sub("UTC|GMT", "Z", raw))
        return at.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):  # the 31st of February, the year 0
        return None


@dataclass(frozen=True)
class _Members:
    """The members of one object, read by type. `path` is what stands before a name in a sentence."""

    values: Mapping[str, Any]
    path: str = ""

    @property
    def said(self) -> Iterator[str]:
        """The names of those that say something: false and 0 do, what is empty does not."""
        return (name for name, value in self.values.items() if value not in (None, "", [], {}))

    def text(self, name: str) -> str:
        return self.text_or_none(name) or ""

    def text_or_none(self, name: str) -> str | None:
        return self._of_type(name, str, "text")

    def label(self, name: str) -> str:
        """A text that may become a label: without halves of characters, which no output can write."""
        return self.text(name).strip().encode("utf-8", "replace").decode()

    def whole(self, name: str, largest: int = _LARGEST) -> int | None:
        value = self._of_type(name, int, "a whole number")
        if value is not None and not 0 <= value <= largest:
            raise ParseError(f"{self.path}{name} should be from 0 to {largest}, but is {_shape(value)}")
        return value

    def within(self, name: str) -> _Members:
        return _Members(self._of_type(name, dict, "an object") or {}, f"{self.path}{name}.")

    def items(self, name: str, read: Callable[[_Members, str], T]) -> tuple[T, ...]:
        """The members of a list, each read by a function of the list as members `[0]`, `[1]`, and such a name."""
        found = self._of_type(name, list, "a list") or []
        numbered = _Members({f"[{at}]": value for at, value in enumerate(found)}, f"{self.path}{name}")
        return tuple(read(numbered, at) for at in numbered.values)

    def texts(self, name: str) -> tuple[str, ...]:
        return self.items(name, _Members.required_text)

    def texts_by_name(self, name: str) -> dict[str, str]:
        inner = self.within(name)
        return {key: inner.text(key) for key in inner.values if inner.values[key] is not None}

    def required_text(self, name: str) -> str:
        value = self.text_or_none(name)
        if value is None:
            raise ParseError(f"{self.path}{name} should be text, but is absent")
        return value

    def _of_type(self, name: str, kind: type[T], expected: str) -> T | None:
        value = self.values.get(name)
        if value is None:
            return None
        if not isinstance(value, kind) or isinstance(value, bool):
            raise ParseError(
                f"{self.path}{one_line(name, _LONGEST_SHOWN)} should be {expected}, but is {_shape(value)}"
            )
        return value


def _validation_from(members: _Members) -> Validation:
    timeout_ms = members.whole("timeout")
    return Validation(
        text=_text_validation_from(members.within("textValidation")),
        timeout_s=timeout_ms / 1000 if timeout_ms else None,
        response_codes=tuple(code.strip() for code in members.texts("responseCodes")),
        avoiding_text=members.text("avoidingValidationText"),
        response_validations=members.items("responseValidation", _position_check_from),
        length_validation=_length_validation_from(members.within("lengthValidation")),
        image_paths=members.texts("imageValidationPaths"),
        unknown=tuple(_unknown_in(members)),
    )


def _unknown_in(validation: _Members) -> Iterator[str]:
    """The names of members, anywhere in a validation, that are not documented and say something."""
    text = validation.within("textValidation")
    for members, known in (
        (validation, _VALIDATION),
        (text, _TEXT_VALIDATION),
        (validation.within("lengthValidation"), _LENGTH_VALIDATION),
        *((check, _TEXT_CHECK) for check in text.items("textValidationInfos", _Members.within)),
        *((check, _POSITION_CHECK) for check in validation.items("responseValidation", _Members.within)),
    ):
        yield from (f"{members.path}{name}" for name in members.said if name not in known)


def _text_validation_from(members: _Members) -> TextValidation | None:
    checks = members.items("textValidationInfos", _text_check_from)
    kind = members.text("textValidationType").strip().upper()
    return TextValidation(kind, checks) if checks else None


def _text_check_from(numbered: _Members, name: str) -> TextCheck:
    members = numbered.within(name)
    return TextCheck(
        operator=members.required_text("operator").strip().upper(),
        expression=members.required_text("expression"),
        operand=members.text_or_none("operand"),
    )


def _position_check_from(numbered: _Members, name: str) -> PositionCheck:
    members = numbered.within(name)
    position = members.whole("position")
    if position is None:
        raise ParseError(f"{members.path}position should be a whole number, but is absent")
    return PositionCheck(position, members.required_text("validationText"))


def _length_validation_from(members: _Members) -> LengthValidation | None:
    if all(value is None for value in members.values.values()):
        return None
    endian, position, kind, base = (members.text(name).strip() for name in ("ENDIAN", "POS", "TYPE", "BASE"))
    return LengthValidation(endian.upper(), position, kind.upper(), base)


def _guarded(name: str, value: str) -> Secret | str:
    if not is_credential(name):
        return value
    note_value(value)
    return Secret(value)


def _note_credentials_of(url: str) -> None:
    """Make the credentials in an address known as secrets, as they are written and as they are meant."""
    note(url)
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:  # an address that is none is found out where it is used
        return
    note_value(unquote(password or ""))
    for name, value in parse_qsl(parts.query):
        if is_credential(name):
            note_value(value)


def _shape(value: object) -> str:
    """A few words on what came. No text is quoted: it may be a credential in the wrong place."""
    if isinstance(value, bool):
        return "yes/no"
    if isinstance(value, int):
        return str(value) if abs(value) <= 1 << 53 else f"a number of {value.bit_length()} bits"
    kinds = {str: "text", float: "a broken number", dict: "an object", list: "a list"}
    return kinds.get(type(value), "absent")
