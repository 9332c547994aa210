"""Reporters for tests: one is asked in this process: it notes what it is to deliver, and answers as it was told to."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from checkmill.model.reporter import ConfiguredReporter, Outcome, Receipt, Report, Reporter
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.settings import ReporterSettings, Target
from checkmill.model.state import State
from checkmill.steps.reporting import target_text
from support.rules import NOW, rule

BODY = '{"state": {{ state | tojson }}, "output": {{ output | tojson }}}'


@dataclass(frozen=True, kw_only=True)
class Room(Target):
    room: str

    def __post_init__(self) -> None:
        if self.room == "x" * 9:
            raise ValueError("the room is full")


@dataclass
class Post:
    """A reporter that notes what it is asked to deliver, and gives the answers it was told to."""

    answers: dict[str, Receipt | Exception | object] = field(default_factory=dict)
    calls: list[tuple[list[str], str]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def deliver(self, _: ReporterSettings, target: Room, body: str) -> Any:
        with self.lock:
            self.calls.append(([target.room], body))
        return self._answer(target.room)

    def deliver_many(self, _: ReporterSettings, targets: Sequence[Room], body: str) -> Any:
        with self.lock:
            self.calls.append(([target.room for target in targets], body))
        return [self._answer(target.room) for target in targets]

    def _answer(self, room: str) -> Any:
        answer = self.answers.get(room, Receipt(Outcome.ACCEPTED, "taken"))
        if isinstance(answer, Exception):
            raise answer
        return answer

    def reporter(
        self, body: str = BODY, *, many: bool = False, content: str = "json object", **settings: Any
    ) -> ConfiguredReporter:
        kind: Reporter[Any, Any] = Reporter(
            "post", ReporterSettings, Room, self.deliver, self.deliver_many if many else None, content=content
        )
        own = ReporterSettings(**{"tries": 1, **settings})
        return ConfiguredReporter("post", kind, own, body, "checks.d/shop.yaml", "digest")


def room(reporter: ConfiguredReporter, name: str, *, repeat_unknown: bool = False) -> Report:
    target = Room(room=name, repeat_unknown=repeat_unknown)
    return Report(reporter, target, vars(target))


def results(*states: State, check: str = "cpu", outputs: Sequence[str] = ()) -> list[Result]:
    return [
        Result(check, f"{check} {number}", state, (outputs or ["fine"] * 9)[number], checked_at=NOW - number)
        for number, state in enumerate(states)
    ]


def reporting(*reports: Report, name: str = "cpu") -> Rule:
    return rule(name, reports=reports)


class Known:
    """The reporters and targets of some rules."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._reports = {(one.reporter.name, target_text(one.key)): one for rule in rules for one in rule.reports}
        self.reporters = list({id(one.reporter): one.reporter for one in self._reports.values()}.values())

    def find(self, reporter: str, target: str) -> Report | None:
        return self._reports.get((reporter, target))
