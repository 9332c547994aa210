"""What can be configured of a source and of the batchmon reporter, and what a rule says of a target."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from checkmill.api.v1 import Doc, Reach, ReporterSettings, Seconds, Secret, SourceSettings, Target

#: What NHN's console sets as the time-out of a scenario: a connection that does not come by then is its failure.
DEFAULT_CONNECT_S = 5.0
BASE_URL = "https://api-service-monitoring.cloud.toast.com"

_PORTS = {"http": 80, "https": 443}
_BETWEEN_HOSTS = re.compile(r"[\s,]+")


@dataclass(frozen=True)
class Watched:
    """One scenario that a source watches: the name people know it by, and its id."""

    name: str
    id: str

    @property
    def labels(self) -> dict[str, Any]:
        """Its labels. All are text; as `Any` they can be handed on as keywords."""
        return {"scenario": self.name, "id": self.id}


@dataclass(frozen=True, kw_only=True)
class Settings(SourceSettings):
    """One monitored service: its two keys, the scenarios to watch, and the hosts that those may lead to.

    Raises ValueError, with what to write instead, for an id that cannot stand in a path, for one that stands twice,
    and for an entry of `allow` that is no host.
    """

    base_url: Annotated[str, Doc("where Service Monitoring answers")] = BASE_URL
    appkey: Annotated[Secret, Doc("Appkey of the monitored service: console, Manage Service tab")]
    product_appkey: Annotated[
        Secret, Doc("Appkey of the product, another one: console, Manage Service menu, URL & Appkey")
    ]
    scenarios: Annotated[
        tuple[str, ...] | Mapping[str, str],
        Doc("scenarios to watch: a list of their ids, or a map of a name of your choice to each id; [] for none"),
    ]
    allow: Annotated[
        str | tuple[str, ...],
        Doc(
            "hosts that scenarios may lead Checkmill to, beside base_url's own: names, globs, addresses, networks, "
            "each also with a port; a name that resolves to a private address needs that address or its network as well"
        ),
    ] = ()
    connect_timeout: Annotated[Seconds, Doc("longest wait for a connection")] = DEFAULT_CONNECT_S
    modify_method: Annotated[
        Literal["PUT", "POST"], Doc("how a scenario is modified; the English guide says POST, the service takes PUT")
    ] = "PUT"

    def __post_init__(self) -> None:
        watched = self.watched
        for one in watched:
            if not one.name.strip():
                raise ValueError(f"the scenario {one.id!r} has no name; write 'name: id', or a list of ids")
            require_id(one.id)
        ids = [one.id for one in watched]
        twice = sorted({one for one in ids if ids.count(one) > 1})
        if twice:
            raise ValueError(f"the scenario {twice[0]!r} stands twice; leave one of them out")
        Reach(self._allowed)

    def headers(self) -> Mapping[str, str | Secret]:
        """The product's Appkey; the service's own is part of each path."""
        return {"TOAST_PRODUCT_APPKEY": self.product_appkey}

    @property
    def watched(self) -> tuple[Watched, ...]:
        """`scenarios`, each with its name; one of a list is known by its id."""
        if isinstance(self.scenarios, Mapping):
            return tuple(Watched(name, scenario) for name, scenario in self.scenarios.items())
        return tuple(Watched(scenario, scenario) for scenario in self.scenarios)

    @property
    def reach(self) -> Reach:
        """Where scenarios may lead: `allow`, and the host and port of `base_url`."""
        parts = urlsplit(self.base_url)
        host = parts.hostname or ""
        own = f"{f'[{host}]' if ':' in host else host}:{parts.port or _PORTS.get(parts.scheme, 0)}"
        return Reach((own, *self._allowed))

    def id_of(self, word: str) -> str:
        """The id of the scenario that is called so in `scenarios`; a word that none is called by is an id itself."""
        return next((one.id for one in self.watched if one.name == word), word)

    def name_of(self, scenario: str) -> str:
        """What `scenarios` calls an id, or the id."""
        return next((one.name for one in self.watched if one.id == scenario), scenario)

    @property
    def _allowed(self) -> tuple[str, ...]:
        if isinstance(self.allow, str):
            return tuple(entry for entry in _BETWEEN_HOSTS.split(self.allow) if entry)
        return self.allow


@dataclass(frozen=True, kw_only=True)
class BatchmonSettings(ReporterSettings):
    """The connection to one monitored service. The Appkey is the only credential of a post."""

    base_url: Annotated[str, Doc("where Service Monitoring answers")] = BASE_URL
    appkey: Annotated[Secret, Doc("Appkey of the monitored service: console, Manage Service tab")]


@dataclass(frozen=True, kw_only=True)
class BatchmonTarget(Target):
    """One batch scenario.

    Raises ValueError for an id that cannot stand in a path. Ids are UUIDs in every sample the vendor gives, but
    nowhere promised to be. A template passes, since only what it renders to is an id.
    """

    scenario: Annotated[str, Doc("id of the batch scenario, made in the console beforehand")]

    def __post_init__(self) -> None:
        if "{{" not in self.scenario and "{%" not in self.scenario:
            require_id(self.scenario)


def require_id(scenario: str) -> None:
    """Raise ValueError, with what to do, for what cannot be the id of a scenario, since ids stand in paths."""
    if not scenario:
        raise ValueError("the scenario id is empty; the console shows it with the scenario")
    if "/" in scenario or scenario in {".", ".."}:
        raise ValueError(f"scenario {scenario!r} is not an id; give the id alone, without path or URL")
    if any(character.isspace() or not character.isprintable() for character in scenario):
        raise ValueError(f"scenario {scenario!r} is not an id: it holds white space or control characters")
