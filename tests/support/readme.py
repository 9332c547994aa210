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
from typing import Any

from checkmill.cli.arguments import parser
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.entry import run_command
from checkmill.host import Host
from checkmill.model.levels import Limits, plain
from checkmill.model.settings import Doc, HttpSettings
from checkmill.model.source import Metric
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
    made = TABLES[what]() if kind == "table" else sample(what)
    return f"<!-- {kind}: {what} -->\n{made}<!-- end -->"


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


def _usage(action: Any) -> str:
    name = action.metavar or action.dest
    if not action.option_strings:
        if action.choices:
            name = "{" + ",".join(action.choices) + "}"
        return {None: name, "?": f"[{name}]", "*": f"[{name}...]", "+": f"{name}..."}[action.nargs]
    option = action.option_strings[0]
    value = "{" + ",".join(action.choices) + "}" if action.choices else name
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
            doc = next(part.text for part in annotations[one.name].__metadata__ if isinstance(part, Doc))
            rows.append([f"`{one.name}`", doc, _default(shown[one.name], annotations[one.name])])
    return _table(["setting", "meaning", "default"], rows)


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
    source = Host().source_type(kind)
    assert source is not None
    rows = [
        [f"`{metric.name}`", metric.help, _measure(metric), ", ".join(metric.labels), _query(metric)]
        for metric in source.metrics
    ]
    return _table(["metric", "what", "unit, default levels", "labels", "query"], rows)


def _measure(metric: Metric[Any, Any, Any]) -> str:
    if metric.states is not None:
        return "; ".join(f"{word} {state.value}" for word, state in metric.states.items())
    above: Limits[float] | None = metric.levels.above if metric.levels else None
    levels = f", above {plain(above.warn or 0)}/{plain(above.crit or 0)}" if above else ""
    return (metric.unit or "number") + levels


def _query(metric: Metric[Any, Any, Any]) -> str:
    return ", ".join(f"`{one.name}`" for one in fields(metric.dataset.query_type))


def _base() -> frozenset[str]:
    return frozenset(one.name for one in fields(HttpSettings))


def _source_settings(kind: str) -> str:
    source = Host().source_type(kind)
    assert source is not None
    return _settings(source.settings, without=_base() - {"base_url"})


def _reporter_settings(kind: str) -> str:
    reporter = Host().reporter_type(kind)
    assert reporter is not None
    own = _settings(reporter.settings, without=_base() - {"base_url"})
    return own + "\nOf a target, under `report:`:\n\n" + _settings(reporter.target)


TABLES = {
    "check keys": _check_keys,
    "template variables": _variables,
    "commands": _commands,
    "common options": _common_options,
    "settings": lambda: _settings(HttpSettings),
    "whatap settings": lambda: _source_settings("whatap"),
    "whatap metrics": lambda: _metrics("whatap"),
    "nhn-batchmon settings": lambda: _reporter_settings("nhn-batchmon"),
}

if __name__ == "__main__":
    README.write_text(expected(), encoding="utf-8")
    sys.stdout.write(f"{README.name} is as the code says\n")
