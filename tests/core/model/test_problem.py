"""A problem is one line: place, path, what was found and expected, what to do."""

import pytest

from checkmill.model.problem import Place, Problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (
            Problem("crit 70 is not beyond warn 80", Place("a.yaml", 7, 12), "checks[1].above", "swap them"),
            "a.yaml:7:12: checks[1].above: crit 70 is not beyond warn 80; swap them",
        ),
        (Problem("it cannot be read", Place("a.yaml")), "a.yaml: it cannot be read"),
        (Problem("it is broken", path="plugin x 1"), "plugin x 1: it is broken"),
        (Problem("alone"), "alone"),
        (
            Problem("a\nb\tc\x1b[31m", Place("\udcff.yaml", 1, 1), "가.\u2028"),
            "\\udcff.yaml:1:1: 가.\\u2028: a\\nb\\tc\\x1b[31m",
        ),
    ],
    ids=["all", "file", "plugin", "sentence", "control characters"],
)
def test_problem_is_one_line(problem: Problem, text: str) -> None:
    assert str(problem) == text


def test_one_finding_of_two_checks_is_one_problem() -> None:
    place = Place("a.yaml", 1, 1)
    assert Problem("x", place, "defaults.above", check="a") == Problem("x", place, "defaults.above", check="b")
    assert len({Problem("x", place, check="a"), Problem("x", place, check="b")}) == 1
