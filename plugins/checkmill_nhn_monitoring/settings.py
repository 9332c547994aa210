"""What can be configured of the batchmon reporter, and what a rule says of a target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from checkmill.api.v1 import Doc, ReporterSettings, Secret, Target


@dataclass(frozen=True, kw_only=True)
class BatchmonSettings(ReporterSettings):
    """The connection to one monitored service. The Appkey is the only credential of a post."""

    base_url: Annotated[str, Doc("where Service Monitoring answers")] = "https://api-service-monitoring.cloud.toast.com"
    appkey: Annotated[Secret, Doc("Appkey of the monitored service: console, Manage Service tab")]


@dataclass(frozen=True, kw_only=True)
class BatchmonTarget(Target):
    """One batch scenario.

    Raises ValueError for an id that cannot stand in a path. Ids are UUIDs in every sample the vendor gives, but
    nowhere promised to be. A template passes, since only what it renders to is an id.
    """

    scenario: Annotated[str, Doc("id of the batch scenario, made in the console beforehand")]

    def __post_init__(self) -> None:
        if "{{" in self.scenario or "{%" in self.scenario:
            return
        if not self.scenario:
            raise ValueError("the scenario id is empty; the console shows it with the scenario")
        if "/" in self.scenario or self.scenario in {".", ".."}:
            raise ValueError(f"scenario {self.scenario!r} is not an id; give the id alone, without path or URL")
        if any(character.isspace() or not character.isprintable() for character in self.scenario):
            raise ValueError(f"scenario {self.scenario!r} is not an id: it holds white space or control characters")
