"""Payload to samples: the documented answers, one broken value among good ones, and values nobody documents."""

from typing import Any

import pytest

from checkmill.api.v1 import Limits, Sample, State
from checkmill_whatap.metrics import WHATAP
from plugins.whatap.documented import (
    ANSWERS,
    COUNT,
    DISK_ROOT,
    PCODE,
    SERVER,
    SNAPSHOT,
    metric,
    only,
    project_settings,
    samples,
)

ID = "-1359816680"
PROJECT: dict[str, Any] = {"project": "LOCAL_INFRA", "pcode": PCODE}
P: dict[str, Any] = {"project": "P", "pcode": PCODE}
HOST: dict[str, Any] = {"host": "h-db-prx-01", **PROJECT}
SERVER_LABELS: dict[str, Any] = {"host": "h-db-prx-01", "id": ID, **PROJECT}


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("active_agents", [Sample(57, **PROJECT)]),
        ("inactive_agents", [Sample(0, **PROJECT)]),
        ("hosts", [Sample(57, **PROJECT)]),
        ("cpu_cores", [Sample(124, **PROJECT)]),
        (
            "agents",
            [Sample(57, state="active", **PROJECT), Sample(0, state="inactive", **PROJECT)],
        ),
        ("cpu", [Sample(2.802803, **HOST), Sample(93.5, host="서버-2", **PROJECT)]),
        ("disk_bps", [Sample(4447.892, **HOST)]),
        ("disk_iops", [Sample(0.77481234, **HOST)]),
        ("net_traffic", [Sample(4487137.014340188, **HOST)]),
        ("process_count", [Sample(2, process="java", **HOST), Sample(1, process="sshd", **HOST)]),
        ("process_cpu", [Sample(105.0, process="java", **HOST), Sample(0.0, process="sshd", **HOST)]),
        ("process_memory", [Sample(1275269696, process="java", **HOST), Sample(5000, process="sshd", **HOST)]),
        ("process_bps", [Sample(820.0, process="java", **HOST), Sample(0.0, process="sshd", **HOST)]),
        ("server_status", [Sample("ok", **SERVER_LABELS)]),
        ("server_active", [Sample("active", **SERVER_LABELS)]),
        ("project_servers", [Sample(1, **PROJECT)]),
        ("cpu_used", [Sample(4.08, **SERVER_LABELS)]),
        ("cpu_steal", [Sample(0.08, **SERVER_LABELS)]),
        ("load1_per_core", [Sample(0.25, **SERVER_LABELS)]),
        ("memory_used", [Sample(47.6, **SERVER_LABELS)]),
        ("memory_available_bytes", [Sample(1094303744, **SERVER_LABELS)]),
        ("swap_used", [Sample(15.41, **SERVER_LABELS)]),
        ("open_files", [Sample(1824, **SERVER_LABELS)]),
        ("uptime", [Sample(16313689, **SERVER_LABELS)]),
        ("disk_used", [Sample(69.1, mount="/", **SERVER_LABELS), Sample(6.54, mount="/boot", **SERVER_LABELS)]),
        ("net_out", [Sample(19447.73, nic="eth0", **SERVER_LABELS)]),
        ("net_errors", [Sample(3.0, nic="eth0", **SERVER_LABELS)]),
        ("net_dropped", [Sample(0.5, nic="eth0", **SERVER_LABELS)]),
        (
            "sockets",
            [
                Sample(12, state="established", **SERVER_LABELS),
                Sample(9, state="listen", **SERVER_LABELS),
                Sample(1, state="syn_rcv", **SERVER_LABELS),
            ],
        ),
        ("servers", [Sample(COUNT[s], status=s, **PROJECT) for s in COUNT if s != "total"]),
        ("projects", [Sample(1)]),
        ("project_status", [Sample("subscribe", project="SERVER_TEST", pcode="35")]),
        ("project_members", [Sample(2, project="SERVER_TEST", pcode="35")]),
        ("groups", [Sample(1)]),
        ("group_members", [Sample(1, group="ops", id="G1")]),
    ],
)
def test_documented_answers_become_samples(name: str, expected: list[Sample]) -> None:
    assert samples(name) == expected


@pytest.mark.parametrize("declared", WHATAP.metrics, ids=lambda m: m.name)
def test_every_metric_has_data_and_carries_the_labels_it_declares(declared: Any) -> None:
    found = samples(declared.name)
    assert found
    for sample in found:
        assert not sample.is_missing, sample
        assert set(sample.labels) == set(declared.labels)
        assert isinstance(sample.value, str) == declared.is_state
    assert declared.help


def test_default_levels_are_those_of_the_vendors_templates() -> None:
    for name in ("cpu", "cpu_used", "cpu_avg", "cpu_min", "cpu_max"):
        levels = metric(name).levels
        assert levels is not None
        assert levels.above == Limits(70.0, 90.0)
    levels = metric("disk_used").levels
    assert levels is not None
    assert levels.above == Limits(90.0, 95.0)


BROKEN = {
    "text": "n/a",
    "NaN text": "NaN",
    "null": None,
    "yes": True,
    "list": [1],
    "object": {"a": 1},
    "empty text": "",
    "below zero": -1.0,
    "infinity text": "inf",
}


@pytest.mark.parametrize("raw", BROKEN.values(), ids=BROKEN)
def test_one_broken_value_is_missing_for_its_host_alone(raw: object) -> None:
    found = samples("cpu", {"/open/json/infra_cpu": {"pname": "P", "values": {"a": raw, "b": 12.5, "c": 0}}})
    assert found[0].is_missing
    assert found[0].labels == {"host": "a", **P}
    assert found[1:] == [Sample(12.5, host="b", **P), Sample(0, host="c", **P)]


@pytest.mark.parametrize("body", [b'{"values": {"a": NaN, "b": 1}}', b'{"values": {"a": 1e999, "b": 1}}'])
def test_what_is_not_finite_is_missing(body: bytes) -> None:
    found = samples("cpu", {"/open/json/infra_cpu": body})
    assert [sample.value for sample in found] == [None, 1]


@pytest.mark.parametrize(("raw", "value"), [("57.0", 57), ("0.25", 0.25), (" 3 ", 3), (2.46495681e12, 2.46495681e12)])
def test_a_number_as_text_is_a_number(raw: object, value: float) -> None:
    assert only(samples("cpu", {"/open/json/infra_cpu": {"values": {"a": raw}}})).value == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [("57.0", 57), ("0.0", 0), (57, 57), (57.0, 57), ("57.5", None), ("many", None), (True, None), ("-1.0", None)],
)
def test_a_count_is_whole_or_missing(raw: object, value: int | None) -> None:
    found = only(samples("active_agents", {"/open/json/act_agent": {"pname": "P", "values": raw}}))
    assert (found.value, found.labels) == (value, {**P})
    assert isinstance(found.value, int) or found.reason


@pytest.mark.parametrize("name", ["disk_bps", "disk_iops"])
@pytest.mark.parametrize("raw", [12.5, None, [], {}, {"bps": "x", "iops": "x"}])
def test_broken_disk_rates_are_missing_for_their_host(name: str, raw: object) -> None:
    answer = {"values": {"a": raw, "b": {"bps": 1.0, "iops": 1.0}}}
    found = samples(name, {"/open/json/infra_disk_iops": answer})
    assert found[0].is_missing
    assert found[0].labels["host"] == "a"
    assert found[1].value == 1.0


def test_an_answer_without_hosts_gives_no_sample() -> None:
    assert samples("cpu", {"/open/json/infra_cpu": {"pname": "P", "values": {}}}) == []


def test_processes_of_one_command_can_be_judged_by_the_largest() -> None:
    assert samples("process_cpu", of="max")[0] == Sample(102.5, process="java", **HOST)


@pytest.mark.parametrize(
    ("processes", "reason"),
    [
        (None, "a list of processes was expected"),
        ({}, "a list of processes was expected"),
        ([], "empty"),
        ([None], "without its command"),
        ([{"cpu": 1.0}], "without its command"),
        ([{"cmd1": "java", "cpu": "x"}, {"cmd1": "java", "cpu": 1.0}], "a number was expected"),
    ],
)
def test_a_broken_process_list_is_missing_for_its_host(processes: object, reason: str) -> None:
    answer = {"values": {"a": processes, "b": [{"cmd1": "sshd", "cpu": 0.5}]}}
    found = samples("process_cpu", {"/open/json/sm_proc": answer})
    assert found[0].is_missing
    assert reason in found[0].reason
    assert found[0].labels["host"] == "a"
    assert found[1] == Sample(0.5, host="b", process="sshd", project="35", pcode="35")


@pytest.mark.parametrize(("unit", "factor"), [("bit/s", 1), ("B/s", 8)])
@pytest.mark.parametrize(
    ("name", "sent"), [("net_traffic", 4487137.014340188), ("net_in", 12113.57), ("traffic_out_avg", 24781.08)]
)
def test_traffic_is_in_bits_whatever_the_vendor_sends(name: str, sent: float, unit: str, factor: int) -> None:
    found = samples(name, None, project_settings(traffic_unit=unit))
    assert only(found).value == pytest.approx(sent * factor)
    assert metric(name).unit == "bit/s"


def _list(*rows: object) -> dict[str, Any]:
    return {"/open/json/sm_servers": {"pname": "P", "values": list(rows)}}


@pytest.mark.parametrize(
    ("row", "word", "state"),
    [
        ({"os.status": "ok", "isActive": True}, "ok", State.OK),
        ({"os.status": "OK ", "isActive": "true"}, "ok", State.OK),
        ({"os_status": "warning", "isActive": 1}, "warning", State.WARNING),
        ({"os.status": "fatal", "isActive": True}, "fatal", State.CRITICAL),
        ({"os.status": "ok", "isActive": False}, "inactive", State.CRITICAL),
        ({"os.status": "ok", "isActive": "False"}, "inactive", State.CRITICAL),
        ({"os.status": "ok", "inactTime": 1572341400000}, "inactive", State.CRITICAL),
        ({"os.status": "close", "isActive": False}, "close", State.CRITICAL),
        ({"os.status": "paused", "isActive": False}, "paused", State.WARNING),
        ({"os.status": "melting", "isActive": True}, "melting", State.UNKNOWN),
        ({"os.status": "", "isActive": True}, None, State.UNKNOWN),
        ({"os.status": 3, "isActive": True}, None, State.UNKNOWN),
        ({"os.status": "ok", "isActive": "perhaps"}, None, State.UNKNOWN),
        ({"os.status": "ok", "isActive": None}, None, State.UNKNOWN),
        ({}, None, State.UNKNOWN),
    ],
)
def test_server_status_is_the_vendors_word(row: dict[str, object], word: str | None, state: State) -> None:
    found = only(samples("server_status", _list({"oid": -5, "oname": "a", **row})))
    assert found.value == word
    assert found.labels == {"host": "a", "id": "-5", **P}
    if word is not None:
        assert (metric("server_status").states or {}).get(word, State.UNKNOWN) is state


@pytest.mark.parametrize(
    ("oid", "shown"),
    [(-5, "-5"), ("-5", "-5"), (-5.0, "-5"), ("-5.0", "-5"), (7, "7"), ("x", ""), (True, ""), (None, "")],
)
def test_ids_are_text_of_a_signed_integer(oid: object, shown: str) -> None:
    found = only(samples("server_active", _list({"oid": oid, "oname": "a", "isActive": True})))
    assert found.labels["id"] == shown


def test_two_servers_of_one_name_differ_in_their_id() -> None:
    rows = [{"oid": 1, "oname": "a", "isActive": True}, {"oid": 2, "oname": "a", "isActive": False}]
    assert samples("server_active", _list(*rows)) == [
        Sample("active", host="a", id="1", **P),
        Sample("inactive", host="a", id="2", **P),
    ]


@pytest.mark.parametrize("row", [None, 5, "x", [], {}, {"isActive": True}, {"oname": " "}])
def test_a_row_that_names_no_server_is_missing_for_the_project(row: object) -> None:
    found = samples("server_active", _list(row, {"oid": 1, "oname": "a", "isActive": True}))
    assert found[0].is_missing
    assert found[0].labels == {**P}
    assert found[1] == Sample("active", host="a", id="1", **P)
    assert only(samples("project_servers", {"/open/json/project": {"values": {"servers": [row]}}})).is_missing


def _snapshot(**server: object) -> dict[str, Any]:
    return {"/open/json/sm": {"pname": "P", "values": {"servers": [{**SERVER, **server}], "count": COUNT}}}


FIGURES = [
    "cpu_used",
    "memory_used",
    "swap_used",
    "disk_used",
    "net_in",
    "net_errors",
    "sockets",
    "uptime",
    "open_files",
]


@pytest.mark.parametrize("name", [*FIGURES, "load1_per_core"])
@pytest.mark.parametrize(
    ("server", "reason"),
    [
        ({"snapshot": SNAPSHOT, "isActive": False, "inactTime": 1572341400000}, "inactive since 2019-10-29 09:30 UTC"),
        ({"snapshot": SNAPSHOT, "isActive": False, "inactTime": 0}, "inactive"),
        ({"snapshot": SNAPSHOT, "isActive": False, "inactTime": 9e300}, "inactive"),
        ({"snapshot": SNAPSHOT, "isActive": "perhaps"}, "isActive should be true or false"),
        ({}, "snapshot should be an object, but is absent"),
        ({"snapshot": None}, "snapshot should be an object"),
        ({"snapshot": []}, "snapshot should be an object"),
        ({"snapshot": {}}, ""),
        ({"snapshot": {"cpu": 1, "memory": [], "disk": "x", "network": None, "netstat": 5}}, ""),
        ({"snapshot": {"cpu": {}, "memory": {}, "disk": {}, "network": {}, "netstat": {}}}, ""),
    ],
)
def test_figures_that_are_old_or_absent_are_missing(name: str, server: dict[str, object], reason: str) -> None:
    found = only(samples(name, _snapshot(**server)))
    assert found.is_missing
    assert reason in found.reason
    assert found.labels == {"host": "h-db-prx-01", "id": ID, **P}


def test_one_broken_mount_leaves_the_others() -> None:
    disks = {"/": DISK_ROOT, "/home": None, "/data": {"usedPercent": "x"}}
    found = samples("disk_used", _snapshot(snapshot={"disk": disks}))
    assert [(s.labels["mount"], s.value) for s in found] == [("/", 69.1), ("/home", None), ("/data", None)]


def test_one_broken_way_makes_the_sum_missing() -> None:
    nics = {"eth0": {"errorIn": 1.0}, "eth1": {"errorIn": 1.0, "errorOut": "2.0"}}
    found = samples("net_errors", _snapshot(snapshot={"network": nics}))
    assert [(s.labels["nic"], s.value) for s in found] == [("eth0", None), ("eth1", 3.0)]


@pytest.mark.parametrize(
    ("memory", "value"),
    [
        ({"swaptotal": 0, "swapused": 0, "swappused": 0}, 0.0),
        ({"swaptotal": "0", "swappused": None}, 0.0),
        ({"swaptotal": 0, "swapused": 5}, None),
        ({"swaptotal": 100, "swappused": 51.0}, 51.0),
        ({"swaptotal": 100}, None),
        ({"swappused": 51.0}, 51.0),
    ],
)
def test_a_server_without_swap_uses_none(memory: dict[str, object], value: float | None) -> None:
    assert only(samples("swap_used", _snapshot(snapshot={"memory": memory}))).value == value


@pytest.mark.parametrize(
    ("idle", "value"),
    [
        (95.92, 4.08),
        (100, 0),
        (100.0001, 0),
        (0, 100),
        ("20.5", 79.5),
        (150, None),
        (-1, None),
        ("x", None),
        (None, None),
    ],
)
def test_cpu_used_is_what_is_not_idle(idle: object, value: float | None) -> None:
    assert only(samples("cpu_used", _snapshot(snapshot={"cpu": {"idle": idle}}))).value == value


@pytest.mark.parametrize("cores", ["0", 0, None, "x", "1.5", -2, True])
def test_load_per_core_needs_a_count_of_cores(cores: object) -> None:
    found = only(samples("load1_per_core", _snapshot(snapshot=SNAPSHOT, cpu_cores=cores)))
    assert found.is_missing
    assert "cpu_cores" in found.reason


@pytest.mark.parametrize("states", [{"syn_recv": 4}, {"syn_rcv": 4}, {"syn_rcv": 4, "syn_recv": 9}])
def test_both_spellings_of_a_socket_state_are_one(states: dict[str, int]) -> None:
    found = only(samples("sockets", _snapshot(snapshot={"netstat": states})))
    assert (found.value, found.labels["state"]) == (4, "syn_rcv")


@pytest.mark.parametrize("count", [None, [], "9", 9])
def test_broken_counts_by_status_leave_the_figures(count: object) -> None:
    answer = {"/open/json/sm": {"values": {"servers": [{**SERVER, "snapshot": SNAPSHOT}], "count": count}}}
    assert only(samples("servers", answer)).is_missing
    assert only(samples("memory_used", answer)).value == 47.6


def test_half_characters_in_names_can_be_written() -> None:
    found = only(samples("cpu", {"/open/json/infra_cpu": b'{"values": {"a\\ud800": 1}}'}))
    assert found.labels["host"].encode() == b"a?"


def test_one_fetch_serves_all_metrics_of_an_answer() -> None:
    of_snapshot = {m.dataset for m in WHATAP.metrics if m.name in {*FIGURES, "servers", "load1", "disk_free"}}
    assert len(of_snapshot) == 1
    assert len({m.dataset.name for m in WHATAP.metrics}) == len({m.dataset for m in WHATAP.metrics})
    assert "/open/json/sm" in ANSWERS
