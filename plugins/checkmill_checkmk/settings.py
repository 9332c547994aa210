"""What can be configured of a Checkmk site, and what a rule may ask of its SLA computation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from checkmill.api.v1 import Bytes, Doc, Query, Seconds, Secret, SourceSettings
from checkmill_checkmk.periods import Period, periods_from

#: The path of the GUI below a site; an address may end with it.
GUI = "check_mk"
#: As many results as one answer may hold at most; beyond it no answer is small.
LARGEST_BATCH = 5_000
_SITE = "write the address of the site, like https://monitoring.example.com/mysite"


@dataclass(frozen=True, kw_only=True)
class Named:
    """Some services by name: each of the services of each of the hosts. With `site`, those of that site alone."""

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}

    host: Annotated[str | tuple[str, ...], Doc("name of the host, or a list of names")]
    service: Annotated[str | tuple[str, ...], Doc("description of the service, or a list of them")]
    site: Annotated[str, Doc("site that monitors them; without it, whichever does")] = ""

    def __repr__(self) -> str:
        """As it is written in a rule file."""
        site = f", site: {self.site!r}" if self.site else ""
        return f"{{host: {self.host!r}, service: {self.service!r}{site}}}"


@dataclass(frozen=True, order=True)
class Service:
    """One service to ask for; `site` is "" where any will do."""

    host: str
    service: str
    site: str = ""


#: How services are written: `[host, service]`, or a map of `host` and `service` with one name or several each.
Services = tuple[Named | tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    """One site and the automation user that asks it. Raises ValueError, with what to write instead."""

    base_url: Annotated[str, Doc("address of the site: `https://server/site`; `/check_mk` may follow")] = ""
    username: Annotated[str, Doc("an automation user of the site")]
    secret: Annotated[Secret, Doc("automation secret of that user, which is not a password")]
    sla: Annotated[
        str | tuple[str, ...], Doc("ids (not titles) of the SLAs to ask for, unless a query names others")
    ] = ()
    services: Annotated[
        Services,
        Doc("services to ask for, unless a query names others: `[host, service]`, or `{host:, service:, site:}`"),
    ] = ()
    request_format: Annotated[
        Literal["json", "python"], Doc("how requests are written; both are understood by all versions")
    ] = "json"
    batch: Annotated[
        int, Doc("most results asked for in one request, counting each period of each service and SLA")
    ] = 200
    time_zone: Annotated[
        str | None, Doc("time zone of the site, such as Europe/Berlin, for the dates in texts; without it UTC")
    ] = None
    read_timeout: Annotated[Seconds, Doc("longest silence while an answer is read; the history is slow to read")] = (
        120.0
    )
    retries: Annotated[int, Doc("how often a request that did not reach the site is sent again")] = 0
    workers: Annotated[int, Doc("most requests at the same time; a site locks its configuration for each")] = 1
    max_size: Annotated[Bytes, Doc("largest answer that is read, on the wire and decompressed")] = 2 << 20

    def __post_init__(self) -> None:
        _refuse_address(self.base_url)
        if not self.username.strip():
            raise ValueError("username is empty; write the name of an automation user")
        if not 1 <= self.batch <= LARGEST_BATCH:
            raise ValueError(f"batch {self.batch} is not from 1 to {LARGEST_BATCH}; write 200")
        _refuse_slas(self.sla)
        _refuse_services(self.services)
        if self.time_zone is not None:
            _refuse_time_zone(self.time_zone)

    @property
    def path(self) -> str:
        """Where the Web API answers, below `base_url`."""
        below_gui = self.base_url.rstrip("/").endswith(f"/{GUI}")
        return "/webapi.py" if below_gui else f"/{GUI}/webapi.py"


@dataclass(frozen=True, kw_only=True)
class SlaQuery(Query):
    """What a rule may ask of the SLA computation. Raises ValueError, with what to write instead."""

    sla: Annotated[str | tuple[str, ...], Doc("id of an SLA, or a list of ids; without it those of the source")] = ()
    services: Annotated[
        Services, Doc("list of `[host, service]` or `{host:, service:, site:}`; without it those of the source")
    ] = ()
    period: Annotated[
        str | tuple[str, ...],
        Doc(
            "time range or list of them: sla:START:LOOKBACK, d0 d1 w0 w1 m0 m1 y0 y1, last:SECONDS or "
            "range:FROM:UNTIL; sla:1:0 is the last closed SLA period"
        ),
    ] = "sla:1:0"
    open: Annotated[
        Literal["skip", "judge"], Doc("what becomes of the period that still runs, whose verdict is not final")
    ] = "skip"
    min_elapsed: Annotated[
        Seconds | None, Doc("with `open: judge`: how long a running period must have lasted to be judged")
    ] = None

    def __post_init__(self) -> None:
        _refuse_slas(self.sla)
        _refuse_services(self.services)
        periods = self.periods
        if self.open == "judge":
            return
        if self.min_elapsed is not None:
            raise ValueError("min_elapsed is for the running period, which is skipped; write open: judge, or drop it")
        if all(period.is_running for period in periods):
            raise ValueError("period names the running period alone, which is skipped; write open: judge, or sla:1:0")

    @property
    def periods(self) -> tuple[Period, ...]:
        """The time ranges."""
        return periods_from(self.period)


def listed(written: str | tuple[str, ...]) -> tuple[str, ...]:
    """One name or several as a list without repetitions, in the order written."""
    return tuple(dict.fromkeys((written,) if isinstance(written, str) else written))


def services_in(written: Services) -> tuple[Service, ...]:
    """Every service that is written, once, in the order written."""
    found: list[Service] = []
    for one in written:
        if isinstance(one, Named):
            found += [Service(host, name, one.site) for host in listed(one.host) for name in listed(one.service)]
        else:
            found.append(Service(*one))
    return tuple(dict.fromkeys(found))


def _refuse_address(base_url: str) -> None:
    try:
        parts = urlsplit(base_url)
    except ValueError:
        return  # what is no address at all is told by whoever reads the rule file
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        return
    path = parts.path.rstrip("/")
    if not path:
        raise ValueError(f"base_url names a server, but no site; {_SITE}")
    if path.endswith(".py"):
        raise ValueError(f"base_url leads to a page; {_SITE}")


def _refuse_slas(written: str | tuple[str, ...]) -> None:
    if isinstance(written, str) and not written.strip():
        raise ValueError("sla is empty; write the id of an SLA, or a list of ids")
    if not all(one.strip() for one in listed(written)):
        raise ValueError("sla holds an empty id; write the ids of SLAs")


def _refuse_services(written: Services) -> None:
    services = services_in(written)
    for one in services:
        if not one.host.strip() or not one.service.strip():
            raise ValueError("services holds an empty name; write [host, service], or {host: ..., service: ...}")
    sites: dict[tuple[str, str], set[str]] = {}
    for one in services:
        sites.setdefault((one.host, one.service), set()).add(one.site)
    for (host, service), of in sites.items():
        if "" in of and len(of) > 1:
            raise ValueError(f"services holds {host} {service} with and without a site; write it one way")
    for names in written:
        if isinstance(names, Named) and not (listed(names.host) and listed(names.service)):
            raise ValueError("services holds an empty list; write [host, service], or {host: ..., service: ...}")


def _refuse_time_zone(name: str) -> None:
    # Read only where there is one: the tables lie in files.
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise ValueError(f"time_zone {name!r} is not known here; write it like Europe/Berlin") from None
