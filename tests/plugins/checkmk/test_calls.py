"""The call as it is sent: whole, in both ways to write it, and cut into requests that stay small."""

from __future__ import annotations

import ast
import json
from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.api.v1 import ConfigurationError, ParseError, Secret, TooLargeError
from checkmill.edges import Edges
from checkmill.steps.fetching import Job, carry_out
from checkmill.testing import play
from checkmill_checkmk.calls import batches, get_sla, request_text
from checkmill_checkmk.periods import period_from
from checkmill_checkmk.settings import Named, Service, Settings, SlaQuery
from plugins.checkmk.documented import HOST, NOW, SECRET, SERVICE, SLA, USER, Site, query_of, samples, settings
from support.loopback import Got, Reply, http_server


def _asked(query: SlaQuery | None = None, **more: Any) -> list[Any]:
    """The requests of a query, as sent."""
    site = Site(["{'result_code': 0, 'result': {}}"])
    play(get_sla(settings(**more), query or SlaQuery()), site, NOW)
    return site.asked


def test_the_call_is_a_form_with_nothing_but_what_is_documented() -> None:
    (request,) = _asked()
    assert (request.method, request.url()) == ("POST", "https://monitoring.example/mysite/check_mk/webapi.py")
    assert dict(request.params) == {}
    assert request.sent_headers() == {}
    assert request.sent_body() == (
        b"action=get_sla&_username=automation&_secret=Zt7-secret-of-the-robot&request_format=json&output_format=python"
        b"&request=%7B%22query%22%3A+%5B%5B%5B%22sla_configuration_1%22%5D%2C+%5B%22sla%3A1%3A0%22%5D%2C+"
        b"%5B%5B%22myhost%22%2C+%22CPU+load%22%5D%5D%5D%5D%7D"
    )
    assert query_of(request) == [[[SLA], ["sla:1:0"], [[HOST, SERVICE]]]]
    assert not request.repeatable, "a slow computation must not be started twice"


def test_the_secret_is_in_no_text_of_the_request() -> None:
    (request,) = _asked()
    assert SECRET not in repr(request)
    assert SECRET not in request.shown_url()


def test_a_request_may_be_written_as_python() -> None:
    (request,) = _asked(request_format="python")
    assert dict(request.form) == {
        "action": "get_sla",
        "_username": USER,
        "_secret": Secret(SECRET),
        "request_format": "python",
        "output_format": "python",
        "request": "{'query': [[['sla_configuration_1'], ['sla:1:0'], [['myhost', 'CPU load']]]]}",
    }


@pytest.mark.parametrize(
    ("base_url", "url"),
    [
        ("https://m.example/site", "https://m.example/site/check_mk/webapi.py"),
        ("https://m.example/site/", "https://m.example/site/check_mk/webapi.py"),
        ("https://m.example/site/check_mk", "https://m.example/site/check_mk/webapi.py"),
        ("https://m.example/site/check_mk/", "https://m.example/site/check_mk/webapi.py"),
        ("https://m.example/check_mk", "https://m.example/check_mk/webapi.py"),
        ("https://m.example/old_check_mk", "https://m.example/old_check_mk/check_mk/webapi.py"),
    ],
)
def test_the_address_is_the_site_with_or_without_its_gui(base_url: str, url: str) -> None:
    site = Site(["{'result_code': 0, 'result': {}}"])
    given = Settings(base_url=base_url, username=USER, secret=Secret(SECRET), sla=SLA, services=((HOST, SERVICE),))
    play(get_sla(given, SlaQuery()), site, NOW)
    assert site.asked[0].url() == url


def test_over_the_wire_it_is_the_same_and_the_answer_is_read_in_a_child() -> None:
    def answer(_: Got) -> Reply:
        return Reply(body=b"{'result_code': 0, 'result': {}}", headers={"Content-Type": "text/plain"})

    with http_server(answer) as server:
        given = Settings(
            base_url=f"{server.url}/mysite", username=USER, secret=Secret(SECRET), sla=SLA, services=((HOST, SERVICE),)
        )
        job = Job("site/get_sla", "site", given, lambda: get_sla(given, SlaQuery()), timeout_s=30.0)
        (done,) = carry_out([job], Edges())
    assert done.error is None
    (got,) = server.got
    assert (got.method, got.target) == ("POST", "/mysite/check_mk/webapi.py")
    assert got.headers["content-type"] == "application/x-www-form-urlencoded"
    assert SECRET not in repr(got.headers)
    assert dict(parse_qsl(got.body.decode())) == {
        "action": "get_sla",
        "_username": USER,
        "_secret": SECRET,
        "request_format": "json",
        "output_format": "python",
        "request": json.dumps({"query": [[[SLA], ["sla:1:0"], [[HOST, SERVICE]]]]}),
    }


@pytest.mark.parametrize(
    "period", ["d0", "d1", "w0", "w1", "m0", "m1", "y0", "y1", "last:86400", "range:1530271236:1530281236", "sla:2:4"]
)
def test_every_time_range_is_sent_as_it_is_written(period: str) -> None:
    (request,) = _asked(SlaQuery(period=period, open="judge"))
    assert query_of(request) == [[[SLA], [period], [[HOST, SERVICE]]]]


def test_each_time_range_is_a_request_of_its_own() -> None:
    requests = _asked(SlaQuery(sla=("a", "b"), period=("w1", "sla:1:0"), services=(("h", "x"), ("h", "y"))))
    assert [query_of(request) for request in requests] == [
        [[["a", "b"], ["w1"], [["h", "x"], ["h", "y"]]]],
        [[["a", "b"], ["sla:1:0"], [["h", "x"], ["h", "y"]]]],
    ]


def test_a_query_goes_before_what_the_source_asks_for() -> None:
    (request,) = _asked(SlaQuery(sla="other"))
    assert query_of(request) == [[["other"], ["sla:1:0"], [[HOST, SERVICE]]]]
    (request,) = _asked(SlaQuery(services=(("h", "s"),)))
    assert query_of(request) == [[[SLA], ["sla:1:0"], [["h", "s"]]]]


@pytest.mark.parametrize(
    ("empty", "says"), [({"sla": ()}, "no SLA is named"), ({"services": ()}, "no service is named")]
)
def test_a_call_for_nothing_is_not_made(empty: dict[str, Any], says: str) -> None:
    site = Site(["{}"])
    with pytest.raises(ConfigurationError, match=says):
        play(get_sla(settings(**empty), SlaQuery()), site, NOW)
    assert site.asked == []


@pytest.mark.parametrize(
    ("slas", "period", "services", "most", "sizes"),
    [
        (1, "sla:1:0", 200, 200, [(1, 200)]),
        (1, "sla:1:0", 201, 200, [(1, 200), (1, 1)]),
        (2, "sla:1:0", 150, 200, [(2, 100), (2, 50)]),
        (1, "sla:1:3", 120, 200, [(1, 50), (1, 50), (1, 20)]),
        (3, "sla:1:0", 2, 2, [(2, 1), (2, 1), (1, 2)]),
        (1, "y1", 3, 200, [(1, 1), (1, 1), (1, 1)]),
        (1, "w1", 29, 200, [(1, 28), (1, 1)]),
    ],
)
def test_requests_are_cut_so_that_answers_stay_small(
    slas: int, period: str, services: int, most: int, sizes: list[tuple[int, int]]
) -> None:
    names = [f"sla{number}" for number in range(slas)]
    wanted = [Service("h", f"s{number}") for number in range(services)]
    found = list(batches(names, [period_from(period)], wanted, most))
    assert [(len(one.slas), len(one.services)) for one in found] == sizes
    pairs = [(sla, service) for one in found for sla in one.slas for service in one.services]
    assert sorted(pairs) == sorted((sla, service) for sla in names for service in wanted)


def test_requests_follow_one_after_the_other_and_the_first_failure_ends_them() -> None:
    refused = "{'result_code': 1, 'result': 'no'}"
    site = Site(["{'result_code': 0, 'result': {}}", refused, "{'result_code': 0, 'result': {}}"])
    query = SlaQuery(period=("sla:1:0", "w1", "m1"))
    with pytest.raises(ParseError, match="Checkmk refuses get_sla: no"):
        play(get_sla(settings(), query), site, NOW)
    assert len(site.asked) == 2


def test_a_service_that_is_asked_for_on_two_sites_is_named_once() -> None:
    (request,) = _asked(services=tuple(_named(site) for site in ("a", "b")))
    assert query_of(request) == [[[SLA], ["sla:1:0"], [[HOST, SERVICE]]]]


def _named(site: str) -> Any:
    return Named(host=HOST, service=SERVICE, site=site)


names = st.text(min_size=1, max_size=20)


@given(st.lists(names, min_size=1, max_size=3), st.lists(st.tuples(names, names), min_size=1, max_size=3))
def test_whatever_names_hold_both_forms_say_the_same(slas: list[str], pairs: list[tuple[str, str]]) -> None:
    services = tuple(dict.fromkeys(Service(host, service) for host, service in pairs))
    (batch, *_) = batches(tuple(dict.fromkeys(slas)), [period_from("sla:1:0")], services, 5000)
    as_json, as_python = request_text(batch, "json"), request_text(batch, "python")
    assert as_json.isascii()
    assert as_python.isascii()
    assert ast.literal_eval(as_python) == json.loads(as_json)
    assert json.loads(as_json)["query"][0][2] == [[one.host, one.service] for one in services]


def test_an_answer_that_is_too_large_says_what_to_write() -> None:
    def too_large(_: Any) -> Any:
        raise TooLargeError("the answer from m:443 is larger than the 2 MiB that max_size allows")

    with pytest.raises(
        TooLargeError, match="2 MiB that max_size allows; a smaller batch than 200 asks for less at once"
    ):
        samples("sla_broken", too_large)
    many = "{'result_code': 0, 'result': [" + "0," * 250_001 + "]}"
    with pytest.raises(TooLargeError, match=r"more than 250000 values; ask for fewer with a smaller batch$"):
        samples("sla_broken", many)
