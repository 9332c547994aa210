"""What can be configured of a WhaTap source, and what a rule may ask of its datasets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal

from checkmill.api.v1 import Doc, Query, Seconds, Secret, SourceSettings

#: Longest period that `sm_stat` answers in one request (WhaTap's documentation of the call).
LONGEST_WINDOW_S = 3600.0
#: Shortest row of `sm_stat`.
SHORTEST_WINDOW_S = 5.0


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    """One project (`pcode` and `token`), or every project an account sees (`account_token` and `projects`).

    Raises ValueError, with what to write instead, unless exactly one of the two ways is configured.
    """

    base_url: Annotated[str, Doc("where WhaTap answers")] = "https://service.whatap.io"
    pcode: Annotated[int | None, Doc("project code, shown in the browser tab; needs `token`")] = None
    token: Annotated[Secret | None, Doc("project API token, from Manage > Project management; needs `pcode`")] = None
    account_token: Annotated[
        Secret | None, Doc("account API token, from the account page: reads several projects, instead of `pcode`")
    ] = None
    projects: Annotated[
        str | tuple[str, ...], Doc("with `account_token`: glob or list of globs on the names of the projects to read")
    ] = "*"
    products: Annotated[
        str | tuple[str, ...],
        Doc("with `account_token`: product types or platforms whose projects have servers; others are not asked"),
    ] = ("SMS", "INFRA")
    ignore_status: Annotated[
        str | tuple[str, ...], Doc("with `account_token`: projects of this status are not asked for their servers")
    ] = ("closed",)
    process_path: Annotated[
        str | None, Doc("path of the process list; without it /open/json/sm_proc, on 404 /open/json/infra_proc")
    ] = None
    traffic_unit: Annotated[
        Literal["bit/s", "B/s"],
        Doc("unit of the network traffic that WhaTap sends, which it does not document; metrics are in bit/s"),
    ] = "bit/s"

    def __post_init__(self) -> None:
        if self.account_token is not None:
            if self.pcode is not None or self.token is not None:
                raise ValueError(
                    "pcode and token read one project, account_token reads several: keep pcode and token, "
                    "or keep account_token with projects"
                )
        elif self.pcode is None and self.token is None:
            raise ValueError("nothing says what to read: write pcode and token, or account_token with projects")
        elif self.token is None:
            raise ValueError("pcode needs the API token of that project: add token")
        elif self.pcode is None:
            raise ValueError("token needs the code of its project: add pcode, or write account_token instead of token")
        elif self.projects != "*":
            raise ValueError("projects selects from what an account_token sees: remove it, or pcode and token")
        if self.pcode is not None and self.pcode <= 0:
            raise ValueError(f"pcode {self.pcode} is not a project code; it is the number in the browser tab")
        for name in ("projects", "products"):
            if not all(_listed(getattr(self, name))):
                raise ValueError(f"{name} selects nothing: write a name, a glob or a list of them")
        if self.process_path is not None and not self.process_path.startswith("/"):
            raise ValueError(f"process_path {self.process_path!r} is not a path such as /open/json/infra_proc")

    def headers(self) -> Mapping[str, str | Secret]:
        """`x-whatap-token`, and for the calls of one project `x-whatap-pcode` too."""
        if self.token is not None:
            return {"x-whatap-token": self.token, "x-whatap-pcode": str(self.pcode)}
        return {"x-whatap-token": self.account_token} if self.account_token is not None else {}

    def for_project(self, pcode: int, token: Secret) -> Settings:
        """The settings of one project that the account sees, with that project's own token."""
        return replace(self, pcode=pcode, token=token, account_token=None, projects="*")

    @property
    def project_globs(self) -> tuple[str, ...]:
        """`projects` as a list."""
        return _listed(self.projects)

    @property
    def server_products(self) -> frozenset[str]:
        """`products` in lower case."""
        return frozenset(name.casefold() for name in _listed(self.products))

    @property
    def ignored_statuses(self) -> frozenset[str]:
        """`ignore_status` in lower case."""
        return frozenset(name.casefold() for name in _listed(self.ignore_status) if name)

    @property
    def bits(self) -> float:
        """How many bits one unit of the vendor's traffic figures is."""
        return 8.0 if self.traffic_unit == "B/s" else 1.0


@dataclass(frozen=True, kw_only=True)
class Processes(Query):
    """What a rule may ask of the process metrics."""

    of: Annotated[Literal["sum", "max"], Doc("how equal commands of one host become one value")] = "sum"


@dataclass(frozen=True, kw_only=True)
class Window(Query):
    """What a rule may ask of the time series. Raises ValueError, with what to write instead."""

    window: Annotated[
        Seconds, Doc("how far back: whole rows of 5 minutes, or of 5 seconds below 5m; from 5s to 1h")
    ] = 300.0
    id: Annotated[int | None, Doc("one server only, by its id, which is often negative; without it all servers")] = None

    def __post_init__(self) -> None:
        if self.window > LONGEST_WINDOW_S:
            raise ValueError(f"window {self.window:g}s is longer than WhaTap answers at once; write 1h or less")
        if self.window < SHORTEST_WINDOW_S:
            raise ValueError(f"window {self.window:g}s is shorter than WhaTap's rows; write 5s or more")
        if self.id == 0:
            raise ValueError("id 0 is no server; leave it out to read all servers")


@dataclass(frozen=True, kw_only=True)
class LongWindow(Window):
    """The same, looking back far enough to find the last row of a host that is silent."""

    window: Annotated[Seconds, Doc("how far back to look for a row, at most 1h")] = 3600.0


def _listed(written: str | tuple[str, ...]) -> tuple[str, ...]:
    return (written,) if isinstance(written, str) else written or ("",)
