"""The README's tables and samples, made from the code. `PYTHONPATH=tests python -m support.readme` writes them anew."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
import tempfile
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_args

from checkmill.cli.arguments import parser
from checkmill.cli.examples import judged
from checkmill.cli.extensions import command_parser
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.host import Host
from checkmill.model.command import Command, Document
from checkmill.model.levels import Levels, plain
from checkmill.model.settings import Doc, HttpSettings
from checkmill.model.source import Metric, Source
from checkmill.model.templates import VARIABLES
from checkmill.steps.reading.keys import CHECK_KEYS
from checkmill.steps.reading.validation import adapter_of, annotations_of
from support.secrets import own_secrets

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
#: The moment at which samples are made: 2026-11-20 09:00 UTC.
MOMENT = 1_795_165_200.0
_BLOCK = re.compile(r"<!-- (table|sample): (.*?) -->\n.*?<!-- end -->", re.DOTALL)


@dataclass
class Captured(Streams):
    """Streams that keep what is written."""

    out: int | None = None
    text: str = ""
    remarks: list[str] = field(default_factory=list)

    def results(self, text: str) -> None:
        """Keep results."""
        self.text += text

    def remark(self, text: str) -> None:
        """Keep a remark."""
        self.remarks.append(text)


def expected() -> str:
    """The README as the code says it should be."""
    return _BLOCK.sub(_block, README.read_text(encoding="utf-8"))


def _block(match: re.Match[str]) -> str:
    kind, what = match[1], match[2]
    made = table(what) if kind == "table" else sample(what)
    return f"<!-- {kind}: {what} -->\n{made}<!-- end -->"


def table(what: str) -> str:
    """The table of a name: one of `TABLES`, or of a type: `whatap metrics`, `nhn-batchmon settings`."""
    if what in TABLES:
        return TABLES[what]()
    type_name, _, of_what = what.partition(" ")
    return OF_TYPES[of_what](type_name)


def sample(line: str) -> str:
    """A command and its real output, run at a fixed moment in the checkout."""
    command, _, cut = line.partition(" | head -")
    text = output_of(shlex.split(command))
    if cut:
        text = "".join(text.splitlines(keepends=True)[: int(cut)])
    shown = command.replace(" --checks-dir tests/examples/broken", "")
    return f"```console\n$ checkmill {shown}{' | head -' + cut if cut else ''}\n{text}```\n"


def output_of(argv: list[str]) -> str:
    """What a command prints to stdout at the fixed moment, with a state directory of its own."""
    streams = Captured()
    with tempfile.TemporaryDirectory() as state, contextlib.chdir(ROOT):
        edges = Edges(now=lambda: MOMENT, environ={"CHECKMILL_STATE_DIR": f"{state}/state", "PATH": os.defpath})
        with own_secrets():
            run_command(argv, streams, edges)
    return streams.text.replace(f"{ROOT}/tests/examples/broken", "/etc/checkmill/checks.d").replace(f"{ROOT}/", "")


#: Options that every command of a plugin has, told once.
OF_ALL_COMMANDS = {"help", "version", "source", "format"}


def _table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *([cell.replace("|", "\\|") for cell in row] for row in rows)]
    return "".join("| " + " | ".join(line) + " |\n" for line in lines)


def _check_keys() -> str:
    return _table(["key", "meaning", "default"], [[f"`{key.name}`", key.meaning, key.default] for key in CHECK_KEYS])


def _variables() -> str:
    used: dict[str, tuple[str, list[str]]] = {}
    for purpose, names in VARIABLES.items():
        for name, meaning in names.items():
            key = f"{name}\0{meaning}"
            used.setdefault(key, (meaning, []))[1].append(f"`{purpose}`")
    rows = [[f"`{key.partition(chr(0))[0]}`", ", ".join(where), meaning] for key, (meaning, where) in used.items()]
    return _table(["variable", "in", "what it is"], rows)


def _commands() -> str:
    subparsers: Any = next(one for one in parser()._actions if one.dest == "command")
    helps = {one.dest: one.help for one in subparsers._choices_actions}
    rows = []
    for name, command in subparsers.choices.items():
        own = [one for one in command._actions if not _is_common(one.dest)]
        usage = " ".join([name, *filter(None, map(_usage, own))])
        rows.append([f"`{usage}`", helps[name]])
    return _table(["command", "does"], rows)


def _plugin_commands(commands: list[Command[Any, Any]]) -> str:
    rows = []
    for command in commands:
        own = [one for one in command_parser(command).parser.declared if not _is_common(one.dest)]
        usage = " ".join([command.name, *(_usage(one) for one in own if one.dest not in OF_ALL_COMMANDS)])
        rows.append([f"`{usage}`", command.help])
    return _table(["command", "does"], rows)


def _usage(action: Any) -> str:
    name = action.metavar or action.dest
    if not action.option_strings:
        if action.choices:
            name = "{" + ",".join(action.choices) + "}"
        return {None: name, "?": f"[{name}]", "*": f"[{name}...]", "+": f"{name}..."}[action.nargs]
    option = action.option_strings[0]
    value = "{" + ",".join(action.choices) + "}" if action.choices else name
    if action.required:
        return f"{option} {value}"
    return f"[{option}]" if action.nargs == 0 else f"[{option} {value}]"


def _common_options() -> str:
    actions = [one for one in parser()._actions if _is_common(one.dest)]
    rows = [[f"`{one.option_strings[0]} {one.metavar or ''}".rstrip() + "`", one.help] for one in actions]
    return _table(["option", "meaning"], rows)


def _is_common(dest: str) -> bool:
    return dest in {"checks_dir", "state_dir", "sandbox", "sandbox_seed", "log_level"}


def _settings(kind: type[Any], *, without: frozenset[str] = frozenset()) -> str:
    shown = adapter_of(kind).json_schema().get("properties", {})
    annotations = annotations_of(kind)
    rows = []
    for one in fields(kind):
        if one.name not in without:
            default = _default(shown[one.name], annotations[one.name])
            rows.append([f"`{one.name}`", _doc(annotations[one.name]), default])
    return _table(["setting", "meaning", "default"], rows)


def _doc(annotation: Any) -> str:
    return next(part.text for part in annotation.__metadata__ if isinstance(part, Doc))


def _default(schema: dict[str, Any], annotation: Any) -> str:
    if "default" not in schema:
        return "required"
    value = schema["default"]
    if value and "seconds" in str(annotation):
        value = f"{plain(value)}s"
    elif value and "size" in str(annotation):
        value = f"{value >> 20}MiB"
    return "none" if value in (None, [], "") else f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _metrics(kind: str) -> str:
    rows = [
        [f"`{one.name}`", one.help, _measure(one), ", ".join(one.labels), _query(one), f"`{judged(one)}`"]
        for one in _source(kind).metrics
    ]
    return _table(["metric", "what", "unit, default levels", "labels", "query", "example"], rows)


def _query_keys(kind: str) -> str:
    """The keys of all queries, each with the metrics that take it."""
    found: dict[tuple[str, str, str], list[str]] = {}
    asking = [metric for metric in _source(kind).metrics if fields(metric.dataset.query_type)]
    for metric in asking:
        query = metric.dataset.query_type
        shown, annotations = adapter_of(query).json_schema().get("properties", {}), annotations_of(query)
        for one in fields(query):
            row = (one.name, _doc(annotations[one.name]), _default(shown[one.name], annotations[one.name]))
            found.setdefault(row, []).append(f"`{metric.name}`")
    rows = [
        [f"`{name}`", meaning, default, "all that take a query" if len(names) == len(asking) else ", ".join(names)]
        for (name, meaning, default), names in found.items()
    ]
    return _table(["key", "meaning", "default", "of"], rows)


def _measure(metric: Metric[Any, Any, Any]) -> str:
    if metric.states is not None:
        return "; ".join(f"{word} {state.value}" for word, state in metric.states.items())
    levels = metric.levels or Levels()
    shown = [
        f", {name} " + "/".join("-" if one is None else plain(one) for one in (limits.warn, limits.crit))
        for name, limits in (("above", levels.above), ("below", levels.below))
        if limits is not None
    ]
    return "".join([metric.unit or "number", *shown])


def _query(metric: Metric[Any, Any, Any]) -> str:
    return ", ".join(f"`{one.name}`" for one in fields(metric.dataset.query_type))


def _base() -> frozenset[str]:
    return frozenset(one.name for one in fields(HttpSettings))


def _source(kind: str) -> Source[Any]:
    source = Host().source_type(kind)
    assert source is not None, f"no plugin offers the source type {kind!r}"
    return source


def _type_settings(kind: str) -> str:
    """The settings of a source type, or of a reporter type those of a target too."""
    reporter = Host().reporter_type(kind)
    if reporter is None:
        return _settings(_source(kind).settings, without=_base() - {"base_url"})
    own = _settings(reporter.settings, without=_base() - {"base_url"})
    return own + "\nOf a target, under `report:`:\n\n" + _settings(reporter.target)


def _definition_of(kind: str) -> type[Any]:
    """What the files of a type's commands are read into."""
    for command in Host().commands():
        for annotation in annotations_of(command.arguments).values() if command.source == kind else ():
            if any(isinstance(part, Document) for part in getattr(annotation, "__metadata__", ())):
                inside = get_args(annotation.__origin__)
                found: type[Any] = inside[0] if inside else annotation.__origin__
                return found
    raise LookupError(f"no command of {kind} reads a file")


TABLES = {
    "check keys": _check_keys,
    "template variables": _variables,
    "commands": _commands,
    "common options": _common_options,
    "plugin commands": lambda: _plugin_commands(Host().commands()),
    "settings": lambda: _settings(HttpSettings),
}
#: Tables of one type, which its name stands before.
OF_TYPES = {
    "settings": _type_settings,
    "query keys": _query_keys,
    "metrics": _metrics,
    "commands": lambda kind: _plugin_commands([one for one in Host().commands() if one.source == kind]),
    "definitions": lambda kind: _settings(_definition_of(kind)),
}

if __name__ == "__main__":
    README.write_text(expected(), encoding="utf-8")
    sys.stdout.write(f"{README.name} is as the code says\n")
