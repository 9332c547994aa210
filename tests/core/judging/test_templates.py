"""Names and texts that operators template; whatever a template does, the state survives."""

from __future__ import annotations

import logging

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.sample import Sample
from checkmill.model.state import State
from support.rules import NOW, Check, above, expected, hosts, judged, lines, metric, rule, source

TOO_BIG = "OverflowError: Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000)."
OF = metric(labels=("host", "project"))


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ labels.host }} CPU", "web-1 CPU"),
        ("{{ labels.project }}/{{ labels.host }}", "p/web-1"),
        ("{{ check }} {{ source }} {{ metric }} {{ labels.source }}", "check shop cpu shop"),
        ("  {{ labels.host }}\n", "web-1"),
        ("fixed", "fixed"),
        ("{{ labels.nothing }}", "check web-1"),
        ("{{ '' }}", "check web-1"),
        ("{{ 1 / 0 }}", "check web-1"),
        ("", "check web-1"),
    ],
)
def test_a_service_is_called_as_the_rule_says(template: str, expected: str) -> None:
    (result,) = judged(rule(of=OF, each="host", service_template=template), hosts(5, project="p"))
    assert (result.service, result.state) == (expected, State.OK)


@pytest.mark.parametrize(
    ("template", "host"), [("{{ labels.host }}.example", "web-1.example"), ("{{ x }}", ""), ("", "")]
)
def test_a_host_is_called_as_the_rule_says(template: str, host: str) -> None:
    (result,) = judged(rule(of=OF, each="host", host_template=template), hosts(5))
    assert result.host == host


def test_a_service_that_fails_keeps_its_name() -> None:
    check = Check(rule(of=OF, each="host", service_template="{{ labels.project }}/{{ labels.host }}"))
    before = check.judged(hosts(5, project="p"))
    after = check.judged(ConnectError("refused"), at=NOW + 60)
    gone = check.judged([Sample(5, host="db-1", project="p")], at=NOW + 120)
    assert [before[0].service, after[0].service, gone[1].service] == ["p/web-1"] * 3


@pytest.mark.parametrize(
    ("template", "output"),
    [
        ("{{ text }}!", "cpu 97.2% above 90%!"),
        ("{{ value }}{{ unit }} > {{ limit }}", "97.2% > 90.0"),
        ("{{ state }} {{ service }} {{ host }}", "CRITICAL check web-1"),
        ("{{ count }} of {{ samples[0].labels.host }}: {{ samples[0].value }}", "1 of web-1: 97.2"),
        ("two\nlines", "two lines"),
        ("   ", "cpu 97.2% above 90%"),
        ("{{ nothing }}", "cpu 97.2% above 90% (its template failed: UndefinedError: 'nothing' is undefined)"),
        ("{{ 1 / 0 }}", "cpu 97.2% above 90% (its template failed: ZeroDivisionError: division by zero)"),
        (
            "{% for n in range(300000) %}x{% endfor %}",
            f"cpu 97.2% above 90% (its template failed: {TOO_BIG})",
        ),
    ],
)
def test_a_text_is_what_the_rule_says(template: str, output: str) -> None:
    (result,) = judged(rule(each="host", levels=above(90.0), text_template=template), hosts(97.2))
    assert (result.output, result.state) == (output, State.CRITICAL)


def test_a_failing_template_is_told_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "checkmill.judging"):
        judged(rule(text_template="{{ nothing }}"), hosts(1))
    assert caplog.messages == [
        "check check: the template '{{ nothing }}' cannot be filled in: UndefinedError: 'nothing' is undefined"
    ]


@pytest.mark.parametrize(
    ("template", "details"),
    [
        ("{% for one in samples %}{{ one.labels.host }}={{ one.value }}\n{% endfor %}", "web-2=2\nweb-1=1\n"),
        (
            "{{ nothing }}",
            "[OK] web-2: 2%\n[OK] web-1: 1% (its template failed: UndefinedError: 'nothing' is undefined)",
        ),
        ("", "[OK] web-2: 2%\n[OK] web-1: 1%"),
    ],
)
def test_details_are_what_the_rule_says(template: str, details: str) -> None:
    (result,) = judged(rule(details_template=template), hosts(1, 2))
    assert result.details == details


@pytest.mark.parametrize("answer", [[], ConnectError("refused"), hosts(None)], ids=["empty", "failed", "without value"])
def test_templates_work_without_a_value(answer: object) -> None:
    (result,) = judged(
        rule(text_template="{{ value }} {{ limit }} {{ state }}", details_template="{{ samples }}"), answer
    )
    assert result.output == "None None UNKNOWN"


def test_a_service_without_samples_has_the_labels_it_is_expected_by() -> None:
    check = rule(each="host", expect=expected({"host": "db-1"}), service_template="CPU {{ labels.host }}")
    assert [one.service for one in judged(check, hosts(1))] == ["CPU web-1", "CPU db-1"]


def test_common_labels_of_many_samples_reach_the_name() -> None:
    check = rule(of=OF, each="project", service_template="{{ labels.project }} {{ labels.env }}")
    check = rule(
        of=OF, each="project", service_template=check.service_template, sources=[source(labels={"env": "prod"})]
    )
    assert lines(judged(check, hosts(1, 2, project="p"))) == ["OK p prod: 2 hosts, cpu at most 2% (web-2)"]
