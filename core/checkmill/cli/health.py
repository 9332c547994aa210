"""What is wrong with the way to each receiver, in a sentence a reporter: for the end of a list of deliveries."""

from __future__ import annotations

from checkmill.cli.choosing import is_meant
from checkmill.cli.deliveries import counted
from checkmill.cli.paragraphs import printable
from checkmill.model.delivery import OutboxHealth, ReporterHealth, Stage
from checkmill.model.moments import age

#: So long a delivery waits when all is well: some tries, and the pause of a minute between the runs of cron.
OLD_S = 300.0
#: So long a full outbox is told of, however well all is since then: over a night, and until somebody looks.
TOLD_S = 86400.0
#: What is worth telling of the last hour.
_LOST = (Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED, Stage.DROPPED)


def ailments(health: OutboxHealth, now: float, reporters: tuple[str, ...] = ()) -> list[str]:
    """A sentence for each reporter, or each that these names or globs mean, whose deliveries are not well."""
    found = {name: _ailments(one, now) for name, one in sorted(health.reporters.items())}
    return [
        f"reporter {printable(name)}: {'; '.join([*words, _last(health.reporters[name], now)])}"
        for name, words in found.items()
        if words and is_meant(reporters, name)
    ]


def _ailments(one: ReporterHealth, now: float) -> list[str]:
    words = []
    if one.pause_until is not None:
        again = age(one.pause_until, now) if one.pause_until - now >= 1 else "by the next run"
        words.append(f"the receiver does not answer and is asked again {again}")
    if one.waiting and one.oldest_at is not None and now - one.oldest_at >= OLD_S:
        wait = "1 delivery waits" if one.waiting == 1 else f"{one.waiting:,} deliveries wait"
        words.append(f"{wait}, the oldest was made {age(one.oldest_at, now)}")
    if one.dropped_at is not None and now - one.dropped_at < TOLD_S:
        number = one.counts.get(Stage.DROPPED.value, 0)
        words.append(
            f"the outbox was full, last {age(one.dropped_at, now)}: {number:,} dropped since it was made;"
            " see 'backlog' and 'backlog_size' in the README"
        )
    lost = counted({stage.value: one.recent.get(stage.value, 0) for stage in _LOST})
    if lost:
        words.append(f"in the last hour {lost}")
    return words


def _last(one: ReporterHealth, now: float) -> str:
    at = one.last_success_at
    taken = "nothing was accepted yet" if at is None else f"last accepted {age(at, now)}"
    return f"{taken}; last answer: {printable(one.last_message)}" if one.last_message else taken
