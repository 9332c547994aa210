"""Turns what was fetched into samples, once for all rules that share it, behind a wall round the plugin."""

from __future__ import annotations

import logging
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from checkmill.model.builtin import DOWN, SOURCE_UP
from checkmill.model.errors import PluginError, SourceError
from checkmill.model.fetch import Fetch, Fetched
from checkmill.model.levels import Levels, Limits, Range
from checkmill.model.rule import Reading, Several
from checkmill.model.sample import Sample
from checkmill.model.secret import redact, shortened
from checkmill.model.source import Metric

#: A metric that yields more is broken: no vendor watches so many things in one answer of a few megabytes.
MOST_SAMPLES = 1_000_000
#: As much of an unusable value is shown.
_SHOWN = 60

log = logging.getLogger("checkmill.judging")


@dataclass(frozen=True)
class Extracted:
    """The samples of one metric from one fetch, or the error that left none. Times are epoch seconds.

    `failure` is a failed fetch that is told by the samples themselves: it is a verdict, and no error.
    """

    at: float
    samples: tuple[Sample, ...] = ()
    error: SourceError | None = None
    failure: SourceError | None = None


class Extracts(dict[str, tuple[Sample, ...] | SourceError]):
    """What was made of one payload where it was fetched: by metric, the samples or the error that left none."""


def extractor(readings: Iterable[Reading]) -> Callable[[Fetch, Any], Extracts]:
    """A function that makes the samples of all these readings out of the payload of a fetch.

    It is for the thread that fetches, so that a plugin that never comes to an end is met by the fetch's own deadline.
    """
    wanted: dict[Any, dict[str, Reading]] = {}
    for reading in readings:
        wanted.setdefault(reading.fetch.key, {}).setdefault(reading.metric.name, reading)

    def extract(fetch: Fetch, payload: Any) -> Extracts:
        of_fetch = wanted.get(fetch.key, {})
        return Extracts({name: _drawn(reading, payload) for name, reading in of_fetch.items()})

    return extract


class Extraction:
    """Gives the samples of readings, each metric of each fetch extracted once.

    What was fetched holds payloads, or what an `extractor` has made of them.
    """

    def __init__(self, fetched: Mapping[Any, Fetched]) -> None:
        self._fetched = fetched
        self._extracted: dict[tuple[Any, str], Extracted] = {}

    def of(self, reading: Reading) -> Extracted:
        """The samples of one reading, with the labels of its source."""
        key = (reading.fetch.key, reading.metric.name)
        if key not in self._extracted:
            self._extracted[key] = _extracted(reading, self._fetched[reading.fetch.key])
        return self._extracted[key]

    def plugin_errors(self) -> list[PluginError]:
        """The failures of plugins themselves, among all that was extracted so far."""
        return [one.error for one in self._extracted.values() if isinstance(one.error, PluginError)]


def _extracted(reading: Reading, fetched: Fetched) -> Extracted:
    error = fetched.error
    if error is not None and reading.metric.name == SOURCE_UP and not isinstance(error, PluginError):
        down = Sample(DOWN)
        down.reason = redact(error.sentence)
        return Extracted(fetched.ended_at, (_labelled(down, reading),), failure=error)
    if error is not None:
        return Extracted(fetched.ended_at, error=error)
    payload = fetched.payload
    drawn = payload.get(reading.metric.name) if isinstance(payload, Extracts) else None
    if drawn is None:
        drawn = _drawn(reading, payload)
    if isinstance(drawn, SourceError):
        return Extracted(fetched.ended_at, error=drawn)
    return Extracted(fetched.ended_at, drawn)


def _drawn(reading: Reading, payload: Any) -> tuple[Sample, ...] | SourceError:
    try:
        samples = []
        for sample in reading.metric.samples(payload, reading.query):
            samples.append(_checked(sample, reading))
            if len(samples) > MOST_SAMPLES:
                return PluginError(f"metric {reading.metric.name} yields too many samples")
    except SourceError as error:
        return error
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the wall round a plugin
        log.exception("metric %s of source %s failed", reading.metric.name, reading.source.name)
        sentence = f"metric {reading.metric.name} failed with {type(error).__name__}: {redact(str(error))}; see the log"
        return PluginError(sentence)
    return tuple(samples)


def _checked(sample: Any, reading: Reading) -> Sample:
    """Make sure of what a plugin yields: a value that cannot be judged becomes a missing one that says why."""
    if not isinstance(sample, Sample):
        raise TypeError(f"yielded {type(sample).__name__}, not a Sample")
    reason = sample.reason if sample.is_missing else _why_unusable(sample, reading.metric)
    return _labelled(Sample.missing(redact(reason)).labelled(sample.labels) if reason else sample, reading)


def _labelled(sample: Sample, reading: Reading) -> Sample:
    """The sample with the labels of its source, and its own as text."""
    written = {**reading.source.labels, **{name: one for name, one in sample.labels.items() if one is not None}}
    labels = {**{name: _label(value) for name, value in written.items()}, "source": reading.source.name}
    return sample.labelled({name: value for name, value in labels.items() if value is not None})


def _label(value: Any) -> str | None:
    """A label as text without secrets; one that has several values keeps them apart, one that has none is none."""
    if not isinstance(value, tuple | list):
        return composed(redact(str(value)))
    values = tuple(composed(redact(str(one))) for one in value if one is not None)
    return Several(values) if len(values) > 1 else next(iter(values), None)


def composed(text: str) -> str:
    """A value of a label in the one form in which labels are compared, however a vendor composes its accents."""
    return unicodedata.normalize("NFC", text)


def _why_unusable(sample: Sample, metric: Metric[Any, Any, Any]) -> str:
    if sample.at is not None and not _is_finite(sample.at):
        return f"its time of measurement is {_shown(sample.at)}, which is none"
    if sample.levels is not None and not all(map(_is_limit, _limits_of(sample.levels))):
        return "the vendor's own limits for it are no numbers"
    value = sample.value
    if metric.is_state:
        return "" if isinstance(value, str) else f"a word was expected, {_shown(value)} came"
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"a number was expected, {_shown(value)} came"
    return "" if _is_finite(value) else f"{_shown(value)} is no value"


def _limits_of(levels: Levels) -> list[object]:
    pairs: list[Limits[Any] | None] = [levels.above, levels.below, levels.range]
    return [limit for pair in pairs if pair is not None for limit in (pair.warn, pair.crit) if limit is not None]


def _is_limit(limit: object) -> bool:
    return _is_finite(limit) or (isinstance(limit, Range) and not (math.isnan(limit.start) or math.isnan(limit.end)))


def _is_finite(value: object) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:  # an integer that no float can hold
        return False


def _shown(value: object) -> str:
    if isinstance(value, int) and abs(value) >= 1 << 64:
        return f"a number of {value.bit_length()} bits"
    return shortened(repr(value), _SHOWN + 3)
