"""Results and memories as the JSON text that the store holds, and back.

The JSON is ASCII, since a vendor's text may hold half of a surrogate pair, which no UTF-8 can carry.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from checkmill.model.levels import Range
from checkmill.model.memory import LastGood, Memory, Seen
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.state import State

#: What reading a text that is no such document raises.
UNREADABLE = (ValueError, KeyError, TypeError, AttributeError, RecursionError)


def sealed(document: str) -> str:
    """A document with a sum of it in front: a disk that turns a bit over is noticed, not believed."""
    return f"{zlib.crc32(document.encode()):08x} {document}"


def unsealed(text: str) -> str:
    """The document that was sealed; an earlier Checkmill sealed none. Raises one of `UNREADABLE` for a damaged one."""
    if text[:1] in {"[", "{"}:
        return text
    _, _, document = text.partition(" ")
    if sealed(document) != text:
        raise ValueError("the sum is another one")
    return document


def results_text(results: tuple[Result, ...]) -> str:
    """The stored form of the results of one check."""
    return json.dumps([_result_document(result) for result in results])


def results_from(text: str) -> tuple[Result, ...]:
    """Read what `results_text` wrote. Raises one of `UNREADABLE` for anything else."""
    return tuple(_result_from(document) for document in json.loads(text))


def memory_text(memory: Memory) -> str:
    """The stored form of the memory of one check."""
    seen = [
        [_identity_document(i), one.last_seen, dict(one.labels), one.missed_s, one.missed_at, dict(one.members)]
        for i, one in memory.seen.items()
    ]
    good = [[_identity_document(i), one.state.value, one.at] for i, one in memory.last_good.items()]
    parts = {"selection": memory.selection_digest, "seen": seen, "last_good": good, "wait_until": memory.wait_until}
    return json.dumps(parts)


def memory_from(text: str) -> Memory:
    """Read what `memory_text` wrote. Raises one of `UNREADABLE` for anything else."""
    document = json.loads(text)
    seen = {
        _identity_from(i): Seen(
            float(last),
            _texts(labels),
            float(missed_s),
            None if at is None else float(at),
            {_text(name): float(missed) for name, missed in members.items()},
        )
        for i, last, labels, missed_s, at, members in document["seen"]
    }
    good = {_identity_from(i): LastGood(State(state), float(at)) for i, state, at in document["last_good"]}
    return Memory(_text(document["selection"]), seen, good, float(document.get("wait_until", 0.0)))


def _result_document(result: Result) -> dict[str, Any]:
    return {
        "check": result.check,
        "service": result.service,
        "state": result.state.value,
        "output": result.output,
        "source": result.source,
        "metric": result.metric,
        "host": result.host,
        "details": result.details,
        "perfdata": [
            [p.label, p.value, p.unit, _range_text(p.warn), _range_text(p.crit), p.min, p.max, p.metric]
            for p in result.perfdata
        ],
        "labels": dict(result.labels),
        "common": dict(result.common),
        "tags": list(result.tags),
        "checked_at": result.checked_at,
        "good_until": result.good_until,
        "failed": result.failed,
    }


def _result_from(document: dict[str, Any]) -> Result:
    return Result(
        check=_text(document["check"]),
        service=_text(document["service"]),
        state=State(document["state"]),
        output=_text(document["output"]),
        source=_text(document["source"]),
        metric=_text(document["metric"]),
        host=_text(document["host"]),
        details=_text(document["details"]),
        perfdata=tuple(
            Perf(
                _text(label),
                _number(value),
                _text(unit),
                _range_from(warn),
                _range_from(crit),
                _bound(low),
                _bound(high),
                _text(metric),
            )
            for label, value, unit, warn, crit, low, high, metric in document["perfdata"]
        ),
        labels=_texts(document["labels"]),
        tags=tuple(map(_text, document["tags"])),
        checked_at=float(document["checked_at"]),
        good_until=float(document["good_until"]),
        failed=bool(document["failed"]),
        common=_texts(document["common"]),
    )


def _identity_document(identity: Identity) -> list[Any]:
    return [identity.check, identity.source, [list(pair) for pair in identity.labels]]


def _identity_from(document: list[Any]) -> Identity:
    check, source, labels = document
    return Identity(_text(check), _text(source), tuple((_text(name), _text(value)) for name, value in labels))


def _range_text(limit: Range | None) -> str | None:
    return None if limit is None else str(limit)


def _range_from(text: str | None) -> Range | None:
    return None if text is None else Range.parse(text)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"a text was expected, {type(value).__name__} came")
    return value


def _texts(value: Any) -> dict[str, str]:
    return {_text(name): _text(text) for name, text in value.items()}


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"a number was expected, {type(value).__name__} came")
    return value


def _bound(value: Any) -> float | None:
    return None if value is None else _number(value)
