"""Whatever JSON comes, in whole or in part: samples or a `ParseError`, never another exception, never NaN."""

import contextlib
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import ConfigurationError, ParseError, Sample
from checkmill_whatap.metrics import WHATAP
from plugins.whatap.documented import ANSWERS, samples
from support.replacing import replaced

TEXT = st.sampled_from(["", "x", "57.0", "NaN", "1e999", "-5", "ok", "true", "error", "kim@whatap.example", "\ud800"])
NUMBERS = st.sampled_from(
    [0, -1, 1, 0.5, -0.0, 57.0, 1e308, -1e308, 5e-324, 1 << 62, 1 << 1022, -(1 << 1022), 1 << 1030, float("nan")]
)
KEYS = st.sampled_from(
    ["error", "message", "values", "servers", "data", "oid", "oname", "time", "timeData", "cmd1", "snapshot", "cpu", ""]
)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
#: Every metric with the answers it reads, for each reads them in its own way.
CASES = sorted(
    (m.name, path)
    for m in WHATAP.metrics
    for path in {
        "project_members": ["/open/api/json/projects", "/open/api/json/project/35/members"],
        "project_status": ["/open/api/json/projects"],
        "projects": ["/open/api/json/projects"],
        "groups": ["/open/api/json/groups"],
        "group_members": ["/open/api/json/groups", "/open/api/json/group/G1/members"],
        "project_servers": ["/open/json/project"],
        "active_agents": ["/open/json/act_agent"],
        "inactive_agents": ["/open/json/inact_agent"],
        "agents": ["/open/json/inact_agent"],
        "hosts": ["/open/json/host"],
        "cpu_cores": ["/open/json/cpucore"],
        "cpu": ["/open/json/infra_cpu"],
        "net_traffic": ["/open/json/infra_net_traffic"],
        "data_age": ["/open/json/stat/sm_stat"],
        "server_status": ["/open/json/sm_servers"],
        "server_active": ["/open/json/sm_servers"],
    }.get(
        m.name,
        {
            "sm": ["/open/json/sm"],
            "sm_stat": ["/open/json/stat/sm_stat", "/open/json/sm_servers"],
            "sm_proc": ["/open/json/sm_proc"],
            "infra_disk_iops": ["/open/json/infra_disk_iops"],
        }.get(m.dataset.name, []),
    )
)

EXAMPLES = 12


def mutated(name: str) -> st.SearchStrategy[bytes]:
    """A documented answer with up to three places replaced by arbitrary JSON."""
    return replaced(ANSWERS[name], JSON)


def test_every_metric_is_tried() -> None:
    assert {name for name, _ in CASES} == {m.name for m in WHATAP.metrics}


@pytest.mark.parametrize(("name", "path"), CASES)
def test_any_answer_gives_samples_or_a_source_error(name: str, path: str) -> None:
    @settings(
        max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(body=mutated(path))
    def check(body: bytes) -> None:
        _hold(name, path, body)

    check()


def _samples(name: str, answers: dict[str, Any]) -> list[Sample]:
    """What a metric gives; none at all where the answer is refused or selects no project."""
    with contextlib.suppress(ParseError, ConfigurationError):
        return samples(name, answers)
    return []


def _hold(name: str, path: str, body: bytes) -> None:
    declared = WHATAP.metric(name)
    assert declared is not None
    for sample in _samples(name, {path: body}):
        assert set(sample.labels) <= set(declared.labels)
        assert all(isinstance(value, str) and value.encode() is not None for value in sample.labels.values())
        if sample.is_missing:
            assert sample.reason
            assert "@" not in sample.reason
        elif declared.is_state:
            assert isinstance(sample.value, str)
        else:
            assert isinstance(sample.value, int | float)
            assert not isinstance(sample.value, bool)
            assert math.isfinite(sample.value)
            assert sample.value >= 0
            assert sample.at is None or math.isfinite(sample.at)
