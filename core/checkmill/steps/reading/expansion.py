"""`${NAME}`, `${NAME:-default}` and `${file:/path}` in the values of rule files; `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from checkmill.model.problem import Problem
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence

_REFERENCE = re.compile(r"\$(\$)?\{([^{}]*)\}")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: A token or a password; anything larger is the wrong file.
LARGEST_FILE = 64 * 1024
#: What a reference without a default stands for where a sandbox answers and declares no value of its own.
IN_SANDBOX = "sandbox"


class Expansion:
    """Fills in references from an environment, or for the sandbox without looking at it."""

    def __init__(self, environ: Mapping[str, str], *, sandbox: bool = False) -> None:
        self._environ = environ
        self._sandbox = sandbox

    def node(self, node: Node, path: str, problems: list[Problem]) -> Node:
        """Give a node with all references in its values filled in; what cannot be is a problem."""
        if isinstance(node, Map):
            entries = {
                key: Entry(entry.place, self.node(entry.value, f"{path}.{key}" if path else key, problems))
                for key, entry in node
            }
            return Map(node.place, entries)
        if isinstance(node, Sequence):
            items = (self.node(item, f"{path}[{index}]", problems) for index, item in enumerate(node.items))
            return Sequence(node.place, tuple(items))
        if not has_reference(node):
            return node
        try:
            return Scalar(node.place, self.text(str(node.value), node.place.file), node.text)
        except ExpansionError as error:
            problems.append(Problem(str(error), node.place, path, error.hint))
            return Scalar(node.place, None, node.text)

    def text(self, text: str, file: str) -> str:
        """Fill in the references of one text. `file` is the rule file, which relative paths start from."""
        return _REFERENCE.sub(lambda match: self._value(match, file), text)

    def _value(self, match: re.Match[str], file: str) -> str:
        if match[1]:
            return match[0][1:]
        inside = match[2]
        if inside.startswith("file:"):
            return IN_SANDBOX if self._sandbox else _content(inside.removeprefix("file:").strip(), file)
        name, separator, default = inside.partition(":-")
        if not _NAME.fullmatch(name):
            raise ExpansionError(f"${{{inside}}} is no reference", "write ${NAME}, ${NAME:-default} or ${file:/path}")
        if self._sandbox:
            return default if separator else IN_SANDBOX
        value = self._environ.get(name, "")
        if value:
            return value
        if separator:
            return default
        state = "is empty in" if name in self._environ else "is not set in"
        raise ExpansionError(f"{name} {state} the environment", f"set it, or give a default: ${{{name}:-...}}")


class ExpansionError(ValueError):
    """A reference that cannot be filled in."""

    def __init__(self, sentence: str, hint: str) -> None:
        super().__init__(sentence)
        self.hint = hint


def has_reference(node: Node) -> bool:
    """Whether a value is a text with `${...}` in it."""
    return isinstance(node, Scalar) and isinstance(node.value, str) and "${" in node.value


def _content(name: str, file: str) -> str:
    path = Path(file).parent / name
    try:
        with path.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ExpansionError(
            f"the file {path} cannot be read: {reason}", "its path is taken from the rule file's"
        ) from None
    if len(raw) > LARGEST_FILE:
        raise ExpansionError(f"the file {path} is larger than {LARGEST_FILE} bytes", "a value is expected in it")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ExpansionError(f"the file {path} is not UTF-8 text", "a value is expected in it") from None
    if not text:
        raise ExpansionError(f"the file {path} is empty", "a value is expected in it")
    return text
