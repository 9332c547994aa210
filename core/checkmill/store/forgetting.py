"""Forgetting: what is remembered of services that are gone for good is dropped at once, not when its time is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from checkmill.model.result import Identity
from checkmill.store import Stored


def known_services(stored: Stored) -> list[Identity]:
    """The services that anything is stored of: a result, that they were seen, or their last good state."""
    results = (result.identity for result in stored.results)
    return list(dict.fromkeys([*results, *stored.memory.seen, *stored.memory.last_good]))


def without(stored: Stored, gone: Collection[Identity]) -> Stored:
    """What is left when services are forgotten; the results of others stay, for when a rule file breaks."""
    seen = {identity: one for identity, one in stored.memory.seen.items() if identity not in gone}
    last_good = {identity: one for identity, one in stored.memory.last_good.items() if identity not in gone}
    results = tuple(result for result in stored.results if result.identity not in gone)
    return replace(stored, results=results, memory=replace(stored.memory, seen=seen, last_good=last_good))
