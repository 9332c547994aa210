"""Several things behind one service: two hosts of one name in two projects, or at two sites, are both expected to stay.

Without this the loss of one of them would show the other alone, and its state as that of both. What merely shares a
service, such as all hosts of a project, may come and go: only the service itself is expected to stay.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.steps.judging.naming import entity_labels

#: Labels that tell things of one name apart. Parts of a thing, such as mounts or processes, may come and go.
_TELLING = ("project", "pcode", "site", "id")


def have_one_name(rule: Rule) -> bool:
    """Whether the things behind one service have one name: the first label that the metric declares to name a thing."""
    names = [label for label in entity_labels(rule.metric, ()) if label not in _TELLING]
    return set(names[:1]) <= set(rule.each)


def members_of(samples: Iterable[Sample]) -> set[str]:
    """The things behind one service, each as a person would name it; none where no label tells them apart."""
    return {name for sample in samples if (name := _name(sample.labels))}


def after(known: Mapping[str, float], present: set[str], passed_s: float, forget_s: float) -> dict[str, float]:
    """The members to expect from now on: for how many seconds of good answers each has not been seen."""
    missed = {name: missed_s + passed_s for name, missed_s in known.items() if name not in present}
    return {**{name: s for name, s in missed.items() if s <= forget_s}, **dict.fromkeys(present, 0.0)}


def gone(known: Mapping[str, float], present: set[str]) -> list[str]:
    """The members that were there and are not any more."""
    return sorted(set(known) - present)


def _name(labels: Mapping[str, object]) -> str:
    return " ".join(f"{label} {labels[label]}" for label in _TELLING if label in labels)
