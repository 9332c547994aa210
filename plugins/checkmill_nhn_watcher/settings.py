"""What can be configured of a Resource Watcher source, and what a rule may ask of its datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from checkmill.api.v1 import Doc, Query, Seconds, Secret, SourceSettings
from checkmill_nhn_watcher.times import zone_of

#: A text, or several; a rule file may leave out the brackets of a single one.
Texts = str | tuple[str, ...]

DAY_S = 86400.0
_PARTS_OF_WHOLE_NAME = 5


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    """One organisation's Resource Watcher: its Appkey, and the keys of a member who may read its alarms.

    Raises ValueError, with what to write instead.
    """

    base_url: Annotated[
        str, Doc("where Resource Watcher answers; required, since only the console says it: `URL & Appkey`")
    ] = ""
    appkey: Annotated[Secret, Doc("Appkey of Resource Watcher: console, `URL & Appkey`")]
    user_access_key: Annotated[Secret, Doc("User Access Key ID of a member: console, account, API security settings")]
    secret_access_key: Annotated[
        Secret | None, Doc("Secret Access Key of that member; leave it out only if none was created")
    ] = None
    alarms: Annotated[
        Texts,
        Doc("names, globs of names, or ids of the alarms to watch; each costs a request or more for its history"),
    ] = "*"
    zone: Annotated[
        str, Doc("zone of the vendor's times, which name none themselves: such as UTC, Asia/Seoul or +09:00")
    ] = "UTC"
    overlap: Annotated[
        Seconds, Doc("how much further back than the window is asked for, since events are registered late")
    ] = 3600.0
    page_size: Annotated[int, Doc("how much is asked for at once; what the vendor allows at most is not known")] = 100
    most_pages: Annotated[int, Doc("how many pages of one list are read; a longer list is UNKNOWN, not cut")] = 20
    lists: Annotated[
        Literal["comma", "repeated"],
        Doc("how the ids of several alarms to delete are written, which is not documented: `a=1,2` or `a=1&a=2`"),
    ] = "comma"
    lang: Annotated[
        Literal["ko", "en", "ja", "zh"], Doc("language of the names of products in the list of event kinds")
    ] = "ko"
    api: Annotated[
        Literal["v1.0", "v2.0"], Doc("version of the calls for alarms but their change; the other calls have one only")
    ] = "v1.0"

    def __post_init__(self) -> None:
        zone_of(self.zone)
        if not self.chosen or not all(entry.strip() for entry in self.chosen):
            raise ValueError("alarms selects nothing; write a name, an id, a glob or a list of them")
        if self.page_size < 1:
            raise ValueError(f"page_size {self.page_size} reads nothing; write 1 or more")
        if self.most_pages < 1:
            raise ValueError(f"most_pages {self.most_pages} reads nothing; write 1 or more")

    @property
    def chosen(self) -> tuple[str, ...]:
        """`alarms` as a list."""
        return listed(self.alarms)

    @property
    def time_zone(self) -> tzinfo:
        """`zone`, ready for use."""
        return zone_of(self.zone)

    def headers(self) -> Mapping[str, Secret]:
        """The keys of the member, with every call."""
        secret = {} if self.secret_access_key is None else {"X-TC-AUTHENTICATION-SECRET": self.secret_access_key}
        return {"X-TC-AUTHENTICATION-ID": self.user_access_key, **secret}

    def selects(self, name: str, alarm: str) -> bool:
        """Whether an entry of `alarms` fits the alarm of this name and id."""
        return any(entry in {name, alarm} or fnmatchcase(name, entry) for entry in self.chosen)


@dataclass(frozen=True, kw_only=True)
class Events(Query):
    """Which events of the history a rule may ask for."""

    event: Annotated[Texts, Doc("ids of the only events that count; none of them is a value too: 0")] = ()
    product: Annotated[Texts, Doc("ids of the only products that count")] = ()
    project: Annotated[Texts, Doc("ids of the only projects that count; an alarm sees the whole organisation")] = ()
    resource: Annotated[
        Texts, Doc("keys (`resourceKey`), or whole names (`cloudResourceName`), of the only resources that count")
    ] = ()
    source_type: Annotated[Texts, Doc("kinds of what caused an event (`eventSourceType`) that count")] = ()

    def __post_init__(self) -> None:
        for name in ("event", "product", "project", "resource", "source_type"):
            for value in listed(getattr(self, name)):
                if not value.strip() or "," in value:
                    raise ValueError(f"{name} {value!r} is no id; write one id, or a list of them")


@dataclass(frozen=True, kw_only=True)
class Window(Events):
    """The same, and how far back."""

    window: Annotated[Seconds, Doc("how far back events count, by the time they happened")] = 3600.0


@dataclass(frozen=True, kw_only=True)
class Silence(Window):
    """The same; where nothing happened in the window, it is looked further and further back."""

    window: Annotated[Seconds, Doc("how far back to look first; where nothing is found, further and further")] = DAY_S


@dataclass(frozen=True, kw_only=True)
class Expected(Window):
    """Who is expected to cause events. What the vendor says of people is compared and never shown."""

    user: Annotated[Texts, Doc("ids, names or globs of the users who are expected to cause events")] = ()
    address: Annotated[Texts, Doc("addresses and networks (10.0.0.0/8) that events are expected from")] = ()
    anonymous: Annotated[bool, Doc("whether events that name no user or address are expected as well")] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        # Imported here: few rules ask for it.
        from ipaddress import ip_network

        for entry in listed(self.address):
            try:
                ip_network(entry.strip(), strict=False)
            except ValueError:
                raise ValueError(
                    f"address {entry!r} is neither an address nor a network; write it like 10.0.0.0/8"
                ) from None


@dataclass(frozen=True, kw_only=True)
class ExpectedAlarms(Query):
    """Which alarms must exist."""

    alarm: Annotated[
        Texts, Doc("names or ids of alarms that must exist; without it each entry of `alarms` must mean one")
    ] = ()


@dataclass(frozen=True, kw_only=True)
class Products(Query):
    """Which products' event kinds to count."""

    product: Annotated[Texts, Doc("ids of the only products to count; none is a value too: 0")] = ()


def listed(written: Texts) -> tuple[str, ...]:
    """One text or several as a list."""
    return (written,) if isinstance(written, str) else written


def is_plain(entry: str) -> bool:
    """Whether an entry of `alarms` names one alarm and is no glob."""
    return not any(character in entry for character in "*?[")


def is_everything(entry: str) -> bool:
    """Whether an entry of `alarms` means whatever there is, which may be nothing."""
    return not entry.strip("*")


def is_whole_name(entry: str) -> bool:
    """Whether what should be a resource's key is its `cloudResourceName`: `org:project:type:region:id`."""
    return entry.count(":") >= _PARTS_OF_WHOLE_NAME - 1
