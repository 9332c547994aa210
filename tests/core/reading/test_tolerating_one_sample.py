"""A count that is tolerated where there is one sample: such a check never alerts, and is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.commands import Desk

RULES = """
    sources:
      one: {type: whatap, pcode: 5490, token: x}
      two: {type: whatap, pcode: 5491, token: y}
      account: {type: whatap, account_token: x}
    checks: [{name: c, metric: inactive_agents, above: {crit: 0}, <rest>}]
"""


@pytest.mark.parametrize(
    ("rest", "refused"),
    [
        ("source: one, tolerate: 2", True),
        ("source: one, tolerate: {crit: 1}", True),
        ("source: [one, two], each: source, tolerate: 1", True),
        ("source: [one, account], each: source, tolerate: 1", False),
        ("source: [one, account], each: [source, project], tolerate: 1", True),
        ("source: account, each: project, tolerate: 1", True),
        # Of several projects some may have inactive agents.
        ("source: account, tolerate: 2", False),
        ("source: [one, two], tolerate: 1", False),
        ("source: one, tolerate: 0", False),
        ("source: one, metric: servers, tolerate: 0", False),
    ],
)
def test_a_count_that_swallows_the_only_sample_is_refused(tmp_path: Path, rest: str, refused: bool) -> None:
    desk = Desk(tmp_path)
    desk.write(
        RULES.replace("metric: inactive_agents, ", "" if "metric" in rest else "metric: inactive_agents, "), rest=rest
    )

    ran = desk("validate")

    assert (ran.code, "has one sample, and one is tolerated: this never alerts" in ran.out + ran.err) == (
        3 if refused else 0,
        refused,
    )
