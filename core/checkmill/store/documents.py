"""Results and memories as the JSON text that the store holds, and back."""

from __future__ import annotations

import json
from typing import Any

from checkmill.model.levels import Range
from checkmill.model.memory import LastGood, Memory, Seen
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.state import State


def results_text(results: tuple[Result, ...]) -> str:
    """The stored form of the results of one check."""
    return json.dumps([_result_document(result) for result in results], ensure_ascii=False)


def results_from(text: str) -> tuple[Result, ...]:
    """Read what `results_text` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    return tuple(_result_from(document) for document in json.loads(text))


def memory_text(memory: Memory) -> str:
    """The stored form of the memory of one check."""
    seen = [[_identity_document(i), one.last_seen, dict(one.labels)] for i, one in memory.seen.items()]
    good = [[_identity_document(i), one.state.value, one.at] for i, one in memory.last_good.items()]
    return json.dumps({"selection": memory.selection_digest, "seen": seen, "last_good": good}, ensure_ascii=False)


def memory_from(text: str) -> Memory:
    """Read what `memory_text` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    document = json.loads(text)
    seen = {_identity_from(i): Seen(float(last), dict(labels)) for i, last, labels in document["seen"]}
    good = {_identity_from(i): LastGood(State(state), float(at)) for i, state, at in document["last_good"]}
    return Memory(document["selection"], seen, good)


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
            [p.label, p.value, p.unit, _range_text(p.warn), _range_text(p.crit), p.min, p.max] for p in result.perfdata
        ],
        "labels": dict(result.labels),
        "tags": list(result.tags),
        "checked_at": result.checked_at,
        "good_until": result.good_until,
        "failed": result.failed,
    }


def _result_from(document: dict[str, Any]) -> Result:
    return Result(
        check=document["check"],
        service=document["service"],
        state=State(document["state"]),
        output=document["output"],
        source=document["source"],
        metric=document["metric"],
        host=document["host"],
        details=document["details"],
        perfdata=tuple(
            Perf(label, value, unit, _range_from(warn), _range_from(crit), low, high)
            for label, value, unit, warn, crit, low, high in document["perfdata"]
        ),
        labels=dict(document["labels"]),
        tags=tuple(document["tags"]),
        checked_at=float(document["checked_at"]),
        good_until=float(document["good_until"]),
        failed=bool(document["failed"]),
    )


def _identity_document(identity: Identity) -> list[Any]:
    return [identity.check, identity.source, [list(pair) for pair in identity.labels]]


def _identity_from(document: list[Any]) -> Identity:
    check, source, labels = document
    return Identity(check, source, tuple((name, value) for name, value in labels))


def _range_text(limit: Range | None) -> str | None:
    return None if limit is None else str(limit)


def _range_from(text: str | None) -> Range | None:
    return None if text is None else Range.parse(text)
