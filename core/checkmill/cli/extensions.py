"""The commands that plugins bring, as words on the command line: which one is meant, its options, help at every level.

Plugins are loaded here, each behind the host's wall: what one does wrong hides its own commands and no others.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from itertools import islice
from typing import Any, NoReturn

from checkmill import __version__
from checkmill.cli.arguments import (
    COMMANDS,
    OF_PLUGIN,
    Parser,
    Shown,
    UsageError,
    as_path,
    as_text,
    common_options,
    words_of,
)
from checkmill.cli.tables import columns
from checkmill.host import Host
from checkmill.model.command import Command
from checkmill.model.levels import plain
from checkmill.model.option import Option
from checkmill.model.units import per_second, seconds, size

#: Before the names of the arguments that a plugin declares, to tell them from core's own.
PREFIX = "argument."
FORMATS = ("table", "yaml", "json")
#: What people write for a word that is called otherwise here.
_SYNONYMS = {
    "add": "create",
    "del": "delete",
    "destroy": "delete",
    "edit": "update",
    "info": "get",
    "ls": "list",
    "modify": "update",
    "new": "create",
    "put": "update",
    "read": "get",
    "remove": "delete",
    "rm": "delete",
    "set": "update",
    "show": "get",
    "sync": "apply",
}
#: A word that is no option although it begins like one.
_NEGATIVE = re.compile(r"-\d+|-\d*\.\d+")
_UNITS: dict[Callable[[Any], float], str] = {seconds: "s", per_second: "/s", size: ""}


@dataclass
class CommandParser:
    """The parser of one command, and which option of the plugin each of its arguments is."""

    command: Command[Any, Any]
    parser: Parser
    options: dict[str, Option] = field(default_factory=dict)


@dataclass(frozen=True)
class _Meant:
    """How far the words of a line lead: the command, or the beginning of some; what is left of the line."""

    path: tuple[str, ...]
    command: Command[Any, Any] | None
    wrong: str
    rest: tuple[str, ...]


def parsed_of_plugin(argv: Sequence[str]) -> argparse.Namespace:
    """Read a command line whose command is a plugin's. Raises `UsageError`, or `Shown` for help and version.

    `of` is the command then, and the arguments that the plugin declares are words still, as far as they are given.
    """
    host = Host()
    commands = host.commands()
    meant = _meant(argv, commands)
    if meant.command is None:
        _tell_what_there_is(meant, commands, _broken(host))
    made = command_parser(meant.command)
    namespace, extra = made.parser.parse_known_args(_arranged(meant.rest, made.parser))
    for word in extra:
        if word != "--":
            _refuse(word, made.parser)
    namespace.command, namespace.of = OF_PLUGIN, meant.command
    return namespace


def command_parser(command: Command[Any, Any]) -> CommandParser:
    """The options of one command: core's common ones, those of all commands of plugins, and its own."""
    parser = Parser(
        prog=f"checkmill {command.name}",
        description=command.help,
        parents=[common_options(suppress=False)],
        allow_abbrev=False,
    )
    made = CommandParser(command, parser)
    for option in command.options:
        made.options[f"{PREFIX}{option.name}"] = option
        _add(option, parser)
    parser.add_argument(
        "--source",
        type=as_text,
        metavar="NAME",
        help=f"which source of type {command.source}; not needed where the rule files configure only one",
    )
    parser.add_argument("--format", choices=FORMATS, help=f"form of what is shown (default: {command.form})")
    if command.changes:
        parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
        parser.add_argument("--yes", action="store_true", help="change without asking")
    return made


def overview() -> str:
    """The commands of plugins for the help of the whole program: a line for each group."""
    host = Host()
    groups: dict[tuple[str, ...], list[str]] = {}
    for command in host.commands():
        groups.setdefault(command.words[:-1], []).append(command.words[-1])
    lines = [f"  {' '.join([*group, '{' + ','.join(words) + '}'])}" for group, words in groups.items()]
    text = "\ncommands of plugins:\n" + "".join(f"{line}\n" for line in lines) if lines else ""
    broken = _broken(host)
    return text + (f"\n{broken}\n" if broken else "")


def next_words(path: Sequence[str], commands: Iterable[Command[Any, Any]]) -> dict[str, str]:
    """The words that may follow the beginning of a command, with the help of the command that is whole then."""
    found: dict[str, str] = {}
    for command in commands:
        if command.words[: len(path)] == tuple(path) and len(command.words) > len(path):
            whole = len(command.words) == len(path) + 1
            found[command.words[len(path)]] = command.help if whole else ""
    return found


def _meant(argv: Sequence[str], commands: Sequence[Command[Any, Any]]) -> _Meant:
    path: tuple[str, ...] = ()
    places: list[int] = []
    wrong = ""
    command = None
    for place, word, is_sure in words_of(argv):
        if not is_sure:
            continue
        if word not in next_words(path, commands):
            wrong = as_text(word)
            break
        path = (*path, word)
        places.append(place)
        command = next((one for one in commands if one.words == path), None)
        if command is not None:
            break
    rest = tuple(word for place, word in enumerate(argv) if place not in places)
    return _Meant(path, command, wrong, rest)


def _tell_what_there_is(meant: _Meant, commands: Sequence[Command[Any, Any]], broken: str) -> NoReturn:
    """Raise the help for the beginning of a command, or what is wrong with it."""
    known = next_words(meant.path, commands)
    there = [one for one in commands if one.words[: len(meant.path)] == meant.path]
    listing = columns(["", ""], [[f"  {one.name}", one.help] for one in there]).lstrip("\n") if meant.path else ""
    if not meant.wrong and {"-V", "--version"} & set(meant.rest):
        raise Shown(f"checkmill {__version__}\n")
    if not meant.wrong and {"-h", "--help"} & set(meant.rest):
        usage = f"usage: checkmill {' '.join(meant.path)} {{{','.join(known)}}} ..."
        raise Shown(f"{usage}\n\n{listing}\n'checkmill {there[0].name} --help' tells the options of one.\n")
    if not meant.wrong:
        raise UsageError(f"a word is missing after 'checkmill {' '.join(meant.path)}'; there are:\n{listing}".rstrip())
    typed = " ".join((*meant.path, meant.wrong))
    guess = _nearest_command(meant, known, commands)
    sentence = f"there is no command {typed!r}"
    if guess:
        raise UsageError(f"{sentence}; did you mean 'checkmill {guess}'?")
    if meant.path:
        raise UsageError(f"{sentence}; there are:\n{listing}".rstrip())
    raise UsageError(f"{sentence}; see 'checkmill --help'" + (f"; {broken}" if broken else ""))


def _nearest_command(meant: _Meant, known: Iterable[str], commands: Sequence[Command[Any, Any]]) -> str:
    """The command that was probably meant, or its beginning."""
    here = [*known, *(COMMANDS if not meant.path else ())]
    word = _nearest(meant.wrong, here)
    if word:
        return " ".join((*meant.path, word))
    others = [word for place, word, _ in words_of(meant.rest)]
    typed = " ".join((*meant.path, *others[: 3 - len(meant.path)]))
    return _nearest(typed, [one.name for one in commands])


def _nearest(word: str, known: Sequence[str]) -> str:
    synonym = _SYNONYMS.get(word.lower(), "")
    if synonym in known:
        return synonym
    close = get_close_matches(word.lower(), known, n=1, cutoff=0.6)
    return close[0] if close else ""


def _arranged(rest: Sequence[str], parser: Parser) -> list[str]:
    """A line with its options first: argparse takes words in one go, and people write them where they like."""
    takes_value = {name for action in parser.declared if action.nargs != 0 for name in action.option_strings}
    options: list[str] = []
    words: list[str] = []
    left = iter(rest)
    for word in left:
        if word == "--":
            words += left
        elif not word.startswith("-") or word == "-" or _NEGATIVE.fullmatch(word):
            words.append(word)
        else:
            options += [word, *islice(left, int(word in takes_value))]
    return [*options, "--", *words] if words else options


def _refuse(word: str, parser: Parser) -> NoReturn:
    """Raise what is wrong with a word that belongs to nothing."""
    name = as_text(word).partition("=")[0]
    if not name.startswith("-"):
        parser.error(f"{as_text(word)!r} is one word too many")
    known = [one for action in parser.declared for one in action.option_strings if one.startswith("--")]
    guess = _nearest(name, known)
    if guess:
        raise UsageError(f"there is no option {name!r}; did you mean {guess!r}?")
    parser.error(f"there is no option {name!r}")


def _broken(host: Host) -> str:
    count = len({problem.path for problem in host.problems})
    if not count:
        return ""
    which = "1 plugin does not work as it is" if count == 1 else f"{count} plugins do not work as they are"
    return f"{which}; see 'checkmill plugins'"


def _add(option: Option, parser: Parser) -> None:
    dest = f"{PREFIX}{option.name}"
    help_text = _without_format(option.help + _shown_default(option))
    if option.flag:
        parser.add_argument(option.spelling, dest=dest, action="store_true", default=argparse.SUPPRESS, help=help_text)
        return
    listed = "{" + ",".join(map(str, option.choices)) + "}"
    words: dict[str, Any] = {
        "type": as_path if option.document is not None else _reader(option),
        "default": argparse.SUPPRESS,
        "metavar": listed if option.choices and (not option.positional or not option.metavar) else option.metavar,
        "help": help_text,
    }
    repeats = option.repeats and option.document is None
    if option.positional:
        if repeats:
            words["nargs"] = "+" if option.required else "*"
        elif not option.required:
            words["nargs"] = "?"
        parser.add_argument(dest, **words)
        return
    action = "append" if repeats else "store"
    parser.add_argument(option.spelling, dest=dest, action=action, required=option.required, **words)


def _reader(option: Option) -> Callable[[str], Any]:
    """Reads one word; a word that is not among the choices is refused with the one that was probably meant."""
    if not option.choices:
        return as_text
    by_word = {str(choice): choice for choice in option.choices}

    def read(word: str) -> Any:
        text = as_text(word)
        if text in by_word:
            return by_word[text]
        by_lower = {one.lower(): one for one in by_word}
        guess = by_lower.get(_nearest(text, list(by_lower)), "")
        hint = f"; did you mean {guess!r}?" if guess else ""
        raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(by_word)}{hint}")

    return read


def _shown_default(option: Option) -> str:
    default = option.default
    if option.flag or option.required or option.document is not None or default is None or default in ((), ""):
        return ""
    unit = "" if option.written is None else _UNITS.get(option.written.read, "")
    values = default if isinstance(default, tuple) else (default,)
    shown = ", ".join(plain(one) + unit if isinstance(one, float) else str(one) for one in values)
    return f" (default: {shown})"


def _without_format(text: str) -> str:
    """A help text that argparse prints as it is."""
    return text.replace("%", "%%")
