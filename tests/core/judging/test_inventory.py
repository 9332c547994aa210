"""The inventory: labels that work with every metric of an entity, and `expect: all`."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest

from checkmill.model.levels import Levels
from checkmill.model.rule import Expect, Override, Rule, Several, values_of
from checkmill.model.sample import Sample
from checkmill.model.source import Metric
from checkmill.model.state import State
from support.rules import Check, above, hosts, judged, lines, metric, other_than, rule, selection, source, tolerating

LISTED = source(listing=("tag", "team", "project", "id"))
OF = metric(labels=("host", "project"))
ALL = Expect(all=True)


def entity(host: str, *tags: str, **labels: str) -> Sample:
    """An entry of the inventory; core makes such samples of what a plugin gives."""
    return Sample(1).labelled({"host": host, "tag": tags, **labels})  # type: ignore[dict-item] # several values


def listed(**fields: Any) -> Rule:
    return rule(**{"of": OF, "levels": above(90), "sources": [LISTED], "on_missing": State.CRITICAL, **fields})


ENTITIES = [entity("web-1", "web", "edge"), entity("web-2", "web"), entity("web-3")]


@pytest.mark.parametrize(("values", "text"), [(("a", "b"), "a, b"), (("a", "a"), "a"), ((), "")])
def test_a_label_with_several_values_reads_as_a_list(values: tuple[str, ...], text: str) -> None:
    label = Several(values)
    assert (str(label), values_of(label)) == (text, tuple(dict.fromkeys(values)))


@pytest.mark.parametrize(
    ("where", "exclude", "selected"),
    [
        ({"tag": "web"}, None, "2 hosts, cpu at most 2% (web-2)"),
        ({"tag": "edge"}, None, "web-1: cpu 1%"),
        ({"tag": "e*"}, None, "web-1: cpu 1%"),
        ({"tag": "/we?b/"}, None, "2 hosts, cpu at most 2% (web-2)"),
        ({"tag": "*"}, None, "2 hosts, cpu at most 2% (web-2)"),
        (None, {"tag": "edge"}, "2 hosts, cpu at most 3% (web-3)"),
        (None, {"tag": "web"}, "web-3: cpu 3%"),
        ({"tag": "web", "host": "*-2"}, None, "web-2: cpu 2%"),
        ({"tag": "web, edge"}, None, "none of 3 values is selected by 'where' and 'except'"),
    ],
    ids=str,
)
def test_tags_select(where: Any, exclude: Any, selected: str) -> None:
    check = listed(where=where and selection(where), exclude=exclude and selection(exclude))
    assert judged(check, hosts(1, 2, 3), ENTITIES)[0].output == selected


def test_an_override_may_go_by_tag() -> None:
    check = listed(overrides=(other_than(above(2), tag="web"),))
    assert lines(judged(check, hosts(3, 1, 50), ENTITIES)) == ["CRITICAL check: 1 of 3 hosts above 2%: web-1 3%"]


def test_there_may_be_a_service_for_each_tag() -> None:
    check = listed(where=selection({"tag": "*"}), each="tag", service_template="{{ labels.tag }}")
    assert lines(judged(check, hosts(1, 95, 3), ENTITIES)) == [
        "CRITICAL web: 1 of 2 hosts above 90%: web-2 95%",
        "OK edge: web-1: cpu 1%",
    ]


def test_labels_of_the_inventory_reach_templates() -> None:
    check = listed(each="host", service_template="{{ labels.team }}: {{ labels.host }} ({{ labels.tag }})")
    found = judged(check, hosts(1), [entity("web-1", "web", "edge", team="shop")])
    assert lines(found) == ["OK shop: web-1 (web, edge): cpu 1%"]
    assert found[0].common["team"] == "shop"


def test_projects_keep_hosts_of_one_name_apart() -> None:
    check = listed(where=selection({"tag": "web"}))
    entities = [entity("web-1", "web", project="p"), entity("web-1", project="q")]
    samples = [*hosts(1, project="p"), *hosts(95, project="q")]
    assert lines(judged(check, samples, entities)) == ["OK check: web-1: cpu 1%"]


@pytest.mark.parametrize(
    ("where", "exclude"), [({"tag": "web"}, None), (None, {"tag": "test"})], ids=["where", "except"]
)
def test_a_name_that_may_be_either_of_two_is_selected_if_one_of_them_is(where: Any, exclude: Any) -> None:
    check = listed(of=metric(), where=where and selection(where), exclude=exclude and selection(exclude))
    entities = [entity("web-1", "web", id="1"), entity("web-1", "test", id="2")]
    assert lines(judged(check, hosts(95), entities)) == ["CRITICAL check: web-1: cpu 95% above 90%"]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 2, 3), "OK check: 3 hosts, cpu at most 3% (web-3)"),
        ((1, 2), "CRITICAL check: 1 of 3 hosts of the inventory absent: web-3; 2 hosts, cpu at most 2% (web-2)"),
        ((), "CRITICAL check: 3 of 3 hosts of the inventory absent: web-1, web-2, web-3"),
        ((1, 2, None), "UNKNOWN check: 1 of 3 hosts without value: web-3 (HTTP 500)"),
        ((1, 2, 3, 4), "OK check: 4 hosts, cpu at most 4% (web-4)"),
    ],
    ids=["all there", "one absent", "none there", "one without value", "one more"],
)
def test_everything_in_the_inventory_is_expected(values: tuple[Any, ...], expected: str) -> None:
    samples = hosts(*(Sample.missing("HTTP 500") if value is None else value for value in values))
    assert lines(judged(listed(expect=ALL), samples, ENTITIES)) == [expected]


def test_what_is_not_selected_is_not_expected() -> None:
    check = listed(expect=ALL, where=selection({"tag": "web"}), exclude=selection({"tag": "edge"}))
    assert lines(judged(check, hosts(1, 2), ENTITIES)) == ["OK check: web-2: cpu 2%"]
    assert lines(judged(check, hosts(1), ENTITIES)) == ["CRITICAL check: host web-2 of the inventory is absent"]


def test_a_label_that_no_entity_has_does_not_keep_it_from_being_expected() -> None:
    of = metric("disk_used", labels=("host", "mount"))
    check = listed(of=of, expect=ALL, where=selection({"mount": "/var", "tag": "web"}))
    samples = [Sample(1, host="web-1", mount="/var"), Sample(1, host="web-2", mount="/")]
    assert lines(judged(check, samples, ENTITIES)) == [
        "CRITICAL check: 1 of 2 hosts of the inventory absent: web-2; web-1 /var: disk_used 1%"
    ]


def test_each_absent_entity_has_a_service_of_its_own() -> None:
    check = Check(listed(expect=ALL, each="host"))
    assert [line.split(":")[0] for line in lines(check.judged(hosts(1, 2, 3), ENTITIES))] == [
        "OK check web-1",
        "OK check web-2",
        "OK check web-3",
    ]
    assert lines(check.judged(hosts(1), ENTITIES[:2])) == [
        "OK check web-1: cpu 1%",
        "CRITICAL check web-2: host web-2 of the inventory is absent; last good state OK, 0s ago",
    ]


def test_what_is_absent_of_a_service_makes_it_worse() -> None:
    entities = [entity(host, project=project) for host, project in (("web-1", "p"), ("web-2", "p"), ("web-9", "q"))]
    check = listed(expect=ALL, each="project", on_missing=State.WARNING)
    assert lines(judged(check, hosts(1, project="p"), entities)) == [
        "WARNING check p: 1 of 2 hosts of the inventory absent: web-2; web-1: cpu 1%",
        "WARNING check q: host web-9 of the inventory is absent",
    ]


def test_absent_entities_can_be_tolerated() -> None:
    check = listed(expect=ALL, tolerate=tolerating(1))
    assert lines(judged(check, hosts(1, 2), ENTITIES)) == ["OK check: 1 of 3 hosts absent, 1 tolerated"]
    assert lines(judged(check, hosts(1), ENTITIES)) == [
        "CRITICAL check: 2 of 3 hosts absent, 1 tolerated: web-2, web-3"
    ]


def test_a_part_of_the_inventory_that_is_missing_is_unknown() -> None:
    part = Sample.missing("HTTP 401", project="q")
    check = listed(expect=ALL, where=selection({"tag": "web"}))
    samples = [*hosts(1, project="p"), Sample(1, host="db-1", project="q")]
    (result,) = judged(check, samples, [entity("web-1", "web", project="p"), part])
    assert (result.state, result.output) == (
        State.UNKNOWN,
        "1 of 2 hosts without value: db-1 (HTTP 401); cpu has no value for project q: HTTP 401",
    )


def test_an_entity_without_a_name_leaves_the_rest_in_doubt() -> None:
    nameless = Sample(1).labelled({"project": "p"})
    (result,) = judged(listed(expect=ALL), hosts(1, project="p"), [entity("web-1", project="p"), nameless])
    assert (result.state, result.output) == (
        State.UNKNOWN,
        "cpu has no value for project p: an entry of the inventory has no host",
    )


def test_what_is_missing_for_a_whole_project_is_not_known_to_be_absent() -> None:
    entities = [entity("web-1", project="p"), entity("web-2", project="q")]
    samples = [*hosts(1, project="p"), Sample.missing("HTTP 401", project="q")]
    assert lines(judged(listed(expect=ALL, each="host"), samples, entities)) == [
        "OK check web-1: cpu 1%",
        "UNKNOWN check web-2: cpu has no value for project q: HTTP 401",
    ]


def test_what_may_be_missing_of_a_tag_makes_it_unknown_though_others_of_it_are_well() -> None:
    entities = [entity("web-1", "web", project="p"), entity("web-2", "web", project="q")]
    samples = [*hosts(1, project="p"), Sample.missing("HTTP 401", project="q")]
    found = lines(judged(listed(expect=ALL, each="tag"), samples, entities))
    assert "UNKNOWN check web: cpu has no value for project q: HTTP 401; web-1: cpu 1%" in found


def test_a_missing_value_of_what_is_not_meant_is_not_meant_either() -> None:
    check = listed(where=selection({"tag": "web"}))
    samples = [*hosts(1), Sample.missing("HTTP 500", host="web-3")]
    assert lines(judged(check, samples, ENTITIES)) == ["OK check: web-1: cpu 1%"]


def test_what_the_inventory_does_not_list_has_no_tags() -> None:
    check = listed(where=selection({"tag": "web"}))
    assert lines(judged(check, [*hosts(1), Sample(99, host="unlisted")], ENTITIES)) == ["OK check: web-1: cpu 1%"]


@pytest.mark.parametrize(("sent", "listed_as"), [("NFD", "NFC"), ("NFC", "NFD")])
def test_an_entity_is_found_however_its_accents_are_composed(sent: str, listed_as: str) -> None:
    name, known = (unicodedata.normalize(form, "웹-é") for form in (sent, listed_as))
    check = listed(expect=ALL, where=selection({"tag": "é"}))
    entities = [entity(known, unicodedata.normalize(listed_as, "é"), "web")]
    assert lines(judged(check, [Sample(5, host=name)], entities)) == ["OK check: 웹-é: cpu 5%"]


# Entities of one name

TWINS = [entity("web-1", "prod", id="1"), entity("web-1", "dev", id="2")]
MINGLED = "2 hosts of the inventory are called web-1 and cannot be told apart: there are fewer values than hosts"


@pytest.mark.parametrize(
    ("levels", "override", "value", "state"),
    [
        (above(99), other_than(above(90), tag="prod"), 95, State.CRITICAL),
        (above(99), other_than(above(90), tag="prod"), 90, State.OK),
        (above(90), Override(above(99), exclude=selection({"tag": "prod"})), 95, State.CRITICAL),
        (above(90), Override(above(99), exclude=selection({"tag": "prod"})), 90, State.OK),
        (above(90), other_than(above(99), tag="prod"), 95, State.CRITICAL),
        (above(90), other_than(above(99), host="web-1"), 95, State.OK),
        (above(90), other_than(above(50, 40), team="none"), 80, State.OK),
    ],
    ids=[
        "stricter for one",
        "stricter for one, and well",
        "looser for all but one",
        "looser for all but one, and well",
        "looser for one",
        "looser for both",
        "for neither",
    ],
)
def test_a_value_that_may_be_of_either_of_two_is_judged_as_of_the_one_it_is_worse_for(
    levels: Levels, override: Override, value: float, state: State
) -> None:
    check = listed(of=metric(), levels=levels, overrides=(override,))
    assert judged(check, hosts(value), TWINS)[0].state is state


def test_the_limits_in_the_graph_are_those_that_decided() -> None:
    check = listed(of=metric(), levels=above(99), overrides=(other_than(above(90), tag="dev"),))
    (result,) = judged(check, hosts(95), TWINS)
    assert (result.output, str(result.perfdata[0].crit)) == ("web-1: cpu 95% above 90%", "~:90")


def test_a_value_that_may_be_of_either_of_two_is_judged_so_in_each_of_its_tags() -> None:
    twins = [entity("web-1", "web", "a", id="1", team="prod"), entity("web-1", "web", "a", id="2", team="dev")]
    check = listed(of=metric(), levels=above(99), each="tag", overrides=(other_than(above(90), team="prod"),))
    assert lines(judged(check, hosts(95), twins)) == [
        "CRITICAL check web: web-1: cpu 95% above 90%",
        "CRITICAL check a: web-1: cpu 95% above 90%",
    ]


@pytest.mark.parametrize(
    ("each", "value", "told"),
    [
        ((), 5, [f"UNKNOWN check: {MINGLED}; web-1: cpu 5%"]),
        ((), 95, [f"CRITICAL check: web-1: cpu 95% above 90%; {MINGLED}"]),
        (("host",), 5, [f"UNKNOWN check web-1: {MINGLED}; cpu 5%"]),
        (("id",), 5, ["OK check: web-1: cpu 5%", f"UNKNOWN check 1: {MINGLED}", f"UNKNOWN check 2: {MINGLED}"]),
    ],
    ids=["one service", "one service, broken", "each host", "each id"],
)
def test_one_value_is_not_that_of_two_servers(each: tuple[str, ...], value: float, told: list[str]) -> None:
    assert lines(judged(listed(of=metric(), expect=ALL, each=each), hosts(value), TWINS)) == told


def test_one_value_is_not_that_of_two_servers_whatever_absent_ones_are() -> None:
    check = listed(of=metric(), expect=ALL, on_missing=State.OK, tolerate=tolerating("90%"))
    assert judged(check, hosts(5), TWINS)[0].state is State.UNKNOWN


def test_one_value_may_be_of_the_server_that_is_not_meant() -> None:
    check = listed(of=metric(), expect=ALL, where=selection({"tag": "prod"}))
    assert lines(judged(check, hosts(5), TWINS)) == [f"UNKNOWN check: {MINGLED}; web-1: cpu 5%"]


@pytest.mark.parametrize(
    ("of", "samples", "is_known"),
    [
        (metric(), [Sample(5, host="web-1"), Sample(6, host="web-1")], True),
        (metric(labels=("host", "id")), [Sample(5, host="web-1", id="1"), Sample(6, host="web-1", id="2")], True),
        (metric(labels=("host", "id")), [Sample(5, host="web-1", id="1"), Sample(6, host="web-1")], False),
        (
            metric(labels=("host", "mount")),
            [Sample(5, host="web-1", mount="/"), Sample(6, host="web-1", mount="/var")],
            False,
        ),
        (
            metric(labels=("host", "mount")),
            [Sample(value, host="web-1", mount=mount) for mount in ("/", "/var") for value in (5, 6)],
            True,
        ),
    ],
    ids=["as many values", "with ids", "one with an id", "two mounts of one", "two mounts of each"],
)
def test_as_many_values_as_servers_are_enough(of: Metric, samples: list[Sample], is_known: bool) -> None:
    (result,) = judged(listed(of=of, expect=ALL), samples, TWINS)
    assert result.state is (State.OK if is_known else State.UNKNOWN)


def test_a_server_that_is_listed_twice_is_one() -> None:
    check = listed(of=metric(), expect=ALL)
    assert lines(judged(check, hosts(5), [TWINS[0], TWINS[0]])) == ["OK check: web-1: cpu 5%"]
    nameless = [entity("web-1", "prod"), entity("web-1", "prod")]
    assert judged(check, hosts(5), nameless)[0].state is State.UNKNOWN
