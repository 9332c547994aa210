"""`run --output FILE`: whoever reads the file finds the old results or the new ones, whole; and `metrics TYPE NAME`."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from checkmill.cli.output import write_whole
from support.commands import Desk
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}}
"""


@pytest.fixture(autouse=True)
def rules(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"web-1": 85, "가": 95})
    desk.write(RULES, url=vendor.url)


@pytest.mark.parametrize("form", ["table", "json", "jsonl", "nagios", "checkmk", "openmetrics"])
def test_the_file_holds_what_stdout_would(desk: Desk, form: str) -> None:
    path = desk.home / "results"

    printed = desk(["run", "--format", form])
    written = desk(["run", "--format", form, "--output", str(path)])

    assert (written.code, written.out, written.writes) == (0, "", 0)
    assert path.read_text(encoding="utf-8") == printed.out != ""


def test_a_textfile_collector_can_read_it(desk: Desk) -> None:
    path = desk.home / "checkmill.prom"
    before = os.umask(0o077)
    try:
        desk(["run", "--format", "openmetrics", f"--output={path}"])
    finally:
        os.umask(before)

    families = {one.name: one for one in text_string_to_metric_families(path.read_text(encoding="utf-8"))}
    states = {one.labels["host"]: one.value for one in families["checkmill_state"].samples}
    assert states == {"web-1": 1.0, "가": 2.0}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    assert [one.name for one in desk.home.iterdir() if one.is_file()] == ["checkmill.prom"]


def test_the_exit_state_is_that_of_the_results(desk: Desk) -> None:
    assert desk(["run", "--exit-state", "--output", str(desk.home / "out")]).code == 2


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("directory", "it is no plain file"),
        ("pipe", "it is no plain file"),
        ("nowhere", "No such file or directory"),
        ("long", "File name too long"),
        ("loop", "Too many levels of symbolic links"),
    ],
)
def test_a_file_that_cannot_be_written_exits_with_3(desk: Desk, vendor: Vendor, kind: str, why: str) -> None:
    path = desk.home / "out"
    if kind == "directory":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "nowhere":
        path /= "results"
    elif kind == "long":
        path = desk.home / ("o" * 300)
    else:
        path.symlink_to(path)

    ran = desk(["run", "--output", str(path)])

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.splitlines()[0] == f"checkmill: {path} cannot be written: {why}"
    # It was measured all the same.
    before = vendor.requests.count(CPU)
    assert (desk("check cpu").code, vendor.requests.count(CPU)) == (2, before)


@pytest.mark.parametrize("words", ["run --output", "run --output=", "run --format xml --output x"])
def test_what_it_does_not_understand_is_a_usage_error(desk: Desk, words: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.out) == (3, "")
    assert ran.err.startswith("checkmill: usage: ")


def test_a_reader_of_the_old_file_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "results"
    path.write_text("old and longer\n")

    with path.open() as reader:
        write_whole(path, "new\n")
        assert reader.read() == "old and longer\n"
    assert path.read_text() == "new\n"
    assert sorted(one.name for one in tmp_path.iterdir()) == ["checks.d", "results"]


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    path, target = tmp_path / "link", tmp_path / "there" / "target"
    path.symlink_to(target)

    write_whole(path, "")

    assert path.is_symlink()
    assert target.read_text() == ""


def test_metrics_are_shown_by_name_and_glob(desk: Desk) -> None:
    found = desk("metrics whatap cpu_a* disk_used --format json").json

    assert [one["metric"] for one in found] == ["disk_used", "cpu_avg"]


@pytest.mark.parametrize(
    ("words", "err"),
    [
        ("metrics whatap cpuu", "checkmill: whatap has no metric 'cpuu': did you mean 'cpu'?\n"),
        ("metrics whatapp cpu", "checkmill: there is no source type 'whatapp': did you mean 'whatap'?\n"),
    ],
)
def test_a_metric_that_is_unknown_names_the_nearest(desk: Desk, words: str, err: str) -> None:
    ran = desk(words)

    assert (ran.code, ran.out, ran.err) == (3, "", err)
