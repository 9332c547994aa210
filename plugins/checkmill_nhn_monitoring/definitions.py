"""Scenarios as people write them, in YAML files that can be kept beside other code, and as requests want them.

The words are Checkmill's, so that times and lists read as in rule files; each field says which of NHN's it stands for.
Only API scenarios can be made and changed over the API. What the others have stands here too, so that `get` can show
them and `diff` compare them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from checkmill.api.v1 import Doc, Seconds
from checkmill_nhn_monitoring import cron as crons
from checkmill_nhn_monitoring.credentials import STARS, note
from checkmill_nhn_monitoring.settings import require_id

#: The kind of scenario that the API creates and modifies.
API = "API"
#: Kinds that talk to a socket.
SOCKETS = ("TCP", "UDP")
#: What NHN takes for the option when none is sent.
DEFAULT_BROWSER_OPTION = {"OPT_LOCALE": "kr"}
#: Shortest interval of an API scenario (console guide).
SHORTEST_INTERVAL_S = 30
#: NHN counts in milliseconds.
SHORTEST_TIMEOUT_S = 0.001

Type = Literal["API", "WEB", "MODULE", "TCP", "UDP", "ICMP"]
Method = Literal["GET", "POST", "PUT", "DELETE"]
Region = Literal["KOR", "US"]
TextType = Literal["JSON", "HTML", "XML"]
Operator = Literal["CONTAINS", "NOT_CONTAINS", "EQ", "NE", "GT", "GTE", "LT", "LTE"]

#: Operators that can do with what the expression says alone.
_WITHOUT_OPERAND = {"CONTAINS", "NOT_CONTAINS"}
_CODE = re.compile(r"[1-5]\d\d")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@dataclass(frozen=True, kw_only=True)
class Condition:
    """One thing that the text of an answer must hold. Raises ValueError where it cannot be judged."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    expression: Annotated[str, Doc("what to look at: a JSONPath such as `$.state`, for HTML and XML an XPath or text")]
    operator: Annotated[Operator, Doc("how it is compared with the operand")]
    operand: Annotated[str | None, Doc('what it is compared with, always as text: `"true"`, `"20"`')] = None

    def __post_init__(self) -> None:
        if not self.expression.strip():
            raise ValueError("the expression is empty; write what to look at, such as $.state")
        if self.operand is None and self.operator not in _WITHOUT_OPERAND:
            raise ValueError(f"{self.operator} compares with an operand; write operand: and the value, as text")


@dataclass(frozen=True, kw_only=True)
class TextValidation:
    """What the text of an answer must hold. Raises ValueError where nothing is demanded."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    type: Annotated[TextType, Doc("how the text is read (`textValidationType`)")]
    conditions: Annotated[tuple[Condition, ...], Doc("all of them must hold (`textValidationInfos`)")]

    def __post_init__(self) -> None:
        if not self.conditions:
            raise ValueError("text_validation has no conditions; write some, or leave it out")


@dataclass(frozen=True, kw_only=True)
class PositionValidation:
    """Text that an answer over TCP or UDP has at a position."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    position: Annotated[int, Doc("where it begins, from 0")]
    text: Annotated[str, Doc("what stands there (`validationText`)")]


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One scenario, as it should be. Raises ValueError, with what to write instead, for what NHN would refuse."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    id: Annotated[str | None, Doc("id of the scenario; without it, it is a new one")] = None
    name: Annotated[str, Doc("its name (`scenarioName`)")]
    description: Annotated[str, Doc("what it is for; without it, its name")] = ""
    type: Annotated[Type, Doc("kind of scenario; NHN's API creates and modifies API alone (`scenarioType`)")] = "API"
    url: Annotated[str, Doc("address that is asked, with http or https")] = field(default="", repr=False)
    method: Annotated[Method | None, Doc("HTTP method, GET unless another is written (`httpMethod`)")] = None
    headers: Annotated[Mapping[str, str] | None, Doc("headers that are sent; write credentials as `${NAME}`")] = field(
        default=None, repr=False
    )
    body: Annotated[str | None, Doc("body that is sent (`requestBody`)")] = field(default=None, repr=False)
    interval: Annotated[Seconds | None, Doc("how often, 30s or more; this or `cron` (`monitoringInterval`)")] = None
    cron: Annotated[
        str | None,
        Doc("when: minute, hour, day, month, weekday and if wanted year; this or `interval` (`monitoringCron`)"),
    ] = None
    comment: Annotated[str, Doc("anything for people; NHN is not sent it")] = ""
    regions: Annotated[tuple[Region, ...], Doc("where NHN asks from (`monitoringRegion`)")] = ("KOR",)
    tolerated_errors: Annotated[int, Doc("errors in a row that are no failure yet (`errorLimitCount`)")] = 0
    timeout: Annotated[Seconds | None, Doc("how long an answer may take, to the millisecond")] = None
    response_codes: Annotated[tuple[str, ...], Doc('HTTP statuses that are well, as texts: `"200"`')] = ()
    text_validation: Annotated[TextValidation | None, Doc("what the text of the answer must hold")] = None
    avoiding_text: Annotated[
        str, Doc("text in the answer that keeps a failure from being told (`avoidingValidationText`)")
    ] = ""
    browser_option: Annotated[
        Mapping[str, str] | None,
        Doc("`browserOption`, which older documents demand of API scenarios too; OPT_LOCALE kr unless written"),
    ] = None
    ip: Annotated[str | None, Doc("host or address that is asked; without it, whatever NHN takes from `url`")] = None
    port: Annotated[int | None, Doc("port, of TCP and UDP")] = None
    request: Annotated[str | None, Doc("text that is sent, of TCP and UDP")] = None
    position_validation: Annotated[
        tuple[PositionValidation, ...], Doc("texts that the answer has, of TCP and UDP (`responseValidation`)")
    ] = ()
    length_validation: Annotated[
        Mapping[str, str] | None, Doc("how the answer tells its length, of TCP and UDP: ENDIAN, POS, TYPE, BASE")
    ] = None
    image_paths: Annotated[tuple[str, ...], Doc("`imageValidationPaths`, of WEB and MODULE")] = ()

    def __post_init__(self) -> None:
        if self.id is not None:
            require_id(self.id)
        if not self.name.strip():
            raise ValueError("the name is empty; give the scenario a name")
        for name, text in self._texts():
            if STARS in text:
                raise ValueError(
                    f"{name} holds {STARS}, which stands where Checkmill hides a credential; write the value itself, "
                    "or ${NAME} and set that in the environment"
                )
        note(self.url)
        note(self.body or "")
        note(self.request or "")
        if self.type == API:
            self._check_api()

    def _check_api(self) -> None:
        _check_url(self.url)
        for name, value in (self.headers or {}).items():
            if not _HEADER_NAME.fullmatch(name):
                raise ValueError(f"{name!r} is no name for an HTTP header; write one such as X-Shop")
            if not (value.isascii() and value.isprintable()):
                raise ValueError(f"the header {name} holds characters that HTTP does not allow; leave them out")
        self._check_schedule()
        if not self.regions:
            raise ValueError("regions is empty; write KOR, US or both")
        if self.timeout is not None and self.timeout < SHORTEST_TIMEOUT_S:
            raise ValueError(f"timeout {self.timeout:g}s is below a millisecond; write 1ms or more, or leave it out")
        if self.tolerated_errors < 0:
            raise ValueError(f"tolerated_errors {self.tolerated_errors} is below zero; write 0 to tolerate none")
        for code in self.response_codes:
            if not _CODE.fullmatch(code):
                raise ValueError(f"{code!r} is no HTTP status; write one such as '200'")
        others: dict[str, object] = {
            "port": self.port,
            "request": self.request,
            "position_validation": self.position_validation,
            "length_validation": self.length_validation,
            "image_paths": self.image_paths,
        }
        for other, given in others.items():
            if given:
                raise ValueError(f"{other} is not for scenarios of the type API; leave it out")

    def _check_schedule(self) -> None:
        if (self.interval is None) == (self.cron is None):
            found = "neither interval nor cron" if self.interval is None else "both interval and cron"
            raise ValueError(f"there is {found}; write one of them, such as interval: 60s")
        if self.interval is not None:
            if self.interval != int(self.interval):
                raise ValueError(f"interval {self.interval:g}s is no whole number of seconds; write such as 60s")
            if self.interval < SHORTEST_INTERVAL_S:
                raise ValueError(
                    f"interval {self.interval:g}s is too short for NHN; write {SHORTEST_INTERVAL_S}s or more"
                )
        if self.cron is not None:
            crons.sent(self.cron)

    def _texts(self) -> Iterator[tuple[str, str]]:
        """What decides how a scenario fares, each with its name."""
        yield from (("url", self.url), ("body", self.body or ""), ("request", self.request or ""))
        yield from ((f"the header {name}", value) for name, value in (self.headers or {}).items())
        yield "avoiding_text", self.avoiding_text
        for condition in self.text_validation.conditions if self.text_validation is not None else ():
            yield "an expression", condition.expression
            yield "an operand", condition.operand or ""
        yield from (("a text of position_validation", part.text) for part in self.position_validation)


def request_body(definition: Definition) -> dict[str, Any]:
    """The request body of a definition, whole: what is not written is sent as its default, or left out as absent."""
    one = definition
    text = one.text_validation
    validation = {
        "textValidation": text
        and {
            "textValidationType": text.type,
            "textValidationInfos": [_condition_body(condition) for condition in text.conditions],
        },
        "timeout": one.timeout and round(one.timeout * 1000),
        "responseCodes": list(dict.fromkeys(one.response_codes)),
        "avoidingValidationText": one.avoiding_text,
        "responseValidation": [
            {"position": part.position, "validationText": part.text} for part in one.position_validation
        ],
        "lengthValidation": dict(one.length_validation or {}),
        "imageValidationPaths": list(one.image_paths),
    }
    body = {
        "url": one.url,
        "headers": dict(one.headers or {}),
        "httpMethod": one.method or ("GET" if one.type == API else None),
        "requestBody": one.body,
        "browserOption": None if one.type in (*SOCKETS, "ICMP") else dict(one.browser_option or DEFAULT_BROWSER_OPTION),
        "ip": one.ip,
        "port": one.port,
        "request": one.request,
        "scenarioType": one.type,
        "scenarioName": one.name,
        "monitoringInterval": None if one.interval is None else int(one.interval),
        "monitoringCron": one.cron and (crons.sent(one.cron) if one.type == API else one.cron),
    }
    return {
        **{name: value for name, value in body.items() if value is not None and value not in ("", {})},
        "validation": {name: value for name, value in validation.items() if value},
        "description": one.description or one.name,
        "monitoringRegion": list(dict.fromkeys(one.regions)),
        "errorLimitCount": one.tolerated_errors,
    }


def _condition_body(condition: Condition) -> dict[str, str]:
    body = {"operator": condition.operator, "expression": condition.expression}
    return body if condition.operand is None else {**body, "operand": condition.operand}


def _check_url(url: str) -> None:
    """Raise ValueError for what is no address; it is not quoted, since it may hold a password."""
    if not url:
        raise ValueError("url is missing; write the address that is asked, such as https://shop.example/health")
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError(
            "url is no address that begins with http or https; write one such as https://shop.example/health"
        )
