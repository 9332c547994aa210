"""The commands that change alarms: create, update, delete. Each plans first, and carries out what was agreed to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Annotated, Any

from checkmill.api.v1 import (
    Arguments,
    Change,
    Command,
    Doc,
    Document,
    Flow,
    Plan,
    Positional,
    ReadError,
    SourceError,
    attempt,
    together,
)
from checkmill_nhn_watcher import calls
from checkmill_nhn_watcher.alarms import Alarm, Detail, alarms_of, detail_of
from checkmill_nhn_watcher.answers import id_in
from checkmill_nhn_watcher.calls import Slice
from checkmill_nhn_watcher.definitions import AlarmDefinition
from checkmill_nhn_watcher.describing import difference, lines_of, lost_secrets, plain
from checkmill_nhn_watcher.reading import list_alarms
from checkmill_nhn_watcher.settings import Settings

_UNSEEN = "whether all of them are gone could not be seen"


@dataclass(frozen=True, kw_only=True)
class CreateAsked(Arguments):
    """What to create."""

    file: Annotated[AlarmDefinition, Positional("FILE"), Document(), Doc("the alarm, as YAML")]
    duplicate: Annotated[bool, Doc("create it even if there is an alarm of that name")] = False


@dataclass(frozen=True, kw_only=True)
class UpdateAsked(Arguments):
    """What to replace."""

    file: Annotated[AlarmDefinition, Positional("FILE"), Document(), Doc("all of the alarm, with its id, as YAML")]
    drop_secrets: Annotated[bool, Doc("let webhooks lose a secret that the file does not hold")] = False


@dataclass(frozen=True, kw_only=True)
class DeleteAsked(Arguments):
    """What to delete."""

    ids: Annotated[tuple[str, ...], Positional("ID"), Doc("ids of the alarms")]


def create(settings: Settings, asked: CreateAsked) -> Flow[Plan]:
    """Create an alarm. The same twice is refused, for a creation that seemed to fail may have been one."""
    definition = asked.file
    if definition.id:
        return _refused(f"the file has the id {definition.id}: update replaces that alarm, create takes no id")
    name = definition.name.strip()
    listing = yield from list_alarms(settings, {"alarmNameAnyLike": name})
    alarms = alarms_of(listing)
    present = [alarm.id for alarm in alarms if alarm.name == name]
    if present and not asked.duplicate:
        sentence = f"an alarm of the name {plain(name)} exists already: {', '.join(present[:8])}"
        return _refused(f"{sentence}; update replaces it, --duplicate creates another one")
    doubt = _doubt(listing.gap, alarms)
    if doubt and not asked.duplicate:
        sentence = f"whether an alarm of the name {plain(name)} exists already could not be seen: {doubt}"
        return _refused(f"{sentence}; --duplicate creates one nevertheless")
    summary = f"create the alarm {plain(definition.name)}"
    return Plan(changes=[Change(summary, partial(_create, settings, definition), lines_of(definition))])


def update(settings: Settings, asked: UpdateAsked) -> Flow[Plan]:
    """Replace an alarm whole: what the file does not say is lost, and shown before."""
    definition = asked.file
    if not definition.id:
        return _refused("the file does not say which alarm to replace: write its id, or use create")
    present = detail_of((yield from calls.get_alarm(settings, definition.id)), definition.id)
    name = plain(present.alarm.label)
    if present.alarm.status == "CLOSED":
        return _refused(f"the alarm {name} is deleted; create makes a new one")
    lost = lost_secrets(present, definition)
    if lost and not asked.drop_secrets:
        hint = "write it into the file as ${NAME}, or let it go with --drop-secrets"
        return _refused(*(f"the {one} would lose it, for the file holds none; {hint}" for one in lost))
    lines = difference(present, definition)
    if not lines:
        return Plan(nothing=f"the alarm {name} is as the file says")
    carry_out = partial(_update, settings, definition, present)
    return Plan(changes=[Change(f"replace the alarm {name} ({definition.id})", carry_out, lines)])


def delete(settings: Settings, asked: DeleteAsked) -> Flow[Plan]:
    """Delete alarms, and with them all that they ever told, for good."""
    ids = tuple(dict.fromkeys(asked.ids))
    answers = yield from together([attempt(_doomed(settings, alarm)) for alarm in ids])
    problems = [
        f"{alarm}: {answer.sentence}"
        for alarm, answer in zip(ids, answers, strict=True)
        if isinstance(answer, SourceError)
    ]
    lines = [line for answer in answers if not isinstance(answer, SourceError) for line in answer]
    if problems or not ids:
        return _refused(*(problems or ["no alarm is named"]))
    alarms = "1 alarm" if len(ids) == 1 else f"{len(ids)} alarms"
    summary = f"delete {alarms} and destroy the history for good: nobody can bring it back"
    return Plan(changes=[Change(summary, partial(_delete, settings, ids), lines)])


def _refused(*problems: str) -> Plan:
    return Plan(problems=problems, nothing="nothing would be changed")


def _create(settings: Settings, definition: AlarmDefinition) -> Flow[str]:
    document = yield from calls.create_alarm(settings, definition.body())
    alarm = id_in(document.get("alarm"), "alarmId")
    return f"created the alarm {plain(definition.name)}" + (f" with the id {alarm}" if alarm else "")


def _update(settings: Settings, definition: AlarmDefinition, planned: Detail) -> Flow[str]:
    present = detail_of((yield from calls.get_alarm(settings, definition.id)), definition.id)
    if present != planned:
        raise ReadError("the alarm was changed meanwhile; nothing was replaced, look at the difference again")
    yield from calls.modify_alarm(settings, definition.id, definition.body())
    return f"replaced the alarm {plain(planned.veil.over(definition.name))}"


def _delete(settings: Settings, ids: Sequence[str]) -> Flow[str]:
    if len(ids) == 1:
        yield from calls.delete_alarm(settings, ids[0])
        return f"deleted the alarm {ids[0]}"
    yield from calls.delete_alarms(settings, ids)
    # How several ids are written is not documented, so that some of them may have been overlooked.
    listing = yield from attempt(list_alarms(settings, {"alarmIds": list(ids)}))
    if isinstance(listing, SourceError):
        return f"deleted {len(ids)} alarms; {_UNSEEN}: {listing.sentence}"
    alarms = alarms_of(listing)
    left = [alarm.id for alarm in alarms if alarm.id in ids and alarm.status != "CLOSED"]
    if left:
        raise ReadError(
            f"{len(left)} of {len(ids)} alarms are still there: {', '.join(left)}; does lists fit the vendor?"
        )
    doubt = _doubt(listing.gap, alarms)
    return f"deleted {len(ids)} alarms" + (f"; {_UNSEEN}: {doubt}" if doubt else "")


def _doubt(gap: str, alarms: Sequence[Alarm]) -> str:
    """Why what is not in a list of alarms may be there nevertheless; "" where it is not."""
    return gap or next((alarm.complaint for alarm in alarms if alarm.problem), "")


def _doomed(settings: Settings, alarm: str) -> Flow[list[str]]:
    """What would go with an alarm, in lines of a diff."""
    found = detail_of((yield from calls.get_alarm(settings, alarm)), alarm).alarm
    if found.status == "CLOSED":
        raise ReadError("it is deleted already")
    history = yield from attempt(calls.list_history(settings, alarm, Slice(size=1), {}))
    count = "all" if isinstance(history, SourceError) else str(history.total)
    return [f"- alarm {plain(found.label)} ({alarm})", f"- its history: {count} notifications"]


CHANGING: tuple[Command[Settings, Any], ...] = (
    Command("nhn alarm create", "nhn-watcher", create, CreateAsked, "create an alarm from a file", changes=True),
    Command(
        "nhn alarm update", "nhn-watcher", update, UpdateAsked, "replace an alarm by what a file says", changes=True
    ),
    Command("nhn alarm delete", "nhn-watcher", delete, DeleteAsked, "delete alarms and their history", changes=True),
)
