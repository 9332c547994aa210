"""`check` and `local` as real processes: one write to stdout, nothing on stderr, an exit code of a plugin's."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.commands import Desk, Ran, read_line
from support.consumers import read_local_lines
from support.whatap_vendor import CPU, Vendor

RULES = """
    sources:
      shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0, timeout: 8s}
    checks:
      - {name: cpu, source: shop, metric: cpu, each: host, above: {warn: 80, crit: 90}}
"""
LOUD = """
import os, subprocess, sys, threading
print("import: out"); print("import: err", file=sys.stderr); os.write(1, b"import: 1\\n"); os.write(2, b"import: 2\\n")
from checkmill.api.v1 import Dataset, Metric, Sample, Source, SourceSettings, hookimpl

def flow(settings, query):
    print("fetch: out"); print("fetch: err", file=sys.stderr); os.write(1, b"fetch: 1\\n"); os.write(2, b"fetch: 2\\n")
    subprocess.run([sys.executable, "-S", "-c", "print('child'); import sys; print('child', file=sys.stderr)"])
    threading.Thread(target=threading.Event().wait).start()
    return 7
    yield

def samples(payload, query):
    print("parse")
    yield Sample(payload)

def crash(payload, query):
    raise RuntimeError("one | two\\nthree")

def leave(payload, query):
    sys.exit(0)

DATA = Dataset("data", flow)

@hookimpl
def checkmill_sources():
    metrics = [Metric("well", DATA, samples), Metric("crash", DATA, crash), Metric("leave", DATA, leave)]
    return [Source(type="loud", settings=SourceSettings, metrics=metrics)]
"""
LOUD_RULES = """
    sources:
      loud: {type: loud, base_url: "http://127.0.0.1:1"}
      gone: {type: gone, base_url: "http://127.0.0.1:1"}
    checks:
      - {name: well, source: loud, metric: well, above: 10}
      - {name: crash, source: loud, metric: crash, above: 10}
      - {name: leave, source: loud, metric: leave, above: 10}
      - {name: gone, source: gone, metric: well, above: 10}
"""


def install(desk: Desk, name: str, code: str) -> None:
    """Lay a plugin on the path of processes, as an installed distribution."""
    plugins = desk.home / "plugins"
    about = plugins / f"{name}_plugin-1.0.dist-info"
    about.mkdir(parents=True)
    (plugins / f"{name}_plugin.py").write_text(code)
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}-plugin\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[checkmill]\n{name} = {name}_plugin\n")
    desk.environ["PYTHONPATH"] = str(plugins)


def test_nothing_of_the_environment_is_needed(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"웹-1": 95, "web-2": 10})
    desk.write(RULES.replace("${WHATAP_TOKEN}", "X2QEP7TOKENOFTHEPROJECT0"), url=vendor.url)
    desk.environ.clear()

    ran = desk.process("check cpu -t 5", cwd="/", stdin=None)

    assert (ran.code, ran.writes, ran.err) == (2, 1, "")
    assert ran.line == "CRITICAL - 1 of 2 services not OK: cpu 웹-1: cpu 95% above 90%"


def test_the_c_locale_and_an_ascii_python_change_no_character(desk: Desk, vendor: Vendor) -> None:
    vendor.show(CPU, {"웹-1": 95, "web-2": 10})
    desk.write(RULES, url=vendor.url)
    desk.environ |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}

    ran = desk.process(["check", "cpu", "--item", "웹-1"])
    local = desk.process("local")

    assert (ran.code, ran.writes, ran.err, ran.line) == (2, 1, "", "CRITICAL - cpu 95% above 90%")
    assert (local.code, local.writes, local.err) == (0, 1, "")
    assert [one.name for one in read_local_lines(local.out, old=True)] == ["checkmill", "cpu 웹-1", "cpu web-2"]


@pytest.mark.parametrize(
    ("words", "state", "said"),
    [
        ("check well", 0, "OK - well 7"),
        ("check crash", 3, "UNKNOWN - source loud failed: plugin: metric crash failed with RuntimeError"),
        ("check leave", 3, "UNKNOWN - source loud failed: plugin: metric leave failed with SystemExit"),
        ("check gone", 3, "UNKNOWN - the rule cannot be read: "),
    ],
)
def test_what_a_plugin_prints_reaches_nobody(desk: Desk, words: str, state: int, said: str) -> None:
    install(desk, "loud", LOUD)
    desk.write(LOUD_RULES)

    ran = desk.process(words)

    assert (ran.code, ran.writes, ran.err) == (state, 1, "")
    assert ran.out.startswith(said)
    assert ran.out.count("\n") == 1


def test_local_and_run_tell_of_plugins_that_crash(desk: Desk) -> None:
    install(desk, "loud", LOUD)
    desk.write(LOUD_RULES)

    local = desk.process("local")
    run = desk.process("run --format json")

    assert (local.code, local.writes, local.err) == (0, 1, "")
    services = {one.name: one.state for one in read_local_lines(local.out, old=True)}
    assert services == {"checkmill": 3, "well": 0, "crash": 3, "leave": 3}
    assert (run.code, run.writes) == (3, 1)
    assert {one["check"]: one["state"] for one in run.json} == {"well": "OK", "crash": "UNKNOWN", "leave": "UNKNOWN"}
    assert "metric crash failed with RuntimeError" in run.err


@pytest.mark.parametrize(
    ("command", "code", "signalled"),
    [
        ("check cpu", 3, signal.SIGTERM),
        ("check cpu", 3, signal.SIGHUP),
        ("local", 0, signal.SIGTERM),
        ("run", 3, signal.SIGINT),
    ],
)
def test_a_signal_while_the_server_hangs_gives_one_sentence(
    desk: Desk, vendor: Vendor, command: str, code: int, signalled: signal.Signals
) -> None:
    vendor.hanging.add(CPU)
    desk.write(RULES, url=vendor.url)

    with desk.start(command) as process:
        assert vendor.asked.wait(10)
        process.send_signal(signalled)
        out, err = process.communicate(timeout=5)

    assert process.returncode == code
    said = f"Checkmill was ended by {signalled.name}"
    assert (out.decode(), err.decode()) == {
        "check cpu": (f"UNKNOWN - {said} before there was a result\n", ""),
        "local": (f'3 "checkmill" - {said} before there was a result\n', ""),
        "run": ("", f"checkmill: {said}\n"),
    }[command]


def to_full() -> dict[str, Any]:
    return {"stdout": os.open("/dev/full", os.O_WRONLY)}


def to_nobody() -> dict[str, Any]:
    reader, writer = os.pipe()
    os.close(reader)
    return {"stdout": writer}


def to_closed() -> dict[str, Any]:
    return {"stdout": None, "shell": 'exec "$@" >&-'}


def to_read_only() -> dict[str, Any]:
    return {"stdout": os.open(os.devnull, os.O_RDONLY)}


@pytest.mark.parametrize(
    ("command", "stdout"),
    [("check", to_full), ("check", to_nobody), ("check", to_closed), ("check", to_read_only), ("local", to_closed)],
)
def test_results_that_nobody_can_read_exit_with_3(
    desk: Desk, stdout: Callable[[], dict[str, Any]], command: str
) -> None:
    options = stdout()

    with desk.start(command, **options) as process:
        _, err = process.communicate(timeout=10)
    if options["stdout"] is not None:
        os.close(options["stdout"])

    assert (process.returncode, err) == (3, b"")


def test_run_says_that_its_results_were_not_written(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)

    with desk.start("run", **to_closed()) as process:
        _, err = process.communicate(timeout=10)

    assert (process.returncode, err.decode()) == (3, "checkmill: the results could not be written to stdout\n")


def test_closed_stdin_and_stderr_change_nothing(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)

    ran = desk.process("check cpu", shell='exec "$@" <&- 2>&-')

    assert (ran.code, ran.writes, ran.line) == (0, 1, "OK - cpu 42.5%")


def test_a_working_directory_that_is_gone_is_said(desk: Desk) -> None:
    gone = desk.home / "gone"
    gone.mkdir()

    ran = desk.process("--checks-dir checks.d check cpu", cwd=gone, shell='rmdir "$PWD" && exec "$@"')

    assert (ran.code, ran.writes, ran.err) == (3, 1, "")
    assert ran.out == "UNKNOWN - usage: the working directory is gone, name --checks-dir by its whole path\n"


def test_the_installed_script_is_the_same_command(desk: Desk) -> None:
    script = Path(sys.executable).parent / "checkmill"

    done = subprocess.run([script, *desk.argv("check nope")], env={}, cwd="/", capture_output=True, timeout=20)

    assert (done.returncode, done.stderr) == (3, b"")
    assert done.stdout.startswith(b"UNKNOWN - there is no check 'nope' that can be read: ")


def test_the_sandbox_serves_another_process_until_it_is_told_to_end(desk: Desk) -> None:
    with desk.start("sandbox") as server:
        known = {}
        while "serving until" not in (line := read_line(server.stdout)):
            kind, _, rest = line.partition("  ")
            known[kind] = dict(part.split(": ", 1) for part in rest.strip().split(", "))
        desk.write(
            """
            sources:
              shop: {type: whatap, base_url: "<shop>", pcode: <pcode>, token: <token>}
            reporters:
              nhn: {type: nhn-batchmon, base_url: "<nhn>", appkey: <appkey>}
            checks:
              - {name: hosts, source: shop, metric: hosts, above: 1000,
                 report: [{to: nhn, scenario: b00699c0-96f4-11e9-a68b-a7aaea9ae346}]}
            """,
            shop=known["whatap"]["base_url"],
            pcode=known["whatap"]["pcode"],
            token=known["whatap"]["token"],
            nhn=known["nhn-batchmon"]["base_url"],
            appkey=known["nhn-batchmon"]["appkey"],
        )

        ran = desk("run --format json")

        remark = read_line(server.stdout)
        server.terminate()
        _, err = server.communicate(timeout=5)
    assert (ran.code, ran.json[0]["state"], ran.err) == (0, "OK", "")
    assert remark == "batchmon received for b00699c0…: state OK, 1 service\n"
    assert (server.returncode, err) == (0, b"")


def test_a_sandbox_says_that_its_port_is_taken(desk: Desk, vendor: Vendor) -> None:
    ran: Ran = desk(f"sandbox --port {vendor.server.port}")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == f"checkmill: port {vendor.server.port} cannot be served: Address already in use\n"


@pytest.mark.parametrize("port", ["-1", "65536", "x"])
def test_a_sandbox_refuses_what_is_no_port(desk: Desk, port: str) -> None:
    assert desk(["sandbox", f"--port={port}"]).code == 3
