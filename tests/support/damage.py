"""State directories with something in all of their tables, and ways to damage them."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path

from checkmill.edges import Edges
from checkmill.model.delivery import Delivery, Stage
from checkmill.model.reporter import Outcome, Receipt
from checkmill.store import Store
from checkmill.store.outbox import Ended, Limit, Room
from support.rules import NOW, Check, hosts, rule

CHECKS_DIR = "/etc/checkmill/checks.d"
RECEIPTS = {
    Stage.ACCEPTED: Receipt(Outcome.ACCEPTED, "SUCCESS", code="0", request_id="3f136280"),
    Stage.REFUSED: Receipt(Outcome.REFUSED, "SCENARIO NOT FOUND", code="-40002"),
    Stage.UNKNOWN: Receipt(Outcome.UNKNOWN, "read: no whole answer within 10 s"),
}
#: What `stages_of` finds in a directory that `fill` made.
STAGES = {
    1: Stage.ACCEPTED,
    2: Stage.REFUSED,
    3: Stage.UNKNOWN,
    4: Stage.SENDING,
    5: Stage.DROPPED,
    6: Stage.PENDING,
    7: Stage.PENDING,
    8: Stage.PENDING,
}


def edges(now: float = NOW) -> Edges:
    """A world in which it is always the same time on the wall."""
    return Edges(now=lambda: now)


def delivery(number: int, size: int = 200, *, run_at: float = NOW) -> Delivery:
    """A delivery to a target of its own."""
    return Delivery(
        reporter="nhn",
        target=f'{{"scenario": "b00699c0-{number}"}}',
        state="CRITICAL",
        services=(f"cpu web-{number}", "größe"),
        body=f'{{"state": "CRITICAL", "output": "{"9" * size}"}}',
        created_at=NOW,
        expires_at=NOW + 3600,
        run_at=run_at,
        checks=("check",),
        repeat_unknown=number % 2 == 0,
    )


def fill(store: Store, rules: Path) -> None:
    """Have a run commit results, memory and deliveries, and have the deliveries come to the stages of `STAGES`."""
    check = Check(rule(each="host", files=(str(rules),)))
    check.judged(hosts(5), at=NOW)
    assert check.judgement is not None
    sizes = (200, 6000, 10, 20_000, 300, 3000, 5, 4100)
    deliveries = [delivery(number, size) for number, size in enumerate(sizes, 1)]
    store.commit(CHECKS_DIR, [(check.rule, check.judgement)], deliveries[:4], NOW)
    (begun,) = zip(*store.outbox.turn([], NOW, {"nhn": Room(4, 4)}).begun, strict=True)
    ended = [Ended(one, receipt, 0.1, tries=1) for one, receipt in zip(begun, RECEIPTS.values(), strict=False)]
    store.outbox.turn(ended, NOW + 1, {})
    store.commit(CHECKS_DIR, [], deliveries[4:], NOW + 2, limits={"nhn": Limit(4, 1 << 20)})


def stages_of(store: Store) -> dict[int, Stage]:
    """The stage of each delivery by its number."""
    return {one.id: one.stage for one in store.outbox.deliveries()}


def filled(directory: Path, rules: Path, *, with_log: bool = False) -> Path:
    """Make a state directory that holds something in every table; with a log, as a killed process leaves it."""
    made = directory.with_name(f"{directory.name}-made")
    with closing(Store.open(made, edges=edges())) as store:
        fill(store, rules)
        if with_log:
            _copy(made, directory)
    if not with_log:
        _copy(made, directory)
    shutil.rmtree(made)
    return directory


def _copy(made: Path, directory: Path) -> None:
    directory.mkdir(mode=0o770)
    directory.chmod(0o2770)
    for file in made.iterdir():
        shutil.copy(file, directory / file.name)


def overwrite(path: Path, at: int, content: bytes) -> None:
    """Write into the middle of a file."""
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def flip(path: Path, bits: Iterable[int]) -> None:
    """Turn bits of a file over."""
    content = bytearray(path.read_bytes())
    for bit in bits:
        content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def set_aside(directory: Path) -> Sequence[str]:
    """The names of what was set aside."""
    return sorted(path.name for path in directory.iterdir() if ".damaged-" in path.name)
