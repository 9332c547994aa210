"""The service `checkmill-outbox`: whether what `run` hands to the reporters gets to their receivers, and in time.

It asks the store alone: no vendor, no receiver, no plugin. It must never call a feeder well that has stopped; so it
knows how often each reporter should be handed something, and takes silence for a fault.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from checkmill.cli.arguments import OUTBOX
from checkmill.cli.deliveries import counted
from checkmill.cli.items import is_meant, known
from checkmill.cli.session import Session
from checkmill.model.delivery import OutboxHealth, ReporterHealth, Stage
from checkmill.model.levels import Range
from checkmill.model.moments import age
from checkmill.model.result import Identity, Perf, Result
from checkmill.model.secret import redact
from checkmill.model.state import State, worst_of
from checkmill.steps.reading import Book
from checkmill.store import Store, StoreError

LABEL = "reporter"
REMEDY = "see 'checkmill outbox list'"
#: So long a delivery may wait, and beyond the interval of its checks a receiver may have accepted nothing meanwhile.
OLD_S = 300.0
#: So long beyond the interval of its checks nothing may have been handed to a reporter, until that is a fault.
SILENT_S = 900.0
#: So long beyond it nothing may have been accepted, whatever the reason.
DEAD_S = 3600.0
#: How far a clock may have been set back before what lies in the future is no proof of anything.
AHEAD_S = 60.0
#: The interval of checks of which none was measured yet.
INTERVAL_S = 60.0

#: What is bad of the last hour.
_BAD = {
    Stage.DROPPED: (State.CRITICAL, "dropped for want of room"),
    Stage.EXPIRED: (State.CRITICAL, "expired"),
    Stage.REFUSED: (State.WARNING, "refused"),
    Stage.UNKNOWN: (State.WARNING, "of unknown outcome"),
}
_FIGURES = (Stage.ACCEPTED, Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED, Stage.DROPPED)

Reason = tuple[State, str]


@dataclass(frozen=True)
class _Judged:
    """One reporter: how well it is, and the reasons, worst first."""

    name: str
    health: ReporterHealth
    reasons: Sequence[Reason]

    @property
    def state(self) -> State:
        return worst_of(state for state, _ in self.reasons) if self.reasons else State.OK


def outbox_service(session: Session, book: Book, store: Store | None, items: Sequence[str] = ()) -> Result:
    """The service as things are now, for all reporters, or for the one that `--item reporter=NAME` means."""
    now = session.edges.now()
    if store is None:
        return _unknown(session.store_problem, now)
    try:
        health, intervals = store.outbox.health(now), intervals_of(book, store, book.drafts)
    except StoreError as error:
        return _unknown(str(error), now)
    if not book.drafts or book.broken_files or book.hiding.checks:
        # Checks that nobody can read may report to any of them.
        intervals = {**dict.fromkeys(health.reporters, INTERVAL_S), **intervals}
    return result_of(health, intervals, now, items)


def outbox_line(session: Session, book: Book, store: Store | None, names: Sequence[str]) -> list[Result]:
    """The same beside the services of some checks, of the reporters that these name.

    Beside those of all checks, of every reporter. None where nothing is reported and nothing waits.
    """
    now = session.edges.now()
    named = {reporter for name in names for reporter in book.reporters_of(name)}
    if store is None:
        return [_unknown(session.store_problem, now)] if named else []
    try:
        health, intervals = store.outbox.health(now), intervals_of(book, store, names)
    except StoreError as error:
        return [_unknown(str(error), now)] if named else []
    if len(names) < len(book.drafts):
        health = OutboxHealth({name: one for name, one in health.reporters.items() if name in named})
    waits = any(one.waiting for one in health.reporters.values())
    return [result_of(health, intervals, now)] if named or waits else []


def intervals_of(book: Book, store: Store, names: Iterable[str]) -> dict[str, float]:
    """The reporters that checks name, and how long (seconds) after one of their results there should be another.

    Raises `StoreError`.
    """
    named = {name: reporters for name in names if (reporters := book.reporters_of(name))}
    found: dict[str, float] = dict.fromkeys((one for reporters in named.values() for one in reporters), math.inf)
    # A result is good for the interval of its check, and as long as the next one may take.
    stored = store.stored(os.path.realpath(book.directory), set(named)) if named else {}
    for name, one in stored.items():
        lasting_s = one.good_until - one.measured_at
        for reporter in named[name] if lasting_s > 0 else ():
            found[reporter] = min(found[reporter], lasting_s)
    return {reporter: lasting_s if math.isfinite(lasting_s) else INTERVAL_S for reporter, lasting_s in found.items()}


def result_of(health: OutboxHealth, intervals: Mapping[str, float], now: float, items: Sequence[str] = ()) -> Result:
    """The service for all reporters, or for the one that `--item reporter=OUTBOX` means."""
    names = sorted({*health.reporters, *intervals})
    services = {name: Identity(OUTBOX, "", ((LABEL, name),)) for name in names}
    chosen = [name for name in names if is_meant(services[name], items)]
    if not chosen:
        sentence = f"there is no service {' '.join(items)} of this check{known(services.values())}"
        return _unknown(sentence if names else "no check reports to anybody, and nothing was ever delivered", now)
    judged = [_judged(name, health.reporters.get(name), intervals.get(name), now) for name in chosen]
    judged.sort(key=lambda one: (-one.state.badness, one.name))
    labels = {LABEL: chosen[0]} if items and len(chosen) == 1 else {}
    return Result(
        check=OUTBOX,
        service=" ".join([OUTBOX, *labels.values()]),
        state=worst_of(one.state for one in judged),
        output=_text(judged, now),
        details="\n".join(f"[{one.state.value}] {_line(one, now)}" for one in judged),
        perfdata=_figures([one.health for one in judged], now),
        labels=labels,
        checked_at=now,
        good_until=now,
    )


def _unknown(sentence: str, now: float) -> Result:
    """The service where nothing can be known of the outbox."""
    return Result(OUTBOX, OUTBOX, State.UNKNOWN, sentence, checked_at=now, good_until=now, failed=True)


def _judged(name: str, health: ReporterHealth | None, interval_s: float | None, now: float) -> _Judged:
    one = health or ReporterHealth()
    reasons = [*_lost(one), *_silence(one, interval_s, now), *_delays(one, now)]
    return _Judged(name, one, sorted(reasons, key=lambda reason: -reason[0].badness))


def _lost(one: ReporterHealth) -> Iterable[Reason]:
    for stage, (state, words) in _BAD.items():
        number = one.recent.get(stage.value, 0)
        if number > 0:
            yield state, f"{number:,} {words} in the last hour"


def _delays(one: ReporterHealth, now: float) -> Iterable[Reason]:
    if one.pause_until is not None:
        again = f"is asked again {age(one.pause_until, now)}" if one.pause_until - now >= 1 else "is asked next time"
        yield State.WARNING, f"the receiver does not answer and {again}"
    if one.waiting and one.oldest_at is not None and now - one.oldest_at > OLD_S:
        yield State.WARNING, f"{_waiting(one)}, the oldest made {age(one.oldest_at, now)}"


def _silence(one: ReporterHealth, interval_s: float | None, now: float) -> Iterable[Reason]:
    """What it means when nothing was accepted lately. Without an interval no check reports there any more."""
    if interval_s is None and not one.waiting:
        return
    last = one.last_success_at
    if last is None:
        if not one.waiting and not any(one.counts.values()):
            yield State.UNKNOWN, "nothing was handed to it yet: does 'checkmill run' run?"
        elif one.waiting and one.oldest_at is not None and now - one.oldest_at > DEAD_S:
            yield State.CRITICAL, f"nothing was ever accepted, and {_waiting(one)}"
        else:
            yield State.UNKNOWN, "nothing was accepted yet"
        return
    if last > now + AHEAD_S:
        yield State.UNKNOWN, "what was accepted last lies in the future: the clock was set back"
        return
    late_s = now - last - (interval_s or 0.0)
    if one.waiting and late_s > OLD_S:
        state = State.CRITICAL if late_s > DEAD_S else State.WARNING
        yield state, f"the last was accepted {age(last, now)}, and {_waiting(one)}"
    elif not one.waiting and late_s > SILENT_S:
        state = State.CRITICAL if late_s > DEAD_S else State.WARNING
        yield state, f"the last was accepted {age(last, now)}, and nothing waits: does 'checkmill run' run?"


def _text(judged: Sequence[_Judged], now: float) -> str:
    ill = [one for one in judged if one.reasons]
    if ill:
        parts = [f"{one.name}: {', '.join(sentence for _, sentence in one.reasons)}{_answer(one)}" for one in ill]
        is_listed = any(one.health.waiting or {*one.health.counts} - {Stage.ACCEPTED.value} for one in ill)
        return "; ".join([*parts, *([REMEDY] if is_listed else [])])
    waiting = sum(one.health.waiting for one in judged)
    lasts = [one.health.last_success_at for one in judged if one.health.last_success_at is not None]
    accepted = f", the last accepted {age(max(lasts), now)}" if lasts else ""
    return f"{len(judged)} {'reporter' if len(judged) == 1 else 'reporters'}, {waiting:,} waiting{accepted}"


def _answer(one: _Judged) -> str:
    """What the receiver said last, which need not be about what is wrong."""
    return f" (last answer: {redact(one.health.last_message)})" if one.health.last_message else ""


def _line(one: _Judged, now: float) -> str:
    """Everything about one reporter."""
    health = one.health
    parts = [", ".join(sentence for _, sentence in one.reasons) + _answer(one)] if one.reasons else []
    parts.append(f"{health.waiting:,} waiting ({health.waiting_bytes:,} bytes)")
    if health.last_success_at is not None:
        parts.append(f"last accepted {age(health.last_success_at, now)}")
    parts += [f"last hour {counted(dict(health.recent))}"] if counted(dict(health.recent)) else []
    parts += [f"in all {counted(dict(health.counts))}"] if counted(dict(health.counts)) else []
    return f"{one.name}: {'; '.join(parts)}"


def _waiting(one: ReporterHealth) -> str:
    return "1 waits" if one.waiting == 1 else f"{one.waiting:,} wait"


def _figures(healths: Sequence[ReporterHealth], now: float) -> tuple[Perf, ...]:
    """Totals over the reporters, so that their number is the same however many there are."""
    oldest = [one.oldest_at for one in healths if one.oldest_at is not None]
    lasts = [one.last_success_at for one in healths if one.last_success_at is not None]
    figures = [
        Perf("waiting", sum(one.waiting for one in healths), min=0),
        Perf("waiting_size", sum(one.waiting_bytes for one in healths), "B", min=0),
        Perf("oldest", max(now - min(oldest, default=now), 0.0), "s", warn=Range(0, OLD_S), min=0),
    ]
    if lasts:
        figures.append(Perf("last_accepted", max(now - min(lasts), 0.0), "s", min=0))
    for stage in _FIGURES:
        number = sum(one.recent.get(stage.value, 0) for one in healths)
        worst = _BAD[stage][0] if stage in _BAD else State.OK
        warn, crit = (Range(0, 0) if worst is state else None for state in (State.WARNING, State.CRITICAL))
        figures.append(Perf(f"{stage.value}_1h", number, warn=warn, crit=crit, min=0))
    for stage in _FIGURES:
        figures.append(Perf(stage.value, sum(one.counts.get(stage.value, 0) for one in healths), "c", min=0))
    return tuple(figures)
