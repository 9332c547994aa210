"""Commands on a damaged state directory: results are printed as ever, and what became of it is told."""

from __future__ import annotations

import grp
import os
import pwd
import resource
import stat
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.commands import Desk
from support.damage import overwrite, set_aside
from support.loopback import Reply
from support.whatap_vendor import APPKEY, CPU, TOKEN, Batchmon, Vendor, serving

NOBODY = 65534
# Looked up by this process while it is root: as somebody else, it may find no module to do it with.
ROOT, NOGROUP = pwd.getpwuid(0).pw_name, grp.getgrgid(NOBODY).gr_name
PAGE = 4096
RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}
    reporters:
      nhn: {type: nhn-batchmon, base_url: <nhn>, appkey: "${NHN_APPKEY}", retries: 0}
    checks:
      - {name: cpu-web, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90},
         report: {to: nhn, scenario: b00699c0-96f4-11e9-a68b-a7aaea9ae346}}
"""
SHOWN = "OK - cpu 42.5%"


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    one = Vendor()
    with serving(one):
        yield one


@pytest.fixture
def batchmon() -> Iterator[Batchmon]:
    one = Batchmon()
    with serving(one):
        yield one


@pytest.fixture
def desk(vendor: Vendor, batchmon: Batchmon) -> Iterator[Desk]:
    """A desk whose checks ran once, in a directory that others may enter, which those of pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        one = Desk(Path(name), {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY})
        one.write(RULES, url=vendor.url, nhn=batchmon.url)
        for words in ("run --format nagios", "check cpu-web", "local", "outbox list"):
            assert one(words).code == 0
        one.clock.now += 3600
        yield one


def spoil_header(directory: Path) -> None:
    overwrite(directory / "state.db", 0, b"\xff" * 200)


def spoil_pages(directory: Path) -> None:
    path = directory / "state.db"
    overwrite(path, PAGE, b"\xff" * (path.stat().st_size - PAGE))


def cut(directory: Path) -> None:
    path = directory / "state.db"
    path.write_bytes(path.read_bytes()[:5000])


DAMAGES = {"its header": spoil_header, "its pages": spoil_pages, "its length": cut}
damaged = pytest.mark.parametrize("spoil", DAMAGES.values(), ids=DAMAGES)


@damaged
def test_a_run_on_a_damaged_database_prints_reports_and_tells_it_once(
    desk: Desk, batchmon: Batchmon, spoil: Callable[[Path], None]
) -> None:
    spoil(desk.state_dir)

    first = desk("run --format nagios")
    desk.clock.now += 3600
    later = [desk("run --format nagios") for _ in range(2)]

    assert [ran.line for ran in (first, *later)] == [SHOWN] * 3
    assert len(batchmon.taken) == 4
    told = [line for ran in (first, *later) for line in ran.err.splitlines() if line.startswith("checkmill: ")]
    assert len(told) == 1
    assert f"{desk.state_dir}/state.db was damaged (" in told[0]
    assert f"is set aside as {desk.state_dir / set_aside(desk.state_dir)[0]}; rescued: " in told[0]
    assert sorted(ran.code for ran in (first, *later)) == [0, 0, 3]


@damaged
def test_a_check_on_a_damaged_database_prints_its_state_alone_and_logs_the_rest(
    desk: Desk, spoil: Callable[[Path], None]
) -> None:
    spoil(desk.state_dir)

    checked = [desk("check cpu-web") for _ in range(2)]

    assert [(ran.code, ran.line, ran.err) for ran in checked] == [(0, SHOWN, "")] * 2
    log = (desk.state_dir / "checkmill.log").read_text()
    assert log.count(" was damaged (") == 1
    assert set_aside(desk.state_dir)


@damaged
def test_the_local_checks_say_so_until_a_run_did_or_an_hour_has_passed(
    desk: Desk, spoil: Callable[[Path], None]
) -> None:
    spoil(desk.state_dir)
    desk("check cpu-web")

    told, shown = desk("local").out.splitlines()[0], desk("local").out.splitlines()[-1]
    desk.clock.now += 3601
    later = desk("local").out.splitlines()[0]

    assert told.startswith(f'3 "checkmill" - {desk.state_dir}/state.db was damaged (')
    assert shown == '0 "cpu-web web-1" cm_cpu=42.5;80;90;0;100 cpu 42.5%'
    assert later == '0 "checkmill" - 1 checks, no problems'


def test_what_waited_in_a_damaged_database_is_sent_after_its_rescue(
    desk: Desk, vendor: Vendor, batchmon: Batchmon
) -> None:
    batchmon.reply = Reply(503)
    vendor.show(CPU, {"web-1": 95})
    desk("run")
    batchmon.reply = None
    spoil_header(desk.state_dir)

    ran = desk("run --format nagios")

    assert (ran.code, ran.line) == (3, "CRITICAL - cpu 95% above 90%")
    assert [state for _, state in batchmon.states()] == ["OK", "CRITICAL"]


# What is no damage


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to(path.with_name("elsewhere"))


STRANGE: dict[str, Callable[[Path], object]] = {
    "a directory": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    "a link": link,
}


@pytest.mark.parametrize("spoil", STRANGE.values(), ids=STRANGE)
def test_where_the_database_is_something_else_results_are_printed_and_what_to_do_is_said(
    desk: Desk, batchmon: Batchmon, spoil: Callable[[Path], object]
) -> None:
    spoil(desk.state_dir / "state.db")

    run, check, local = desk("run --format nagios"), desk("check cpu-web"), desk("local")

    assert (run.code, run.line) == (3, SHOWN)
    assert f"{desk.state_dir}/state.db is " in run.err
    assert "move it away" in run.err
    assert "nothing is reported: without a state directory there is no outbox" in run.err
    assert check.line.startswith(f"{SHOWN} (what is gone goes unnoticed: {desk.state_dir}/state.db is ")
    assert local.out.startswith(f'3 "checkmill" - {desk.state_dir}/state.db is ')
    assert (len(batchmon.taken), set_aside(desk.state_dir)) == (1, [])


@pytest.mark.parametrize(
    ("room", "told"),
    [
        (100, "nothing is reported: without a state directory there is no outbox"),
        (33_000, "what was measured is neither kept nor reported"),
    ],
    ids=["to open", "to commit"],
)
def test_where_there_is_no_room_results_are_printed_and_it_is_said_that_nobody_is_told(
    desk: Desk, batchmon: Batchmon, vendor: Vendor, room: int, told: str
) -> None:
    vendor.show(CPU, {f"web-{number}": 95 for number in range(100)})
    size = (desk.state_dir / "state.db").stat().st_size

    with room_for(room):
        ran = desk("run --format nagios")
    desk.clock.now += 600

    assert (ran.code, ran.line.partition(":")[0]) == (3, "CRITICAL - 100 of 100 services not OK"), ran.err
    assert f"{desk.state_dir}/state.db cannot be used: disk I/O error; look at its disk: " in ran.err
    assert told in ran.err
    assert (len(batchmon.taken), set_aside(desk.state_dir)) == (1, [])
    assert (desk.state_dir / "state.db").stat().st_size == size
    assert (desk("run").code, len(batchmon.taken)) == (0, 2)


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Root may do everything, so that for a moment this process is nobody."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make files of another user")
@pytest.mark.parametrize(
    ("name", "mode"),
    [("state.db", 0o600), ("state.db", 0o640), ("run.lock", 0o600)],
    ids=["database", "to read", "lock"],
)
def test_a_file_of_another_user_is_named_with_what_to_do(desk: Desk, name: str, mode: int) -> None:
    path = desk.state_dir / name
    for one in (desk.state_dir, *desk.state_dir.iterdir()):
        os.chown(one, NOBODY, NOBODY)
    os.chown(path, 0, 0)
    path.chmod(mode)
    content = path.read_bytes()

    with as_nobody():
        ran = desk("run --format nagios")

    assert (ran.code, ran.line) == (3, SHOWN), ran.err
    assert f"{path} cannot be opened: Permission denied; it belongs to {ROOT}:root with mode {mode:04o}" in ran.err
    assert f"as its owner or root, run: chgrp {NOGROUP} {path}; chmod 660 {path}" in ran.err
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode), set_aside(desk.state_dir)) == (content, mode, [])
