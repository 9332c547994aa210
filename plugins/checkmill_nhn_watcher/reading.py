"""What the metrics share: the alarms that are watched, and what the history of each says of a window of time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any, Generic, TypeVar

from checkmill.api.v1 import ConfigurationError, Flow, NoQuery, ParseError, SourceError, attempt, now, together
from checkmill_nhn_watcher import alarms as alarm_list
from checkmill_nhn_watcher import calls, records
from checkmill_nhn_watcher.alarms import STATUSES, Alarm, alarms_of, recipients_in
from checkmill_nhn_watcher.answers import Labels, Page, id_in
from checkmill_nhn_watcher.calls import Slice
from checkmill_nhn_watcher.paging import Listing, read_all
from checkmill_nhn_watcher.privacy import label, shown
from checkmill_nhn_watcher.records import SENDING, History, history_of
from checkmill_nhn_watcher.settings import (
    DAY_S,
    Events,
    ExpectedAlarms,
    Products,
    Settings,
    Silence,
    Window,
    is_everything,
    is_plain,
    is_whole_name,
    listed,
)
from checkmill_nhn_watcher.times import written

T = TypeVar("T")

NO_SUCH_ALARM = "no alarm of this name or id"
#: How many windows it is looked back, one after the other, before all of a history is read.
_WIDER = (1, 7, 30)
#: Before that no record can be: the vendor's console tells of three months.
_OLDEST_S = 3650 * DAY_S
#: How often a span that holds more than can be read is halved.
_HALVINGS = 24
#: Windows begin with a minute, so that equal questions of one run are one.
_WHOLE_S = 60


@dataclass(frozen=True)
class Answered(Generic[T]):
    """What there is of one alarm, with its labels, or the error that kept it from being read."""

    labels: Labels
    answer: T | SourceError


@dataclass(frozen=True)
class PerAlarm(Generic[T]):
    """An answer for each alarm that is watched; `gap` is why there may be more alarms. `asked_at` is epoch seconds."""

    answers: tuple[Answered[T], ...]
    gap: str
    asked_at: float


@dataclass(frozen=True)
class EventKinds:
    """The kinds of event that an alarm can be about, as rows, and why there may be more."""

    rows: tuple[Any, ...]
    gap: str


@dataclass(frozen=True, kw_only=True)
class Known:
    """The alarms of the organisation, and which of them are watched.

    `gap` is why there may be more, `absent` are entries of the setting `alarms` that name none of them. `asked_at` is
    when they were asked for (epoch seconds).
    """

    everything: tuple[Alarm, ...]
    watched: tuple[Alarm, ...]
    gap: str
    absent: tuple[str, ...]
    asked_at: float
    settings: Settings


def list_alarms(settings: Settings, body: Mapping[str, Any], sort: str = "") -> Flow[Listing]:
    """All alarms that a filter means."""

    def page(number: int) -> Flow[Page]:
        return calls.search_alarms(settings, Slice(number=number, size=settings.page_size, sort=sort), body)

    return (yield from read_all(page, alarm_list.id_of, settings.most_pages))


def list_records(
    settings: Settings, alarm: str, filters: calls.Parameters, sort: str = "", *, only_whole: bool = False
) -> Flow[Listing]:
    """All records of an alarm's history that the filters mean; `only_whole` as `read_all` has it."""

    def page(number: int) -> Flow[Page]:
        asked = Slice(number=number, size=settings.page_size, sort=sort)
        return calls.list_history(settings, alarm, asked, filters)

    return (yield from read_all(page, records.id_of, settings.most_pages, only_whole=only_whole))


def list_event_kinds(settings: Settings, filters: calls.Parameters, sort: str = "") -> Flow[Listing]:
    """All kinds of event that the filters mean; several products may have events of one id."""

    def page(number: int) -> Flow[Page]:
        return calls.list_events(settings, Slice(number=number, size=settings.page_size, sort=sort), filters)

    return (yield from read_all(page, kind_of, settings.most_pages))


def kind_of(row: Any) -> str:
    """Product and id of a kind of event, in one text; "" where one of them is not there."""
    product, event = id_in(row, "productId"), id_in(row, "eventId")
    return f"{product} {event}" if product and event else ""


def watched(settings: Settings, _: NoQuery) -> Flow[Known]:
    """The alarms that the setting `alarms` means, deleted ones left out.

    Raises `ConfigurationError` if it means none of those that there are.
    """
    known = yield from _known(settings)
    if known.everything and not known.watched and not any(is_plain(entry) for entry in known.absent):
        names = shown(", ".join(sorted(one.label for one in known.everything)[:8]))
        raise ConfigurationError(f"no alarm matches alarms: {shown(', '.join(settings.chosen))}; there are {names}")
    return known


def expected(settings: Settings, _: ExpectedAlarms) -> Flow[Known]:
    """The alarms of the organisation, whichever of them are watched."""
    return (yield from _known(settings))


def totals(settings: Settings, _: NoQuery) -> Flow[dict[str, int | SourceError]]:
    """How many alarms of each status the organisation has, deleted ones included, whatever `alarms` says."""
    counts = yield from together([attempt(_total(settings, status)) for status in STATUSES])
    if isinstance(counts[0], SourceError) and all(isinstance(one, SourceError) for one in counts):
        raise counts[0]
    return dict(zip(STATUSES, counts, strict=True))


def recipients(settings: Settings, _: NoQuery) -> Flow[PerAlarm[int]]:
    """How many recipients each alarm has."""

    def count(alarm: Alarm) -> Flow[int]:
        return recipients_in((yield from calls.get_alarm(settings, alarm.id)), alarm.id)

    return (yield from _of_each(settings, lambda _: count))


def history(settings: Settings, query: Window) -> Flow[PerAlarm[History]]:
    """The notifications of each alarm whose events happened in the window."""
    return (yield from _of_each(settings, lambda at: lambda alarm: _since(settings, query, alarm, at, query.window)))


def unfinished(settings: Settings, query: Events) -> Flow[PerAlarm[History]]:
    """The notifications of each alarm that are still being sent, however old: what is stuck does not pass with time."""

    def read(alarm: Alarm, asked_at: float) -> Flow[History]:
        filters = {**_filters(query), "alarmSendResultTypeCodes": [SENDING]}
        listing = yield from list_records(settings, alarm.id, filters)
        return history_of(listing, query, settings.time_zone, asked_at)

    return (yield from _of_each(settings, lambda at: lambda alarm: read(alarm, at)))


def newest(settings: Settings, query: Silence) -> Flow[PerAlarm[History]]:
    """The newest notifications of each alarm: those in the window, or else further back, and at last all of them.

    Where there are more than can be read, it is looked for a span in which there are fewer.
    """

    def read(alarm: Alarm, asked_at: float) -> Flow[History]:
        quiet = 0.0
        for many in _WIDER:
            back = many * query.window
            found = yield from _since(settings, query, alarm, asked_at, back, only_whole=True)
            if found.is_cut:
                return (yield from narrowed(alarm, asked_at, quiet, back, found))
            if found.records or found.gap:
                return found
            quiet = back
        listing = yield from list_records(settings, alarm.id, _filters(query), only_whole=True)
        found = history_of(listing, query, settings.time_zone, asked_at)
        if found.is_cut:
            return (yield from narrowed(alarm, asked_at, quiet, max(_OLDEST_S, 2 * quiet), found))
        return found

    def narrowed(alarm: Alarm, asked_at: float, quiet: float, back: float, cut: History) -> Flow[History]:
        """The newest where the last `back` seconds hold too many, and the last `quiet` ones none."""
        for _ in range(_HALVINGS):
            if back - quiet <= _WHOLE_S:
                break
            middle = (quiet + back) / 2
            found = yield from _since(settings, query, alarm, asked_at, middle, only_whole=True)
            if found.is_cut:
                back, cut = middle, found
            elif found.records or found.gap:
                return found
            else:
                quiet = middle
        return cut

    return (yield from _of_each(settings, lambda at: lambda alarm: read(alarm, at)))


def event_kinds(settings: Settings, query: Products) -> Flow[EventKinds]:
    """The kinds of event that an alarm can be about, of all products: which of them count is told by the metric."""
    listing = yield from list_event_kinds(settings, single({"productIdList": listed(query.product)}))
    return EventKinds(listing.rows, listing.gap)


def _known(settings: Settings) -> Flow[Known]:
    asked_at = yield from now()
    listing = yield from list_alarms(settings, {})
    found = tuple(_nameable(one, settings) for one in alarms_of(listing))
    meant = {entry: meant_by(entry, found) for entry in settings.chosen}
    absent = [entry for entry, alarms in meant.items() if not alarms and not is_everything(entry)]
    # By identity: what came in them may not be hashable.
    chosen = {id(alarm) for alarms in meant.values() for alarm in alarms}
    return Known(
        everything=found,
        watched=tuple(one for one in found if one.problem or id(one) in chosen),
        gap=listing.gap,
        absent=() if listing.gap else tuple(absent),
        asked_at=asked_at,
        settings=settings,
    )


def meant_by(entry: str, alarms: Iterable[Alarm]) -> list[Alarm]:
    """The alarms that an entry of the setting `alarms` means: that of this very name or id, or else those it matches.

    A name may hold what a glob is made of, such as `[prod] deploys`.
    """
    found = list(alarms)
    named = [one for one in found if entry in {one.name, one.id}]
    return named or [one for one in found if fnmatchcase(one.name, entry)]


def absence_of(entry: str) -> str:
    """What there is to say of an entry of `alarms` that means no alarm."""
    return NO_SUCH_ALARM if is_plain(entry) else f"{NO_SUCH_ALARM}, and none that it matches"


def _nameable(alarm: Alarm, settings: Settings) -> Alarm:
    """An alarm of which the setting `alarms` can tell whether it means it, or the problem that it cannot."""
    if alarm.name or alarm.problem or settings.selects(alarm.name, alarm.id):
        return alarm
    return replace(alarm, problem="it has no alarmName by which the setting alarms might mean it")


def _of_each(settings: Settings, ask: Callable[[float], Callable[[Alarm], Flow[T]]]) -> Flow[PerAlarm[T]]:
    """Ask for each watched alarm, side by side. Raises the first error if there is no other answer."""
    known = yield from watched(settings, NoQuery())
    asking = ask(known.asked_at)
    alarms = known.watched
    answers = yield from together([attempt(_one(alarm, asking)) for alarm in alarms])
    failures = [one for one in answers if isinstance(one, SourceError)]
    if failures and len(failures) == len(answers) and not any(alarm.problem for alarm in alarms):
        raise failures[0]
    absent = [Answered[T]({"alarm": label(entry)}, ParseError(absence_of(entry))) for entry in known.absent]
    found = [Answered(alarm.labels, answer) for alarm, answer in zip(alarms, answers, strict=True)]
    return PerAlarm((*found, *absent), known.gap, known.asked_at)


def _one(alarm: Alarm, asking: Callable[[Alarm], Flow[T]]) -> Flow[T]:
    if alarm.problem:
        raise ParseError(alarm.problem)
    return (yield from asking(alarm))


def _since(
    settings: Settings, query: Events, alarm: Alarm, asked_at: float, back: float, *, only_whole: bool = False
) -> Flow[History]:
    """The records of an alarm whose events happened in the last `back` seconds."""
    zone = settings.time_zone
    since = max(0.0, (asked_at - back - settings.overlap) // _WHOLE_S * _WHOLE_S)
    # Without an end: were the zone wrong, the newest events would be left out rather than lie ahead and be noticed.
    filters = {**_filters(query), "regDateFrom": written(since, zone)}
    listing = yield from list_records(settings, alarm.id, filters, only_whole=only_whole)
    return history_of(listing, query, zone, asked_at, asked_at - back)


def single(lists: Mapping[str, tuple[str, ...]]) -> dict[str, str | Sequence[str]]:
    """What is asked of the vendor of these values: single ones alone, since how to write several is not documented.

    Should the vendor take several for one that nothing has, an empty answer would pass for quiet. All of them are
    held against the answer in any case.
    """
    return {name: values for name, values in lists.items() if len(values) == 1}


def _filters(query: Events) -> dict[str, str | Sequence[str]]:
    resources = listed(query.resource)
    asked = {
        "eventIds": listed(query.event),
        "productIds": listed(query.product),
        "projectIds": listed(query.project),
        "resourceKeys": () if any(map(is_whole_name, resources)) else resources,
        "eventSourceTypes": listed(query.source_type),
    }
    return single(asked)


def _total(settings: Settings, status: str) -> Flow[int]:
    page = yield from calls.search_alarms(settings, Slice(size=1), {"alarmStatusCodes": [status]})
    if page.total > 0 and not page.rows:
        raise ParseError(f"the list is empty although totalItems is {page.total}")
    if len(page.rows) > page.total:
        raise ParseError(f"the list contradicts itself: {len(page.rows)} items came, and totalItems is {page.total}")
    for alarm in alarms_of(Listing(tuple(page.rows))):
        if alarm.problem or alarm.status != status:
            raise ParseError(alarm.problem or f"an alarm that is not {status} came where only such were asked for")
    return page.total
