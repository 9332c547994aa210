"""How old a measurement may be: a sample that is too old has no value any more, and a state of its own."""

from __future__ import annotations

from collections.abc import Mapping

from checkmill.model.sample import Sample
from checkmill.steps.judging.amounts import duration


class Stale(Sample):
    """A sample whose measurement is older than it may be: missing, and in the state that `on_stale` says."""

    __slots__ = ()

    @classmethod
    def since(cls, reason: str, labels: Mapping[str, str]) -> Stale:
        """A stale sample with these labels."""
        stale = cls(None)
        stale.reason = reason
        stale.labels = dict(labels)
        return stale

    def labelled(self, labels: Mapping[str, str]) -> Sample:
        """The same with other labels."""
        return Stale.since(self.reason, labels)


def fresh(sample: Sample, limit_s: float | None, now: float) -> Sample:
    """The sample, a stale one when it is too old, or a missing one when it comes from the future."""
    if limit_s is None or sample.at is None or sample.is_missing or abs(now - sample.at) <= limit_s:
        return sample
    age, limit = duration(abs(now - sample.at)), duration(limit_s)
    if sample.at > now:
        reason = f"measured {age} in the future, further off than {limit}"
        return Sample.missing(reason).labelled(sample.labels)
    return Stale.since(f"measured {age} ago, older than {limit}", sample.labels)
