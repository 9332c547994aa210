"""The service `checkmill-outbox`: whether what `run` hands to the reporters gets to their receivers, and in time.

It asks the store alone: no vendor, no receiver, no plugin. It must never call a feeder well that has stopped; so it
knows how often each check should be handed over, and takes silence for a fault: of each check by itself, since one that
is still fed hides another whose cron line is gone.
"""

from __future__ import annotations

import math
import os
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

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
from checkmill.model.units import seconds
from checkmill.steps.reading import Book
from checkmill.steps.reading.findings import Findings
from checkmill.store import Store, StoreError
from checkmill.store.outbox.handing import Handing

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
INTERVAL_S, JOB_INTERVAL_S = 60.0, 86400.0
#: So long it is told that a damaged database was replaced.
RESCUE_TOLD_S = 3600.0
#: How the sentence on a database ends that was replaced without a loss.
_NOTHING_LOST = "nothing that was found in it is lost"
#: So many checks are named that are not handed over.
MOST_NAMED = 3

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
class Outlook:
    """What there should be: how often, in seconds, each reporter should be handed something, and what is late.

    `late` are the reasons by reporter, `rescues` those that the database itself gives.
    """

    intervals: Mapping[str, float]
    late: Mapping[str, Sequence[Reason]] = field(default_factory=dict)
    rescues: Sequence[Reason] = ()


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
        health, outlook = store.outbox.health(now), _outlook(book, store, book.drafts, now)
    except StoreError as error:
        return _unknown(str(error), now)
    if _is_partial(book):
        # Checks that nobody can read may report to any of them.
        outlook = replace(outlook, intervals={**dict.fromkeys(health.reporters, INTERVAL_S), **outlook.intervals})
    return result_of(health, outlook, now, items)


def outbox_line(session: Session, book: Book, store: Store | None, names: Sequence[str]) -> list[Result]:
    """The same beside the services of some checks, of the reporters that these name.

    Beside those of all checks, of every reporter. None where nothing is reported and nothing waits; but where rules
    cannot be read, nobody knows that nothing is reported.
    """
    now = session.edges.now()
    named = {reporter for name in names for reporter in book.reporters_of(name)}
    is_partial = _is_partial(book)
    if store is None:
        return [_unknown(session.store_problem, now)] if named or (is_partial and book.problems) else []
    try:
        health, outlook = store.outbox.health(now), _outlook(book, store, names, now)
    except StoreError as error:
        return [_unknown(str(error), now)] if named or is_partial else []
    if is_partial and health.reporters:
        # As `check` has it: a service that vanishes with a broken file would be missed by nobody.
        return [outbox_service(session, book, store)]
    if len(names) < len(book.drafts):
        health = OutboxHealth({name: one for name, one in health.reporters.items() if name in named})
    waits = any(one.waiting for one in health.reporters.values())
    return [result_of(health, outlook, now)] if named or waits else []


def _is_partial(book: Book) -> bool:
    """Whether there may be checks that nobody can read."""
    return not book.drafts or bool(book.broken_files) or bool(book.hiding.checks)


def _outlook(book: Book, store: Store, names: Iterable[str], now: float) -> Outlook:
    """What checks should hand over, and what of it is late. Raises `StoreError`."""
    named = {name: reporters for name in names if (reporters := book.reporters_of(name))}
    checks_dir = os.path.realpath(book.directory)
    known = {(one.name, one.reporter): one for one in store.handed(checks_dir)}
    intervals: dict[str, float] = {}
    late: dict[str, list[tuple[float, str, Reason]]] = {}
    for name, reporters in named.items():
        for reporter in reporters:
            one = known.get((name, reporter)) or _never_handed(book, name, reporter)
            intervals[reporter] = min(intervals.get(reporter, math.inf), one.lasting_s)
            for reason in _late(one, now, is_known=(name, reporter) in known):
                late.setdefault(reporter, []).append((one.handed_at + one.lasting_s, name, reason))
    rescues = [
        (State.WARNING if said.endswith(_NOTHING_LOST) else State.CRITICAL, f"{said} ({age(at, now)})")
        for at, said in store.all_rescues(now - RESCUE_TOLD_S)
    ]
    return Outlook(intervals, {reporter: _worst_few(some) for reporter, some in late.items()}, rescues)


def _never_handed(book: Book, name: str, reporter: str) -> Handing:
    """A check that no run has handed over: it counts from when its file was written."""
    try:
        written_at = Path(book.drafts[name].own.place.file).stat().st_mtime
    except OSError:
        written_at = 0.0
    return Handing(name, reporter, written_at, written_at, _written_interval_s(book, name))


def _written_interval_s(book: Book, name: str) -> float:
    """The interval of a check as far as that can be told without a plugin: as written, else a day for a job."""
    texts = {}
    for key in ("interval", "metric"):
        found = book.drafts[name].key(key)
        texts[key] = None if found is None else Findings().text(found[0], "")
    try:
        return seconds(texts["interval"] or "")
    except ValueError:
        return JOB_INTERVAL_S if texts["metric"] == "job" else INTERVAL_S


def _late(one: Handing, now: float, *, is_known: bool) -> Iterable[Reason]:
    """What it means how long ago a check was handed over and heard of."""
    late_s, unheard_s = now - one.handed_at - one.lasting_s, now - one.heard_at - one.lasting_s
    does = "does its 'checkmill run' or 'checkmill exec' run?"
    if late_s > SILENT_S and not is_known:
        yield State.UNKNOWN, f"nothing was ever handed over for check {one.name!r}: {does}"
    elif late_s > SILENT_S:
        state = State.CRITICAL if late_s > DEAD_S else State.WARNING
        yield state, f"check {one.name!r} was last handed over {age(one.handed_at, now)}: {does}"
    elif is_known and unheard_s > SILENT_S:
        state = State.CRITICAL if unheard_s > DEAD_S else State.WARNING
        yield state, f"what tells of check {one.name!r} was last accepted {age(one.heard_at, now)}"


def _worst_few(late: Collection[tuple[float, str, Reason]]) -> list[Reason]:
    """The reasons of those that are late the longest; how many there are beside them."""
    found = [reason for _, _, reason in sorted(late, key=lambda one: (-one[2][0].badness, one[0], one[1]))]
    more = len(found) - MOST_NAMED
    if more > 0:
        found[MOST_NAMED:] = [(found[MOST_NAMED][0], f"and {more:,} more {'check' if more == 1 else 'checks'}")]
    return found


def result_of(
    health: OutboxHealth, outlook: Outlook | Mapping[str, float], now: float, items: Sequence[str] = ()
) -> Result:
    """The service for all reporters, or for the one that `--item reporter=NAME` means."""
    outlook = outlook if isinstance(outlook, Outlook) else Outlook(outlook)
    intervals = outlook.intervals
    names = sorted({*health.reporters, *intervals})
    services = {name: Identity(OUTBOX, "", ((LABEL, name),)) for name in names}
    chosen = [name for name in names if is_meant(services[name], items)]
    if not chosen:
        sentence = f"there is no service {' '.join(items)} of this check{known(services.values())}"
        return _unknown(sentence if names else "no check reports to anybody, and nothing was ever delivered", now)
    judged = [_judged(name, health.reporters.get(name), outlook, now) for name in chosen]
    judged.sort(key=lambda one: (-one.state.badness, one.name))
    labels = {LABEL: chosen[0]} if items and len(chosen) == 1 else {}
    return Result(
        check=OUTBOX,
        service=" ".join([OUTBOX, *labels.values()]),
        state=worst_of([*(one.state for one in judged), *(state for state, _ in outlook.rescues)]),
        output=_text(judged, outlook.rescues, now),
        details="\n".join(f"[{one.state.value}] {_line(one, now)}" for one in judged),
        perfdata=_figures([one.health for one in judged], now),
        labels=labels,
        checked_at=now,
        good_until=now,
    )


def _unknown(sentence: str, now: float) -> Result:
    """The service where nothing can be known of the outbox."""
    return Result(OUTBOX, OUTBOX, State.UNKNOWN, sentence, checked_at=now, good_until=now, failed=True)


def _judged(name: str, health: ReporterHealth | None, outlook: Outlook, now: float) -> _Judged:
    one = health or ReporterHealth()
    # Where a receiver hears of nothing at all, that says more than which check it does not hear of.
    silence = list(_silence(one, outlook.intervals.get(name), now)) or outlook.late.get(name, ())
    reasons = [*_lost(one), *silence, *_delays(one, now)]
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


def _text(judged: Sequence[_Judged], rescues: Sequence[Reason], now: float) -> str:
    ill = [one for one in judged if one.reasons]
    if ill or rescues:
        parts = [f"{one.name}: {', '.join(sentence for _, sentence in one.reasons)}{_answer(one)}" for one in ill]
        parts += [sentence for _, sentence in rescues]
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
        Perf("oldest", round(max(now - min(oldest, default=now), 0.0), 1), "s", warn=Range(0, OLD_S), min=0),
    ]
    if lasts:
        figures.append(Perf("last_accepted", round(max(now - min(lasts), 0.0), 1), "s", min=0))
    for stage in _FIGURES:
        number = sum(one.recent.get(stage.value, 0) for one in healths)
        worst = _BAD[stage][0] if stage in _BAD else State.OK
        warn, crit = (Range(0, 0) if worst is state else None for state in (State.WARNING, State.CRITICAL))
        figures.append(Perf(f"{stage.value}_1h", number, warn=warn, crit=crit, min=0))
    for stage in _FIGURES:
        figures.append(Perf(stage.value, sum(one.counts.get(stage.value, 0) for one in healths), "c", min=0))
    return tuple(figures)
