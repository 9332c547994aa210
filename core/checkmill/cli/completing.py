"""What may be written next on a command line: answers to the shells' completion scripts.

`checkmill __complete zsh WORD... CURRENT` is asked with the words after the program's name up to the cursor. For bash,
`checkmill __complete bash HEAD WORD... CURRENT`, the words are as they were typed, quotes and all, and HEAD is the part
of the current one that bash does not replace. The first line of the answer is `words`, with a word in each further
line (for zsh and fish with a tab and its meaning), or `directory` or `file`: then the shell completes paths itself.
`command 4` says that another command line begins behind the first four words, the program's name counted: that of a
job, which the shell completes as if it stood alone.

What a word belongs to is known from the declarations of the command line, what it may be from rule files, store and
plugins. A person at a prompt waits: nothing is asked of a vendor, and whatever fails answers with no words.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checkmill.cli.arguments import EXEC, OF_PLUGIN, Parser, parser
from checkmill.cli.quoting import for_bash, unquoted
from checkmill.cli.streams import Streams
from checkmill.edges import Edges

if TYPE_CHECKING:
    from checkmill.cli.extensions import CommandParser
    from checkmill.model.command import Command
    from checkmill.model.option import Option

#: Arguments that are paths, and of what kind.
_PATHS = {"checks_dir": "directory", "state_dir": "directory", "directory": "directory", "output": "file"}
_WORDS = "words"


@dataclass(frozen=True)
class Word:
    """A word that may be written, and what it means."""

    text: str
    meaning: str = ""


@dataclass
class Line:
    """A command line as far as it is written.

    `given` are the values so far by argument; `awaited` is the argument that the current word is a value of, None for
    one of the `choices`; `lead` is what stands before the value in the current word: `--format=`. `path` are the words
    that lead to a plugin's command, and `of` is that command once they are whole. `job_begins` is how many words stand
    before those of a job, the program's name counted; 0 where there is none.
    """

    given: dict[str, list[str]] = field(default_factory=dict)
    command: str = ""
    path: tuple[str, ...] = ()
    of: CommandParser | None = None
    awaited: argparse.Action | None = None
    lead: str = ""
    choices: Sequence[Word] = ()
    job_begins: int = 0

    @property
    def kind(self) -> str:
        """What the answer is: words, or what the shell completes itself."""
        if self.job_begins:
            return f"command {self.job_begins}"
        if self.awaited is None:
            return _WORDS
        if self.option is not None and self.option.document is not None:
            return "file"
        return _PATHS.get(self.awaited.dest, _WORDS)

    @property
    def option(self) -> Option | None:
        """What a plugin declares of the awaited argument, if it is the plugin's."""
        return self.of.options.get(self.awaited.dest) if self.of is not None and self.awaited is not None else None


def complete(argv: Sequence[str], streams: Streams, edges: Edges) -> int:
    """Answer a completion script; always 0, whatever happens."""
    # What a broken rule or store has to say belongs into no prompt.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        answer = _answer(argv, edges)
    except (Exception, SystemExit):  # noqa: BLE001 - the wall round what completes: no words are better than a traceback
        answer = [_WORDS]
    streams.results("\n".join(answer) + "\n")
    return 0


def _answer(argv: Sequence[str], edges: Edges) -> list[str]:
    shell, *words = argv
    head = words.pop(0) if shell == "bash" else ""
    typed = words.pop() if words else ""
    plain = [word if shell == "zsh" else unquoted(word).text for word in (*words, typed)]
    line = understood(plain[:-1], plain[-1])
    found = [one for one in _words(line, edges, plain[-1]) if one.text.isprintable() and one.text]
    if shell == "bash":
        return [line.kind, *for_bash([one.text for one in found], typed, head)]
    return [line.kind, *(f"{one.text}\t{one.meaning}" if one.meaning else one.text for one in found)]


def understood(words: Sequence[str], current: str) -> Line:
    """What the current word belongs to, from the words before it."""
    whole = parser()
    line = Line()
    options = _options(whole)
    arguments: list[argparse.Action] = []
    commands = _commands(next(action for action in whole.declared if action.dest == "command"))
    open_option: argparse.Action | None = None
    only_arguments = False
    for index, word in enumerate(words):
        name, equals, value = word.partition("=")
        if open_option is not None:
            line.given.setdefault(open_option.dest, []).append(word)
            open_option = None
        elif word == "--" and not only_arguments:
            only_arguments = True
        elif word.startswith("-") and not only_arguments:
            option = options.get(name)
            if option is not None and option.nargs != 0 and not equals:
                open_option = option
            elif option is not None:
                line.given.setdefault(option.dest, []).append(value)
        elif not line.command:
            command = commands.get(word) if not line.path else None
            if command is not None:
                line.command = word
            else:
                command = _of_plugin(line, word)
            if line.command:
                options, arguments = ({}, []) if command is None else (_options(command), _arguments(command))
        elif line.command == EXEC:
            return Line(line.given, EXEC, job_begins=index + 1)
        elif arguments:
            line.given.setdefault(arguments[0].dest, []).append(word)
            arguments = arguments if arguments[0].nargs in ("*", "+") else arguments[1:]
    name, equals, _ = current.partition("=")
    if open_option is not None:
        line.awaited = open_option
    elif current.startswith("-") and not only_arguments:
        if not equals:
            line.choices = list(_unused(options, line))
        elif name in options and options[name].nargs != 0:
            line.awaited, line.lead = options[name], f"{name}="
    elif not line.command:
        own = [Word(name, one.description or "") for name, one in commands.items()] if not line.path else []
        line.choices = [*own, *_next_words(line.path)]
    elif line.command == EXEC and (only_arguments or "check" in line.given):
        line.job_begins = len(words) + 1
    elif line.command == EXEC:
        line.choices = list(_unused(options, line))
    elif arguments:
        line.awaited = arguments[0]
    elif not only_arguments:
        line.choices = list(_unused(options, line))
    return line


def _of_plugin(line: Line, word: str) -> Parser | None:
    """Follow one more word towards a command of a plugin; the parser of the command that is whole then."""
    # Plugins are loaded only where the first word is none of Checkmill's own commands.
    from checkmill.cli.extensions import command_parser, next_words

    offered = _offered()
    line.path = (*line.path, word)
    command = next((one for one in offered if one.words == line.path), None)
    if command is None:
        if not next_words(line.path, offered):
            line.command = " ".join(line.path)
        return None
    line.command, line.of = OF_PLUGIN, command_parser(command)
    return line.of.parser


def _next_words(path: tuple[str, ...]) -> Iterator[Word]:
    from checkmill.cli.extensions import next_words

    for text, meaning in next_words(path, _offered()).items():
        yield Word(text, meaning)


def _offered() -> list[Command[Any, Any]]:
    from checkmill.host import Host

    return Host().commands()


def _options(command: Parser) -> dict[str, argparse.Action]:
    return {name: action for action in command.declared for name in action.option_strings}


def _arguments(command: Parser) -> list[argparse.Action]:
    return [action for action in command.declared if not action.option_strings]


def _commands(commands: argparse.Action) -> Mapping[str, Parser]:
    return commands.choices if isinstance(commands.choices, Mapping) else {}


def _unused(options: Mapping[str, argparse.Action], line: Line) -> Iterator[Word]:
    """The long options that may be written yet; of those that are there already, the ones that may be repeated."""
    for name, action in options.items():
        option = line.of.options.get(action.dest) if line.of is not None else None
        repeats = isinstance(action.default, list) or (action.default == 0 and action.default is not False)
        if option is not None:
            repeats = option.repeats and option.document is None
        if name.startswith("--") and (action.dest not in line.given or repeats):
            yield Word(name, (action.help or "").replace("%%", "%"))


def _words(line: Line, edges: Edges, current: str) -> Iterable[Word]:
    action = line.awaited
    if action is None:
        return line.choices
    listed = action.choices if line.option is None else line.option.choices
    if listed:
        return [Word(f"{line.lead}{choice}") for choice in listed]
    # Rule files, store and plugins are looked at only where they are asked for.
    from checkmill.cli.vocabulary import Vocabulary

    type_name = "" if line.of is None else line.of.command.source
    vocabulary = Vocabulary(line.given, edges, source_type=type_name)
    words = vocabulary.words(line.command, action.dest, current.removeprefix(line.lead))
    return [Word(f"{line.lead}{text}", meaning) for text, meaning in words]
