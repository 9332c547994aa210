"""What people really type wrong is told in their words: where it is, what was found, and what to type instead."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from checkmill.steps.reading.composing import parse
from checkmill.steps.reading.slips import problem_of
from checkmill.steps.reading.spots import lines_of
from support.rulefiles import book_of, problems_of
from support.stress import scale

_, *BLOCKS = Path(__file__).with_name("words.txt").read_text("utf-8").split("\n=== ")
CASES = {block.partition("\n")[0]: block.partition("\n")[2].rpartition("\n---\n")[::2] for block in BLOCKS}
SECRETS = ("s3cr3t", "9f2c77")
#: Words of libyaml, of which an operator has never heard.
JARGON = ("scalar", "block mapping", "flow", "indicator", "node", "stream", "simple key", "cannot be read as YAML")


def _text(written: str) -> str:
    spelt = written.replace("<TAB>", "\t").replace("<CR>", "\r")
    return re.sub(r"<U\+([0-9A-F]{4})>", lambda found: chr(int(found[1], 16)), spelt) + "\n"


def _said(written: str, directory: Path) -> list[str]:
    book = book_of(directory, _text(written).encode())
    return [line.removeprefix("rules.yaml:") for line in problems_of(book)]


def test_every_slip_stands_once_with_what_is_said() -> None:
    assert len(CASES) == len(BLOCKS) > 100
    assert all(said.strip() for _, said in CASES.values())


@pytest.mark.parametrize("title", CASES)
def test_slip_is_told_in_words_with_its_place_and_what_to_type(title: str, tmp_path: Path) -> None:
    written, said = CASES[title]
    assert _said(written, tmp_path) == said.strip().split("\n")


@pytest.mark.parametrize("title", CASES)
def test_no_secret_and_no_word_of_the_parser_is_in_it(title: str, tmp_path: Path) -> None:
    said = "\n".join(_said(CASES[title][0], tmp_path))
    assert [word for word in (*SECRETS, *JARGON) if word in said] == []


@pytest.mark.parametrize("title", CASES)
def test_ends_of_lines_change_nothing(title: str, tmp_path: Path) -> None:
    written, said = CASES[title]
    assert _said(written.replace("\n", "<CR>\n").replace("<CR><CR>", "<CR>"), tmp_path) == said.strip().split("\n")


@pytest.mark.parametrize("title", CASES)
def test_byte_order_mark_changes_nothing(title: str, tmp_path: Path) -> None:
    written, said = CASES[title]
    assert _said("<U+FEFF>" + written.removeprefix("<U+FEFF>"), tmp_path) == said.strip().split("\n")


@pytest.mark.parametrize(
    "value", ["web-*", "10:20", "~:20", ":20", "a#b", "it's", "a&b", "50%", "{a: 1}", "[a, b]", "-1"]
)
def test_sign_inside_a_value_is_fine(value: str) -> None:
    assert parse(f"a: {value}\n", "f")[1] == []


@pytest.mark.parametrize("value", ["서울, 부산", "상태\uff1a 정상", "a\u00a0b", "“a” b", "a \u2013 b", "문제 없음。"])
def test_sign_of_another_script_inside_a_text_is_fine(value: str) -> None:
    assert parse(f"a: {value}\n'b\u00a0': '“{value}” '\n", "f")[1] == []


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  b: 'one\n    two'\n",
        "a:\n- 'one\n\n  two'\n",
        "'one\ntwo'\n",
        "a: {b: 'one\n  two'}\n",
        "a: |\n  'one\nb: 'x'\n",
    ],
    ids=["deeper than its key", "deeper than its dash", "the whole file", "in braces", "in a text of lines"],
)
def test_quoted_text_of_several_lines_is_fine(text: str) -> None:
    assert parse(text, "f")[1] == []


class _Unheard(yaml.YAMLError):
    """An error of a libyaml that nobody has met yet."""

    problem = "found a thing"
    context = "while scanning something"
    context_mark = None

    def __init__(self, mark: yaml.Mark | None) -> None:
        super().__init__()
        self.problem_mark = mark


def test_message_that_is_not_known_is_passed_on_with_its_place() -> None:
    said = problem_of(_Unheard(yaml.Mark("f", 0, 0, 2, None, None)), "a: b", "f")
    assert str(said) == (
        "f:1:3: the file cannot be read as YAML: found a thing (while scanning something);"
        " put the value in quotes if it is text"
    )


def test_message_without_a_place_names_the_file() -> None:
    said = problem_of(_Unheard(None), "a: b", "f")
    assert str(said) == "f: the file cannot be read as YAML: found a thing (while scanning something)"


@given(st.text("ab:- \n\t'\"[]{},&*!|>%@`#?$\\.<=\u00a0\uff1a\u2013\u201c\u201d\r\x85\u2028", max_size=40))
@settings(max_examples=scale(400, 20_000), deadline=None)
def test_any_text_gives_nodes_or_lines_with_a_place_inside_it_and_a_remedy(text: str) -> None:
    root, problems = parse(text, "f")
    lines = lines_of(text)
    assert problems or root is not None or list(yaml.safe_load_all(text)) in ([], [None])
    for problem in problems:
        assert problem.place is not None
        assert 1 <= problem.place.line <= len(lines)
        assert 1 <= problem.place.column <= len(lines[problem.place.line - 1]) + 1
        assert str(problem).isprintable()
        assert problem.hint
