"""Labels in templates: which are read from the inventory, which may name a service, and which there are at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from checkmill.model.templates import labels_in
from support.commands import Desk
from support.rulefiles import rule_of
from support.whatap_vendor import CPU, Vendor, as_json, serving


@pytest.mark.parametrize(
    ("template", "labels"),
    [
        ("{{ labels.team }}", {"team"}),
        ("{{ labels['team'] }}", {"team"}),
        ('{{ labels.get("team") }} {{ labels.get("tag", "none") }}', {"team", "tag"}),
        ("{% for one in samples %}{{ one.labels.host }}{{ one.labels['id'] }}{% endfor %}", {"host", "id"}),
        ("{{ samples[0].labels.host | upper }}", {"host"}),
        ("{{ samples[0]['labels'].host }}", set()),
        ("{{ labels.items() | list }} {{ labels.values() | first }}", set()),
        ("{{ labels.team if labels.tag else labels.id }}", {"team", "tag", "id"}),
        ("{{ my_labels.team }} {{ 'labels.team' }}", set()),
        ("{{ labels.team", set()),
        ("labels.team", set()),
    ],
)
def test_the_labels_that_a_template_names(template: str, labels: set[str]) -> None:
    assert labels_in(template) == labels


@pytest.mark.parametrize(
    "check",
    [
        "as: {service: 'CPU of {{ labels.source }}', host: '{{ labels.env }}'}",
        "each: host\nas: {service: 'CPU {{ labels.host }}', host: '{{ labels.env }}'}",
        "text: '{{ labels.host }} {{ labels.get(\"env\") }} {{ labels.items() | list }}'",
        "report: {to: pager, scenario: '{{ labels.host }}'}",
    ],
)
def test_labels_that_there_are_may_be_named(check: str, tmp_path: Path) -> None:
    assert rule_of(tmp_path, check).name == "c"


def test_a_service_keeps_its_name_when_the_source_fails(tmp_path: Path) -> None:
    vendor = Vendor()
    desk = Desk(tmp_path, {"WHATAP_TOKEN": "X2QEP7TOKENOFTHEPROJECT0"})
    with serving(vendor):
        desk.write(
            """
            sources:
              shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0, labels: {env: x}}
            checks:
              - {name: cpu, source: shop, metric: cpu, each: host, above: 90, as: {service: "CPU {{ labels.host }}"}}
              - {name: all, source: shop, metric: cpu, above: 90, as: {service: "all of {{ labels.env }}"}}
            """,
            url=vendor.url,
        )
        before = {one["service"]: one["state"] for one in desk("run --format json").json}
        vendor.answers[CPU] = as_json({}, 500)
        desk.clock.now += 120
        after = {one["service"]: one["state"] for one in desk("run --format json").json}

    assert before == {"CPU web-1": "OK", "all of x": "OK"}
    assert after == {"CPU web-1": "UNKNOWN", "all of x": "UNKNOWN"}
