"""Each wrong form of each key of a check: the whole line that a person reads, with the place in front."""

from pathlib import Path

import pytest

from support.rulefiles import said_of

_, *BLOCKS = Path(__file__).with_name("wrong_checks.txt").read_text("utf-8").strip().split("\n\n")
SAID = {block.partition("\n    ")[0]: block.split("\n    ")[1:] for block in BLOCKS}


def test_every_form_stands_once_with_what_is_said() -> None:
    assert len(SAID) == len(BLOCKS) > 100
    assert all(SAID.values())


@pytest.mark.parametrize("check", SAID)
def test_wrong_form_is_told_with_place_finding_and_remedy(check: str, tmp_path: Path) -> None:
    assert said_of(tmp_path, check) == SAID[check]


@pytest.mark.parametrize("check", SAID)
def test_problem_is_one_line_without_a_secret(check: str, tmp_path: Path) -> None:
    said = said_of(tmp_path, check)
    assert [line for line in said if not line.isprintable() or "9f2c77" in line or "51d0aa" in line] == []
