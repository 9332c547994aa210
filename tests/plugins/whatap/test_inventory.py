"""The inventory: every server of the snapshot with its tags; one whose tags cannot be read is missing."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import NoQuery, Sample
from checkmill_whatap.calls import Snapshot
from checkmill_whatap.inventory import INVENTORY
from checkmill_whatap.metrics import WHATAP
from checkmill_whatap.projects import Answered
from plugins.whatap.documented import SERVER

LABELS = {"host": "h-db-prx-01", "id": "-1359816680", "project": "P"}


def entities(*rows: Any) -> list[Sample]:
    answered = Answered({"project": "P"}, Snapshot({"servers": list(rows)}, 1.0))
    return [one for one in INVENTORY.entities((answered,), NoQuery()) if isinstance(one, Sample)]


@pytest.mark.parametrize(
    ("row", "more"),
    [
        ({}, {"tag": ("@PRX",), "os": "linux"}),
        ({"tags": ["a", " b ", ""]}, {"tag": ("a", "b"), "os": "linux"}),
        ({"tags": []}, {"tag": (), "os": "linux"}),
        ({"tags": None}, {"tag": (), "os": "linux"}),
        ({"os_name": ""}, {"tag": ("@PRX",)}),
        ({"os_name": 7}, {"tag": ("@PRX",)}),
        ({"isActive": False}, {"tag": ("@PRX",), "os": "linux"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_server_has_its_labels(row: dict[str, Any], more: dict[str, Any]) -> None:
    (sample,) = entities({**SERVER, **row})
    assert not sample.is_missing
    assert sample.labels == {**LABELS, **more}


@pytest.mark.parametrize(
    ("tags", "shape"),
    [("web", "text: web"), (["a", 7], "a list of 2"), ({"a": 1}, "an object with a"), (7, "7")],
    ids=["text", "a number among them", "an object", "a number"],
)
def test_tags_that_cannot_be_read_leave_the_server_unknown(tags: Any, shape: str) -> None:
    (sample,) = entities({**SERVER, "tags": tags})
    assert sample.is_missing
    assert sample.reason == f"its tags should be a list of words, but are {shape}"
    assert sample.labels["host"] == "h-db-prx-01"


def test_a_row_without_a_name_is_missing() -> None:
    assert [one.is_missing for one in entities({"tags": ["a"]}, SERVER)] == [True, False]


def test_its_key_is_a_label_of_every_metric_of_a_server() -> None:
    assert WHATAP.inventory is INVENTORY
    joined = {metric.name for metric in WHATAP.metrics if INVENTORY.key in metric.labels}
    assert {"cpu", "disk_used", "process_count", "cpu_avg", "server_status"} <= joined
