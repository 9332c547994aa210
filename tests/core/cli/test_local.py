"""`local`: every line is one that Checkmk reads, and the service `checkmill` tells what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commands import Desk, Ran
from support.consumers import LocalService, read_local_lines
from support.whatap_vendor import CPU, Vendor, as_json

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}, tags: [web]}
      - {name: hosts, source: shop, metric: hosts, above: 1000}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)


def services_of(ran: Ran) -> dict[str, LocalService]:
    assert (ran.code, ran.writes, ran.err) == (0, 1, "")
    assert read_local_lines(ran.out, old=False) == read_local_lines(ran.out, old=True)
    return {service.name: service for service in read_local_lines(ran.out, old=True)}


def test_all_services_and_checkmills_own(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"웹-1": 85, 'a "quoted" | name': 95, "tab\there\nand\\nthere": 10, " ": 1})

    assert desk("local").out == (
        '0 "checkmill" - 2 checks, no problems\n'
        '1 "cpu 웹-1" cm_cpu=85;80;90;0;100 cpu 85% above 80%\n'
        '2 "cpu a ”quoted” | name" cm_cpu=95;80;90;0;100 cpu 95% above 90%\n'
        '0 "cpu tab here and\\nthere" cm_cpu=10;80;90;0;100 cpu 10%\n'
        '0 "cpu (no name)" cm_cpu=1;80;90;0;100 cpu 1%\n'
        '0 "hosts" cm_hosts=57;;1000;0 hosts 57\n'
    )
    assert len(services_of(desk("local"))) == 6


def test_a_tag_selects(desk: Desk) -> None:
    assert list(services_of(desk("local --tag web"))) == ["checkmill", "cpu web-1"]


def test_a_dead_vendor_is_no_problem_of_checkmills(desk: Desk, vendor: Vendor) -> None:
    vendor.answers[CPU] = as_json({}, 500)

    services = services_of(desk("local"))

    assert {name: one.state for name, one in services.items()} == {"checkmill": 0, "cpu": 3, "hosts": 0}


@pytest.mark.parametrize("tags", ["", " --tag web"])
def test_services_of_a_broken_file_stay_and_are_unknown(desk: Desk, tags: str) -> None:
    desk("local")
    (desk.checks_dir / "rules.yaml").write_text("sources: [")

    services = services_of(desk("local" + tags))

    names = ["checkmill", "cpu web-1"] if tags else ["checkmill", "cpu web-1", "hosts"]
    assert {name: one.state for name, one in services.items()} == dict.fromkeys(names, 3)
    assert all("rules.yaml:" in one.summary for one in services.values())


def test_services_of_a_broken_rule_stay_and_are_unknown(desk: Desk, vendor: Vendor) -> None:
    desk("local")
    desk.write(RULES.replace("metric: cpu", "metric: cup"), url=vendor.url)

    services = services_of(desk("local"))

    assert {name: one.state for name, one in services.items()} == {"checkmill": 3, "cpu web-1": 3, "hosts": 0}


def test_services_of_a_directory_that_cannot_be_read_stay_and_are_unknown(desk: Desk) -> None:
    desk("local")
    desk.checks_dir.rename(desk.home / "away")

    services = services_of(desk("local"))

    assert {name: one.state for name, one in services.items()} == dict.fromkeys(["checkmill", "cpu web-1", "hosts"], 3)


def test_services_of_a_deleted_rule_are_gone(desk: Desk, vendor: Vendor) -> None:
    desk("local")
    desk.write(RULES.replace("      - {name: hosts", "      - {name: other"), url=vendor.url)

    assert list(services_of(desk("local"))) == ["checkmill", "cpu web-1", "other"]


def test_a_service_that_calls_itself_checkmill_does_not_take_its_place(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"checkmill": 95})
    desk.write(RULES.replace("each: host,", 'each: host, as: {service: "{{ labels.host }}"},'), url=vendor.url)

    services = services_of(desk("local"))

    assert {name: one.state for name, one in services.items()} == {"checkmill": 0, "checkmill (2)": 2, "hosts": 0}


@pytest.mark.parametrize("words", ["local --frob", "local x", "local -t 0", "local -t x", "local --log-level loud"])
def test_a_usage_error_shows_in_its_own_service(desk: Desk, words: str) -> None:
    services = services_of(desk(words))

    assert list(services) == ["checkmill"]
    assert services["checkmill"].state == 3
    assert services["checkmill"].summary.startswith("usage: ")


def test_a_deadline_is_that_of_the_whole_call(desk: Desk, vendor: Vendor) -> None:
    vendor.hanging |= {CPU}

    services = services_of(desk("local -t 1.5"))

    assert {name: one.state for name, one in services.items()} == {"checkmill": 0, "cpu": 3, "hosts": 0}


# The state directory.


@pytest.fixture(params=["a-file", "open-to-all", "a-link", "read-only"])
def unusable(request: pytest.FixtureRequest, desk: Desk) -> str:
    state = desk.state_dir
    if request.param == "a-file":
        state.write_text("")
    elif request.param == "read-only":
        desk.arguments = ["--state-dir", "/proc/self"]
    else:
        state.mkdir(mode=0o770)
        if request.param == "a-link":
            (state / "state.db").symlink_to(Path("/dev/null"))
        else:
            state.chmod(0o777)
    return str(request.param)


def test_an_unusable_state_directory_keeps_nobody_from_measuring(desk: Desk, vendor: Vendor, unusable: str) -> None:
    check = desk("check cpu")
    local = services_of(desk("local"))
    run = desk("run --format json")

    assert (check.code, check.writes, check.err) == (0, 1, "")
    assert check.line.startswith("OK - cpu 42.5% (what is gone goes unnoticed: ")
    assert {name: one.state for name, one in local.items()} == {"checkmill": 3, "cpu web-1": 0, "hosts": 0}
    assert (run.code, [result["state"] for result in run.json]) == (3, ["OK", "OK"])
    assert "results are not kept" in run.err, unusable


def test_no_state_directory_at_all_keeps_nobody_from_measuring(desk: Desk) -> None:
    desk.arguments = ["--state-dir", ""]
    desk.environ |= {"CHECKMILL_STATE_DIR": "", "HOME": "/dev/null/nowhere"}

    assert desk("check cpu").code == 0
    assert desk("run").code == 3


def test_a_tag_that_no_check_has_does_not_look_well(desk: Desk) -> None:
    (own,) = services_of(desk("local --tag tpyo")).values()
    assert (own.state, own.summary) == (3, "no check that is meant has the tag 'tpyo'")


def test_a_directory_without_any_check_does_not_look_well(desk: Desk) -> None:
    for path in desk.checks_dir.iterdir():
        path.unlink()
    desk.write("# rules will follow")
    (own,) = services_of(desk("local")).values()
    assert (own.state, own.summary) == (3, f"there is no check in {desk.checks_dir}")
