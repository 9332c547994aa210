"""Commands that plugins bring: what they read, what they show, and what they would change at the vendor.

A command does no I/O either. Its flow reads and gives a `Plan`: what to show, and the changes that it would make, each
a flow of its own. Core reads arguments and files, shows the plan, asks for confirmation, and carries the changes out.

    @dataclass(frozen=True, kw_only=True)
    class Delete(Arguments):
        ids: Annotated[tuple[str, ...], Positional("ID"), Doc("ids of the alarms")]

    def delete(settings: Settings, asked: Delete) -> Flow[Plan]:
        alarms = yield from together([get_alarm(settings, id) for id in asked.ids])
        return Plan(changes=[Change(f"delete {one.name}", partial(delete_alarm, settings, one)) for one in alarms])

    Command("nhn alarm delete", "nhn-watcher", delete, Delete, "delete alarms", changes=True)
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar, Generic, Literal, TypeVar

from checkmill.model.commandwords import COMMANDS
from checkmill.model.flow import Flow
from checkmill.model.option import Document, Option, Positional, options_of
from checkmill.model.source import ClassOf, ContractError

__all__ = ["Arguments", "Change", "Command", "Document", "Plan", "Positional"]

S = TypeVar("S")
A = TypeVar("A")

#: How data is shown, unless `--format` says otherwise.
FORMS = ("table", "yaml")
_NAME = re.compile(r"[a-z][a-z0-9-]*( [a-z][a-z0-9-]*){0,2}")


@dataclass(frozen=True, kw_only=True)
class Arguments:
    """Base of what a command can be told, as a frozen dataclass whose fields have a `Doc`.

    A field is an option called like it (`dry` is `--dry`, `no_wait` is `--no-wait`): a bool is a flag, a Literal a
    choice, a tuple may be given several times; whatever `query:` may hold is written as there. With `Positional` it is
    an argument without a name, and a tuple takes all that are left. With `Document` the word is the path of a YAML
    file, and the field is the dataclass that file is read into: its places, `${...}` and messages are a rule file's.
    A field without default must be given. A `Secret` stands in a document only: the list of processes shows arguments.

    A `ValueError` that `__post_init__` raises is told as a mistake in the command line: what was found, and after a
    semicolon what to write instead.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}


@dataclass(frozen=True)
class Change:
    """One thing that would change at the vendor.

    `summary` says what in a line, `details` how (lines of a diff: `- old`, `+ new`). `carry_out` gives the flow that
    does it, which returns a sentence on what came of it; a failure is its `SourceError`.
    """

    summary: str
    carry_out: Callable[[], Flow[str]]
    details: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a command found, and what it would change.

    `data` is shown: a list of flat mappings with equal keys as a table, anything else made of maps, lists, texts,
    numbers, booleans and None as YAML. `changes` are carried out in order, after confirmation; the first that fails
    keeps the rest from being carried out. `nothing` is what is said when there is neither, or the data is an empty
    list. `problems` are sentences about what could not be done; with any, the command ends with 3 and changes nothing.
    """

    data: Any = None
    changes: Sequence[Change] = ()
    nothing: str = "nothing to do"
    problems: Sequence[str] = ()


@dataclass(frozen=True)
class Command(Generic[S, A]):
    """A command of a plugin: `name` is what users write after `checkmill`, one to three words.

    It works with one source of the type `source`: the only one that the rule files configure, or the one that
    `--source NAME` names. Its flow, and that of each change, has the deadline of the source's `timeout`, else 30 s.
    Without `changes` the changes of its plan are shown and never carried out; with it, users can say `--dry-run` and
    `--yes`. `form` is how `data` is shown unless `--format` says otherwise.
    """

    name: str
    source: str
    flow: Callable[[S, A], Flow[Plan]]
    arguments: ClassOf[A]
    help: str
    changes: bool = False
    form: Literal["table", "yaml"] = "table"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ContractError(f"command name {self.name!r} is not like 'nhn alarm list'")
        if not (
            isinstance(self.arguments, type) and issubclass(self.arguments, Arguments) and is_dataclass(self.arguments)
        ):
            raise ContractError(f"command {self.name}: its arguments are no dataclass derived from Arguments")
        if not callable(self.flow):
            raise ContractError(f"command {self.name}: its flow is not callable")

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name."""
        return tuple(self.name.split())

    @property
    def options(self) -> tuple[Option, ...]:
        """What its arguments are on the command line. Raises `ContractError` where they cannot be there."""
        try:
            return options_of(self.arguments)
        except ContractError:
            raise
        except Exception as error:
            # Names in annotations that nothing stands behind, defaults that cannot be made.
            raise ContractError(f"{self.arguments.__name__} cannot be read: {type(error).__name__}: {error}") from error

    def check(self) -> None:
        """Look for what keeps the command from being offered. Raises `ContractError`.

        Not done when it is made: what is wrong with one command must not take its whole plugin along.
        """
        first = self.words[0]
        if first in COMMANDS:
            raise ContractError(f"{first!r} is a command of Checkmill itself")
        if self.form not in FORMS:
            raise ContractError(f"its form {self.form!r} is neither of {', '.join(FORMS)}")
        if not isinstance(self.help, str) or not self.help.strip():
            raise ContractError("it has no help")
        self.options  # noqa: B018 - asked for what it raises
