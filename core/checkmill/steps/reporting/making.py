"""Makes deliveries of the results of a run: what goes to which target, in which words, and how long it is true."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NoReturn

from checkmill.model.delivery import Delivery
from checkmill.model.moments import iso_utc
from checkmill.model.reporter import Report
from checkmill.model.result import Result, result_as_json
from checkmill.model.rule import Rule
from checkmill.model.secret import redact
from checkmill.model.state import State, worst_of
from checkmill.model.templates import LONGEST_BODY, TemplateError, filled
from checkmill.steps.reporting.targeting import reports_for, target_text


def deliveries_of(
    results: Iterable[tuple[Rule, Sequence[Result]]],
    now: float,
    only: Collection[str] | None = None,
    broken: Iterable[tuple[Report, Sequence[Result]]] = (),
    *,
    run_at: float | None = None,
) -> tuple[list[Delivery], list[str]]:
    """Make the deliveries of a run, and say which could not be made.

    With `only`, the names of checks, no others than those to targets that one of these reports to. `broken` are the
    services of rules that cannot be read any more, with the targets that used to hear of them. `run_at` is when the run
    began (epoch seconds), `now` unless it is given.
    """
    gathered: dict[tuple[str, str], tuple[Report, list[Result]]] = {}
    wanted: set[tuple[str, str]] = set()
    cautious: set[tuple[str, str]] = set()
    complaints: list[str] = []
    for rule, own in results:
        for key, report, services in reports_for(rule, own, complaints):
            gathered.setdefault(key, (report, []))[1].extend(services)
            if report.target is not None and not report.target.repeat_unknown:
                # Where rules differ, the harm of a repeat weighs more.
                cautious.add(key)
            if only is None or rule.name in only:
                wanted.add(key)
    for report, unknown in broken:
        key = (report.reporter.name, target_text(report.key))
        gathered.setdefault(key, (report, []))[1].extend(unknown)
        wanted.add(key)
    deliveries: list[Delivery] = []
    for (name, target), (report, services) in gathered.items():
        if (name, target) not in wanted:
            continue
        try:
            body = body_of(report, services)
        except (TemplateError, ValueError) as error:
            complaints.append(f"reporter {name}: the body for {target} cannot be made: {redact(str(error))}")
            continue
        settings = report.reporter.settings
        deliveries.append(
            Delivery(
                reporter=name,
                target=target,
                state=worst_of(one.state for one in services).value,
                services=tuple(dict.fromkeys(one.service for one in services)),
                checks=tuple(dict.fromkeys(one.check for one in services)),
                body=body,
                created_at=now,
                expires_at=now + settings.expires,
                run_at=now if run_at is None else run_at,
                keep_all=settings.keep == "all",
                repeat_unknown=report.target is not None
                and report.target.repeat_unknown
                and (name, target) not in cautious,
            )
        )
    return deliveries, complaints


def body_of(report: Report, services: Sequence[Result]) -> str:
    """Fill in the body of one delivery. Raises TemplateError, or ValueError when it is not what the reporter takes."""
    states = [one.state for one in services]
    worst = worst_of(states)
    lead = next(one for one in services if one.state is worst)
    count = sum(1 for state in states if state is not State.OK)
    summary = f"{count} of {len(services)} services not OK: {lead.service}: {lead.output}"
    well = lead.output if len(services) == 1 else f"{len(services)} services OK"
    checked_at = min(one.checked_at for one in services)
    text = filled(
        report.reporter.body,
        {
            "state": worst.value,
            "exit_code": worst.exit_code,
            "output": summary if count and len(services) > 1 else well,
            "checked_at": iso_utc(checked_at),
            "services": [result_as_json(one, iso_utc(one.checked_at)) for one in services],
            "counts": {state.value: states.count(state) for state in State},
            "target": dict(report.key),
        },
        LONGEST_BODY,
    )
    text = cleaned(text)
    if report.reporter.type.content == "json object" and not _is_json_object(text):
        raise ValueError("the template gives no JSON object")
    return text


def _is_json_object(text: str) -> bool:
    def refuse(constant: str) -> NoReturn:
        raise ValueError(f"{constant} is not JSON")

    try:
        return isinstance(json.loads(text, parse_constant=refuse), dict)
    except (ValueError, RecursionError):
        return False


def cleaned(text: str) -> str:
    """The text without secrets, and without halves of surrogate pairs, which can neither be stored nor sent."""
    return redact(str(text)).encode(errors="replace").decode()
