"""The command line, declared once: parsing, help and the README's list of options are made from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from checkmill import __version__
from checkmill.model.commandwords import COMMANDS as COMMANDS
from checkmill.model.commandwords import NOT_YET as NOT_YET

LEVELS = ("debug", "info", "warning", "error")
#: The forms of results, those of `checkmill.steps.rendering`, which is not imported to read a command line.
FORMATS = ("table", "json", "jsonl", "nagios", "checkmk", "openmetrics")
SHELLS = ("bash", "zsh", "fish")

DEFAULT_SEED = 1
#: What the completion scripts call, with the words of any other command line; it is no command for people.
COMPLETE = "__complete"
#: What `Namespace.command` is for a command that a plugin brings.
OF_PLUGIN = "command"

#: The common options, with and without a value.
_WITH_VALUE = frozenset({"--checks-dir", "--state-dir", "--log-level", "--sandbox-seed"})
_FLAGS = frozenset({"--sandbox", "-h", "--help", "-V", "--version"})
#: Commands whose callers take stderr for output and any exit code for a state, or have no place for it.
QUIET = ("check", "local", COMPLETE)


class UsageError(Exception):
    """The command line cannot be understood; `str()` says why."""


class Shown(Exception):  # noqa: N818 - not an error: help or version was asked for
    """Help or version was asked for; `str()` is the text."""


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, and that tells what it reads."""

    @property
    def declared(self) -> Sequence[argparse.Action]:
        """The options and arguments, in the order of their declaration."""
        return self._actions

    def error(self, message: str) -> NoReturn:
        """Raise what is wrong as a `UsageError`."""
        raise UsageError(f"{message}; see '{self.prog} --help'")

    def print_help(self, file: Any = None) -> None:  # noqa: ARG002 - argparse's signature
        """Raise the help as `Shown`."""
        raise Shown(self.format_help())


class _Version(argparse.Action):
    def __call__(self, *_: Any) -> None:
        raise Shown(f"checkmill {__version__}\n")


class _Whole(Parser):
    """The parser of the whole command line, whose help lists the commands of plugins too."""

    def print_help(self, file: Any = None) -> None:  # noqa: ARG002 - argparse's signature
        """Raise the help as `Shown`."""
        # Plugins are loaded for nobody but who asks what there is.
        from checkmill.cli.extensions import overview

        raise Shown(self.format_help() + overview())


def parsed(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line. Raises `UsageError`, or `Shown` for help and version."""
    first = first_word(argv)
    if first in NOT_YET:
        raise UsageError(f"the command {first!r} is not carried out yet; see 'checkmill --help'")
    if is_of_plugin(argv):
        # Plugins are loaded for their commands only when the first word is none of Checkmill's own.
        from checkmill.cli.extensions import parsed_of_plugin

        return parsed_of_plugin(argv)
    return parser().parse_args(list(argv))


def command_of(argv: Sequence[str]) -> str:
    """The command that is meant, known before anything is parsed, however wrong the rest may be.

    "" for none, or for one that a plugin may bring.
    """
    if list(argv[:1]) == [COMPLETE]:
        return COMPLETE
    for _, word, is_sure in words_of(argv):
        if word in COMMANDS:
            return word
        if is_sure:
            break
    return ""


def is_of_plugin(argv: Sequence[str]) -> bool:
    """Whether the command is none of Checkmill's own, so that only plugins can have it."""
    first = first_word(argv)
    return bool(first) and first not in {*COMMANDS, *NOT_YET, COMPLETE}


def first_word(argv: Sequence[str]) -> str:
    """The word that says which command is meant; "" for none."""
    return next((word for _, word, is_sure in words_of(argv) if is_sure), "")


def words_of(argv: Sequence[str]) -> Iterator[tuple[int, str, bool]]:
    """The words that are no options, each with its place and whether it is sure that it is no value of one.

    A word after an option that only some commands have may be its value.
    """
    words = iter(enumerate(argv))
    is_sure = True
    for index, word in words:
        if word in _WITH_VALUE:
            next(words, None)
            is_sure = True
        elif word.startswith("-"):
            is_sure = word in _FLAGS or "=" in word
        else:
            yield index, word, is_sure
            is_sure = True


def as_text(word: str) -> str:
    """A word of the command line as the UTF-8 that names in rules are, whatever the locale made of it."""
    return os.fsencode(word).decode("utf-8", "replace")


def as_path(word: str) -> str:
    """A word that names a file or directory."""
    if not word or "\0" in word:
        raise argparse.ArgumentTypeError("a path is expected")
    return word


def parser() -> Parser:
    """The whole command line."""
    common = common_options(suppress=True)
    whole = _Whole(
        prog="checkmill",
        description="Checks from rules over what vendors measure, as Nagios, Icinga and Checkmk states.",
        parents=[common_options(suppress=False)],
        allow_abbrev=False,
    )
    commands = whole.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)

    def command(name: str, summary: str) -> Parser:
        return commands.add_parser(name, help=summary, description=summary, parents=[common], allow_abbrev=False)

    check = command("check", "one check as a Nagios plugin; a fresh result is reused, else it is measured now")
    check.add_argument("name", type=as_text, metavar="NAME", help="name of the check")
    _add_items(check, "one service of a check with 'each'")
    check.add_argument("-t", "--timeout", metavar="SECONDS", help="deadline of the whole check")
    check.add_argument("-v", "--verbose", action="count", default=0, help="more lines; may be repeated")

    local = command("local", "all services as Checkmk local-check lines")
    _add_tags(local)
    local.add_argument("-t", "--timeout", metavar="SECONDS", help="deadline of the whole call")

    run = command("run", "fetch, judge, store, print and report")
    run.add_argument("names", nargs="*", type=as_text, metavar="NAME", help="names or globs of checks; all without any")
    _add_tags(run)
    run.add_argument("--due", action="store_true", help="only checks whose interval is over")
    run.add_argument("--format", choices=FORMATS, default="table", help="form of the results (default: table)")
    run.add_argument(
        "--output", type=as_path, metavar="FILE", help="write the results there, at once and whole, instead of stdout"
    )
    run.add_argument("--exit-state", action="store_true", help="exit with the worst state")
    run.add_argument("--no-report", action="store_true", help="hand nothing to reporters")

    outbox = command("outbox", "undelivered reports")
    outbox.add_argument(
        "action", nargs="?", default="list", choices=("list", "show", "flush", "retry", "drop"), help="default: list"
    )
    outbox.add_argument("ids", nargs="*", type=int, metavar="ID", help="numbers of deliveries")
    outbox.add_argument("--all", action="store_true", help="list settled deliveries too")
    _add_format(outbox)

    command("validate", "read rules and settings, without any network")
    explain = command("explain", "what a check reads, selects and decides, step by step; stores and reports nothing")
    explain.add_argument("name", type=as_text, metavar="NAME", help="name of the check")
    data = explain.add_mutually_exclusive_group()
    data.add_argument("--live", action="store_true", help="ask the sources now (default)")
    data.add_argument("--stored", action="store_true", help="show what is stored, without any request")
    explain.add_argument("--format", choices=("text", "json"), default="text", help="form (default: text)")
    explain.add_argument("-v", "--verbose", action="count", default=0, help="whole lists")
    listing = command("list", "the checks")
    _add_tags(listing)
    _add_format(listing)
    metrics = command("metrics", "what can be measured")
    metrics.add_argument("type", nargs="?", metavar="TYPE", help="a source type; all without it")
    metrics.add_argument("metrics", nargs="*", metavar="METRIC", help="names or globs of metrics; all without any")
    _add_format(metrics)
    _add_format(command("plugins", "what is installed, from where, with problems"))
    command("schema", "the JSON Schema of rule files, for editors")
    init = command("init", "write a first checks directory, which runs in the sandbox")
    init.add_argument("directory", nargs="?", type=as_path, metavar="DIR", help="default: ./checks.d")
    forget = command("forget", "drop what a check remembers, so that what is gone for good is no longer expected")
    forget.add_argument("names", nargs="+", type=as_text, metavar="NAME", help="names or globs of checks")
    _add_items(forget, "only the services with this value; of several, all must hold")
    completion = command("completion", "print the completion script of a shell")
    completion.add_argument("shell", choices=SHELLS, help="the shell")
    sandbox = command("sandbox", "serve the simulated vendors until interrupted")
    sandbox.add_argument("--port", type=int, default=0, metavar="PORT", help="default: a free one")
    return whole


def common_options(*, suppress: bool) -> Parser:
    """The options of every command; given before or after its name."""

    def default(value: object) -> Any:
        return argparse.SUPPRESS if suppress else value

    options = Parser(add_help=False)
    group = options.add_argument_group("common options")
    group.add_argument("-V", "--version", action=_Version, nargs=0, default=argparse.SUPPRESS, help="show the version")
    group.add_argument(
        "--checks-dir",
        metavar="DIR",
        default=default(None),
        help="rule files ($CHECKMILL_CHECKS_DIR, else ./checks.d, the user's, /etc/checkmill/checks.d)",
    )
    group.add_argument(
        "--state-dir",
        metavar="DIR",
        default=default(None),
        help="what outlives a run ($CHECKMILL_STATE_DIR, else /var/lib/checkmill, else the user's)",
    )
    group.add_argument(
        "--sandbox", action="store_true", default=default(False), help="have the plugins' simulated vendors answer"
    )
    group.add_argument(
        "--sandbox-seed",
        type=int,
        metavar="N",
        default=default(DEFAULT_SEED),
        help=f"another seed, other values (default: {DEFAULT_SEED})",
    )
    group.add_argument(
        "--log-level", choices=LEVELS, default=default("warning"), help="what is logged (default: warning)"
    )
    return options


def _add_tags(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tag", action="append", type=as_text, default=[], metavar="TAG", help="only checks with this tag"
    )


def _add_items(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument("--item", action="append", type=as_text, default=[], metavar="LABEL=VALUE", help=meaning)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), default="table", help="form (default: table)")
