"""The plugin output, compared whole."""

import math

import pytest

from checkmill.model.levels import Range
from checkmill.model.result import Perf, Result
from checkmill.model.state import State
from checkmill.steps.rendering import combined, nagios
from support.consumers import read_as_icinga, read_as_mrpe, read_as_nagios

WEB_1 = Result(
    "cpu",
    "cpu web-1",
    State.CRITICAL,
    "97.2% above 90%",
    source="shop",
    metric="cpu",
    labels={"host": "web-1"},
    perfdata=(Perf("cpu", 97.2, "%", Range(-math.inf, 80), Range(-math.inf, 90), 0, 100),),
    checked_at=1753000000.25,
)
WEB_2 = Result("cpu", "cpu 웹", State.OK, "3%", labels={"host": "웹"}, perfdata=(Perf("cpu", 3.0, "%"),))
WEB_3 = Result(
    "cpu", "cpu web-3", State.UNKNOWN, "no value", labels={"host": "web-3"}, perfdata=(Perf("cpu", math.nan),)
)


def one(output="fine", *, details="", perfdata=(), state=State.OK):
    return nagios([Result("c", "s", state, output, details=details, perfdata=perfdata)])


def test_no_results_are_unknown():
    assert nagios([]) == "UNKNOWN - no results\n"


def test_one_service_is_one_line():
    assert nagios([WEB_1]) == "CRITICAL - 97.2% above 90% | cpu=97.2%;80;90;0;100\n"


def test_many_services_lead_with_the_worst():
    assert nagios([WEB_2, WEB_3, WEB_1]) == (
        "CRITICAL - 2 of 3 services not OK: cpu web-1: 97.2% above 90%, cpu web-3: no value"
        " (not finite, left out: web-3_cpu) | cpu-d6e9b9fa=3% web-1_cpu=97.2%;80;90;0;100\n"
        "[CRITICAL] cpu web-1: 97.2% above 90%\n"
        "[UNKNOWN] cpu web-3: no value\n"
        "[OK] cpu 웹: 3%\n"
    )


def test_many_good_services_are_only_counted():
    assert nagios([WEB_2, WEB_2]).splitlines()[0].startswith("OK - 2 services OK | ")


def test_verbose_output_says_what_was_measured_when():
    assert nagios([WEB_1], verbosity=2) == (
        "CRITICAL - 97.2% above 90% | cpu=97.2%;80;90;0;100\n"
        "cpu web-1: check cpu, source shop, metric cpu, at 2025-07-20T08:26:40.250+00:00\n"
        "cpu web-1: cpu = 97.2 %, warn ~:80, crit ~:90\n"
    )


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("", "OK - no text\n"),
        (" \t\n", "OK - no text\n"),
        ("\u200b", "OK - no text\n"),
        ("\n\nfirst", "OK - first\n"),
        ("a | b = c", "OK - a ¦ b = c\n"),
        ("a; b", "OK - a, b\n"),
        ("a\r\nb\tc\x00d\x1b[31me\x7ff\u2028g", "OK - a b c d [31me f g\n"),
        ("user\u202egnp.exe", "OK - usergnp.exe\n"),
        ("half \ud83d", "OK - half \ufffd\n"),
        ("한글 <b>$HOSTNAME$ C:\\new", "OK - 한글 <b>$HOSTNAME$ C:\\new\n"),
    ],
)
def test_text_is_cleaned(output, shown):
    assert one(output) == shown


def test_details_follow_without_pipes_and_blank_lines():
    assert one(details="\n a | b=1\r\n\n\tc; d\n") == "OK - fine\n a ¦ b=1\n c; d\n"


@pytest.mark.parametrize(
    ("perf", "shown"),
    [
        (Perf("zero", 0.0), "zero=0"),
        (Perf("minus", -0.5), "minus=-0.5"),
        (Perf("tiny", 1e-12), "tiny=0.000000000001"),
        (Perf("huge", 1e22), "huge=10000000000000000000000"),
        (Perf("t", 1.5, "s"), "t=1.5s"),
        (Perf("rate", 7, "B/s"), "rate=7"),
        (Perf("a b's", 1), "a_b_s=1"),
        (Perf("", 1), "value=1"),
        (Perf("a::b=c|d", 1), "a__b_c_d=1"),
        (Perf("/", 1), "_=1"),
        (Perf("호스트", 1), "x3fba2985=1"),
        (Perf("v", 1, warn=Range(-math.inf, 5), crit=Range(0, 9)), "v=1;5;9"),
        (Perf("v", 1, warn=Range(10), crit=Range(5)), "v=1;10:;5:"),
        (Perf("v", 1, crit=Range(10, 20), min=0), "v=1;;10:20;0"),
        (Perf("v", 1, warn=Range(10, 20, inside=True)), "v=1;@10:20"),
        (Perf("v", 1, warn=Range(-math.inf, math.inf), crit=Range(math.nan, 3), max=math.inf), "v=1"),
    ],
    ids=lambda value: value.label if isinstance(value, Perf) else value,
)
def test_values_are_spelled_for_every_reader(perf, shown):
    assert one(perfdata=(perf,)) == f"OK - fine | {shown}\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10**400])
def test_a_value_that_is_not_finite_is_left_out_and_said(value):
    assert one(perfdata=(Perf("load", value), Perf("cpu", 1))) == "OK - fine (not finite, left out: load) | cpu=1\n"


@pytest.mark.parametrize("read", [read_as_nagios, read_as_icinga, read_as_mrpe])
def test_labels_stay_apart(read):
    labels = ["a b", "a_b", "a/b", "a_b", "서버 1", "서버 2", "x" * 90, "x" * 91]
    metrics = read(one(perfdata=tuple(Perf(label, at) for at, label in enumerate(labels)))).metrics
    assert [metric.value for metric in metrics] == list(range(8))
    assert metrics[1].label == "a_b"


def test_a_label_does_not_depend_on_the_labels_beside_it():
    alone = read_as_nagios(one(perfdata=(Perf("서버", 1),))).metrics[0].label
    beside = read_as_nagios(one(perfdata=(Perf("서비스", 1), Perf("서버", 1)))).metrics[1].label
    assert alone == beside


def test_a_long_text_is_shortened_on_line_1_and_whole_below():
    output = one("가" * 300, perfdata=(Perf("cpu", 1),))
    line, below = output.splitlines()
    assert line == "OK - " + "가" * 130 + "… | cpu=1"
    assert below == "가" * 300


def test_line_1_passes_nrpe_version_2_while_the_text_can_give_way():
    perfdata = tuple(Perf(f"metric-{number:03}", number) for number in range(50))
    line = one("x" * 900, perfdata=perfdata).splitlines()[0]
    assert len(line.encode()) <= 1000
    assert len(read_as_nagios(line + "\n").metrics) == 50


def test_values_beyond_8_kib_are_dropped_whole_and_counted():
    output = one("x" * 900, details="y" * 9000, perfdata=tuple(Perf(f"m{n}", n, "%") for n in range(2000)))
    read = read_as_nagios(output)
    assert len(output.encode()) <= 8191
    assert read.metrics[-1].label == f"m{len(read.metrics) - 1}"
    assert f"({2000 - len(read.metrics)} of 2000 metrics left out)" in read.text


def test_details_beyond_8_kib_are_cut_with_a_note():
    output = one(details="\n".join(["한" * 30] * 200))
    *lines, note = read_as_nagios(output).details
    assert 8000 < len(output.encode()) <= 8191
    assert set(lines) == {"한" * 30}
    assert note == f"… {200 - len(lines)} more lines left out"


def test_a_single_endless_detail_is_cut_inside():
    output = one(details="한" * 9000)
    assert len(output.encode()) <= 8191
    assert output.endswith("한…\n")


def test_combining_one_result_changes_nothing():
    assert combined([WEB_1]) is WEB_1


def test_combined_results_name_three_and_count_the_rest():
    results = [Result("c", f"s{n}", State.WARNING, "w" * 500, checked_at=float(n)) for n in range(5)]
    whole = combined(results)
    shown = "; ".join(f"s{n}: " + "w" * 93 + "…" for n in range(3))
    assert whole.output == f"5 of 5 services not OK: {shown}; and 2 more"
    assert (whole.check, whole.state, whole.checked_at, whole.failed) == ("c", State.WARNING, 0.0, False)


@pytest.mark.parametrize(
    ("states", "worst"),
    [
        ([State.OK, State.WARNING], State.WARNING),
        ([State.WARNING, State.UNKNOWN], State.UNKNOWN),
        ([State.UNKNOWN, State.CRITICAL, State.OK], State.CRITICAL),
        ([], State.UNKNOWN),
    ],
)
def test_the_worst_state_is_that_of_all(states, worst):
    assert combined([Result("c", "s", state, "x") for state in states]).state is worst
