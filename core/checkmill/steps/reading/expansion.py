"""`${NAME}`, `${NAME:-default}` and `${file:/path}` in the values of rule files; `$${` stands for a literal `${`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from checkmill.model.problem import Problem
from checkmill.steps.reading.files import content_of
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence

#: An escape, or a reference with its end if it has one. `${{` is a dollar before a template's `{{`.
_REFERENCE = re.compile(r"\$\$\{|\$\{(?!\{)([^{}]*)(\}?)")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
#: A token or a password; anything larger is the wrong file.
LARGEST_FILE = 64 * 1024
#: What a reference without a default stands for where a sandbox answers and declares no value of its own.
IN_SANDBOX = "sandbox-value"


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
        inside = match[1]
        if inside is None:
            return "${"
        name, separator, default = inside.partition(":-")
        is_file = inside.startswith("file:") and bool(inside.removeprefix("file:").strip())
        if not match[2] or not (is_file or _NAME.fullmatch(name)):
            # What is written is not quoted: it may be a password with '${' in it.
            raise ExpansionError(
                "a reference is ${NAME}, ${NAME:-default} or ${file:/path}, and this is none of them",
                "write $${ for a literal ${",
            )
        if is_file:
            return IN_SANDBOX if self._sandbox else _content(inside.removeprefix("file:").strip(), file)
        if self._sandbox:
            return default if separator else IN_SANDBOX
        value = self._environ.get(name, "")
        if value:
            return value
        if separator:
            return default
        state = "is empty in" if name in self._environ else "is not set in"
        raise ExpansionError(f"{name} {state} the environment", f"set it, or give a default: ${{{name}:-...}}")

    def depends_on_environment(self, node: Node) -> bool:
        """Whether a value holds a reference that a sandbox has no value for: one without a default."""
        if isinstance(node, Map):
            return any(self.depends_on_environment(entry.value) for _, entry in node)
        if isinstance(node, Sequence):
            return any(self.depends_on_environment(item) for item in node.items)
        return has_reference(node) and any(
            match[1] is not None and ":-" not in match[1] for match in _REFERENCE.finditer(str(node.value))
        )


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
    hint = "a relative path starts at the rule file's directory"
    try:
        raw = content_of(path, LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ExpansionError(f"the file {path} cannot be read: {reason}", hint) from None
    if raw is None:
        raise ExpansionError(f"{path} is no file", hint)
    if len(raw) > LARGEST_FILE:
        raise ExpansionError(f"the file {path} is larger than {LARGEST_FILE} bytes", "a single value is expected in it")
    try:
        text = raw.decode("utf-8-sig").strip()
    except UnicodeDecodeError:
        raise ExpansionError(f"the file {path} is not UTF-8 text", "a single value is expected in it") from None
    if not text:
        raise ExpansionError(f"the file {path} is empty", "a single value is expected in it")
    return text
