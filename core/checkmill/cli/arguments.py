"""The command line, declared once: parsing, help and the README's list of options are made from it."""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from checkmill import __version__
from checkmill.model.commandwords import COMMANDS as COMMANDS

LEVELS = ("debug", "info", "warning", "error")
#: The forms of results, those of `checkmill.steps.rendering`, which is not imported to read a command line.
FORMATS = ("table", "json", "jsonl", "nagios", "checkmk", "openmetrics")
SHELLS = ("bash", "zsh", "fish")
#: The check that tells how well deliveries go.
OUTBOX = "checkmill-outbox"
#: What a delivery may be chosen by: its stage, or `open` for those that somebody may want to look at, and its state.
STAGES = ("open", "pending", "sending", "accepted", "refused", "unknown", "superseded", "expired", "dropped")
STATES = ("OK", "WARNING", "CRITICAL", "UNKNOWN")
#: No number of a delivery has more.
MOST_DIGITS = 18

DEFAULT_SEED = 1
#: What the completion scripts call, with the words of any other command line; it is no command for people.
COMPLETE = "__complete"
#: What `Namespace.command` is for a command that a plugin brings.
OF_PLUGIN = "command"
#: The command behind whose own words stand those of another program.
EXEC = "exec"
#: How long a job that takes too long has between being told to end and being killed, in seconds.
KILL_AFTER_S = 10.0

#: The common options, with and without a value.
_WITH_VALUE = frozenset({"--checks-dir", "--state-dir", "--log-level", "--sandbox-seed"})
_FLAGS = frozenset({"--sandbox", "-h", "--help", "-V", "--version"})
_WITH_VALUE_OF_EXEC = frozenset({"--check", "--timeout", "--kill-after"})
#: Commands whose callers take stderr for output and any exit code for a state, or have no place for it.
QUIET = ("check", "local", COMPLETE)


class UsageError(Exception):
    """The command line cannot be understood; `str()` says why."""


class Shown(Exception):  # noqa: N818 - not an error: help or version was asked for
    """Help or version was asked for; `str()` is the text."""


class Parser(argparse.ArgumentParser):
    """A parser that raises instead of exiting, and that tells what it reads.

    With `takes_words_between_options`, arguments may stand behind options too: `outbox retry --yes 3`.
    """

    takes_words_between_options = False

    def parse_known_args(  # type: ignore[override] # it has overloads for namespaces of classes that nobody here has
        self, args: Any = None, namespace: Any = None
    ) -> tuple[argparse.Namespace, list[str]]:
        """Read what is known, and give the rest."""
        if not self.takes_words_between_options:
            return super().parse_known_args(args, namespace)
        # argparse parses twice then, each time by this method.
        self.takes_words_between_options = False
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self.takes_words_between_options = True

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
    if command_of(argv) == EXEC:
        return _parsed_with_job(argv)
    if is_of_plugin(argv):
        # Plugins are loaded for their commands only when the first word is none of Checkmill's own.
        from checkmill.cli.extensions import parsed_of_plugin

        return parsed_of_plugin(argv)
    return parser().parse_args(list(argv))


def _parsed_with_job(argv: Sequence[str]) -> argparse.Namespace:
    """Read the command line of `exec`. What belongs to the job no parser sees, whatever it looks like."""
    begins = job_begins(argv)
    job = list(argv[begins:])
    own = list(argv[:begins])
    if own[-1:] == ["--"]:
        own.pop()
    arguments = parser().parse_args([*own, *(["COMMAND"] if job else [])])
    arguments.job = job
    return arguments


def job_begins(argv: Sequence[str]) -> int:
    """Where in the words of `exec` those of the job begin: behind `--`, or with the first that is no option's."""
    first = next((index for index, word, _ in words_of(argv) if word == EXEC), len(argv))
    index = first + 1
    while index < len(argv):
        word = argv[index]
        if word == "--":
            return index + 1
        if not word.startswith("-"):
            return index
        index += 2 if word in _WITH_VALUE | _WITH_VALUE_OF_EXEC else 1
    return len(argv)


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


def is_every(argv: Sequence[str]) -> bool:
    """Whether this is a run that goes on until it is told to end."""
    words = argv[: list(argv).index("--")] if "--" in argv else argv
    return command_of(argv) == "run" and any(word.partition("=")[0] == "--every" for word in words)


def is_of_plugin(argv: Sequence[str]) -> bool:
    """Whether the command is none of Checkmill's own, so that only plugins can have it."""
    first = first_word(argv)
    return bool(first) and first not in {*COMMANDS, COMPLETE}


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


def as_number(word: str) -> int:
    """A word that is a whole number, none too large for a database."""
    if not (word.isascii() and word.isdecimal() and len(word) <= MOST_DIGITS):
        raise argparse.ArgumentTypeError(f"a whole number is expected, found {word!r}")
    return int(word)


def as_seconds(word: str) -> float:
    """A word that is a duration, in seconds."""
    # Only few command lines hold one.
    from checkmill.model.units import seconds

    try:
        return seconds(word)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


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
    check.add_argument(
        "name",
        type=as_text,
        metavar="NAME",
        help=f"name of the check; {OUTBOX} for what is on its way to reporters",
    )
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
    run.add_argument(
        "--every",
        type=as_seconds,
        metavar="TIME",
        help="run what is due again and again, every 60s or so, until told to end; results go to --output alone",
    )
    run.add_argument("--format", choices=FORMATS, help="form of the results (default: table)")
    run.add_argument(
        "--output", type=as_path, metavar="FILE", help="write the results there, at once and whole, instead of stdout"
    )
    run.add_argument("--exit-state", action="store_true", help="exit with the worst state")
    run.add_argument("--no-report", action="store_true", help="hand nothing to reporters")

    execute = command(EXEC, "run a batch job, pass on its output and exit code, and report how it ended")
    execute.usage = "checkmill exec --check NAME [--timeout TIME] [--kill-after TIME] [--] COMMAND [ARGUMENT...]"
    execute.add_argument("--check", type=as_text, required=True, metavar="NAME", help="name of the check that it is")
    execute.add_argument(
        "--timeout", type=as_seconds, metavar="TIME", help="end it after 30m or so (default: the check's own timeout)"
    )
    execute.add_argument(
        "--kill-after",
        type=as_seconds,
        default=KILL_AFTER_S,
        metavar="TIME",
        help=f"how long it has then before it is killed (default: {KILL_AFTER_S:g}s)",
    )
    execute.add_argument("job", nargs="+", metavar="COMMAND", help="what to run, with its arguments; no shell is used")

    outbox = command("outbox", "what is on its way to the reporters: list, show, flush, retry, drop")
    _add_outbox(outbox)

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


def _add_outbox(outbox: Parser) -> None:
    outbox.takes_words_between_options = True
    outbox.add_argument(
        "action",
        nargs="?",
        default="list",
        choices=("list", "show", "flush", "retry", "drop"),
        help="list what is open (default), show everything about some, flush: send what is due now, retry or drop some",
    )
    outbox.add_argument("ids", nargs="*", type=as_number, metavar="ID", help="numbers of deliveries")
    outbox.add_argument("--all", action="store_true", help="list settled deliveries too")
    stages = f"only deliveries at this stage: {', '.join(STAGES)}"
    outbox.add_argument("--stage", action="append", default=[], choices=STAGES, metavar="STAGE", help=stages)
    for name, meaning in (
        ("reporter", "of this reporter; a glob will do"),
        ("target", "to this target: label=value, the value may be a glob, or a part of its text"),
        ("check", "that tell of this check; a glob will do"),
    ):
        option = f"--{name}"
        outbox.add_argument(option, action="append", type=as_text, default=[], metavar=name.upper(), help=meaning)
    states = f"of this state: {', '.join(STATES)}"
    outbox.add_argument(
        "--state", action="append", default=[], type=str.upper, choices=STATES, metavar="STATE", help=states
    )
    outbox.add_argument("--older-than", type=as_seconds, metavar="AGE", help="made longer ago than this, such as 10m")
    outbox.add_argument("--newer-than", type=as_seconds, metavar="AGE", help="made less long ago than this")
    outbox.add_argument("--limit", type=as_number, metavar="N", help="list the N oldest; 0 for all")
    outbox.add_argument("--yes", action="store_true", help="retry and drop without asking")
    outbox.add_argument("--format", choices=("table", "json"), help="form (default: table)")


def _add_tags(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--tag", action="append", type=as_text, default=[], metavar="TAG", help="only checks with this tag"
    )


def _add_items(command: argparse.ArgumentParser, meaning: str) -> None:
    command.add_argument("--item", action="append", type=as_text, default=[], metavar="LABEL=VALUE", help=meaning)


def _add_format(command: argparse.ArgumentParser) -> None:
    command.add_argument("--format", choices=("table", "json"), default="table", help="form (default: table)")
