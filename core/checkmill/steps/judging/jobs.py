"""Judges jobs: what one told when it ended, and that one should have ended by now and did not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checkmill.model.fetch import Fetched
from checkmill.model.job import JOB, NOT_STARTED, Ended
from checkmill.model.levels import Levels, Range, Verdict
from checkmill.model.result import Perf, Result
from checkmill.model.rule import Rule
from checkmill.model.sample import Sample
from checkmill.model.secret import redact, shortened
from checkmill.model.state import State
from checkmill.steps.judging.amounts import duration, shown_limit, shown_range, shown_value
from checkmill.steps.judging.extracting import Extraction, Extracts
from checkmill.steps.judging.graphing import range_of

#: As much of a line of a job's output is shown first, and below.
_LONGEST_FIRST, _LONGEST_BELOW = 200, 500


class JobSample(Sample):
    """The end of a job, or that there was none: then it is missing, with the whole sentence as its reason."""

    __slots__ = ("is_overdue", "job")

    def __init__(self, job: Ended | None, reason: str, *, is_overdue: bool = False) -> None:
        super().__init__(None if job is None else job.word)
        self.job = job
        self.reason = redact(reason)
        self.is_overdue = is_overdue

    def labelled(self, labels: Mapping[str, str]) -> Sample:
        """The same with other labels."""
        copy = JobSample(self.job, self.reason, is_overdue=self.is_overdue)
        copy.labels = dict(labels)
        return copy


def ended(rule: Rule, job: Ended) -> Extraction:
    """What a rule is judged on when a job of it has ended."""
    return _extraction(rule, JobSample(job, job.output[-1] if job.output else ""), job.ended_at)


def overdue(rule: Rule, last: Result | None, now: float) -> Extraction:
    """What a rule is judged on when its job should have ended again. `last` is what was made of the last end."""
    every = f"expected every {duration(rule.interval_s)}"
    if last is None:
        return untold(rule, f"no job of it has ended yet, {every}", now)
    if last.checked_at > now:
        reason = f"the job last ended {duration(last.checked_at - now)} in the future, {every}; look at the clock"
        return untold(rule, reason, now)
    reason = f"the job last ended {duration(now - last.checked_at)} ago ({last.state.value}), {every}"
    return _extraction(rule, JobSample(None, reason, is_overdue=True), now)


def untold(rule: Rule, reason: str, now: float) -> Extraction:
    """What a rule is judged on when nothing is known of its job."""
    return _extraction(rule, JobSample(None, reason), now)


def _extraction(rule: Rule, sample: JobSample, at: float) -> Extraction:
    fetched = {}
    for one in rule.all_readings:
        own = sample.labelled({**one.source.labels, "source": one.source.name})
        fetched[one.fetch.key] = Fetched(at, at, payload=Extracts({JOB: (own,)}))
    return Extraction(fetched)


# What is said of it


def verdict_on_job(job: Ended, of_word: Verdict, levels: Levels | None) -> Verdict:
    """The worse of what its word means and of what the time it took means."""
    if levels is None or not job.was_started:
        return of_word
    of_time = levels.verdict_on(job.duration_s)
    return of_time if of_time.state.is_worse_than(of_word.state) else of_word


def job_text(job: Ended, verdict: Verdict) -> str:
    """The first line: how it ended, after which time, and the last line that it wrote."""
    if job.word == NOT_STARTED:
        return f"{job.word}: {shortened(job.reason, _LONGEST_FIRST)}"
    limit = verdict.limit
    text = f"{job.word} after {_taken(job.duration_s, limit)}"
    if isinstance(limit, Range):
        text += f", {shown_range(limit, 's')}"
    elif isinstance(limit, float):
        text += f", {verdict.broken} {shown_limit(limit, 's')}"
    return f"{text}: {shortened(job.output[-1], _LONGEST_FIRST)}" if job.output else text


def _taken(duration_s: float, limit: float | Range | str | None) -> str:
    """The time it took, as exact as people care, or as it needs to be to lie on its side of a limit."""
    rounded = round(duration_s, 2)
    if isinstance(limit, Range):
        return shown_value(rounded if limit.alerts(rounded) else duration_s, "s")
    if isinstance(limit, float):
        stays = (rounded > limit, rounded < limit) == (duration_s > limit, duration_s < limit)
        return shown_value(rounded if stays else duration_s, "s", beside=limit)
    return shown_value(rounded, "s")


def details_of_job(job: Ended) -> str:
    """Its last lines; nothing where the first line says it all."""
    told = len(job.output) == 1 and len(job.output[0]) <= _LONGEST_FIRST
    return "" if told else "\n".join(shortened(line, _LONGEST_BELOW) for line in job.output)


def job_perfdata(job: Ended, levels: Levels | None) -> tuple[Perf, ...]:
    """The seconds that it took, with their limits, and its exit code."""
    code = Perf("exit_code", job.code, min=0.0, max=255.0, metric=f"{JOB}_exit_code")
    if not job.was_started:
        return (code,)
    warn, crit = (range_of(levels or Levels(), state) for state in (State.WARNING, State.CRITICAL))
    taken = Perf("duration", round(job.duration_s, 3), "s", warn, crit, min=0.0, metric=f"{JOB}_duration")
    return (taken, code)


def last_told(rule: Rule, stored: Sequence[Result], now: float) -> tuple[Result | None, bool]:
    """What a job of the rule told last, if anything of that is stored, and whether it stands: until the next is due.

    Unlike what is measured it stays good when a rule file changes, since it cannot be had once more.
    """
    source = rule.readings[0].source.name
    # A result that judging could not make names no metric.
    last = next((one for one in stored if one.source == source and one.metric in {JOB, ""}), None)
    return last, last is not None and 0 <= now - last.checked_at <= rule.good_for_s
