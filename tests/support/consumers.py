"""Strict readers of what Checkmill prints, made after the consumers' own parsers; they raise on all that is odd."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import prometheus_client.openmetrics.parser
import prometheus_client.parser

_NUMBER = r"-?[0-9]+(?:\.[0-9]+)?"
_RANGE = rf"(?:@?(?:(?:{_NUMBER}|~)?:)?(?:{_NUMBER})?)"
_NAGIOS_METRIC = re.compile(
    rf"(?P<label>[A-Za-z0-9_.-]+)=(?P<value>{_NUMBER})(?P<unit>s|us|ms|%|B|KB|MB|GB|TB|c)?"
    rf"(?:;(?P<warn>{_RANGE}))?(?:;(?P<crit>{_RANGE}))?(?:;(?P<min>(?:{_NUMBER})?))?(?:;(?P<max>(?:{_NUMBER})?))?"
)
_CHECKMK_LEVELS = rf"(?:{_NUMBER}|(?:{_NUMBER})?:(?:{_NUMBER})?)?"
_CHECKMK_METRIC = re.compile(
    rf"(?P<label>[^:/\\=|;'\s]+)=(?P<value>{_NUMBER})"
    rf"(?:;(?P<warn>{_CHECKMK_LEVELS}))?(?:;(?P<crit>{_CHECKMK_LEVELS}))?"
    rf"(?:;(?P<min>(?:{_NUMBER})?))?(?:;(?P<max>(?:{_NUMBER})?))?"
)
#: Up to Checkmk 2.4.0p4 exactly one blank stands between fields; later ones allow several. Tabs never separate.
_OLD_LOCAL_LINE = re.compile(r"""([0-3P]) (?:"([^"']+)"|'([^"']+)'|([^ "']+)) ([^ ]+) (.+)""")
_NEW_LOCAL_LINE = re.compile(r"""([0-3P]) +(?:"([^"']+)"|'([^"']+)'|([^ "']+)) +([^ ]+) +(.+)""")


@dataclass(frozen=True)
class Metric:
    """One value as a consumer understood it; limits as written."""

    label: str
    value: float
    unit: str = ""
    warn: str = ""
    crit: str = ""
    min: str = ""
    max: str = ""


@dataclass(frozen=True)
class PluginOutput:
    """A plugin output taken apart. `text` is that of line 1, trimmed."""

    text: str
    metrics: tuple[Metric, ...]
    details: tuple[str, ...]

    @property
    def state(self) -> str:
        return self.text.partition(" - ")[0]


@dataclass(frozen=True)
class LocalService:
    """A line of a Checkmk local check taken apart."""

    state: int
    name: str
    metrics: tuple[Metric, ...]
    summary: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class Series:
    """One value as Prometheus understood it. The unit is that of its metric; the older text format has none."""

    name: str
    labels: dict[str, str]
    value: float
    unit: str = ""


def read_as_nagios(output: str) -> PluginOutput:
    """Split line 1 at the first pipe; a pipe in a later line would begin more values."""
    line, *details = _lines(output)
    text, pipe, values = line.partition("|")
    if any("|" in detail for detail in details):
        raise ValueError("a later line has a pipe")
    return PluginOutput(text.strip(), _metrics(values, _NAGIOS_METRIC, bool(pipe)), tuple(details))


def read_as_icinga(output: str) -> PluginOutput:
    """Split every line at its first pipe if an equals sign comes later on it."""
    texts, values = [], []
    for line in _lines(output):
        text, _, rest = line.partition("|")
        if "=" in rest:
            texts.append(text)
            values.append(rest.strip())
        else:
            texts.append(line)
    if any("::" in value for value in values):
        raise ValueError("a label opens a namespace")
    metrics = _metrics(" " + " ".join(values), _NAGIOS_METRIC, bool(values))
    return PluginOutput(texts[0].strip(), metrics, tuple(texts[1:]))


def read_as_mrpe(output: str) -> PluginOutput:
    """Split at white space first, as the Checkmk site does, with byte 1 for line ends; quotes mean nothing."""
    words = output.removesuffix("\n").replace("\n", "\x01").split()
    line, *details = " ".join(words).split("\x01")
    text, _, values = line.partition("|")
    metrics = []
    for word in values.split():
        label, equals, value = word.partition("=")
        if not equals or not label or set(label) & set(":/\\'\"") or value.startswith("U"):
            raise ValueError(f"undefined metric {word!r}")
        metrics.append(_metric(word, _NAGIOS_METRIC))
    return PluginOutput(text.strip(), tuple(metrics), tuple(details))


def read_local_lines(output: str, *, old: bool) -> list[LocalService]:
    """Read the lines of a local check as an old Checkmk site does (one blank between fields), or a new one."""
    if output and not output.endswith("\n"):
        raise ValueError("the last line does not end")
    lines = output.split("\n")[:-1]
    if len(lines) != len(output.splitlines()):
        raise ValueError("a character ends a line in some readers")
    services = [_local_service(line, _OLD_LOCAL_LINE if old else _NEW_LOCAL_LINE) for line in lines]
    if len({service.name for service in services}) != len(services):
        raise ValueError("a service name stands twice")
    return services


def read_as_prometheus(text: str) -> list[Series]:
    """Read OpenMetrics with the parser of prometheus-client, which drops what stands twice; here that is an error."""
    read = _series(text, prometheus_client.openmetrics.parser.text_string_to_metric_families)
    samples = [line for line in text.split("\n") if line and not line.startswith("#")]
    if len(samples) != len(read):
        raise ValueError("a series stands twice")
    return read


def read_as_textfile_collector(text: str) -> list[Series]:
    """Read the older text format, with the types and without the times that node_exporter takes from a file."""
    return _series(text, prometheus_client.parser.text_string_to_metric_families)


def _series(text: str, parse: Callable[[str], Iterable[prometheus_client.Metric]]) -> list[Series]:
    if not text.endswith("\n") or "\r" in text:
        raise ValueError("a line does not end as it must")
    read = []
    families = list(parse(text))
    if len({family.name for family in families}) != len(families):
        raise ValueError("the lines of a metric do not stand together")
    for family in families:
        if family.type not in {"gauge", "counter"} or not family.documentation:
            raise ValueError(f"{family.name} is a {family.type}: {family.documentation!r}")
        for sample in family.samples:
            if sample.timestamp is not None:
                raise ValueError(f"{sample.name} has a time")
            if any(not value or label.startswith("_") for label, value in sample.labels.items()):
                raise ValueError(f"doubtful labels: {sample.labels}")
            read.append(Series(sample.name, sample.labels, float(sample.value), family.unit))
    if len({(one.name, frozenset(one.labels.items())) for one in read}) != len(read):
        raise ValueError("a series stands twice")
    return read


def _local_service(line: str, grammar: re.Pattern[str]) -> LocalService:
    match = grammar.fullmatch(line.strip())
    if match is None:
        raise ValueError(f"invalid data: {line!r}")
    state, double, single, bare, metrics, text = match.groups()
    name = double or single or bare
    if state == "P" or name != name.strip() or text.startswith("\\n") or line.startswith("<<<"):
        raise ValueError(f"doubtful: {line!r}")
    summary, *details = text.split("\\n")
    if not summary.strip():
        raise ValueError("no text")
    read = () if metrics == "-" else tuple(_metric(metric, _CHECKMK_METRIC) for metric in metrics.split("|"))
    _refuse_repeated(read)
    return LocalService(int(state), name, read, summary, tuple(details))


def _lines(output: str) -> list[str]:
    if not output.endswith("\n"):
        raise ValueError("the output does not end with a line end")
    lines = output.removesuffix("\n").split("\n")
    if not lines[0].strip():
        raise ValueError("the first line is blank")
    if lines != output.splitlines():
        raise ValueError("a character ends a line in some readers")
    return lines


def _metrics(values: str, grammar: re.Pattern[str], announced: bool) -> tuple[Metric, ...]:
    if not announced:
        return ()
    read = tuple(_metric(metric, grammar) for metric in values.removeprefix(" ").split(" "))
    _refuse_repeated(read)
    return read


def _metric(written: str, grammar: re.Pattern[str]) -> Metric:
    match = grammar.fullmatch(written)
    if match is None:
        raise ValueError(f"not a metric: {written!r}")
    fields = {name: value or "" for name, value in match.groupdict().items()}
    return Metric(**{**fields, "value": float(fields["value"])})


def _refuse_repeated(metrics: tuple[Metric, ...]) -> None:
    if len({metric.label for metric in metrics}) != len(metrics):
        raise ValueError("a label stands twice")
