"""Vendors whose settings break the contract where no import can notice it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from checkmill.api.v1 import Source, SourceSettings, hookimpl

if TYPE_CHECKING:
    from decimal import Decimal


class Unknowable:
    """Nothing that pydantic could validate."""


@dataclass(frozen=True, kw_only=True)
class Unresolved(SourceSettings):
    base_url: str = "https://odd.example"
    price: Decimal | None = None


@dataclass(frozen=True, kw_only=True)
class Arbitrary(SourceSettings):
    base_url: str = "https://odd.example"
    what: Unknowable | None = None


@dataclass(frozen=True, kw_only=True)
class Raising(SourceSettings):
    base_url: str = "https://odd.example"
    key: str = ""

    def __post_init__(self) -> None:
        raise KeyError(self.key)


@hookimpl
def checkmill_sources() -> Iterable[Source[Any]]:
    for name, settings in (("unresolved", Unresolved), ("arbitrary", Arbitrary), ("raising", Raising)):
        yield Source(type=name, settings=settings, metrics=[])
