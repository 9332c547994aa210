"""A process that replaces a damaged database may be killed at every step: nothing is lost, and the next one goes on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from support.damage import STAGES, filled, overwrite
from support.stress import scale

#: Forks a child for each step, or some of them, that is killed before it takes it; the parent, which has one thread,
#: goes on where the child stopped, and writes down what it finds.
PROGRAM = """
import json, os, shutil, signal, sys
from contextlib import closing
from pathlib import Path
from checkmill.store import Store
from support.damage import edges, set_aside, stages_of

template, place, stride = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
found = []

def killed_at(last):
    steps = 0
    def hook(event, values):
        nonlocal steps
        if event in {"open", "os.rename", "os.remove", "sqlite3.connect"} and str(place) in str(values[0]):
            steps += 1
            if steps == last:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

status = 1
while status:
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template, place)
    child = os.fork()
    if child == 0:
        killed_at(1 + len(found) * stride)
        Store.open(place, edges=edges()).close()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    with closing(Store.open(place, edges=edges())) as store:
        stages = {number: stage.value for number, stage in stages_of(store).items()}
        told = store.rescues()
    left = sorted({path.name for path in place.iterdir()} - {"state.db", *set_aside(place)})
    contents = [(place / name).read_bytes() == (template / "state.db").read_bytes() for name in set_aside(place)]
    found.append([stages, told, contents, left, status])
print(json.dumps(found))
"""


@pytest.mark.parametrize("with_log", [False, True], ids=["at rest", "with a log"])
def test_a_kill_at_any_step_loses_nothing_and_sets_nothing_aside_twice(
    tmp_path: Path, rule_file: Path, with_log: bool
) -> None:
    template = filled(tmp_path / "template", rule_file, with_log=with_log)
    if with_log:
        overwrite(template / "state.db-wal", 32 + 24 + 2000, b"\xff")
    else:
        overwrite(template / "state.db", 16, b"\xff" * 200)

    stride = scale(8, 1)
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(template), str(tmp_path / "place"), str(stride)],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    found = json.loads(ended.stdout)
    assert len(found) * stride > 15, "the steps were not seen"
    expected = {str(number): stage.value for number, stage in STAGES.items()}
    for step, (stages, told, contents, left, _) in enumerate(found, 1):
        assert stages == expected, step
        assert len(told) == 1, step
        assert left == [], step
        assert contents == ([True, False] if with_log else [True]), step
