"""What can be configured of a Nezha dashboard, and what a rule may ask of its datasets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from checkmill.api.v1 import Bytes, Doc, Query, Seconds, Secret, SourceSettings

#: How far the monitor history of a server reaches back.
LONGEST_WINDOW_S = 86400.0
#: Ids are unsigned and have 64 bits.
LARGEST_ID = (1 << 64) - 1


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    """One dashboard: of generation v0 with `token`, of generation v1 with `username` and `password`.

    With both, `api: auto` finds out. Raises ValueError, with what to write instead.
    """

    base_url: Annotated[str, Doc("where the dashboard answers: scheme, host and port of its web pages; required")] = ""
    api: Annotated[
        Literal["auto", "v0", "v1"],
        Doc("generation of the dashboard; auto goes by what is configured, and by what the dashboard answers"),
    ] = "auto"
    token: Annotated[
        Secret | None, Doc("API token of a v0 dashboard (avatar menu > API Token), as it is shown there")
    ] = None
    username: Annotated[str | None, Doc("user of a v1 dashboard who sees the servers; needs `password`")] = None
    password: Annotated[Secret | None, Doc("password of that user")] = None
    stale_after: Annotated[
        Seconds, Doc("a server whose last report is older has no values but its age, and its agent is inactive")
    ] = 60.0
    skew: Annotated[
        Seconds, Doc("how far the dashboard's clock may differ from the one here; beyond, no age is believed")
    ] = 60.0
    line_rate: Annotated[
        Bytes, Doc("fastest network of any server, in bytes a second; more is a counter that wrapped, and no value")
    ] = 1 << 34

    def __post_init__(self) -> None:
        if self.username is not None and not self.username.strip():
            raise ValueError("username is empty; write the name of a user of the dashboard")
        if self.username is not None and self.password is None:
            raise ValueError("username needs the password of that user; add password")
        if self.password is not None and self.username is None:
            raise ValueError("password needs the user it belongs to; add username")
        if self.api == "v0" and self.token is None:
            raise ValueError("a dashboard of generation v0 is read with an API token; add token")
        if self.api == "v1" and self.username is None:
            raise ValueError("a dashboard of generation v1 is read by one of its users; add username and password")
        if self.token is None and self.username is None:
            raise ValueError(
                "nothing says how to log in; write token (generation v0), or username and password (generation v1)"
            )

    @property
    def asks_v0(self) -> bool:
        """Whether the dashboard is first taken for one of generation v0."""
        return self.api == "v0" or (self.api == "auto" and self.token is not None)

    @property
    def may_ask_v1(self) -> bool:
        """Whether the dashboard may be read as one of generation v1."""
        return self.api != "v0" and self.username is not None


@dataclass(frozen=True, kw_only=True)
class Servers(Query):
    """Which servers a rule asks for: all, those of a group, or some by their ids. Raises ValueError."""

    tag: Annotated[str | None, Doc("only the servers of this group, by its exact name")] = None
    id: Annotated[
        int | str | tuple[int, ...] | None, Doc("only these servers: 7, or a list such as [1, 2, 7], or '1,2,7'")
    ] = None
    stale_after: Annotated[Seconds | None, Doc("for this rule, in place of the source's own stale_after")] = None

    def __post_init__(self) -> None:
        if self.tag is not None and self.id is not None:
            raise ValueError(
                "tag and id exclude each other: Nezha says that id wins, and lets tag win; keep one of the two"
            )
        if self.tag is not None and not self.tag.strip():
            raise ValueError("tag is empty, which Nezha answers with all servers; leave it out, or name a group")
        if self.id is not None:
            _ids_in(self.id)

    @property
    def ids(self) -> tuple[int, ...]:
        """The ids asked for, each once, in order; empty if none are."""
        return () if self.id is None else _ids_in(self.id)


@dataclass(frozen=True, kw_only=True)
class Monitored(Servers):
    """What a rule may ask of the monitor history: one request for each server. Raises ValueError."""

    window: Annotated[Seconds, Doc("how far back measurements count, at most 24h")] = 3600.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.window > LONGEST_WINDOW_S:
            raise ValueError(f"window {self.window:g}s is longer than Nezha's history; write 24h or less")


def _ids_in(written: int | str | tuple[int, ...]) -> tuple[int, ...]:
    """The ids that a person wrote. Raises ValueError for what is none: Nezha would skip it without a word."""
    parts = written.split(",") if isinstance(written, str) else written if isinstance(written, tuple) else (written,)
    ids: dict[int, None] = {}
    for part in parts:
        text = str(part).strip()
        number = int(text) if text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID)) else 0
        if not 0 < number <= LARGEST_ID:
            raise ValueError(f"id {text[:24]!r} is not the id of a server; ids are numbers such as 7")
        ids[number] = None
    if not ids:
        raise ValueError("id names no server; write a number such as 7, or leave it out")
    return tuple(ids)
