"""`metrics` and `plugins`: what can be measured, each with a rule that works as it stands, and what is installed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.cli.starter import Starter
from checkmill.host import Host
from support.commands import Desk
from support.loopback import Server
from support.readme import table
from support.signals import Yard, served

SOURCES = [plugin.source for plugin in Host().plugins() if plugin.source is not None]
#: Metrics that each type has at least.
AT_LEAST = {
    "whatap": "active_agents inactive_agents hosts cpu disk_used server_status cpu_avg projects source_up",
    "nhn-monitoring": "failed_scenarios scenario scenario_status scenario_response_time",
    "nhn-watcher": "alarms alarm_status notifications failed_notifications failed_share stuck_notifications events",
    "checkmk": "sla_broken sla_deviation sla_deviation_state sla_state_percentage sla_period_elapsed",
    "nezha": "servers inactive_agents never_reported agent_age cpu memory_used load1 uptime agent_version",
}


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.type)
def test_every_metric_is_told_with_unit_labels_meaning_and_a_rule(desk: Desk, source: Starter) -> None:
    rows = desk(f"metrics {source.type} --format json").json

    assert set(AT_LEAST[source.type].split()) <= {row["metric"] for row in rows}
    for row in rows:
        assert row["unit"], row
        assert row["help"], row
        assert isinstance(row["labels"], list)
        assert f"metric: {row['metric']}" in row["example"]


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.type)
def test_every_example_is_a_rule_that_holds(desk: Desk, source: Starter) -> None:
    rows = desk(f"metrics {source.type} --format json").json
    head = Starter(source.type, source).text().partition("\nchecks:")[0]  # type: ignore[arg-type]
    desk.write("\n".join([head, "checks:", *(f"  - {row['example']}" for row in rows), ""]))

    ran = desk("validate --sandbox")

    assert (ran.code, ran.out.partition(";")[0]) == (0, "no problems"), ran.out


@pytest.fixture
def server(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(Yard(), desk, monkeypatch) as server:
        yield server


@pytest.mark.usefixtures("server")
def test_plugins_are_told_with_their_commands(desk: Desk) -> None:
    (row,) = [row for row in desk("plugins --format json").json if row["type"] == "signals"]

    assert (row["kind"], row["status"]) == ("source, commands", "ok")
    assert row["commands"][:2] == ["yard odd", "yard read"]
    assert "yard odd,yard read,yard signal apply" in desk("plugins").out


@pytest.mark.usefixtures("server")
def test_a_command_that_does_not_work_is_a_problem_of_its_plugin(desk: Desk, tmp_path: Path) -> None:
    about = tmp_path / "site" / "strays-1.0.dist-info"
    about.mkdir()
    about.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: strays\nVersion: 1.0\n", "utf-8")
    about.joinpath("entry_points.txt").write_text("[checkmill]\nstrays = support.strays\n", "utf-8")

    ran = desk("plugins --format json")

    said = (
        "plugin strays 1.0, entry point 'strays': its command 'run wild' is not offered: "
        "'run' is a command of Checkmill itself"
    )
    assert (ran.code, ran.err.splitlines()) == (3, [said])
    assert {row["type"]: row["commands"] for row in json.loads(ran.out)}["strays"] == ["stray list"]
    assert desk("yard signal list").code == 0
    assert "\n1 plugin does not work as it is; see 'checkmill plugins'\n" in desk("--help").out


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: source.type)
def test_the_readme_has_a_table_of_everything_a_type_declares(source: Starter) -> None:
    assert "`base_url`" in table(f"{source.type} settings")
    assert table(f"{source.type} metrics").count("`metric: ") >= len(AT_LEAST[source.type].split()) - 1
    assert table(f"{source.type} query keys").startswith("| key | meaning | default | of |\n")
    commands = [command for command in Host().commands() if command.source == source.type]
    told = table(f"{source.type} commands")
    assert [command.name for command in commands if f"| `{command.name}" not in told] == []
    assert all(line in table("plugin commands") for line in told.splitlines())
