"""OpenMetrics, compared whole and read by prometheus-client, as OpenMetrics and as the older text format."""

import math
import re
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkmill.model.levels import Range
from checkmill.model.result import Perf, Result
from checkmill.model.state import State
from checkmill.steps.rendering import openmetrics
from support.consumers import Series, read_as_prometheus, read_as_textfile_collector

WEB = Result(
    "cpu",
    "cpu web-1",
    State.CRITICAL,
    "cpu 97.2% above 90%",
    source="shop",
    metric="cpu",
    perfdata=(Perf("cpu", 97.2, "%", Range(-math.inf, 80), Range(-math.inf, 90), 0, 100),),
    labels={"host": "web-1"},
    checked_at=1753000000.25,
)
DISKS = Result(
    "disks",
    "disks",
    State.OK,
    "2 mounts fine",
    source="shop",
    metric="disk_free_bytes",
    host="db-1",
    perfdata=(Perf("disk_free_bytes_/", 21474836480, "B"), Perf("disk_free_bytes_C:\\", 0, "B")),
    checked_at=1753000001.0,
)
GONE = Result("cpu", "cpu 웹-2", State.UNKNOWN, "no answer", source="shop", metric="cpu", labels={"host": "웹-2"})


def read(*results: Result) -> list[Series]:
    text = openmetrics(results)
    series = read_as_prometheus(text)
    # A file for node_exporter is read by the rules of the older format, which has no units.
    assert [(one.name, one.labels, one.value) for one in read_as_textfile_collector(text)] == [
        (one.name, one.labels, one.value) for one in series
    ]
    return series


def result(**more) -> Result:
    return Result(**{"check": "c", "service": "s", "state": State.OK, "output": "fine", "metric": "m", **more})


def values_of(*perfdata: Perf, metric: str = "m") -> list[Series]:
    series = read(result(metric=metric, perfdata=perfdata))
    assert [one.name for one in series[:2]] == ["checkmill_state", "checkmill_checked_at_seconds"]
    return series[2:]


def test_states_times_and_values_stand_under_what_is_told_of_them():
    assert openmetrics([WEB, DISKS, GONE]) == (
        "# HELP checkmill_state State of the service: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.\n"
        "# TYPE checkmill_state gauge\n"
        'checkmill_state{check="cpu",service="cpu web-1",host="web-1",source="shop",metric="cpu"} 2\n'
        'checkmill_state{check="disks",service="disks",host="db-1",source="shop",metric="disk_free_bytes"} 0\n'
        'checkmill_state{check="cpu",service="cpu 웹-2",host="웹-2",source="shop",metric="cpu"} 3\n'
        "# HELP checkmill_checked_at_seconds When the service was measured, in seconds since 1970.\n"
        "# TYPE checkmill_checked_at_seconds gauge\n"
        "# UNIT checkmill_checked_at_seconds seconds\n"
        'checkmill_checked_at_seconds{check="cpu",service="cpu web-1",host="web-1",source="shop",metric="cpu"}'
        " 1753000000.25\n"
        'checkmill_checked_at_seconds{check="disks",service="disks",host="db-1",source="shop",'
        'metric="disk_free_bytes"} 1753000001\n'
        'checkmill_checked_at_seconds{check="cpu",service="cpu 웹-2",host="웹-2",source="shop",metric="cpu"} 0\n'
        "# HELP checkmill_cpu_percent What checks measured as cpu_percent.\n"
        "# TYPE checkmill_cpu_percent gauge\n"
        "# UNIT checkmill_cpu_percent percent\n"
        'checkmill_cpu_percent{check="cpu",service="cpu web-1",host="web-1",source="shop",metric="cpu"} 97.2\n'
        "# HELP checkmill_disk_free_bytes What checks measured as disk_free_bytes.\n"
        "# TYPE checkmill_disk_free_bytes gauge\n"
        "# UNIT checkmill_disk_free_bytes bytes\n"
        'checkmill_disk_free_bytes{check="disks",service="disks",host="db-1",source="shop",'
        'metric="disk_free_bytes",perfdata="disk_free_bytes_/"} 21474836480\n'
        'checkmill_disk_free_bytes{check="disks",service="disks",host="db-1",source="shop",'
        'metric="disk_free_bytes",perfdata="disk_free_bytes_C:\\\\"} 0\n'
        "# EOF\n"
    )
    assert len(read(WEB, DISKS, GONE)) == 9


def test_no_results_are_an_end_alone():
    assert openmetrics([]) == "# EOF\n"
    assert read() == []


@pytest.mark.parametrize("state", State)
def test_every_state_is_its_exit_code(state):
    assert read(result(state=state))[0] == Series(
        "checkmill_state", {"check": "c", "service": "s", "metric": "m"}, state.exit_code
    )


@pytest.mark.parametrize(
    ("metric", "unit", "name", "told"),
    [
        ("cpu", "%", "checkmill_cpu_percent", "percent"),
        ("disk_free_bytes", "B", "checkmill_disk_free_bytes", "bytes"),
        ("uptime", "s", "checkmill_uptime_seconds", "seconds"),
        ("response_time", "ms", "checkmill_response_time_milliseconds", "milliseconds"),
        ("net_in", "B/s", "checkmill_net_in_bytes_per_second", "bytes_per_second"),
        ("net_in", "bit/s", "checkmill_net_in_bits_per_second", "bits_per_second"),
        ("load1", "", "checkmill_load1", ""),
        ("disk_iops", "1/s", "checkmill_disk_iops", ""),
        ("temperature", "°C", "checkmill_temperature", ""),
        ("cpu_percent", "", "checkmill_cpu_percent", "percent"),
        ("percent", "%", "checkmill_percent", "percent"),
        ("1min", "", "checkmill_1min", ""),
        ("a.b-c d", "", "checkmill_a_b_c_d", ""),
        ("state", "", "checkmill_state_value", ""),
        ("checked_at", "s", "checkmill_checked_at_value_seconds", "seconds"),
        ("checked_at_seconds", "", "checkmill_checked_at_value_seconds", "seconds"),
        ("", "", "checkmill_value", ""),
        ("부하", "", "checkmill_xec4727b7", ""),
    ],
)
def test_values_are_named_by_metric_and_unit(metric, unit, name, told):
    (value,) = values_of(Perf(metric, 1, unit), metric=metric)
    assert (value.name, value.unit) == (name, told)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (-1.5, "-1.5"),
        (1e-12, "0.000000000001"),
        (0.1 + 0.2, "0.30000000000000004"),
        (2**60 + 1, "1152921504606846977"),
        (1e22, "10000000000000000000000"),
    ],
)
def test_values_are_whole_and_plain(value, text):
    assert openmetrics([result(perfdata=(Perf("m", value),))]).endswith(f'metric="m"}} {text}\n# EOF\n')


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400], ids=["nan", "inf", "-inf", "too large"])
def test_what_is_not_finite_is_left_out(value):
    assert values_of(Perf("m", value)) == []
    assert [one.name for one in read(result(checked_at=value))] == ["checkmill_state"]


@pytest.mark.parametrize(
    ("given_labels", "shown"),
    [
        ({}, {}),
        ({"mount": "/"}, {"mount": "/"}),
        ({"mount": ""}, {}),
        ({"host": "web-1"}, {"host": "web-1"}),
        ({"check": "c"}, {}),
        ({"service": "billing"}, {"label_service": "billing"}),
        ({"service": "a", "label_service": "b"}, {"label_service": "a", "label_service_2": "b"}),
        ({"perfdata": "a", "repeat": "b"}, {"label_perfdata": "a", "label_repeat": "b"}),
        ({"__name__": "a"}, {"label___name__": "a"}),
        ({"1st": "a"}, {"label_1st": "a"}),
        ({"k8s.io/zone": "a"}, {"k8s_io_zone": "a"}),
        ({"a.b": "1", "a_b": "2", "a-b": "3"}, {"a_b_1eef715d": "1", "a_b": "2", "a_b_35c2229e": "3"}),
        ({"": "a"}, {"value": "a"}),
        ({"호스트": "a"}, {"x3fba2985": "a"}),
    ],
    ids=lambda labels: " ".join(labels) or "none",
)
def test_label_names_are_words_and_stay_apart(given_labels, shown):
    labels = read(result(labels=given_labels))[0].labels
    assert labels == {"check": "c", "service": "s", "metric": "m"} | shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('a "b"', 'a "b"'),
        ("C:\\new", "C:\\new"),
        ("end\\", "end\\"),
        ("two\nlines", "two\nlines"),
        (" blanks ", " blanks "),
        ("a,b=}{# EOF", "a,b=}{# EOF"),
        ("한글", "한글"),
        ("a\tb\r\x1b[2Jc", "a b [2Jc"),
        ("a\u202eb\ufeff", "ab"),
        ("half \ud800", "half \ufffd"),
    ],
    ids=ascii,
)
def test_label_values_come_back_without_what_acts_on_terminals(value, shown):
    assert read(result(labels={"tag": value}))[0].labels["tag"] == shown


def test_values_of_one_metric_are_told_apart_by_their_labels():
    values = values_of(Perf("m", 1), Perf("m_a", 2), Perf("m", 3), Perf("", 4), Perf("m_a", 5, "%"))
    assert [(one.name, one.labels.get("perfdata"), one.value) for one in values] == [
        ("checkmill_m", None, 1),
        ("checkmill_m", "m_a", 2),
        ("checkmill_m", "m-2", 3),
        ("checkmill_m", "m-3", 4),
        ("checkmill_m_percent", "m_a-2", 5),
    ]


def test_equal_results_are_numbered_in_all_they_give():
    twice = [result(perfdata=(Perf("m", number),)) for number in (1, 2)]
    assert [(one.name, one.labels.get("repeat")) for one in read(*twice)] == [
        ("checkmill_state", None),
        ("checkmill_state", "2"),
        ("checkmill_checked_at_seconds", None),
        ("checkmill_checked_at_seconds", "2"),
        ("checkmill_m", None),
        ("checkmill_m", "2"),
    ]


def test_metrics_whose_names_become_equal_share_a_name_and_differ_by_label():
    series = read(*(result(metric=metric, perfdata=(Perf(metric, 1),)) for metric in ("a.b", "a-b")))
    assert [(one.name, one.labels["metric"]) for one in series[4:]] == [
        ("checkmill_a_b", "a.b"),
        ("checkmill_a_b", "a-b"),
    ]


PIECES = ['"', "\\", "\\n", "\n", "\r", "\t", "\x00", "\x1b[2J", "\x85", "\u2028", "\u202e", "\ud800", "{", "}", ","]
PIECES += ["=", "# EOF", " # ", "_", "__name__", "le", "host", "service", "repeat", "perfdata", "label_host", "한글"]
PIECES += [" ", "state", "checked_at", "_seconds", "x" * 80]
texts = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=5), max_size=4).map("".join)
numbers = st.floats() | st.integers() | st.sampled_from([0.0, -0.0, 5e-324, 1.8e308, 10**400])
values = st.builds(Perf, texts, numbers, st.sampled_from(["", "%", "B", "s", "B/s"]) | texts)
results = st.builds(
    Result,
    check=texts,
    service=texts,
    state=st.sampled_from(State),
    output=texts,
    source=texts,
    metric=texts,
    host=texts,
    perfdata=st.lists(values, max_size=4).map(tuple),
    labels=st.dictionaries(texts, texts, max_size=4),
    checked_at=st.floats(),
)
several = st.lists(results, max_size=3).flatmap(lambda some: st.sampled_from([some, some + some[:1]]))
#: What terminals act on and what UTF-8 cannot say; line ends stand in a label as two harmless characters.
ACTED_ON = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@settings(deadline=None)
@given(several)
@example([])
def test_every_state_value_and_label_comes_back(given_results):
    text = openmetrics(given_results)
    assert not ACTED_ON.search(text)
    series = read(*given_results)
    states = [one for one in series if one.name == "checkmill_state"]
    assert [one.value for one in states] == [each.state.exit_code for each in given_results]
    times = [one.value for one in series if one.name == "checkmill_checked_at_seconds"]
    assert times == [each.checked_at for each in given_results if math.isfinite(each.checked_at)]
    measured = [one.value for one in series if one.name not in {"checkmill_state", "checkmill_checked_at_seconds"}]
    # Prometheus holds every value as a double.
    finite = [
        float(perf.value) for each in given_results for perf in each.perfdata if abs(perf.value) <= sys.float_info.max
    ]
    assert sorted(measured) == sorted(finite)
    for one, each in zip(states, given_results, strict=True):
        given_values = {each.check, each.service, each.host, each.source, each.metric, *each.labels.values()} - {""}
        assert {value for value in given_values if not ACTED_ON.search(value)} <= set(one.labels.values())


@settings(deadline=None)
@given(several)
def test_what_is_told_of_a_metric_follows_from_its_name_alone(given_results):
    # node_exporter refuses two files that tell of one metric in two ways.
    def told(text):
        return {tuple(line.split(" ", 3)) for line in text.split("\n") if line.startswith("# ") and line != "# EOF"}

    together = told(openmetrics(given_results))
    assert together == set().union(*(told(openmetrics([each])) for each in given_results))
    assert len({(kind, name) for _, kind, name, _ in together}) == len(together)
