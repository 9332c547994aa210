"""Rule files that are wrong in their sources, reporters, defaults and as a whole: all that is said, in order."""

from pathlib import Path

import pytest

from support.rulefiles import book_of, problems_of

_, *BLOCKS = Path(__file__).with_name("wrong_files.txt").read_text("utf-8").split("\n=== ")
CASES = {block.partition("\n")[0]: block.partition("\n")[2].split("\n---\n") for block in BLOCKS}
SECRETS = ("s3cr3t", "9f2c77")


@pytest.mark.parametrize("title", CASES)
def test_everything_wrong_is_told_at_once_from_the_top_down(title: str, tmp_path: Path) -> None:
    written, said = CASES[title]
    told = [line.removeprefix("rules.yaml:") for line in problems_of(book_of(tmp_path, written + "\n"))]
    assert told == said.strip().split("\n")


@pytest.mark.parametrize("title", CASES)
def test_no_secret_is_quoted(title: str, tmp_path: Path) -> None:
    said = "\n".join(problems_of(book_of(tmp_path, CASES[title][0] + "\n")))
    assert said
    assert [secret for secret in SECRETS if secret in said] == []
