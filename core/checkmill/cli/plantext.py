"""A plan as people read it, before and after it is carried out, or as one document for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from checkmill.cli.carrying import Outcome
from checkmill.cli.paragraphs import printable
from checkmill.cli.presenting import UnshowableError, json_text, plain_data, shown_data, yaml_text
from checkmill.model.command import Change, Command, Plan
from checkmill.model.secret import redact


@dataclass(frozen=True)
class PlanText:
    """A plan that can be shown: `data` is plain and holds no secret."""

    command: Command[Any, Any]
    plan: Plan
    data: Any

    @property
    def changes(self) -> Sequence[Change]:
        """What would change."""
        return self.plan.changes

    def text(self, form: str) -> str:
        """The data in its form, and then each change with its details.

        That there is nothing to do is said only if all went well: whoever redirects it wants no file that says so.
        """
        parts = [shown_data(self.data, form)] if self._has_data else []
        if self.changes:
            parts.append(self.changes_text())
        return "\n".join(parts) or ("" if self.plan.problems else f"{printable(self.plan.nothing)}\n")

    def changes_text(self) -> str:
        """Each change with its details."""
        return "".join("\n".join([printable(one.summary), *_details(one, "    ")]) + "\n" for one in self.changes)

    def document(self, form: str, outcomes: Sequence[Outcome] = ()) -> str:
        """The whole plan as JSON or YAML, with what came of each change: the data alone where nothing can change."""
        document = self.data
        if self.command.changes or self.changes or self.data is None:
            document = {} if self.data is None else {"data": self.data}
            document["changes"] = [_entry(one, outcome) for one, outcome in self._with_outcomes(outcomes)]
        return json_text(document) if form == "json" else yaml_text(document)

    @property
    def _has_data(self) -> bool:
        return self.data is not None and self.data not in ([], {})

    def _with_outcomes(self, outcomes: Sequence[Outcome]) -> Sequence[tuple[Change, Outcome | None]]:
        known = [*outcomes, *([None] * (len(self.changes) - len(outcomes)))]
        return list(zip(self.changes, known, strict=True))


def plan_text(command: Command[Any, Any], plan: Any) -> PlanText:
    """Look at what a plugin gave as its plan. Raises `UnshowableError` where it is none."""
    if not isinstance(plan, Plan):
        raise UnshowableError(f"{_article(plan)}, not a Plan")
    for name, kind in (("changes", Change), ("problems", str)):
        items = getattr(plan, name)
        if not isinstance(items, list | tuple) or not all(isinstance(one, kind) for one in items):
            raise UnshowableError(f"{name} that are not a list of {kind.__name__}")
    for change in plan.changes:
        if not isinstance(change.summary, str) or not all(isinstance(line, str) for line in change.details):
            raise UnshowableError("a change whose summary and details are not texts")
    return PlanText(command, plan, plain_data(plan.data))


def _details(change: Change, indent: str) -> list[str]:
    return [f"{indent}{line}".rstrip() for line in _lines(change)]


def _lines(change: Change) -> list[str]:
    """The details, each on a line of its own, with its blanks, without what moves a terminal.

    A line end within one is shown as such: what follows it would look like a line of the plan's own.
    """
    lines = [redact(one).rstrip("\n").expandtabs(4) for one in change.details]
    return ["".join(one if one.isprintable() else ascii(one)[1:-1] for one in line) for line in lines]


def _entry(change: Change, outcome: Outcome | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"summary": printable(change.summary), "details": _lines(change)}
    if outcome is not None:
        entry["done"] = outcome.is_done
        if outcome.said or outcome.failure:
            entry["outcome"] = outcome.said or outcome.failure
    return entry


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[:1].lower() in set('aeiou') else 'a'} {name}"
