"""Files that commands are given: read as rule files are, with a place for everything that is wrong, however deep."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checkmill.api.v1 import Arguments, Doc, Document, Secret, redact
from checkmill.model.option import Option, options_of
from checkmill.model.problem import Problem
from checkmill.steps.reading.documents import LARGEST_DOCUMENT, document_of
from support.signals import Arm, Lamp, Login, Signal

ENVIRON = {"KEY": "signal-key-123456", "PORT": "7"}


@dataclass(frozen=True, kw_only=True)
class Given(Arguments):
    one: Annotated[Signal, Document(), Doc("one")]
    several: Annotated[tuple[Signal, ...], Document(), Doc("several")] = ()


ONE, SEVERAL = options_of(Given)


def read(
    text: str | bytes, option: Option = SEVERAL, *, sandbox: bool = False, home: Path | None = None
) -> tuple[Any, list[Problem]]:
    def standard_input(most: int) -> bytes:
        return (text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))[:most]

    return document_of(option, "-", ENVIRON, sandbox=sandbox, standard_input=standard_input)


def told(text: str | bytes, option: Option = SEVERAL) -> list[str]:
    value, problems = read(text, option)
    assert value is None or not problems
    return [str(problem) for problem in problems]


WHOLE = """\
name: north
aspect: {kind: lamp, color: green}
headers: {authorization: "${KEY}", x-plain: plain-secret}
tracks: [1, 2]
login:
  user: me
  password: ${KEY}
repeat: 5m
"""
NORTH = Signal(
    name="north",
    aspect=Lamp(kind="lamp", color="green"),
    headers={"authorization": Secret("signal-key-123456"), "x-plain": Secret("plain-secret")},
    tracks=(1, 2),
    login=Login(user="me", password=Secret("signal-key-123456")),
    repeat=300.0,
)
SOUTH = Signal(name="south", aspect=Arm(kind="arm", angle=5))
SECOND = "{name: south, aspect: {kind: arm, angle: 5}}\n"


def test_a_document_becomes_what_the_plugin_declares() -> None:
    assert read(WHOLE, ONE) == (NORTH, [])


@pytest.mark.parametrize(
    "text",
    [
        f"{WHOLE}---\n{SECOND}",
        f"---\n{WHOLE}---\n---\n- {SECOND}...\n",
        "- " + WHOLE.replace("\n", "\n  ").rstrip() + f"\n- {SECOND}",
        f"# yaml\n%YAML 1.2\n---\n{WHOLE}---\n{SECOND}",
    ],
    ids=["documents", "empty ones between", "list", "directive"],
)
def test_several_stand_in_a_list_or_in_documents(text: str) -> None:
    assert read(text) == ((NORTH, SOUTH), [])


def test_one_may_stand_where_several_may() -> None:
    assert read(SECOND) == ((SOUTH,), [])


def test_anchors_and_merges_work_within_a_document() -> None:
    text = "- &a {name: south, aspect: {kind: arm, angle: 5}}\n- {<<: *a, name: west}\n"

    value, problems = read(text)

    assert problems == []
    assert [(one.name, one.aspect) for one in value] == [("south", SOUTH.aspect), ("west", SOUTH.aspect)]


def test_names_of_one_document_mean_nothing_in_the_next() -> None:
    assert told("&a {name: south, aspect: {kind: arm, angle: 5}}\n---\n*a\n") == [
        "stdin:3:1: '*' refers to a value that no '&' named before; put the value in quotes"
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("aspect: {kind: lamp, color: gren}", "1:29: aspect.color: found 'gren'; it should be 'red', 'yellow' or"),
        ("aspect: {kind: lamp, color: GREEN}", "did you mean 'green'?"),
        ("aspect: {kind: lamp, color: Gren}", "did you mean 'green'?"),
        ("aspect: {kind: lmp, color: red}", "1:16: aspect.kind: found 'lmp'; it should be 'lamp' or 'arm'"),
        ("aspect: {kind: lamp, color: red, wats: 5}", "1:34: aspect.wats: unknown key 'wats'; did you mean 'watts'?"),
        ("aspect: {kind: arm, angle: steep}", "1:28: aspect.angle: a whole number is expected, found 'steep'"),
        ("aspect: {kind: arm}", "1:9: aspect: 'angle' is missing"),
        ("aspect: {kind: arm, agle: 5}", "1:9: aspect: 'angle' is missing; rename 'agle'"),
        ("aspect: lamp", "1:9: aspect: a map is expected, found 'lamp'"),
        ("tracks: [1, two]", "1:13: tracks[1]: a whole number is expected, found 'two'"),
        ("tracks: 5", "1:9: tracks: a list is expected, found 5"),
        ("headers: {a: 5}", "1:14: headers.a: a secret is text; put it in quotes"),
        ("headers: {a: '${NOPE}'}", "1:14: headers.a: NOPE is not set in the environment; set it, or give a default"),
        ("headers: [a]", "1:10: headers: a map is expected, found a value"),
        ("login: {user: a, password: [x]}", "1:28: login.password: a secret is text; put it in quotes"),
        ("login: {usr: a, password: x}", "1:9: login.usr: unknown key 'usr'; did you mean 'user'?"),
        ("login: hunter22", "1:8: login: a map is expected, found a value"),
        ("repeat: soon", "1:9: repeat: 'soon' is not a duration; write it like 30s, 5m or 24h"),
        ("name: '--'", "1:1: '--' is no name; write a word"),
        ("name: [a]", "1:7: name: a text is expected, found a list of 1"),
        ("nam: a", "1:1: nam: unknown key 'nam'; did you mean 'name'?"),
        ("name: a\nname: b", "2:1: name: the key 'name' stands twice, first in line 1; remove one of the two"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    rest = {"name": "name: a", "aspect": "aspect: {kind: arm, angle: 1}"}
    missing = [line for key, line in rest.items() if not text.startswith(key)]

    found = told("\n".join([text, *missing]))

    assert any(said in problem for problem in found), found
    assert all(problem.startswith("stdin:") for problem in found)


def test_a_key_that_a_class_would_drop_is_told() -> None:
    """Lamp does not forbid other keys: unless somebody looks, what is misspelt is lost."""
    assert told("{name: a, aspect: {kind: lamp, color: red, wattage: 60}}") == [
        "stdin:1:44: aspect.wattage: unknown key 'wattage'; did you mean 'watts'?"
    ]


def test_everything_that_is_wrong_is_told_at_once_from_the_top_down() -> None:
    text = """\
- {name: a, aspect: {kind: lamp, color: gren}, headers: {x: "${NOPE}"}}
- 7
- {name: b, aspect: {kind: arm, angle: x}, tracks: [y, z]}
- {name: c}
"""

    assert [problem.partition(": ")[2] for problem in told(text)] == [
        "[0].aspect.color: found 'gren'; it should be 'red', 'yellow' or 'green'; did you mean 'green'?",
        "[0].headers.x: NOPE is not set in the environment; set it, or give a default: ${NOPE:-...}",
        "[1]: a map is expected, found 7",
        "[2].aspect.angle: a whole number is expected, found 'x'",
        "[2].tracks[0]: a whole number is expected, found 'y'",
        "[2].tracks[1]: a whole number is expected, found 'z'",
        "[3]: 'aspect' is missing",
    ]


@pytest.mark.parametrize(
    ("text", "option", "said"),
    [
        ("", SEVERAL, "stdin: there is nothing in it; write a document into it"),
        ("# nothing\n---\n---\n", SEVERAL, "stdin: there is nothing in it; write a document into it"),
        ("[]", SEVERAL, "stdin:1:1: the list is empty; write at least one into it"),
        (f"[{SECOND}]", ONE, "stdin:1:1: one is expected, found a list of 1; give each a file of its own"),
        (f"{SECOND}---\n{SECOND}", ONE, "stdin:3:1: a second YAML document begins here, and one is expected; "),
        ("name: [", ONE, "stdin:1:7: this '[' is never closed; write ']' at the end of the list"),
        ("name: a\n\tb", ONE, "stdin:2:1: "),
        (b"name: \xff", ONE, "stdin:1:7: the file is not UTF-8 text; save it as UTF-8"),
        ("name: !tag x\naspect: {kind: arm, angle: 1}", ONE, "stdin:1:7: name: a tag ('!...') means nothing here"),
        ("a" * (LARGEST_DOCUMENT + 1), ONE, "stdin: it is larger than 4 MiB; split it"),
    ],
    ids=["empty", "only marks", "empty list", "list for one", "two for one", "broken", "tab", "bytes", "tag", "large"],
)  # fmt: skip
def test_what_is_no_document_is_told(text: str | bytes, option: Option, said: str) -> None:
    assert told(text, option)[0].startswith(said)


def test_a_file_is_named_as_it_was_and_what_it_refers_to_lies_beside_it(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-a-file-1234\n")
    file = tmp_path / "one.yaml"
    file.write_text("{name: a, aspect: {kind: arm, angle: 1}, headers: {x: '${file:key}', y: '${file:gone}'}}")

    _, problems = document_of(ONE, str(file), {}, sandbox=False, standard_input=lambda _: b"")

    assert [str(problem) for problem in problems] == [
        (
            f"{file}:1:73: headers.y: the file {tmp_path / 'gone'} cannot be read: No such file or directory; "
            "a relative path starts at the rule file's directory"
        )
    ]


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda _: None, "it cannot be read: No such file or directory"),
        (lambda path: path.mkdir(), "it cannot be read: Is a directory"),
    ],
    ids=["gone", "directory"],
)
def test_a_file_that_cannot_be_read_is_told(tmp_path: Path, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path / "it")

    _, problems = document_of(ONE, str(tmp_path / "it"), {}, sandbox=False, standard_input=lambda _: b"")

    assert [str(problem) for problem in problems] == [f"{tmp_path / 'it'}: {said}"]


def test_what_is_filled_in_is_kept_like_a_secret(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("sea-green-7\n", encoding="utf-8")
    text = WHOLE.replace("name: north", "name: '${NAME} ${file:key} x-${PIN}-y ${NONE:-by-default} $${x}'")
    file = tmp_path / "signal.yaml"
    file.write_text(text, encoding="utf-8")
    environ = {**ENVIRON, "NAME": "north-and-south", "PIN": "4711"}

    value, problems = document_of(ONE, str(file), environ, sandbox=False, standard_input=lambda _: b"")

    assert problems == []
    assert value.name == "north-and-south sea-green-7 x-4711-y by-default ${x}"
    assert redact(value.name) == "*** *** x-***-y by-default ${x}"


def test_in_the_sandbox_no_environment_is_read() -> None:
    value, problems = read(WHOLE.replace("${KEY}", "${NOPE}"), ONE, sandbox=True)

    assert problems == []
    assert value.login.password.reveal() == "sandbox-value"


@given(
    st.text(max_size=80) | st.text(alphabet="name: aspectkindlmr{}[]-&*!|>\n'\"$", max_size=60) | st.binary(max_size=40)
)
def test_whatever_stands_there_gives_a_value_or_problems(text: str | bytes) -> None:
    for option in (ONE, SEVERAL):
        value, problems = read(text, option)
        assert (value is None) == bool(problems)
