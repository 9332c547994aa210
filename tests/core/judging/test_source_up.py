"""`source_up`: a failed fetch is the verdict; what is our fault or the plugin's is not."""

from __future__ import annotations

import pytest

from checkmill.model.builtin import metric_of, metrics_of, source_up
from checkmill.model.errors import ConnectError, DnsError, LoginError, ParseError, PluginError, SourceError
from checkmill.model.levels import Levels
from checkmill.model.settings import SourceSettings
from checkmill.model.source import Dataset, Inventory, Source
from checkmill.model.state import State
from support.rules import Check, judged, lines, metric, rule, source
from support.vendors import CLOUD, SITE, SLAS

UP = source_up(CLOUD)
assert UP is not None
CHECK = rule(of=UP)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"any": "payload"}, "OK check: source_up up"),
        ([], "OK check: source_up up"),
        (None, "OK check: source_up up"),
        (ConnectError("refused"), "CRITICAL check: source_up down: connect: refused"),
        (DnsError("no such name"), "CRITICAL check: source_up down: DNS: no such name"),
        (LoginError("HTTP 401"), "CRITICAL check: source_up down: login: HTTP 401"),
        (ParseError("HTML came"), "CRITICAL check: source_up down: parse: HTML came"),
        (PluginError("it failed"), "UNKNOWN check: source shop failed: plugin: it failed"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, SourceError) else None,
)
def test_the_source_is_up_or_down(answer: object, expected: str) -> None:
    assert lines(judged(CHECK, answer)) == [expected]


def test_several_sources_are_told_together() -> None:
    check = rule(of=UP, sources=[source("seoul"), source("busan"), source("lab")])
    assert lines(judged(check, {}, ConnectError("refused"), LoginError("HTTP 403"))) == [
        "CRITICAL check: 2 of 3 sources down: busan (connect: refused), lab (login: HTTP 403)"
    ]
    assert lines(judged(check, {}, {}, {})) == ["OK check: 3 sources: 3 up"]


def test_a_rule_says_what_down_means() -> None:
    mild = Levels(states={"down": State.WARNING, "up": State.OK})
    assert lines(judged(rule(of=UP, levels=mild), ConnectError("refused"))) == [
        "WARNING check: source_up down: connect: refused"
    ]


def test_a_source_that_is_down_is_asked_again_soon() -> None:
    check = Check(rule(of=UP, interval_s=600.0))
    check.judged(ConnectError("refused"))
    assert check.judgement is not None
    assert check.judgement.good_until - check.judgement.results[0].checked_at == 60.0


def test_every_source_has_it_that_can_be_asked() -> None:
    assert [found.name for found in metrics_of(CLOUD)][-1] == "source_up"
    assert metric_of(CLOUD, "source_up") == UP
    assert UP is not None
    assert UP.dataset.name == "hosts"
    site = source_up(SITE)
    assert site is not None
    assert site.dataset.name == "hosts"


def test_it_reads_the_inventory_where_there_is_one() -> None:
    entities = Dataset("entities", lambda *_: None)
    listing = Inventory(entities, lambda *_: (), "host", ("host",))
    up = source_up(Source("listed", SourceSettings, [metric()], inventory=listing))
    assert up is not None
    assert up.dataset is entities


def test_a_source_of_which_nothing_can_be_asked_without_a_query_has_none() -> None:
    kind = Source("queried", SourceSettings, [one for one in SITE.metrics if one.dataset is SLAS])
    assert source_up(kind) is None
    assert metric_of(kind, "source_up") is None
