"""`init`: a first checks directory holds as it is written, whatever plugins are installed, and overwrites nothing."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from checkmill.cli.init import InitError, starters_of, write_all
from checkmill.cli.starter import Starter
from checkmill.host import Host
from support.commands import Desk

TESTS = Path(__file__).parents[2]
#: The types of the tree, each with a file.
TYPES = ("checkmk", "nezha", "nhn-batchmon", "nhn-monitoring", "nhn-watcher", "whatap")
FOREIGN = ("bell", "grim", "plain", "tally")
TALLY = """\
# Tally.
# It runs as it stands against the sandbox: checkmill run --sandbox
# For the real vendor set TALLY_BASE_URL, TALLY_SITE_ID, TALLY_TOKEN, and leave --sandbox out.
# A file whose vendor is not yours can be deleted.

sources:
  tally:    # any name; it becomes the label source of all it measures
    type: tally
    # where the vendor answers
    base_url: ${TALLY_BASE_URL}
    # number of the site: it stands in the address bar
    site_id: ${TALLY_SITE_ID}
    # API token
    token: ${TALLY_TOKEN}
    # which queues to read
    queues: ["mail", "print: 2"]
    # Not needed to begin with:
    # what is told to the tally
    # note: ${TALLY_NOTE}
    # tries: 3

checks:
  # Full.
  - name: tally-full
    source: tally
    metric: full
    each: queue    # a service for each; without it one, and the worst value decides
    # The metric has no limits of its own; write yours:
    above: {warn: 80%, crit: 90%}
    tags: [tally]
    # Where `checkmill run` pushes the results:
    # report:
    #   - {to: bell, tower: "${BELL_TOWER}"}

  # How long each queue is.
  - name: tally-length
    source: tally
    metric: length
    each: queue
    # The metric has no limits of its own; write yours:
    above: {warn: 80, crit: 90}
    tags: [tally]
"""
BELL = """\
# Bell.
# It runs as it stands against the sandbox: checkmill run --sandbox
# For the real vendor set BELL_ROPE, and leave --sandbox out.
# A file whose vendor is not yours can be deleted.

reporters:
  bell:    # any name; a rule says it under 'report' as 'to'
    type: bell
    # what is pulled
    rope: ${BELL_ROPE}
    # Not needed to begin with:
    # where the bell hangs
    # base_url: "https://bell.example"
"""


def foreign(*types: str) -> tuple[list[Starter], list[str]]:
    return starters_of(Host(entry_points=[EntryPoint(name, "support.foreign", "checkmill") for name in types]))


def install_foreign(desk: Desk) -> None:
    """Lay the foreign plugin on the path of processes, as an installed distribution."""
    about = desk.home / "site" / "foreign-1.0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: foreign\nVersion: 1.0\n")
    entry_points = "".join(f"{name} = support.foreign\n" for name in FOREIGN if name != "grim")
    (about / "entry_points.txt").write_text(f"[checkmill]\n{entry_points}")
    desk.environ["PYTHONPATH"] = os.pathsep.join([str(about.parent), str(TESTS)])


def test_a_file_is_made_of_what_a_plugin_declares() -> None:
    starters, remarks = foreign("tally", "bell")

    assert {one.file: one.text() for one in starters} == {"tally.yaml": TALLY, "bell.yaml": BELL}
    assert remarks == []


def test_what_does_not_hold_is_left_out_and_said() -> None:
    starters, remarks = foreign(*FOREIGN)

    assert [one.file for one in starters] == ["bell.yaml", "tally.yaml"]
    assert remarks == [
        "no rule file is written for type grim: sources.grim.number: a whole number is expected, found '${GRIM_NUMBER}'"
    ]


@pytest.mark.parametrize("types", [(), ("plain",), ("absent",)], ids=["none", "without sandbox", "broken"])
def test_types_without_a_sandbox_give_no_file(types: tuple[str, ...]) -> None:
    assert foreign(*types) == ([], [])


def test_what_init_writes_validates_and_runs_in_the_sandbox(desk: Desk) -> None:
    new = desk.home / "new" / "checks.d"
    desk.environ.clear()

    ran = desk(["init", str(new)])
    desk.arguments = ["--checks-dir", str(new), "--sandbox"]
    validated, run = desk("validate"), desk("run --format json")

    assert (ran.code, ran.err) == (0, "")
    wrote = "".join(f"wrote {new}/{kind}.yaml\n" for kind in TYPES)
    needed = (
        "CHECKMK_BASE_URL CHECKMK_USERNAME CHECKMK_SECRET NEZHA_BASE_URL NEZHA_TOKEN NHN_BATCHMON_APPKEY"
        " NHN_MONITORING_APPKEY NHN_MONITORING_PRODUCT_APPKEY NHN_WATCHER_BASE_URL NHN_WATCHER_APPKEY"
        " NHN_WATCHER_USER_ACCESS_KEY WHATAP_PCODE WHATAP_TOKEN"
    )
    assert ran.out == (
        f"{wrote}\n"
        "Next, without an account anywhere:\n"
        f"  checkmill validate --sandbox --checks-dir {new}\n"
        f"  checkmill run --sandbox --checks-dir {new}\n"
        f"Then for the real vendors, with these set: {needed}\n"
        f"  checkmill run --checks-dir {new}\n"
    )
    assert (validated.code, validated.out) == (0, f"no problems; 11 of 11 checks can run, from 6 files in {new}\n")
    assert run.code == 0
    checks = {one["check"] for one in run.json}
    assert len(checks) == 11
    assert checks >= {"whatap-cpu", "whatap-disk-used", "whatap-server-status", "nezha-agent-age"}
    assert {one["labels"].get("host") for one in run.json} >= {"web-1", "db-1"}


def test_what_init_writes_holds_for_the_real_vendors_too(desk: Desk) -> None:
    desk.arguments = ["--checks-dir", str(desk.home / "new")]
    desk(["init"])
    desk.environ |= {
        **dict.fromkeys(("CHECKMK_BASE_URL", "NEZHA_BASE_URL", "NHN_WATCHER_BASE_URL"), "https://vendor.example/site"),
        **dict.fromkeys(("CHECKMK_USERNAME", "CHECKMK_SECRET", "NEZHA_TOKEN", "NHN_BATCHMON_APPKEY"), "token-1"),
        **dict.fromkeys(("NHN_MONITORING_APPKEY", "NHN_MONITORING_PRODUCT_APPKEY"), "key-of-shop"),
        **dict.fromkeys(("NHN_WATCHER_APPKEY", "NHN_WATCHER_USER_ACCESS_KEY"), "key-of-watcher"),
        "WHATAP_PCODE": "5490",
        "WHATAP_TOKEN": "token",
    }

    assert desk("validate").code == 0
    del desk.environ["WHATAP_TOKEN"]
    assert desk("validate").code == 3


@pytest.mark.parametrize("comment", ["# report:", "# above: {warn: 70%, crit: 90%}", "# states: {ok: ok, "])
def test_comments_that_show_keys_can_be_made_part_of_the_file(desk: Desk, comment: str) -> None:
    new = desk.home / "new"
    desk.arguments = ["--sandbox", "--checks-dir", str(new)]
    desk("init")
    written = new / "whatap.yaml"
    text = written.read_text(encoding="utf-8")
    lines = text.splitlines(keepends=True)
    begin = next(index for index, line in enumerate(lines) if line.strip().startswith(comment))
    count = 2 if comment == "# report:" else 1
    lines[begin : begin + count] = [line.replace("# ", "", 1) for line in lines[begin : begin + count]]
    written.write_text("".join(lines), encoding="utf-8")

    ran = desk("validate")

    assert "".join(lines) != text
    assert (ran.code, ran.out) == (0, f"no problems; 11 of 11 checks can run, from 6 files in {new}\n")


def test_a_foreign_plugin_gets_files_that_run(desk: Desk) -> None:
    install_foreign(desk)
    new = desk.home / "new"

    written = desk.process(["init", str(new)])
    desk.arguments = ["--checks-dir", str(new), "--sandbox"]
    validated, run = desk.process("validate"), desk.process("run --format json tally-*")

    assert (written.code, written.err) == (0, "")
    assert (new / "tally.yaml").read_text(encoding="utf-8").startswith(TALLY.partition("# report:")[0])
    assert (validated.code, validated.err) == (0, "")
    assert validated.out == f"no problems; 13 of 13 checks can run, from 8 files in {new}\n"
    assert run.code == 0
    assert [(one["service"], one["state"], one["output"]) for one in run.json] == [
        ("tally-full mail", "OK", "full 3%"),
        ("tally-full print", "OK", "full 12%"),
        ("tally-length mail", "OK", "length 3"),
        ("tally-length print", "OK", "length 12"),
    ]


def test_the_directory_is_checks_d_unless_one_is_named(desk: Desk) -> None:
    place = desk.home / "elsewhere"
    place.mkdir()
    program = f"""
import os, sys
os.chdir({str(place)!r})
from checkmill.entry import run_command
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
sys.exit(run_command(["init"], Streams(1), Edges(environ={{}})))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert ran.stdout.splitlines()[0] == "wrote checks.d/checkmk.yaml"
    assert sorted(path.name for path in (place / "checks.d").iterdir()) == [f"{kind}.yaml" for kind in TYPES]


def test_rules_are_for_the_group_and_nobody_else(desk: Desk) -> None:
    new = desk.home / "new"
    before = os.umask(0o077)
    try:
        desk(["init", str(new)])
    finally:
        os.umask(before)

    assert stat.S_IMODE(new.stat().st_mode) == 0o750
    assert {stat.S_IMODE(path.stat().st_mode) for path in new.iterdir()} == {0o640}


def test_a_directory_that_is_there_keeps_its_mode_and_its_files(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "own.yaml").write_text("checks: []\n")

    write_all(tmp_path, {"a.yaml": "a\n"})

    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"own.yaml": "checks: []\n", "a.yaml": "a\n"}
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o700


@pytest.mark.parametrize("kind", ["file", "directory", "link", "dangling link"])
def test_what_is_there_already_is_named_and_nothing_is_written(desk: Desk, kind: str) -> None:
    there = desk.checks_dir / "whatap.yaml"
    other = desk.home / "other"
    if kind == "directory":
        there.mkdir()
    elif kind == "file":
        there.write_text("mine\n")
    else:
        if kind == "link":
            other.write_text("mine\n")
        there.symlink_to(other)

    ran = desk(["init", str(desk.checks_dir)])

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"checkmill: {there} is there already, and nothing is written; name another directory\n"
    assert [path.name for path in desk.checks_dir.iterdir()] == ["whatap.yaml"]
    assert kind != "file" or there.read_text() == "mine\n"
    assert kind != "dangling link" or not other.exists()


@pytest.mark.parametrize("kind", ["file", "dangling link"])
def test_a_directory_that_is_none_is_refused(desk: Desk, kind: str) -> None:
    place = desk.home / "place"
    if kind == "file":
        place.write_text("mine\n")
    else:
        place.symlink_to(desk.home / "nowhere")

    ran = desk(["init", str(place)])

    assert (ran.code, ran.out, ran.err) == (3, "", f"checkmill: {place} is no directory; name another\n")
    assert not (desk.home / "nowhere").exists()


def test_a_file_in_the_way_is_refused(desk: Desk) -> None:
    (desk.home / "file").write_text("mine\n")

    ran = desk(["init", str(desk.home / "file" / "checks.d")])

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"checkmill: {desk.home}/file/checks.d cannot be written: Not a directory; nothing is written\n"


def test_when_one_file_cannot_be_written_none_is_left(tmp_path: Path) -> None:
    directory = tmp_path / "a" / "b"

    with pytest.raises(InitError, match="too long; nothing is written"):
        write_all(directory, {"a.yaml": "a\n", f"{'b' * 300}.yaml": "b\n"})

    assert list(tmp_path.iterdir()) == []
