"""Which services `--item` means, and how a service is written as items."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence

from checkmill.model.result import Identity


def is_meant(service: Identity, items: Sequence[str]) -> bool:
    """Whether all items hold: `label=value`, or a value alone where the service has one label."""
    labels = dict(service.labels)
    return all(_holds(item, labels, service.source) for item in items)


def may_be_meant(service: Identity, items: Sequence[str]) -> bool:
    """Whether all items could hold of something behind a service that lacks some of the labels."""
    labels = dict(service.labels)
    return all(_may_hold(item, labels, service.source) for item in items)


def words_of(service: Identity) -> str:
    """The items that mean a service: `host=web-1 mount=/`; "" for a service of a check without `each`."""
    return " ".join(f"{label}={value}" for label, value in service.labels)


def known(services: Iterable[Identity], most: int = 8) -> str:
    """A hint that names services, few of them when there are many; "" when none has an item."""
    words = sorted({words_of(service) for service in services} - {""})
    return f"; known: {', '.join(words[:most])}{', ...' if len(words) > most else ''}" if words else ""


def _holds(item: str, labels: dict[str, str], source: str) -> bool:
    label, separator, value = item.partition("=")
    if separator and label in labels:
        return _same(labels[label], value)
    if separator and label == "source":
        return _same(source, value)
    return len(labels) == 1 and all(_same(one, item) for one in labels.values())


def _may_hold(item: str, labels: dict[str, str], source: str) -> bool:
    label, separator, _ = item.partition("=")
    is_known = bool(labels) if not separator else label in labels or label == "source"
    return not is_known or _holds(item, labels, source)


def _same(one: str, other: str) -> bool:
    return unicodedata.normalize("NFC", one) == unicodedata.normalize("NFC", other)
