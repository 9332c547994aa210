"""A checks directory as a whole: what is healthy works beside what is broken, whatever lies there."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from checkmill.host import Host
from checkmill.steps.reading import read
from support.rulefiles import HEAD, book_of, problems_of, vendors

HEALTHY = HEAD + "checks:\n- {name: good, source: shop, metric: cpu, above: 90, tags: [a]}\n"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ("a: [\n", "broken.yaml:1:4: this '[' is never closed; write ']' at the end of the list"),
        (b"a: \xff\n", "broken.yaml:1:4: the file is not UTF-8 text; save it as UTF-8"),
        ("가: x\n".encode() + b"\xff", "broken.yaml:2:1: the file is not UTF-8 text; save it as UTF-8"),
        (
            "checks: 5",
            "broken.yaml:1:9: checks: a list of checks is expected, found 5; begin each check with '- name: ...'",
        ),
        (
            "checks: [{name: bad, source: shop}]",
            "broken.yaml:1:10: checks[0]: 'metric' is missing; known: cpu, cpu_avg",
        ),
        ("checks: [{name: bad, source: x, metric: y}]", "broken.yaml:1:30: checks[0].source: unknown source 'x'"),
        ("sources: {x: {type: nope}}", "broken.yaml:1:21: sources.x.type: unknown source type 'nope'"),
        ("defaults: {x: 1}", "broken.yaml:1:12: defaults.x: unknown key 'x'"),
    ],
)
def test_healthy_rule_works_beside_a_broken_file(broken: str | bytes, said: str, tmp_path: Path) -> None:
    book = book_of(tmp_path, {"broken.yaml": broken, "healthy.yaml": HEALTHY})
    assert book.rule("good") is not None
    told = problems_of(book)
    assert len(told) == 1
    assert told[0].startswith(said)
    assert book.rule("good") is not None
    assert "good" not in book.rejected


def test_broken_rule_of_the_same_file_is_rejected_alone(tmp_path: Path) -> None:
    text = HEALTHY + "- {name: bad, source: shop, metric: cpu, above: 900}\n- {name: worse, metric: cpu, metric: cpu}\n"
    book = book_of(tmp_path, text)
    book.validate_everything()
    assert [rule.name for rule in book.rules(book.drafts)] == ["good"]
    assert {name: problem.sentence for name, problem in book.rejected.items()} == {
        "bad": "crit 900% never alerts: 'cpu' lies between 0 and 100%",
        "worse": "'source' is missing",
    }


def test_only_what_was_asked_for_is_complained_about(tmp_path: Path) -> None:
    book = book_of(tmp_path, HEALTHY + "- {name: bad, source: shop, metric: nope}\n")
    assert book.rule("good") is not None
    assert book.problems == []


def test_rule_on_a_broken_source_is_rejected_with_the_place_to_mend(tmp_path: Path) -> None:
    checks = "".join(f"- {{name: c{number}, source: shop, metric: cpu}}\n" for number in range(50))
    book = book_of(tmp_path, HEAD + "checks:\n" + checks, {})
    assert problems_of(book) == [
        f"rules.yaml:{place}: {path}: {name} is not set in the environment; set it, or give a default: ${{{name}:-...}}"
        for place, path, name in (
            ("2:44", "sources.shop.token", "TOKEN"),
            ("6:32", "reporters.pager.appkey", "APPKEY"),
        )
    ]
    assert {problem.path for problem in book.rejected.values()} == {"sources.shop.token"}
    assert len(book.rejected) == 50


def test_same_name_in_two_files_is_no_name(tmp_path: Path) -> None:
    book = book_of(
        tmp_path,
        {
            "a.yaml": HEALTHY,
            "b.yaml": "sources: {shop: {type: site, base_url: https://x.example}}\n"
            "checks:\n- {name: good, source: office, metric: cpu}\n- {name: other, source: office, metric: cpu}\n",
        },
    )
    assert problems_of(book) == [
        "b.yaml:1:11: sources.shop: two sources are called 'shop', the other at a.yaml:2:3; rename one of the two",
        "b.yaml:3:10: checks[0].name: two checks are called 'good', the other at a.yaml:8:3; rename one of the two",
    ]
    assert [book.rule(name) is not None for name in book.drafts] == [False, True]


def test_names_are_one_namespace_over_files_in_name_order(tmp_path: Path) -> None:
    files = {
        "b.yml": "checks: [{name: b, source: shop, metric: cpu}]",
        "a.yaml": HEALTHY,
        ".c.yaml": "x: [",
        "d.txt": "[",
    }
    book = book_of(tmp_path, files)
    assert problems_of(book) == []
    assert list(book.drafts) == ["good", "b"]
    assert [Path(name).name for name in book.files] == ["a.yaml", "b.yml"]


@pytest.mark.parametrize(
    "text", [HEALTHY.encode("utf-8-sig"), HEALTHY.replace("\n", "\r\n").encode()], ids=["BOM", "CRLF"]
)
def test_file_of_another_editor_is_read(text: bytes, tmp_path: Path) -> None:
    book = book_of(tmp_path, text)
    assert problems_of(book) == []
    assert book.drafts["good"].own.place.line == 8


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "---\n", "x-a: 1\n"])
def test_file_without_rules_is_no_problem(text: str, tmp_path: Path) -> None:
    book = book_of(tmp_path, text)
    assert problems_of(book) == []
    assert book.drafts == {}
    assert book.broken_files == set()


def test_directory_that_is_not_there_is_a_problem(tmp_path: Path) -> None:
    book = read(tmp_path / "none", vendors(), {})
    assert "\n".join(map(str, book.problems)) == (
        f"{tmp_path}/none: the checks directory cannot be read: No such file or directory; "
        "name the directory with --checks-dir or $CHECKMILL_CHECKS_DIR"
    )


def test_directory_without_rule_files_is_a_problem(tmp_path: Path) -> None:
    assert [str(problem) for problem in read(tmp_path, vendors(), {}).problems] == [
        f"{tmp_path}: there is no *.yaml file in the checks directory; write a first rule there"
    ]


def test_whatever_else_is_called_yaml_is_a_problem_and_not_waited_for(tmp_path: Path) -> None:
    (tmp_path / "dir.yaml").mkdir()
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "gone.yaml").symlink_to("nowhere")
    (tmp_path / "zero.yaml").symlink_to("/dev/zero")
    book = book_of(tmp_path, {"healthy.yaml": HEALTHY})
    assert problems_of(book) == [
        "dir.yaml: this is no file; move it away, or give it another ending",
        "gone.yaml: the file cannot be read: No such file or directory; check its owner and mode",
        "pipe.yaml: this is no file; move it away, or give it another ending",
        "zero.yaml: this is no file; move it away, or give it another ending",
    ]
    assert book.rule("good") is not None


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to read everything for a while; anybody else has none to give up."""
    mine = os.geteuid()
    if mine == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(mine)


def test_unreadable_file_is_a_problem(tmp_path: Path) -> None:
    book_of(tmp_path, {"healthy.yaml": HEALTHY})  # what reading imports may lie where nobody may look
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        directory.chmod(0o755)
        (directory / "healthy.yaml").write_text(HEALTHY)
        (directory / "secret.yaml").touch(mode=0o000)
        with as_nobody():
            book = book_of(directory, {})
    assert problems_of(book) == ["secret.yaml: the file cannot be read: Permission denied; check its owner and mode"]


def test_name_of_a_file_with_a_line_break_makes_no_second_line(tmp_path: Path) -> None:
    assert problems_of(book_of(tmp_path, {"a\nb.yaml": '"c\\nd": 1'})) == [
        "a\\nb.yaml:1:1: c\\nd: unknown key 'c\\nd'; known: checks, defaults, reporters, sources"
    ]


@pytest.mark.parametrize(
    ("names", "tags", "selected", "unknown"),
    [
        ([], [], ["good", "b-1", "b-2"], []),
        (["b-2", "good"], [], ["good", "b-2"], []),
        (["b-*"], [], ["b-1", "b-2"], []),
        (["nope", "x*", "good"], [], ["good"], ["nope", "x*"]),
        ([], ["a"], ["good", "b-2"], []),
        (["b-*"], ["a", "z"], ["b-2"], []),
        ([], ["z"], [], []),
    ],
)
def test_checks_are_selected_by_name_glob_and_tag(
    names: list[str], tags: list[str], selected: list[str], unknown: list[str], tmp_path: Path
) -> None:
    more = "- {name: b-1, source: shop, metric: cpu}\n- {name: b-2, source: shop, metric: cpu, tags: ['${T:-a}', b]}\n"
    assert book_of(tmp_path, HEALTHY + more).select(names, tags) == (selected, unknown)


def test_checks_that_may_share_a_fetch_are_found_without_reading_them(tmp_path: Path) -> None:
    written = ("glob, source: 'sh*'", "other, source: office", "no", "ref, source: '${S:-shop}'")
    more = "".join(f"- {{name: {check}}}\n" for check in written)
    book = book_of(tmp_path, HEALTHY + more)
    rule = book.rule("good")
    assert rule is not None
    assert book.sharing_sources_with(rule) == ["good", "glob", "ref"]
    assert book.problems == []


def test_only_plugins_of_selected_rules_are_imported(tmp_path: Path) -> None:
    entry_points = [
        EntryPoint("cloud", "support.vendors", "checkmill"),
        EntryPoint("bomb", "support.exiting", "checkmill"),
    ]
    text = (
        "sources:\n  shop: {type: cloud, pcode: 1, token: a-b-c}\n  boom: {type: bomb}\n"
        "checks:\n- {name: good, source: shop, metric: cpu}\n- {name: bad, source: boom, metric: cpu}\n"
    )
    sys.modules.pop("support.exiting", None)
    book = book_of(tmp_path, text, {}, host=Host(entry_points))
    assert book.rule("good") is not None
    assert "support.exiting" not in sys.modules
    assert book.rule("bad") is None
    assert "\n".join(problems_of(book)) == (
        "rules.yaml:3:16: sources.boom.type: the type 'bomb' does not work: plugin of an unknown distribution, "
        "entry point 'bomb': it cannot be imported from 'support.exiting': SystemExit: 3"
    )
    assert book.rule("good") is not None
