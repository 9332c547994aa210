"""Labels of values for graphs: distinct, and the same in every run however many samples there are."""

from __future__ import annotations

import pytest

from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from support.rules import hosts, judged, metric, rule, source

SERVER = ("host", "id", "project")
MOUNT = ("host", "id", "mount", "project")


def labels_of(of: Metric, samples: list[Sample], each: tuple[str, ...] = ()) -> list[list[str]]:
    return [[perf.label for perf in result.perfdata] for result in judged(rule(of=of, each=each), samples)]


def server(host: str, project: str = "p", **more: str) -> Sample:
    return Sample(1, host=host, id=f"id-{host}-{project}", project=project, **more)


@pytest.mark.parametrize(
    ("declared", "each", "samples", "expected"),
    [
        (("host",), (), hosts(1), [["cpu_web-1"]]),
        (("host",), (), hosts(1, 2), [["cpu_web-1", "cpu_web-2"]]),
        (("host",), ("host",), hosts(1), [["cpu"]]),
        (SERVER, (), [server("a")], [["cpu_a"]]),
        (SERVER, ("host",), [server("a")], [["cpu"]]),
        (SERVER, ("id",), [server("a")], [["cpu_a"]]),
        (SERVER, ("project",), [server("a"), server("b")], [["cpu_a", "cpu_b"]]),
        (SERVER, (), [server("a", "p"), server("a", "q"), server("b")], [["cpu_a_p", "cpu_a_q", "cpu_b"]]),
        (MOUNT, ("host",), [server("a", mount="/")], [["cpu_/"]]),
        (MOUNT, ("host", "mount"), [server("a", mount="/")], [["cpu"]]),
        (("id",), (), [Sample(1, id="7")], [["cpu_7"]]),
        (("project",), (), [Sample(1, project="p")], [["cpu"]]),
        (("project",), (), [Sample(1, project="p"), Sample(2, project="q")], [["cpu_p", "cpu_q"]]),
        ((), (), [Sample(1)], [["cpu"]]),
        (("host",), (), [Sample(1)], [["cpu"]]),
        (("host",), (), [*hosts(1), Sample.missing("HTTP 500", host="web-2")], [["cpu_web-1"]]),
    ],
)
def test_labels_come_from_what_the_metric_declares(
    declared: tuple[str, ...], each: tuple[str, ...], samples: list[Sample], expected: list[list[str]]
) -> None:
    assert labels_of(metric(labels=declared), samples, each) == expected


def test_a_second_sample_does_not_rename_the_first() -> None:
    (alone,) = labels_of(metric(labels=SERVER), [server("a")])
    (beside,) = labels_of(metric(labels=SERVER), [server("b", "q"), server("a")])
    assert set(alone) < set(beside)


def test_two_sources_are_told_apart_where_they_have_to_be() -> None:
    check = rule(sources=[source("seoul"), source("busan")])
    (result,) = judged(check, hosts(1, 2), hosts(3))
    assert [perf.label for perf in result.perfdata] == ["cpu_web-1_busan", "cpu_web-1_seoul", "cpu_web-2"]


def test_words_are_not_graphed() -> None:
    (result,) = judged(rule(of=metric("status", "", states={})), hosts("up"))
    assert result.perfdata == ()
