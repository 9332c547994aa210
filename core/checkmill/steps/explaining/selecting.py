"""Says of each sample why a rule left it out, and of those it did not leave out, why they have no value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from checkmill.model.rule import Rule, Selection
from checkmill.model.sample import Sample
from checkmill.steps.explaining.facts import Excluded, MissingFacts, SampleFacts, SilentFacts

Labels = Mapping[str, str]

#: How many samples are named for one reason.
EXAMPLES = 5


class Offered(Protocol):
    """A sample as judging offers it to a rule: under one set of labels, or several if it may be of several things."""

    @property
    def sample(self) -> Sample:
        """The sample."""

    @property
    def ways(self) -> Sequence[Labels]:
        """The labels by which it may be selected."""

    def is_selected(self, rule: Rule) -> bool:
        """Whether the rule means it."""


def sample_facts(
    rule: Rule,
    offered: Sequence[Offered],
    lines: Mapping[str, Sequence[int]],
    silent: Iterable[SilentFacts] = (),
) -> SampleFacts:
    """What became of the samples that came. `lines` are those of the alternatives under `where` and `except`."""
    silent = tuple(silent)
    fixed = _fixed([one.sample.labels for one in offered])
    excluded: dict[tuple[str, str, int], list[Labels]] = {}
    missing: dict[str, list[Labels]] = {}
    selected = 0
    for one in offered:
        labels = {name: value for name, value in one.sample.labels.items() if name not in fixed}
        if not one.is_selected(rule):
            excluded.setdefault(_reason(rule, one.ways[0], lines), []).append(labels)
        elif one.sample.is_missing:
            missing.setdefault(one.sample.reason, []).append(labels)
        else:
            selected += 1
    return SampleFacts(
        came=len(offered) + sum(one.dropped for one in silent),
        selected=selected,
        excluded=tuple(
            Excluded(*reason, count=len(those), examples=_examples(those))
            for reason, those in sorted(excluded.items(), key=lambda pair: (pair[0][0] != "where", -len(pair[1])))
        ),
        missing=tuple(
            MissingFacts(reason, count=len(those), examples=_examples(those)) for reason, those in missing.items()
        ),
        silent=silent,
    )


def selection_text(selection: Selection | None) -> str:
    """A selection as a rule file would have it: `{host: web-*}`, with `or` between alternatives; "" for none."""
    return "" if selection is None else " or ".join(map(_alternative_text, selection.alternatives))


def _alternative_text(alternative: Mapping[str, Sequence[object]]) -> str:
    parts = []
    for label, patterns in alternative.items():
        texts = list(map(str, patterns))
        parts.append(f"{label}: {texts[0] if len(texts) == 1 else '[' + ', '.join(texts) + ']'}")
    return "{" + ", ".join(parts) + "}"


def _reason(rule: Rule, labels: Labels, lines: Mapping[str, Sequence[int]]) -> tuple[str, str, int]:
    """The key, the pattern and the line that leave labels out."""
    if rule.where is not None and not rule.where.may_match(labels, rule.where.labels):
        pattern = selection_text(rule.where)
        if len(rule.where.alternatives) == 1:
            # Of several labels that all must match, the one that does not is the news.
            pattern = next(
                _alternative_text({label: patterns})
                for label, patterns in rule.where.alternatives[0].items()
                if not Selection(({label: patterns},)).matches(labels)
            )
        return "where", pattern, _line(lines, "where", 0)
    for index, alternative in enumerate(rule.exclude.alternatives if rule.exclude is not None else ()):
        if Selection((alternative,)).matches(labels):
            return "except", _alternative_text(alternative), _line(lines, "except", index)
    return "where", selection_text(rule.where), _line(lines, "where", 0)


def _line(lines: Mapping[str, Sequence[int]], key: str, index: int) -> int:
    known = lines.get(key, ())
    return known[index] if index < len(known) else known[0] if known else 0


def _fixed(all_labels: Sequence[Labels]) -> set[str]:
    """The labels that have one value for all samples, which tell none from another."""
    if len(all_labels) < 2:
        return {"source"}
    names = {name for labels in all_labels for name in labels}
    return {name for name in names if len({labels.get(name) for labels in all_labels}) == 1}


def _examples(labels: Iterable[Labels]) -> tuple[Labels, ...]:
    return tuple(labels)[:EXAMPLES]
