"""Deliveries as people and programs read them: as rows, as JSON, and one of them with everything there is to say."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from checkmill.cli.choosing import target_object, target_words
from checkmill.cli.fitting import fitted
from checkmill.cli.paragraphs import printable
from checkmill.cli.presenting import json_text
from checkmill.model.delivery import Attempt, Delivery, Stage
from checkmill.model.moments import age, iso_utc

ABSENT = "-"

_HEAD = ("ID", "STAGE", "STATE", "TELLS OF", "REPORTER", "TARGET", "AGE", "TRIES", "NEXT", "LAST ANSWER")
#: To which widths columns are cut where a terminal is narrow, one after the other, and which are left out then.
_CUTS = (("LAST ANSWER", 30), ("TARGET", 16), ("TELLS OF", 14), ("LAST ANSWER", 20), ("REPORTER", 8))
_SPARE = ("TARGET", "REPORTER")
_HISTORY_HEAD = ("TRY", "ENDED", "TOOK", "OUTCOME", "CODE", "REQUEST ID", "MESSAGE")
_HISTORY_SPARE = ("REQUEST ID", "TOOK")
_HISTORY_CUTS = (("MESSAGE", 30), ("REQUEST ID", 10), ("MESSAGE", 16), ("CODE", 8))

_IN_TURN = "sent by the next run after its next try is due, or then by 'checkmill outbox flush'"
#: What there is to know and to do about a delivery at each stage.
_WHAT_NOW = {
    Stage.PENDING: _IN_TURN,
    Stage.SENDING: "being sent right now; if the process that did was killed, the next run finds that out",
    Stage.ACCEPTED: "nothing: the receiver has it",
    Stage.REFUSED: "the receiver would say no again: when the cause is mended, 'checkmill outbox retry {id}'",
    Stage.UNKNOWN: "it may have arrived: look at the receiver before 'checkmill outbox retry {id}', "
    "which it may count twice",
    Stage.SUPERSEDED: "nothing: a newer state of the same target took its place",
    Stage.EXPIRED: "it grew too old before it could be sent: a state of the past, unless 'checkmill outbox retry {id}'",
    Stage.DROPPED: "nothing: it was dropped, because the outbox was full or somebody said so",
}


def rows(deliveries: Sequence[Delivery], now: float, width: int | None) -> str:
    """A line for each delivery; none is longer than the width, None for lines as long as they need to be."""
    is_only = len({one.reporter for one in deliveries}) == 1
    spare = ("REPORTER", *_SPARE) if is_only else _SPARE
    return fitted(_HEAD, [_row(one, now) for one in deliveries], width, _CUTS, spare)


def summed_up(deliveries: Sequence[Delivery]) -> str:
    """How many deliveries there are at each stage: `3 deliveries: 2 pending, 1 refused`."""
    number = f"{len(deliveries):,} {'delivery' if len(deliveries) == 1 else 'deliveries'}"
    return f"{number}: {counted(Counter(one.stage.value for one in deliveries))}"


def counted(counts: Mapping[str, int]) -> str:
    """Numbers by stage, in the order of the stages: `2 pending, 1 refused`."""
    order = [stage.value for stage in Stage]
    known = sorted(counts, key=lambda word: (order.index(word) if word in order else len(order), word))
    return ", ".join(f"{counts[word]:,} {word}" for word in known if counts[word])


def document(one: Delivery) -> dict[str, Any]:
    """A delivery for programs; times are ISO 8601 with offset, None where there is none."""
    return {
        "id": one.id,
        "reporter": one.reporter,
        "target": target_object(one.target),
        "run_at": _moment(one.run_at),
        "stage": one.stage.value,
        "state": one.state,
        "services": list(one.services),
        "checks": list(one.checks),
        "attempts": one.attempts,
        "outcome": one.outcome,
        "code": one.code,
        "message": one.message,
        "request_id": one.request_id,
        "created_at": _moment(one.created_at),
        "expires_at": _moment(one.expires_at),
        "next_at": _moment(one.next_at) if one.stage is Stage.PENDING else None,
        "keep": "all" if one.keep_all else "latest",
        "repeat_unknown": one.repeat_unknown,
        "body": one.body,
    }


def whole_document(one: Delivery, history: Sequence[Attempt]) -> dict[str, Any]:
    """A delivery for programs, with all attempts, the first one first."""
    attempts = [
        {
            "number": attempt.number,
            "at": _moment(attempt.at),
            "elapsed_s": attempt.elapsed_s,
            "outcome": attempt.outcome,
            "code": attempt.code,
            "message": attempt.message,
            "request_id": attempt.request_id,
        }
        for attempt in history
    ]
    return {**document(one), "history": attempts}


def whole(one: Delivery, history: Sequence[Attempt], now: float, width: int | None) -> str:
    """Everything about one delivery: a line for each thing there is to say, its attempts and its body."""
    fields = {
        "delivery": str(one.id),
        "stage": one.stage.value,
        "what now": _WHAT_NOW[one.stage].format(id=one.id),
        "reporter": one.reporter,
        "target": target_words(one.target),
        "run": _when(one.run_at, now),
        "state": one.state,
        "services": ", ".join(one.services),
        "checks": ", ".join(one.checks),
        "made": _when(one.created_at, now),
        "expires": "never" if one.expires_at == math.inf else _when(one.expires_at, now),
        "next try": _when(one.next_at, now) if one.stage is Stage.PENDING and one.next_at > now else _next(one, now),
        "tries": str(one.attempts),
        "last answer": _answer(one, with_outcome=True),
        "request id": one.request_id,
        "keep": "all" if one.keep_all else "latest",
        "repeat unknown": "yes" if one.repeat_unknown else "no",
    }
    lines = "".join(f"{name}: {printable(text) or ABSENT}\n" for name, text in fields.items())
    return f"{lines}attempts:{_attempts(history, now, width)}body:\n{_indented(_body(one.body))}"


def _row(one: Delivery, now: float) -> list[str]:
    cells = [
        str(one.id),
        one.stage.value,
        one.state,
        _tells_of(one),
        one.reporter,
        target_words(one.target),
        age(one.created_at, now).removesuffix(" ago"),
        str(one.attempts),
        _next(one, now),
        _answer(one, with_outcome=one.outcome != one.stage.value),
    ]
    return [printable(cell) or ABSENT for cell in cells]


def _tells_of(one: Delivery) -> str:
    """The first service, and how many more."""
    more = f" +{len(one.services) - 1}" if len(one.services) > 1 else ""
    return f"{one.services[0]}{more}" if one.services else ""


def _next(one: Delivery, now: float) -> str:
    if one.stage is not Stage.PENDING:
        return ABSENT
    return age(one.next_at, now) if one.next_at - now >= 1 else "now"


def _answer(one: Delivery, *, with_outcome: bool) -> str:
    """What the receiver said last: `not sent: HTTP 503 (code 17)`."""
    words = [one.outcome] if with_outcome and one.outcome else []
    words += [one.message] if one.message else []
    return ": ".join(words) + (f" (code {one.code})" if one.code else "")


def _attempts(history: Sequence[Attempt], now: float, width: int | None) -> str:
    if not history:
        return " none yet\n"
    lines = [
        [
            str(one.number),
            _when(one.at, now),
            _took(one.elapsed_s),
            one.outcome,
            one.code,
            one.request_id,
            one.message,
        ]
        for one in history
    ]
    cells = [[printable(cell) or ABSENT for cell in line] for line in lines]
    room = None if width is None else max(width - 2, 1)
    return "\n" + _indented(fitted(_HISTORY_HEAD, cells, room, _HISTORY_CUTS, _HISTORY_SPARE))


def _took(elapsed_s: float | None) -> str:
    if elapsed_s is None:
        return ABSENT
    return f"{elapsed_s * 1000:.0f}ms" if elapsed_s < 1 else f"{elapsed_s:.1f}s"


def _when(epoch_s: float, now: float) -> str:
    """A moment and how long ago it was or how far ahead it is."""
    written = _moment(epoch_s)
    return ABSENT if written is None else f"{written} ({age(epoch_s, now)})"


def _moment(epoch_s: float) -> str | None:
    return iso_utc(epoch_s) if epoch_s > 0 and math.isfinite(epoch_s) else None


def _body(body: str) -> str:
    """A body line by line; JSON as it is easiest to read."""
    try:
        return json_text(json.loads(body))
    except (ValueError, RecursionError):
        return "".join(f"{printable(line)}\n" for line in body.splitlines())


def _indented(text: str) -> str:
    return "".join(f"  {line}\n" for line in text.splitlines())
