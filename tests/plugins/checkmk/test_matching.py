"""What came against what was asked for: names, sites, SLAs and keys in every form, and nothing missing in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checkmill.api.v1 import Sample
from checkmill_checkmk.results import ABSENT
from checkmill_checkmk.settings import Named
from plugins.checkmk.documented import (
    HOST,
    LAST_WEEK,
    SERVICE,
    SLA,
    Site,
    computation,
    envelope,
    key,
    labels,
    of_one,
    only,
    result,
    said,
    samples,
    settings,
    span,
)

WEEK_TEXT = "weekly, 2018-06-17 22:00+00:00 to 2018-06-24 22:00+00:00"


def _week(number: int) -> tuple[float, float]:
    """The week so many weeks after the one that is closed last."""
    return LAST_WEEK[0] + number * 604800.0, LAST_WEEK[1] + number * 604800.0


def _without(row: Any, *names: str) -> Any:
    return {name: value for name, value in row.items() if name not in names}


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"mysite": {}},
        {"mysite": {HOST: {}}},
        {"mysite": {HOST: {SERVICE: {}}}},
        {"mysite": {"other": {SERVICE: {key("other"): result()}}}},
        {"mysite": {HOST: {"Memory": {key(HOST, "Memory"): result()}}}},
        {"mysite": {HOST: {SERVICE: {key(sla="other"): result(sla="other")}}}},
        {"mysite": {HOST.upper(): {SERVICE: {key(HOST.upper()): result()}}}},
    ],
    ids=["nothing", "no host", "no service", "no result", "another host", "another service", "another SLA", "MYHOST"],
)
def test_what_was_asked_for_and_did_not_come_is_missing(answer: Any) -> None:
    expected = {name: value for name, value in labels().items() if name != "site"}
    assert samples("sla_broken", answer) == [Sample.missing(ABSENT, **expected)]


@pytest.mark.parametrize(
    ("odd", "reason"),
    [
        (("no", SLA), "the key of its result names another service"),
        ((("a", "b", "c"), SLA), "the key of its result names another service"),
        ((("other", SERVICE), SLA), "the key of its result names another service"),
        (((HOST, 5), SLA), "the key of its result names another service"),
        (((HOST,), 5), "the key of its result is not as documented"),
        ((5,), "the key of its result is not as documented"),
        (5, "the key of its result is not as documented"),
    ],
)
def test_a_key_that_says_something_else_than_its_place_is_not_believed(odd: Any, reason: str) -> None:
    found = only(samples("sla_broken", {"mysite": {HOST: {SERVICE: {odd: result()}}}}))
    assert (found.is_missing, found.reason) == (True, reason)


@pytest.mark.parametrize(
    "third", [("sla_period_range", (1, 0)), "w1", ("age", 5), None], ids=["documented", "w1", "age", "none"]
)
def test_the_time_range_in_a_key_does_not_matter(third: Any) -> None:
    answer = {"mysite": {HOST: {SERVICE: {((HOST, SERVICE), SLA, third, "weekly"): result()}}}}
    assert only(samples("sla_broken", answer)).value == "fulfilled"


@pytest.mark.parametrize("numbers", [(5, 0), (0, 0), (1, 1), [2, 0]])
def test_a_key_of_other_sla_periods_than_were_asked_for_is_not_believed(numbers: Any) -> None:
    odd = ((HOST, SERVICE), SLA, ("sla_period_range", tuple(numbers)), "weekly")
    found = only(samples("sla_broken", {"mysite": {HOST: {SERVICE: {odd: result()}}}}))
    start, lookback = numbers
    assert found.reason == f"the key of its result is that of sla:{start}:{lookback}, and sla:1:0 was asked for"


def test_a_key_and_a_result_of_two_cycles_are_not_believed() -> None:
    found = only(samples("sla_broken", {"mysite": {HOST: {SERVICE: {key(cycle="monthly"): result()}}}}))
    assert found.reason == "its result and the key of it name two kinds of SLA period"


@pytest.mark.parametrize("sites", [("", " "), ("\ud800", "\udfff"), ("(no name)", "")])
def test_two_sites_that_are_shown_alike_hide_nothing(sites: tuple[str, str]) -> None:
    answer = {site: of_one(result(computation(span(broken=site == sites[1]))))["mysite"] for site in sites}
    assert only(samples("sla_broken", answer)).reason == "2 results came for it where one was asked for"


def test_a_site_that_shows_one_sla_of_a_service_is_expected_to_show_all() -> None:
    def rows(*slas: str) -> Any:
        return {HOST: {SERVICE: {key(sla=sla): result(sla=sla) for sla in slas}}}

    found = samples("sla_broken", {"a": rows("gold", "silver"), "b": rows("gold")}, sla=("gold", "silver"))
    assert {(one.labels["site"], one.labels["sla"]): one.value for one in found} == {
        ("a", "gold"): "fulfilled",
        ("a", "silver"): "fulfilled",
        ("b", "gold"): "fulfilled",
        ("b", "silver"): None,
    }


def test_a_result_answers_for_the_service_that_bears_its_name_alone() -> None:
    answer = {"mysite": {HOST: {"Ã¶": {key(HOST, "Ã¶"): result()}}}}
    found = samples("sla_broken", answer, services=((HOST, "ö"), (HOST, "Ã¶")))
    assert [(one.labels["service"], one.value) for one in found] == [("ö", None), ("Ã¶", "fulfilled")]


def test_two_results_for_one_thing_are_no_result() -> None:
    twice = {key(): result(), (*key()[:2], "w1", "weekly"): result(computation(span(broken=True)))}
    found = only(samples("sla_broken", {"mysite": {HOST: {SERVICE: twice}}}))
    assert found == Sample.missing("2 results came for it where one was asked for", **labels())
    same = {key(): result(), (*key()[:2], "w1", "weekly"): result()}
    assert only(samples("sla_broken", {"mysite": {HOST: {SERVICE: same}}})).value == "fulfilled"


def test_one_service_of_several_sites_is_as_many_services() -> None:
    answer = {site: of_one(result(computation(span(broken=site == "b"))))["mysite"] for site in ("a", "b")}
    found = {one.labels["site"]: one.value for one in samples("sla_broken", answer)}
    assert found == {"a": "fulfilled", "b": "broken"}


def test_a_service_may_be_wanted_of_one_site_alone() -> None:
    answer = {site: of_one(result(computation(span(broken=site == "b"))))["mysite"] for site in ("a", "b")}
    wanted = (Named(host=HOST, service=SERVICE, site="a"), Named(host=HOST, service=SERVICE, site="c"))
    found = samples("sla_broken", answer, services=wanted)
    assert [(one.labels, one.value) for one in found] == [(labels(site="a"), "fulfilled"), (labels(site="c"), None)]
    assert found[1].reason == ABSENT


def test_a_site_that_is_in_one_answer_is_expected_in_all_of_the_same_service() -> None:
    both = {site: of_one()["mysite"] for site in ("a", "b")}
    found = samples("sla_broken", both, {"a": of_one()["mysite"]}, period=("sla:1:0", "sla:2:0"))
    assert {(one.labels["site"], one.labels["period"]): one.value for one in found} == {
        ("a", "sla:1"): "fulfilled",
        ("a", "sla:2"): "fulfilled",
        ("b", "sla:1"): "fulfilled",
        ("b", "sla:2"): None,
    }


NAMES = {
    "umlauts": ("größe", "Größe /daten", "'Gr\\xc3\\xb6\\xc3\\x9fe /daten'", "'gr\\xc3\\xb6\\xc3\\x9fe'"),
    "umlauts as unicode": ("größe", "Größe", "u'Gr\\xf6\\xdfe'", "u'gr\\xf6\\xdfe'"),
    "Korean": ("서버", "서비스", "'\\xec\\x84\\x9c\\xeb\\xb9\\x84\\xec\\x8a\\xa4'", "'\\xec\\x84\\x9c\\xeb\\xb2\\x84'"),
    "quotes": ("h", 'it\'s "a|b;c\\d"', "'it\\'s \"a|b;c\\\\d\"'", "'h'"),
    "what looks like bytes": ("h", "Ã¶", "'Ã¶'", "'h'"),
}


@pytest.mark.parametrize("name", NAMES)
def test_names_are_found_again_however_the_site_writes_them(name: str) -> None:
    host, service, written_service, written_host = NAMES[name]
    text = envelope(of_one()).replace(repr(HOST), written_host).replace(repr(SERVICE), written_service)
    found = only(samples("sla_broken", text, services=((host, service),)))
    assert (found.value, found.labels) == ("fulfilled", labels(host=host, service=service))


def test_the_name_of_a_site_is_shown_as_it_is_meant() -> None:
    text = envelope(of_one()).replace("'mysite'", "'k\\xc3\\xb6ln'")
    assert only(samples("sla_broken", text)).labels["site"] == "köln"
    assert only(samples("sla_broken", envelope(of_one(site="\ud800")))).labels["site"] == "?"
    assert only(samples("sla_broken", of_one(site=" "))).labels["site"] == "(no name)"


@pytest.mark.parametrize("as_pairs", [False, True])
def test_an_answer_in_json_is_read_too(as_pairs: bool) -> None:
    """Its keys are text, and its tuples lists."""
    row: Any = json.loads(json.dumps(result(computation(span(percentage={"-1": 50.0, "0": 50.0})))))
    inner = [[[[HOST, SERVICE], SLA, "w1", "weekly"], row]] if as_pairs else {str(key()): row}
    text = json.dumps({"result_code": 0, "result": {"mysite": {HOST: {SERVICE: inner}}}})
    assert said(samples("sla_broken", text)) == [("fulfilled", WEEK_TEXT)]
    shares = {one.labels["state"]: one.value for one in samples("sla_state_percentage", text)}
    assert shares == {"ok": 50.0, "warn": 0.0, "crit": 0.0, "unknown": 0.0, "unmonitored": 50.0}


def test_a_text_key_without_an_sla_inside_is_not_guessed_at() -> None:
    row = _without(result(), "sla_id")
    assert samples("sla_broken", {"mysite": {HOST: {SERVICE: {"key": row}}}})[0].reason == ABSENT
    assert only(samples("sla_broken", {"mysite": {HOST: {SERVICE: {key(): row}}}})).value == "fulfilled"


def test_several_slas_services_and_periods_are_all_told_apart() -> None:
    def answer(request: Any) -> Any:
        ((slas, _, pairs),) = json.loads(str(request.form["request"]))["query"]
        weeks = [span(_week(0)), span(_week(-1), broken=True)]
        rows = {
            (tuple(pair), sla, ("sla_period_range", (1, 1)), "weekly"): result(computation(*weeks), sla=sla)
            for sla in slas
            for pair in pairs
        }
        hosts: dict[str, Any] = {}
        for one, row in rows.items():
            hosts.setdefault(one[0][0], {}).setdefault(one[0][1], {})[one] = row
        return {"mysite": hosts}

    site = Site([answer])
    wanted = (("h1", "s"), ("h2", "s"))
    found = samples("sla_broken", site, given=settings(batch=4), sla=("a", "b"), services=wanted, period="sla:1:1")
    verdicts = {tuple(one.labels[name] for name in ("host", "sla", "period")): one.value for one in found}
    assert verdicts == {
        (host, sla, period): word
        for host in ("h1", "h2")
        for sla in ("a", "b")
        for period, word in (("sla:1", "fulfilled"), ("sla:2", "broken"))
    }
    assert len(site.asked) == 2
