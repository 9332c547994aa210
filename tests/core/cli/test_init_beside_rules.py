"""`init` writes into no directory whose rules it would change: all files of one are read as one."""

from __future__ import annotations

import pytest

from support.commands import Desk


@pytest.mark.parametrize("name", ["mine.yaml", "mine.yml"])
def test_a_directory_with_other_rules_is_refused_since_they_would_change(desk: Desk, name: str) -> None:
    mine = desk.checks_dir / name
    mine.write_text("sources: {whatap: {type: whatap, pcode: 1, token: x}}\n")

    ran = desk(["init", str(desk.checks_dir)])

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == (
        f"checkmill: {desk.checks_dir} holds rules already ({name}), and nothing is written; name another directory\n"
    )
    assert [path.name for path in desk.checks_dir.iterdir()] == [name]
    assert desk("validate").code == 0


def test_a_directory_with_files_that_are_no_rules_is_taken(desk: Desk) -> None:
    (desk.checks_dir / "README.md").write_text("ours\n")
    (desk.checks_dir / ".old.yaml").write_text("x: 1\n")

    assert desk(["init", str(desk.checks_dir)]).code == 0
    assert (desk.checks_dir / "whatap.yaml").exists()
