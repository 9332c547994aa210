"""Whatever vendors and rule files put into names, labels, texts and values, every consumer reads what was meant."""

import json
import math
import re
import sys

from hypothesis import example, given, settings
from hypothesis import strategies as st

from checkmill.model.levels import Range
from checkmill.model.result import Perf, Result
from checkmill.model.state import State, worst_of
from checkmill.steps.rendering import checkmk_local, json_lines, json_list, nagios, openmetrics, table
from support.consumers import read_as_icinga, read_as_mrpe, read_as_nagios, read_as_prometheus, read_local_lines

# A slow machine is no failure.
unhurried = settings(deadline=None)

PIECES = ["|", "=", "'", '"', ";", "::", "\\n", "\\", "\n", "\r\n", "\t", "\x00", "\x1b[2J", "\x7f", "\x85", "\u2028"]
PIECES += ["\u202e", "\ufeff", "\ud800", "한글", "<<<local>>>", "[bold]", "a", " ", "U", "`", "$X$", "x" * 300]
texts = st.lists(st.sampled_from(PIECES) | st.text(st.characters(), max_size=5), max_size=6).map("".join)
numbers = st.floats() | st.integers() | st.sampled_from([0.0, -0.0, 1e-12, 1e22, 10**400, 5e-324, 1.8e308])
bounds = st.none() | st.floats()


@st.composite
def ranges(draw):
    start, end = sorted([draw(st.floats(allow_nan=False)), draw(st.floats(allow_nan=False))])
    return Range(start, end, draw(st.booleans()))


values = st.builds(
    Perf,
    label=texts,
    value=numbers,
    unit=st.sampled_from(["", "%", "B/s", "s", "한", " "]) | texts,
    warn=st.none() | ranges(),
    crit=st.none() | ranges(),
    min=bounds,
    max=bounds,
)
results = st.builds(
    Result,
    check=texts,
    service=texts,
    state=st.sampled_from(State),
    output=texts,
    host=texts,
    details=texts,
    perfdata=st.lists(values, max_size=4).map(tuple),
    labels=st.dictionaries(texts, texts, max_size=2),
    checked_at=st.floats(),
)
several = st.lists(results, max_size=4)
CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def finite_values(given_results):
    values_in_order = [perf.value for result in given_results for perf in result.perfdata]
    return [float(value) for value in values_in_order if abs(value) <= sys.float_info.max]


def refuse_what_terminals_act_on(text):
    assert not CONTROLS.search(text)
    text.encode()


@unhurried
@given(several)
@example([])
def test_plugin_output_is_read_alike_by_all_three_readers(given_results):
    output = nagios(given_results, verbosity=2)
    refuse_what_terminals_act_on(output)
    read = read_as_nagios(output)
    assert read_as_icinga(output) == read
    by_mrpe = read_as_mrpe(output)
    assert by_mrpe.metrics == read.metrics
    assert by_mrpe.text == " ".join(read.text.split())
    assert read.state == worst_of(result.state for result in given_results).value
    expected = finite_values(given_results)
    assert [metric.value for metric in read.metrics] == expected[: len(read.metrics)]
    assert (len(read.metrics) == len(expected)) != ("metrics left out)" in read.text)


@unhurried
@given(several, st.integers(0, 300), st.integers(0, 900))
def test_plugin_output_keeps_its_budgets(given_results, times, extra):
    grown = [
        Result(
            "c",
            result.service,
            result.state,
            result.output * times,
            details=(result.details + "\n") * times,
            perfdata=result.perfdata + tuple(Perf(f"m{number}", number) for number in range(extra)),
        )
        for result in given_results
    ]
    output = nagios(grown)
    line = output.splitlines()[0]
    text, pipe, perfdata = line.partition(" | ")
    assert len(output.encode()) <= 8191
    assert len(text.encode()) <= 400
    assert len(line.encode()) <= 1000 or len(text.encode()) <= 200 or len((pipe + perfdata).encode()) <= 600


@unhurried
@given(several)
def test_local_lines_are_read_by_old_and_new_sites(given_results):
    output = checkmk_local(given_results)
    refuse_what_terminals_act_on(output)
    services = read_local_lines(output, old=True)
    assert read_local_lines(output, old=False) == services
    assert [service.state for service in services] == [result.state.exit_code for result in given_results]
    for service, result in zip(services, given_results, strict=True):
        assert [metric.value for metric in service.metrics] == finite_values([result])
        assert all(metric.label.startswith("cm_") for metric in service.metrics)


@unhurried
@given(several)
def test_json_comes_back_as_it_was(given_results):
    def refuse(constant):
        raise AssertionError(constant)

    document = json_list(given_results)
    objects = json.loads(document, parse_constant=refuse)
    lines = json_lines(given_results)
    assert objects == [json.loads(line, parse_constant=refuse) for line in lines.splitlines()]
    document.encode()
    for read, result in zip(objects, given_results, strict=True):
        assert read["output"] == re.sub("[\ud800-\udfff]", "\ufffd", result.output)
        assert read["state"] == result.state.value
        for perf, value in zip(read["perfdata"], result.perfdata, strict=True):
            finite = abs(value.value) <= sys.float_info.max
            assert perf["value"] == (value.value if finite else None)


@unhurried
@given(several, st.none() | st.integers(1, 200))
def test_a_table_shows_every_state_and_no_control(given_results, width):
    text = table(given_results, width=width, color=False, now=1753000000.0)
    refuse_what_terminals_act_on(text)
    assert not re.search(r"[ ]+$", text, re.MULTILINE)
    if given_results and width is None:
        shown = [line.split()[0] for line in text.splitlines()[1:-2]]
        assert sorted(shown) == sorted(result.state.value for result in given_results)


@unhurried
@given(results)
def test_every_form_gives_the_same_state_and_values(result):
    plugin = read_as_nagios(nagios([result]))
    (service,) = read_local_lines(checkmk_local([result]), old=True)
    (read,) = json.loads(json_list([result]))
    series = read_as_prometheus(openmetrics([result]))
    states = {State(plugin.state), State(read["state"]), result.state}
    assert {state.exit_code for state in states} == {service.state, series[0].value, read["exit_code"]}
    by_json = [perf["value"] for perf in read["perfdata"] if perf["value"] is not None]
    by_prometheus = [one.value for one in series if one.name != "checkmill_checked_at_seconds"][1:]
    assert [metric.value for metric in plugin.metrics] == [metric.value for metric in service.metrics] == by_json
    # Prometheus holds every value as a double.
    assert sorted(by_prometheus) == sorted(map(float, by_json))


def test_zero_is_not_taken_for_absent():
    perf = Perf("v", 0.0, warn=Range(-math.inf, 0.0), crit=Range(0.0, 0.0), min=0.0, max=0.0)
    assert nagios([Result("c", "s", State.OK, "x", perfdata=(perf,))]) == "OK - x | v=0;0;0;0;0\n"
