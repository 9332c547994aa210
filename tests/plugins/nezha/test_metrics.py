"""Figures of single servers: what the documentation shows as samples, and everything odd as missing with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from checkmill.api.v1 import Sample, State
from checkmill_nezha.metrics import NEZHA
from plugins.nezha.documented import (
    DETAILS,
    HOST,
    NEVER_SERVER,
    REPORTED,
    SERVER,
    STATUS,
    figure,
    metric,
    only,
    samples,
    server,
    success,
)

LABELS = {"host": "Server1", "id": "1"}
REQUIRED = (
    "servers inactive_agents never_reported agent_age cpu memory_used swap_used disk_used load1 load5 load15 net_in "
    "net_out uptime tcp_connections udp_connections processes agent_version"
)


def test_every_promised_metric_is_there_with_its_unit() -> None:
    assert set(REQUIRED.split()) <= {one.name for one in NEZHA.metrics}
    units = {one.name: one.unit for one in NEZHA.metrics}
    assert {name: units[name] for name in ("cpu", "net_in", "disk_free_bytes", "uptime", "latency_avg", "load1")} == {
        "cpu": "%",
        "net_in": "B/s",
        "disk_free_bytes": "B",
        "uptime": "s",
        "latency_avg": "s",
        "load1": "",
    }


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("cpu", 17.330210772540017),
        ("memory_used", 81.571293),
        ("memory_used_bytes", 14013841408),
        ("swap_used", 25.0),
        ("swap_used_bytes", 1073741824),
        ("disk_used", 94.402745),
        ("disk_free", 5.597255),
        ("disk_used_bytes", 2335048912896),
        ("disk_free_bytes", 138447929344),
        ("net_in", 10806),
        ("net_out", 5303),
        ("net_in_transfer", 2710273234),
        ("net_out_transfer", 695454765),
        ("load1", 5.23486328125),
        ("load5", 4.873046875),
        ("load15", 3.99267578125),
        ("load1_per_core", 0.65435791015625),
        ("uptime", 331080),
        ("tcp_connections", 195),
        ("udp_connections", 70),
        ("processes", 437),
        ("temperature_max", 61.5),
        ("agent_version", "0.20.5"),
        ("agent_age", 8.0),
    ],
)
def test_the_documented_figures_are_samples(name: str, value: Any) -> None:
    found = only(samples(name, {DETAILS: success(SERVER)}, id=1))
    assert (found.value, found.labels) == (value, LABELS)
    assert found.at == (REPORTED + 8 if name == "agent_age" else REPORTED)


def test_a_sensor_is_a_sample_of_its_own() -> None:
    assert figure("temperature", SERVER) == [
        Sample(61.5, at=REPORTED, **LABELS, sensor="cpu"),  # type: ignore[arg-type]
        Sample(40, at=REPORTED, **LABELS, sensor="ssd"),  # type: ignore[arg-type]
    ]


# Totals, and things that a server may not have.


@pytest.mark.parametrize(
    ("name", "total"),
    [
        ("memory_used", "MemTotal"),
        ("disk_used", "DiskTotal"),
        ("disk_free", "DiskTotal"),
        ("disk_free_bytes", "DiskTotal"),
    ],
)
def test_a_total_of_zero_leaves_no_value(name: str, total: str) -> None:
    found = only(figure(name, server(host={**HOST, total: 0})))
    assert found == Sample.missing(
        f"{total} is 0: the agent has not described its machine yet, or cannot", host="Server1", id="1"
    )


@pytest.mark.parametrize("name", ["swap_used", "swap_used_bytes"])
@pytest.mark.parametrize("age", [0, 86400], ids=["live", "silent"])
def test_a_server_without_swap_has_no_sample_at_all(name: str, age: int) -> None:
    assert figure(name, server(host={**HOST, "SwapTotal": 0}, last_active=REPORTED - age)) == []


@pytest.mark.parametrize("gpu", [None, []])
def test_a_server_without_a_gpu_has_no_sample_at_all(gpu: Any) -> None:
    assert figure("gpu", server(host={**HOST, "GPU": gpu})) == []


@pytest.mark.parametrize("temperatures", [None, [], [{"Name": "cpu", "Temperature": 0}]])
@pytest.mark.parametrize("name", ["temperature", "temperature_max"])
def test_a_server_without_sensors_has_no_sample_at_all(name: str, temperatures: Any) -> None:
    assert figure(name, server(Temperatures=temperatures)) == []


@pytest.mark.parametrize("name", ["load1", "load5", "load15", "load1_per_core"])
def test_windows_has_no_load(name: str) -> None:
    windows = {**HOST, "Platform": "Microsoft Windows Server 2022"}
    idle = {"Load1": 0, "Load5": 0, "Load15": 0}
    assert figure(name, server(host=windows, **idle)) == []
    assert only(figure(name, server(**idle))).value == 0
    assert not only(figure(name, server(host=windows, **{**idle, "Load1": 0.5, "Load15": 1}))).is_missing


@pytest.mark.parametrize("name", ["swap_used", "swap_used_bytes", "gpu", "temperature", "temperature_max", "load1"])
def test_what_nobody_knows_of_a_server_is_missing_without_its_name(name: str) -> None:
    """A service of that name would be expected from then on, though the server may have no such thing."""
    never = only(figure(name, NEVER_SERVER))
    idle = {"Load1": 0, "Load5": 0, "Load15": 0, "Temperatures": None}
    bare = only(figure(name, server(host=NEVER_SERVER["host"], **idle)))
    assert [never.labels, bare.labels] == [{"id": "2"}, {"id": "1"}]
    assert never.reason.startswith("Server2: none of the servers has reported since the dashboard started")
    assert bare.reason.startswith("Server1: ")
    assert "not described its machine yet" in bare.reason


@pytest.mark.parametrize(
    ("name", "value"), [("gpu", 35), ("temperature_max", 61.5), ("memory_used_bytes", 14013841408), ("load1", 0.25)]
)
def test_what_is_measured_counts_without_a_description(name: str, value: float) -> None:
    row = server(host=NEVER_SERVER["host"], GPU=35, Load1=0.25)
    if name == "gpu":
        row["host"] = {**row["host"], "GPU": ["NVIDIA A2"]}
    assert only(figure(name, row)).value == value


# What is not counted.


@pytest.mark.parametrize(
    ("name", "figures", "outcome"),
    [
        ("tcp_connections", {"TcpConnCount": 0, "UdpConnCount": 0}, "no connection at all is counted"),
        ("udp_connections", {"TcpConnCount": 0, "UdpConnCount": 0}, "no connection at all is counted"),
        ("udp_connections", {"TcpConnCount": 1, "UdpConnCount": 0}, 0),
        ("tcp_connections", {"TcpConnCount": 1, "UdpConnCount": 0}, 1),
        ("processes", {"ProcessCount": 0}, "no process at all is counted"),
        ("processes", {"ProcessCount": 1}, 1),
    ],
)
def test_a_zero_that_means_not_counted_is_no_value(name: str, figures: dict[str, int], outcome: Any) -> None:
    found = only(figure(name, server(**figures)))
    if isinstance(outcome, str):
        assert found.is_missing
        assert found.reason.startswith(outcome)
    else:
        assert found.value == outcome


# Numbers that are none.

ODD: list[tuple[Any, str]] = [
    (None, "null"),
    (True, "true"),
    ("17.5", "text: 17.5"),
    ("", "an empty text"),
    ([17], "a list of 1"),
    ({"a": 1}, "an object with a"),
    (float("nan"), "null"),
    (float("inf"), "null"),
    (1 << 2000, "a number of 2001 bits"),
]
PLAIN = {
    "cpu": "CPU",
    "memory_used": "MemUsed",
    "memory_used_bytes": "MemUsed",
    "swap_used": "SwapUsed",
    "swap_used_bytes": "SwapUsed",
    "disk_used": "DiskUsed",
    "disk_free": "DiskUsed",
    "disk_used_bytes": "DiskUsed",
    "disk_free_bytes": "DiskUsed",
    "net_in": "NetInSpeed",
    "net_out": "NetOutSpeed",
    "net_in_transfer": "NetInTransfer",
    "net_out_transfer": "NetOutTransfer",
    "load1": "Load1",
    "load5": "Load5",
    "load15": "Load15",
    "load1_per_core": "Load1",
    "uptime": "Uptime",
    "tcp_connections": "TcpConnCount",
    "udp_connections": "UdpConnCount",
    "processes": "ProcessCount",
    "gpu": "GPU",
}


@pytest.mark.parametrize(("name", "key"), PLAIN.items(), ids=PLAIN)
def test_what_is_no_number_is_missing(name: str, key: str) -> None:
    found = [only(figure(name, server(**{key: raw}))) for raw, _ in ODD]
    assert [one.reason for one in found] == [f"{key} should be a number, but is {shape}" for _, shape in ODD]
    assert all(one.is_missing and one.labels == LABELS for one in found)


@pytest.mark.parametrize(("name", "key"), PLAIN.items(), ids=PLAIN)
def test_what_is_below_zero_or_absent_is_missing(name: str, key: str) -> None:
    assert only(figure(name, server(**{key: -0.5}))).reason == f"{key} is -0.5, below zero"
    status = {one: value for one, value in STATUS.items() if one != key}
    assert only(figure(name, server(status=status))).reason == f"it came without {key}"


@pytest.mark.parametrize("name", PLAIN)
def test_a_whole_number_may_stand_for_a_float(name: str) -> None:
    found = only(figure(name, server(host={**HOST, "GPU": ["x"]}, **{PLAIN[name]: 1})))
    assert isinstance(found.value, int | float)


@pytest.mark.parametrize("key", ["MemTotal", "DiskTotal", "SwapTotal"])
@pytest.mark.parametrize(("raw", "shape"), ODD, ids=[shape for _, shape in ODD])
def test_a_total_that_is_no_number_leaves_no_value(key: str, raw: Any, shape: str) -> None:
    name = {"MemTotal": "memory_used", "DiskTotal": "disk_used", "SwapTotal": "swap_used"}[key]
    found = only(figure(name, server(host={**HOST, key: raw})))
    assert found.reason == f"{key} should be a number, but is {shape}"


@pytest.mark.parametrize(
    ("name", "more", "reason"),
    [
        ("cpu", {"CPU": 101}, "CPU is 101 %, more than the whole"),
        ("gpu", {"GPU": 250.5}, "GPU is 250.5 %, more than the whole"),
        ("memory_used", {"MemUsed": 34359738368}, "MemUsed is of MemTotal 200 %, more than the whole"),
        ("disk_free_bytes", {"DiskUsed": 2473496842241}, "DiskUsed is more than DiskTotal"),
    ],
)
def test_more_than_the_whole_is_missing(name: str, more: dict[str, Any], reason: str) -> None:
    assert only(figure(name, server(**more))).reason == reason


def test_what_rounding_adds_to_the_whole_is_the_whole() -> None:
    assert only(figure("cpu", server(CPU=100.0000001))).value == 100.0


@pytest.mark.parametrize("name", PLAIN)
def test_a_status_that_is_no_object_leaves_no_value(name: str) -> None:
    for raw in (None, [], "", 5, "live"):
        found = only(figure(name, server(status=raw, host={**HOST, "GPU": ["x"]})))
        assert found.is_missing
        assert "its state should be an object, but is" in found.reason


@pytest.mark.parametrize("raw", [None, [], 7], ids=str)
@pytest.mark.parametrize("name", ["memory_used", "swap_used", "disk_free", "load1_per_core", "agent_version"])
def test_a_host_that_is_no_object_leaves_no_value(name: str, raw: Any) -> None:
    found = only(figure(name, server(host=raw)))
    assert found.is_missing
    assert "its data of the machine should be an object, but is" in found.reason


# The rest of a server.


@pytest.mark.parametrize(
    ("models", "outcome"),
    [
        (["a 2 Physical Core", "b 6 Virtual Core"], 0.65435791015625),
        (["Apple M1 Pro"], "described without a number of cores: text: Apple M1 Pro"),
        (["a 2 Physical Core", "b"], "described without a number of cores"),
        (["a 0 Virtual Core"], "described without a number of cores"),
        (["a 2 Physical Core", 5], "described without a number of cores"),
        ([], "should be a list of texts, but are a list of 0"),
        (None, "should be a list of texts, but are null"),
        ("a 2 Virtual Core", "should be a list of texts"),
    ],
    ids=str,
)
def test_cores_are_read_from_words(models: Any, outcome: Any) -> None:
    found = only(figure("load1_per_core", server(host={**HOST, "CPU": models})))
    assert found.value == outcome if isinstance(outcome, float) else outcome in found.reason


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        ("0.20.13", "0.20.13"),
        (" v1\n", "v1"),
        ("", "its agent does not say its version"),
        (" ", "its agent does not say its version"),
        (None, "the version of its agent should be a text, but is null"),
        (20, "the version of its agent should be a text, but is 20"),
    ],
    ids=str,
)
def test_a_version_is_a_word_or_missing(raw: Any, outcome: str) -> None:
    found = only(figure("agent_version", server(host={**HOST, "Version": raw})))
    assert (found.reason if found.is_missing else found.value) == outcome
    assert metric("agent_version").states == {"*": State.UNKNOWN}


@pytest.mark.parametrize(
    ("raw", "outcome"),
    [
        ([{"Name": "a", "Temperature": 40}, {"Name": "a", "Temperature": 55.5}], {"a": 55.5}),
        ([{"Name": "a", "Temperature": -5}, {"Name": "b", "Temperature": 0}], {"a": -5}),
        ([{"Name": "", "Temperature": 40}], {"(no name)": 40}),
        ([{"Name": "a"}], "a sensor should have Name and Temperature, but is an object with Name"),
        ([{"Name": "a", "Temperature": True}], "a sensor should have Name and Temperature"),
        ([{"Name": 5, "Temperature": 40}], "a sensor should have Name and Temperature"),
        ([{"Name": "a", "Temperature": 1 << 2000}], "a temperature is a number of 2001 bits"),
        ([40], "a sensor should have Name and Temperature, but is 40"),
        ({"a": 40}, "Temperatures should be a list, but are an object with a"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_sensors_are_read_each_or_not_at_all(raw: Any, outcome: Any) -> None:
    found = figure("temperature", server(Temperatures=raw))
    if isinstance(outcome, dict):
        assert {one.labels["sensor"]: one.value for one in found} == outcome
        assert only(figure("temperature_max", server(Temperatures=raw))).value == max(outcome.values())
    else:
        assert only(found).labels == LABELS
        assert only(found).reason.startswith(outcome)


@pytest.mark.parametrize(("name", "key"), [("temperature", "Temperatures"), ("temperature_max", "Temperatures")])
def test_an_old_dashboard_sends_no_temperatures(name: str, key: str) -> None:
    status = {one: value for one, value in STATUS.items() if one != key}
    assert "since v0.16.27" in only(figure(name, server(status=status))).reason


def test_an_old_dashboard_sends_no_gpu() -> None:
    status = {one: value for one, value in STATUS.items() if one != "GPU"}
    host = {one: value for one, value in HOST.items() if one != "GPU"}
    assert only(figure("gpu", server(status=status, host=host))).reason == "it came without GPU"


def test_keys_that_nobody_knows_are_ignored() -> None:
    row = {**SERVER, "display_index": -3, "hide_for_guest": True, "fork": {"more": 1}}
    row["status"] = {**STATUS, "Battery": "full"}
    assert figure("cpu", row) == figure("cpu", SERVER)
