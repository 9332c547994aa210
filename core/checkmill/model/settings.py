"""What people may configure of a source or a reporter, as frozen dataclasses that every plugin extends.

Nothing heavy is imported here: pydantic validates these classes, but only while rules are read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from checkmill.model.flow import Flow, Request, Response, Text, send
from checkmill.model.units import per_second, seconds, size

if TYPE_CHECKING:
    from collections.abc import Callable

    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core import CoreSchema

MIB = 1 << 20
#: How long one delivery may take where `timeout` does not say otherwise.
DELIVERY_S = 10.0
#: One an hour: what is slower delivers nothing before it expires.
SLOWEST_DRAIN = 1 / 3600


@dataclass(frozen=True, slots=True)
class Doc:
    """What a setting or query key is for, in a sentence: for the README, the JSON Schema, `explain` and errors."""

    text: str

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), "description": self.text}


@dataclass(frozen=True, slots=True)
class Written:
    """How a person writes a value that has a unit: `read` turns the text or number into the amount."""

    read: Callable[[Any], float]
    example: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # pydantic is imported only while rules are read, and this method is called by pydantic alone.
        from pydantic_core import core_schema

        return core_schema.no_info_before_validator_function(self.read, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {"type": ["string", "number"], "examples": [self.example]}


@dataclass(frozen=True, slots=True)
class AtLeast:
    """The smallest value that means something; anything below is refused, with `instead` as what to write."""

    least: float
    instead: str

    def __get_pydantic_core_schema__(self, source: object, handler: GetCoreSchemaHandler) -> CoreSchema:
        # pydantic is imported only while rules are read, and this method is called by pydantic alone.
        from pydantic_core import core_schema

        return core_schema.no_info_after_validator_function(self._checked, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        written = handler(schema)
        return {**written, "minimum": self.least} if written.get("type") == "integer" else written

    def _checked(self, value: float) -> float:
        if value < self.least:
            raise ValueError(f"{value:g} is too little; write {self.instead}")
        return value


Seconds = Annotated[float, Written(seconds, "8s")]
PerSecond = Annotated[float, Written(per_second, "10/s")]
Bytes = Annotated[int, Written(size, "16MiB")]


@dataclass(frozen=True, kw_only=True)
class HttpSettings:
    """What every source and reporter that speaks HTTP can be told."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    base_url: Annotated[str, Doc("where the vendor answers")] = ""
    timeout: Annotated[Seconds | None, Doc("deadline of one fetch or delivery, retries included")] = None
    connect_timeout: Annotated[Seconds, Doc("longest wait for a connection")] = 3.0
    read_timeout: Annotated[Seconds, Doc("longest silence while an answer is read")] = 8.0
    retries: Annotated[
        int, AtLeast(0, "0 for none, or a number"), Doc("how often what is safe to repeat is sent again")
    ] = 2
    rate: Annotated[PerSecond | None, Doc("most requests a second to this vendor, such as 10/s or 100/m")] = None
    workers: Annotated[int, AtLeast(1, "1 or more"), Doc("most requests at the same time")] = 8
    max_size: Annotated[Bytes, Doc("largest answer that is read, on the wire and decompressed")] = 16 * MIB
    ca_file: Annotated[str | None, Doc("PEM file of the certificate authorities to trust instead of the system's")] = (
        None
    )
    proxy: Annotated[str | None, Doc("proxy to go through, such as http://proxy.example:3128")] = None
    redirect_hosts: Annotated[
        tuple[str, ...], Doc("hosts beside the vendor's own that a redirect may lead to; nothing secret goes along")
    ] = ()

    def headers(self) -> Mapping[str, Text]:
        """The headers of every request below `base_url`; a plugin overrides this to log in."""
        return {}

    def request(self, method: str, path: str, **parts: Any) -> Request:
        """Describe a request below `base_url`; `parts` are the fields of `Request`."""
        parts.setdefault("repeatable", method in {"GET", "HEAD"})
        return Request(method=method, path=path, base_url=self.base_url, source_headers=self.headers(), **parts)

    def get(self, path: str, **parts: Any) -> Flow[Response]:
        """GET a path below `base_url`."""
        return send(self.request("GET", path, **parts))

    def post(self, path: str, **parts: Any) -> Flow[Response]:
        """POST to a path below `base_url`; not repeated unless `repeatable=True`."""
        return send(self.request("POST", path, **parts))


@dataclass(frozen=True, kw_only=True)
class SourceSettings(HttpSettings):
    """Base of a plugin's source settings."""


@dataclass(frozen=True, kw_only=True)
class ReporterSettings(HttpSettings):
    """Base of a plugin's reporter settings."""

    keep: Annotated[
        Literal["latest", "all"],
        Doc("which undelivered states of a target are sent: the latest alone, or all of them in their order"),
    ] = "latest"
    expires: Annotated[
        Seconds, AtLeast(1.0, "1s or more"), Doc("how old a delivery may grow before it is no longer sent")
    ] = 3600.0
    tries: Annotated[
        int, AtLeast(1, "1 or more"), Doc("how often a delivery that is refused is sent before it is laid aside")
    ] = 3
    backlog: Annotated[
        int,
        AtLeast(1, "1 or more"),
        Doc("most deliveries that may wait; beyond that the oldest are dropped, and it is said"),
    ] = 10_000
    backlog_size: Annotated[Bytes, Doc("most that the bodies of waiting deliveries may take")] = 64 * MIB
    drain: Annotated[
        PerSecond, AtLeast(SLOWEST_DRAIN, "1/h or more"), Doc("most deliveries a second to this receiver")
    ] = 50.0

    @property
    def delivery_s(self) -> float:
        """How long one delivery may take, in seconds."""
        return self.timeout or DELIVERY_S


@dataclass(frozen=True, kw_only=True)
class Query:
    """Base of what a rule may ask of a dataset, under `query:`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True, kw_only=True)
class NoQuery(Query):
    """The query of a dataset that takes no parameters."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """Base of what a rule may say under `report:` beside `to`."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    repeat_unknown: Annotated[
        bool, Doc("send again when it is unknown whether a delivery arrived; the receiver may then count it twice")
    ] = False
