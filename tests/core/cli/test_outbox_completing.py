"""What a shell offers on the command line of `checkmill outbox`."""

from __future__ import annotations

import pytest

from checkmill.cli.arguments import STAGES, STATES
from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.model.delivery import Stage
from support.commands import Captured, Desk
from support.deliveries import delivery, put
from support.whatap_vendor import Vendor

RULES = """
    sources: {shop: {type: whatap, base_url: <url>, pcode: 5490, token: "${WHATAP_TOKEN}", retries: 0}}
    checks: [{name: cpu, source: shop, metric: cpu}, {name: hosts, source: shop, metric: hosts}]
"""


@pytest.fixture(autouse=True)
def outbox(desk: Desk, vendor: Vendor) -> None:
    desk.write(RULES, url=vendor.url)
    order = (Stage.PENDING, Stage.REFUSED, Stage.UNKNOWN, Stage.EXPIRED, Stage.ACCEPTED, Stage.SENDING)
    put(desk, *(delivery(desk, f"{stage.value} 디", stage) for stage in order), delivery(desk, "x", reporter="ops"))


def offered(desk: Desk, line: str, shell: str = "zsh") -> list[str]:
    """The words that may follow a line, whose last word is the current one, with what they mean."""
    environ = {
        **desk.environ,
        "CHECKMILL_CHECKS_DIR": str(desk.checks_dir),
        "CHECKMILL_STATE_DIR": str(desk.state_dir),
        "HOME": str(desk.home),
    }
    streams = Captured(quiet=True)
    head = [""] if shell == "bash" else []
    assert run_command(["__complete", shell, *head, *line.split(" ")], streams, Edges(desk.clock, environ=environ)) == 0
    kind, *words = "".join(streams.written).splitlines()
    assert kind == "words"
    return words


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("outbox ", ["list", "show", "flush", "retry", "drop"]),
        ("outbox show ", ["1", "2", "3", "4", "5", "6", "7"]),
        ("outbox show 2 ", ["1", "3", "4", "5", "6", "7"]),
        ("outbox list ", ["1", "2", "3", "4", "6", "7"]),
        ("outbox retry ", ["1", "2", "3", "4", "7"]),
        ("outbox retry --yes ", ["1", "2", "3", "4", "7"]),
        ("outbox drop ", ["1", "2", "3", "4", "7"]),
        ("outbox flush ", []),
        ("outbox frob ", []),
        ("outbox --stage ", list(STAGES)),
        ("outbox list --stage pending --stage ", list(STAGES)),
        ("outbox --state ", list(STATES)),
        ("outbox --reporter ", ["nhn", "ops"]),
        ("outbox flush --reporter ", ["nhn", "ops"]),
        ("outbox --check ", ["cpu", "hosts"]),
        ("outbox --target ", ["pending 디", "refused 디", "unknown 디", "expired 디", "sending 디", "x"]),
        ("outbox --format ", ["table", "json"]),
        ("outbox --older-than ", []),
        ("outbox --limit ", []),
    ],
)
def test_what_may_follow_is_offered(desk: Desk, line: str, words: list[str]) -> None:
    prefix = "scenario=" if line == "outbox --target " else ""
    assert [one.partition("\t")[0] for one in offered(desk, line)] == [f"{prefix}{word}" for word in words]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_a_number_comes_with_what_it_stands_for(desk: Desk, shell: str) -> None:
    assert offered(desk, "outbox show ", shell)[1] == "2\trefused CRITICAL nhn scenario=refused 디"


def test_bash_is_offered_numbers_and_quoted_targets(desk: Desk) -> None:
    assert offered(desk, "outbox retry ", "bash") == ["1", "2", "3", "4", "7"]
    assert offered(desk, "outbox --target scenario\\=r", "bash") == [r"scenario=refused\ 디"]


def test_the_options_that_may_be_repeated_are_offered_again(desk: Desk) -> None:
    again = {one.partition("\t")[0] for one in offered(desk, "outbox --stage open --reporter nhn --yes --limit 3 --")}
    assert {"--stage", "--reporter", "--target", "--check", "--state", "--all"} <= again
    assert again.isdisjoint({"--yes", "--limit"})
