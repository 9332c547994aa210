"""Forgetting: what is remembered of services that are gone for good is dropped at once, not when its time is over."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from checkmill.model.memory import Judgement, Memory
from checkmill.model.result import Identity

if TYPE_CHECKING:
    from checkmill.store import Stored


def known_services(stored: Stored) -> list[Identity]:
    """The services that anything is stored of: a result, that they were seen, or their last good state."""
    results = (result.identity for result in stored.results)
    return list(dict.fromkeys([*results, *_services_of(stored.memory)]))


def without(stored: Stored, gone: Collection[Identity]) -> Stored:
    """What is left when services are forgotten; the results of others stay, for when a rule file breaks."""
    results = tuple(result for result in stored.results if result.identity not in gone)
    return replace(stored, results=results, memory=_memory_without(stored.memory, gone))


def unless_forgotten(judgement: Judgement, known: Memory, now_known: Memory) -> Judgement:
    """A judgement that was made with what was `known`, after services of that were forgotten meanwhile.

    What it shows again itself is known anew.
    """
    memory = judgement.memory
    forgotten = {*_services_of(known)} - {*_services_of(now_known)}
    gone = {identity for identity in forgotten if not _is_new(identity, memory, known)}
    if not gone:
        return judgement
    results = tuple(result for result in judgement.results if result.identity not in gone)
    return replace(judgement, results=results, memory=_memory_without(memory, gone))


def _services_of(memory: Memory) -> list[Identity]:
    return [*memory.seen, *memory.last_good]


def _memory_without(memory: Memory, gone: Collection[Identity]) -> Memory:
    seen = {identity: one for identity, one in memory.seen.items() if identity not in gone}
    last_good = {identity: one for identity, one in memory.last_good.items() if identity not in gone}
    return replace(memory, seen=seen, last_good=last_good)


def _is_new(identity: Identity, memory: Memory, known: Memory) -> bool:
    """Whether a service was seen or well measured after all that was known of it."""
    seen, seen_before = memory.seen.get(identity), known.seen.get(identity)
    if seen is not None and (seen_before is None or seen.last_seen > seen_before.last_seen):
        return True
    good, good_before = memory.last_good.get(identity), known.last_good.get(identity)
    return good is not None and (good_before is None or good.at > good_before.at)
