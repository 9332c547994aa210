"""Which deliveries a command line of `checkmill outbox` means: by their numbers, or by what they have in common."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checkmill.cli.arguments import UsageError
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.levels import glob_matches

#: What is not settled, and what somebody may want to look at.
OPEN = (Stage.PENDING, Stage.SENDING, Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED)
#: What nobody sends any more unless somebody says so.
ASIDE = (Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED)
#: Options that choose deliveries, by the argument they are read into.
FILTERS = {
    "stage": "--stage",
    "reporter": "--reporter",
    "target": "--target",
    "check": "--check",
    "state": "--state",
    "older_than": "--older-than",
    "newer_than": "--newer-than",
}
#: What each action takes.
_TAKES = {
    "list": {*FILTERS, "ids", "all", "limit", "format"},
    "show": {"ids", "format"},
    "flush": {"reporter"},
    "retry": {*FILTERS, "ids", "yes"},
    "drop": {*FILTERS, "ids", "yes"},
}
_SPELLING = {
    "ids": "the number of a delivery",
    **FILTERS,
    **{name: f"--{name}" for name in ("all", "limit", "format", "yes")},
}


@dataclass(frozen=True)
class Choice:
    """What the deliveries have in common; nothing for what does not matter. Ages are in seconds.

    Reporters and checks are names or globs. A target is meant by `label=value`, the value a glob, or by any part of its
    text. Of several words of one kind one must hold, of several kinds all.
    """

    stages: tuple[Stage, ...] = ()
    reporters: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    checks: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    older_than_s: float = -math.inf
    newer_than_s: float = math.inf

    def means(self, delivery: Delivery, now: float) -> bool:
        """Whether a delivery is meant at a time (epoch seconds)."""
        age_s = now - delivery.created_at
        return (
            (not self.stages or delivery.stage in self.stages)
            and is_meant(self.reporters, delivery.reporter)
            and is_meant(self.checks, *delivery.checks)
            and (not self.states or delivery.state in self.states)
            and (not self.targets or any(_is_target(word, delivery.target) for word in self.targets))
            and self.older_than_s <= age_s <= self.newer_than_s
        )

    def among(self, deliveries: Iterable[Delivery], now: float) -> list[Delivery]:
        """The deliveries that are meant, in their order."""
        return [one for one in deliveries if self.means(one, now)]


def choice_of(arguments: argparse.Namespace, default: Sequence[Stage]) -> Choice:
    """What the filters of a command line say; without stages, these."""
    stages = [stage for word in arguments.stage for stage in (OPEN if word == "open" else [Stage(word)])]
    older, newer = arguments.older_than, arguments.newer_than
    return Choice(
        tuple(dict.fromkeys(stages)) or tuple(default),
        tuple(arguments.reporter),
        tuple(arguments.target),
        tuple(arguments.check),
        tuple(arguments.state),
        -math.inf if older is None else older,
        math.inf if newer is None else newer,
    )


def has_filters(arguments: argparse.Namespace) -> bool:
    """Whether a command line chooses deliveries by what they have in common."""
    return any(_is_given(getattr(arguments, name)) for name in FILTERS)


def refuse_what_does_not_fit(arguments: argparse.Namespace) -> None:
    """Raise `UsageError` for what an action does not take, and for one that is not told what it is about."""
    action = arguments.action
    given = [name for name in _SPELLING if _is_given(getattr(arguments, name))]
    extra = [_SPELLING[name] for name in given if name not in _TAKES[action]]
    if extra:
        raise UsageError(f"outbox {action} does not take {' or '.join(extra)}; see 'checkmill outbox --help'")
    filters = [FILTERS[name] for name in given if name in FILTERS]
    if filters and arguments.ids:
        raise UsageError(f"outbox {action} takes the numbers of deliveries or {filters[0]}, not both")
    if action == "show" and not arguments.ids:
        raise UsageError("outbox show needs the number of a delivery; see 'checkmill outbox list'")
    if action in {"retry", "drop"} and not filters and not arguments.ids:
        raise UsageError(
            f"outbox {action} needs the number of a delivery, or filters such as --stage refused;"
            " see 'checkmill outbox list'"
        )


def is_meant(patterns: Sequence[str], *names: str) -> bool:
    """Whether one of the names or globs means one of the names; without any, everything is meant."""
    return not patterns or any(glob_matches(pattern, name) for pattern in patterns for name in names)


def target_words(target: str) -> str:
    """A target as people write it: `scenario=b00699c0 region=kr`."""
    return " ".join(target_parts(target))


def target_parts(target: str) -> list[str]:
    """The words that a target is written with, one for each label."""
    values = target_object(target)
    if not isinstance(values, dict):
        return [target]
    return [f"{label}={_word(value)}" for label, value in values.items()]


def target_object(target: str) -> object:
    """A target as its labels and values; the text itself where it is none."""
    try:
        values = json.loads(target)
    except (ValueError, RecursionError):
        return target
    return values if isinstance(values, dict) else target


def _is_given(value: object) -> bool:
    return value is not None and value is not False and value != []


def _is_target(word: str, target: str) -> bool:
    values = target_object(target)
    label, equals, pattern = word.partition("=")
    if equals and isinstance(values, dict) and label in values:
        return glob_matches(pattern, _word(values[label]))
    return word in target_words(target)


def _word(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
