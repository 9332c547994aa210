"""The host and the commands of plugins: those that work, and by name of their distribution those that do not."""

from __future__ import annotations

import importlib.metadata
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from checkmill.cli.arguments import COMMANDS, parser
from checkmill.host import Host

Install = Callable[..., importlib.metadata.EntryPoints]

BEGINNING = """
from __future__ import annotations
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal
from checkmill.api.v1 import *
from checkmill.api.v1 import hookimpl

def fetched(settings, query):
    return (yield from settings.get("/"))

def samples(payload, query):
    yield Sample(1)

def flow(settings, asked):
    return Plan()
    yield

DATA = Dataset("data", fetched)

def source(name):
    return Source(type=name, settings=SourceSettings, metrics=[Metric("cpu", DATA, samples)])

@dataclass(frozen=True, kw_only=True)
class Nothing(Arguments):
    pass

@dataclass(frozen=True, kw_only=True)
class File:
    name: str

def command(name, of="acme", arguments=Nothing, help="does nothing", **more):
    return Command(name, of, flow, arguments, help, **more)
"""
SOURCES = "@hookimpl\ndef checkmill_sources():\n    return [source('acme')]\n"
OFFERING = "@hookimpl\ndef checkmill_commands():\n    return [{}]\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with one module on the path; gives its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, code: str, *types: str) -> importlib.metadata.EntryPoints:
        module = f"{tmp_path.name}_{name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(BEGINNING + textwrap.dedent(code), "utf-8")
        info = tmp_path / f"{name}-1.2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.2\n", "utf-8")
        lines = "".join(f"{kind} = {module}\n" for kind in types)
        (info / "entry_points.txt").write_text(f"[checkmill]\n{lines}", "utf-8")
        return importlib.metadata.Distribution.at(info).entry_points

    return put


def names(host: Host) -> list[str]:
    return [command.name for command in host.commands()]


def said(host: Host) -> list[str]:
    host.commands()
    return [str(problem) for problem in host.problems]


def test_commands_are_given_by_name(install: Install) -> None:
    host = Host(
        install("acme-plugin", SOURCES + OFFERING.format("command('a get'), command('a b'), command('z')"), "acme")
    )

    assert names(host) == ["a b", "a get", "z"]
    assert host.problems == []
    assert [command.name for command in host.plugins()[0].commands] == ["a get", "a b", "z"]


def test_whoever_only_measures_does_not_ask_for_commands(install: Install) -> None:
    host = Host(install("acme-plugin", SOURCES + "@hookimpl\ndef checkmill_commands():\n    raise OSError\n", "acme"))

    assert host.source_type("acme") is not None
    assert host.problems == []
    assert said(host) == [
        "plugin acme-plugin 1.2, entry point 'acme': its hook checkmill_commands failed: OSError",
    ]


def test_an_entry_point_may_be_there_for_its_commands_alone(install: Install) -> None:
    points = [
        *install("acme-plugin", SOURCES, "acme"),
        *install("acme-tools", OFFERING.format("command('acme show')"), "acme-tools"),
    ]
    host = Host(points)

    assert names(host) == ["acme show"]
    assert host.problems == []
    assert [(one.type, one.source is None, len(one.commands)) for one in host.plugins()] == [
        ("acme", False, 0),
        ("acme-tools", True, 1),
    ]


def test_a_module_behind_several_entry_points_offers_its_commands_once(install: Install) -> None:
    code = """
    @hookimpl
    def checkmill_sources():
        return [source("acme"), source("best")]
    """
    offering = OFFERING.format("command('acme x'), command('best y', of='best')")
    host = Host(install("acme-plugin", textwrap.dedent(code) + offering, "acme", "best"))

    assert names(host) == ["acme x", "best y"]
    assert host.problems == []
    assert [[one.name for one in plugin.commands] for plugin in host.plugins()] == [["acme x"], ["best y"]]


UNREADABLE = "is of a type that no word can be read into:"
OWN = "is a command of its own, so that no other can begin with it"
FIELD = """
@dataclass(frozen=True, kw_only=True)
class Odd(Arguments):
    {}
"""
ODD = SOURCES + OFFERING.format("command('acme good'), command('acme odd', arguments=Odd)")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ("name: str", "'name' has no Doc"),
        ("name: Annotated[str, Doc(' ')]", "'name' has no Doc"),
        ("name: Annotated[dict[str, str], Doc('x')]", f"'name' {UNREADABLE} dict[str, str]"),
        ("name: Annotated[Any, Doc('x')]", f"'name' {UNREADABLE} Any"),
        ("name: Annotated[list[str], Doc('x')]", f"'name' {UNREADABLE} list[str]"),
        ("name: Annotated[tuple[str, int], Doc('x')]", f"'name' {UNREADABLE} tuple[str, int]"),
        (
            "key: Annotated[Secret, Doc('x')]",
            (
                f"'key' {UNREADABLE} "
                "Secret, which the list of processes would show; read it from a Document"
            ),
        ),
        ("file: Annotated[File, Doc('x')]", f"'file' {UNREADABLE} File; mark it with Document()"),
        ("file: Annotated[str, Document(), Doc('x')]", "the document 'file' is no frozen dataclass, nor a tuple"),
        ("wait: Annotated[bool, Doc('x')] = True", "the flag 'wait' is on by default, so that nobody can turn it off"),
        ("wait: Annotated[bool, Positional(), Doc('x')]", "'wait' is a flag, which cannot be given without a name"),
        ("source: Annotated[str, Doc('x')]", "--source is Checkmill's own option; choose another name"),
        ("dry_run: Annotated[bool, Doc('x')] = False", "--dry-run is Checkmill's own option; choose another name"),
        (
            "a: Annotated[tuple[str, ...], Positional(), Doc('x')]\n    b: Annotated[str, Positional(), Doc('x')]",
            "'a' takes all words that are left, and 'b' follows it",
        ),
        (
            "a: Annotated[str, Positional(), Doc('x')] = ''\n    b: Annotated[str, Positional(), Doc('x')]",
            "'b' is required, and 'a' before it is not",
        ),
        ("name: Annotated[Gone, Doc('x')]", "Odd cannot be read: NameError: name 'Gone' is not defined"),
    ],
)  # fmt: skip
def test_arguments_that_no_line_can_have_keep_only_their_command_away(
    install: Install, fields: str, reason: str
) -> None:
    host = Host(install("acme-plugin", FIELD.format(fields) + ODD, "acme"))

    assert names(host) == ["acme good"]
    (problem,) = said(host)
    assert problem.startswith(
        f"plugin acme-plugin 1.2, entry point 'acme': its command 'acme odd' is not offered: {reason}"
    )


def test_arguments_without_the_decorator_are_told(install: Install) -> None:
    code = "class Odd(Arguments):\n    name: Annotated[str, Doc('x')]\n"
    host = Host(install("acme-plugin", code + ODD, "acme"))

    assert names(host) == ["acme good"]
    assert said(host)[0].endswith("Odd is no dataclass; write @dataclass(frozen=True, kw_only=True) above it")


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        ("command('run fast')", "its command 'run fast' is not offered: 'run' is a command of Checkmill itself"),
        ("command('exec')", "its command 'exec' is not offered: 'exec' is a command of Checkmill itself"),
        (
            "command('acme x', of='gone')",
            "its command 'acme x' is not offered: it works with the source type 'gone', which no working plugin offers",
        ),
        ("command('acme x', help='')", "its command 'acme x' is not offered: it has no help"),
        ("command('acme x', form='csv')", "its command 'acme x' is not offered: its form 'csv' is neither of"),
        ("command('acme good')", "its command 'acme good' is not offered: it is offered twice"),
        (
            "command('acme good more')",
            f"its command 'acme good more' is not offered: 'acme good' {OWN}",
        ),
        ("command('acme')", f"its command 'acme' is not offered: 'acme' {OWN}"),
        ("5", "its hook checkmill_commands gave an object of type int, not Command"),
        ("source('acme')", "its hook checkmill_commands gave an object of type Source, not Command"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_one_command_leaves_the_others(install: Install, offered: str, reason: str) -> None:
    host = Host(install("acme-plugin", SOURCES + OFFERING.format(f"command('acme good'), {offered}"), "acme"))

    assert names(host) == ["acme good"]
    (problem,) = said(host)
    assert problem.startswith(f"plugin acme-plugin 1.2, entry point 'acme': {reason}")


@pytest.mark.parametrize(
    ("offered", "reason"),
    [
        ("command('acme x')", "it is offered by checkmill 1.2 too"),
        ("command('acme')", "'acme' is a command of its own, so that no other can begin with it"),
        ("command('acme x y')", "'acme x' is a command of its own, so that no other can begin with it"),
    ],
)
@pytest.mark.parametrize("own_first", [True, False])
def test_own_commands_win_over_those_of_another_distribution(
    install: Install, offered: str, reason: str, own_first: bool
) -> None:
    found = [
        install("checkmill", SOURCES + OFFERING.format("command('acme x')"), "acme"),
        install("another", OFFERING.format(f"{offered}, command('other y')"), "another"),
    ]
    host = Host(point for points in (found if own_first else reversed(found)) for point in points)

    assert names(host) == ["acme x", "other y"]
    (problem,) = said(host)
    assert problem.startswith("plugin another 1.2, entry point 'another': its command ")
    assert problem.endswith(reason)


def test_a_plugin_that_cannot_be_loaded_hides_its_own_commands_only(install: Install) -> None:
    points = [
        *install("broken", "raise RuntimeError('no')", "broken"),
        *install("acme-plugin", SOURCES + OFFERING.format("command('acme x')"), "acme"),
    ]
    host = Host(points)

    assert names(host) == ["acme x"]
    assert len(said(host)) == 1


def test_no_plugin_can_take_the_words_of_checkmill_itself() -> None:
    (commands,) = [action for action in parser().declared if action.dest == "command"]

    assert tuple(commands.choices or ()) == COMMANDS


def test_the_commands_of_this_distribution_work() -> None:
    host = Host()

    assert [problem for problem in said(host) if "command" in problem] == []
    assert {"nhn alarm list", "nhn scenario get"} <= set(names(host))
