"""What a service's samples are called: `host` for the kind of thing, `web-1` for each.

The names come from labels that the metric declares, so they are the same in every run, however many samples there are
in it; the labels that are only needed when names are alike, such as the project, join when they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checkmill.model.sample import Sample
from checkmill.model.source import Metric

#: Labels that tell apart what has the same name otherwise.
_SCOPES = ("source", "project")
#: Labels that nobody calls a thing by: the number of a project, the id of what has a name too.
_PROJECT_ID, _ID = "pcode", "id"


def entity_labels(metric: Metric[Any, Any, Any], each: Sequence[str]) -> tuple[str, ...]:
    """The declared labels that name a sample within its service: not those of `each`, no scope, no id beside a name."""
    declared = [label for label in metric.labels if label not in {*_SCOPES, _PROJECT_ID}]
    if declared != [_ID]:
        declared = [label for label in declared if label != _ID]
    return tuple(label for label in declared if label not in each)


def without_ids(labels: Mapping[str, str]) -> dict[str, str]:
    """Labels without those that nobody calls a thing by, where there is another to call it by."""
    named = {label: value for label, value in labels.items() if label not in {_PROJECT_ID, _ID}}
    return named or dict(labels)


def thing_of(samples: Iterable[Sample], labels: Sequence[str]) -> str:
    """What one sample is of: the narrowest label that names it, else the scope that differs, else `value`."""
    samples = list(samples)
    if labels:
        return next((label for label in reversed(labels) if any(label in one.labels for one in samples)), labels[-1])
    telling = (_PROJECT_ID, *_SCOPES)
    differing = [scope for scope in telling if len({one.labels.get(scope) for one in samples}) > 1]
    if not differing:
        return "value"
    return differing[-1] if differing[-1] in _SCOPES else _SCOPES[-1]


def entities_of(samples: Sequence[Sample], labels: Sequence[str], each: Sequence[str]) -> list[str]:
    """A name for each sample of one service; empty where there is nothing to tell apart."""
    names = [" ".join(filter(None, (sample.labels.get(label) for label in labels))) for sample in samples]
    alike: dict[str, list[int]] = {}
    for index, name in enumerate(names):
        alike.setdefault(name, []).append(index)
    used = {*labels, *each}
    for name, indexes in alike.items():
        if len(indexes) > 1:
            for index, further in zip(indexes, _further([samples[index] for index in indexes], used), strict=True):
                names[index] = " ".join(filter(None, (name, further)))
    return names


def _further(samples: Sequence[Sample], used: set[str]) -> list[str]:
    """What tells samples of one name apart: as few further labels as possible, the id last."""
    others = {label for sample in samples for label in sample.labels} - used - {*_SCOPES, _PROJECT_ID, _ID}
    texts: list[str] = [""] * len(samples)
    for label in (*_SCOPES, *sorted(others), _PROJECT_ID, _ID):
        values = [sample.labels.get(label, "") for sample in samples]
        if label in used or len(set(values)) < 2:
            continue
        texts = [" ".join(filter(None, pair)) for pair in zip(texts, values, strict=True)]
        if len(set(texts)) == len(texts):
            break
    return texts
