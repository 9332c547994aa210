"""Reads the YAML files that a command is given, into the dataclasses that its plugin declares for them.

They are read as rule files are: with places, `${...}`, and everything that is wrong told at once. What stands behind a
`${...}` of a document is kept like a secret: the plugin's plan shows what it read, and files refer to what they do not
want to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from checkmill.model.option import Option
from checkmill.model.problem import Place, Problem
from checkmill.model.secret import Secret
from checkmill.steps.reading.composing import parse_documents
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.files import decoded
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.nodes import Node, Scalar, Sequence, is_empty, shown
from checkmill.steps.reading.validation import value_of

#: What people write for standard input, and what messages call it.
STANDARD_INPUT = "-"
_STDIN = "stdin"
#: A document larger than this is the wrong file.
LARGEST_DOCUMENT = 4 * 1024 * 1024


def document_of(
    option: Option,
    name: str,
    environ: Mapping[str, str],
    *,
    sandbox: bool,
    standard_input: Callable[[int], bytes],
) -> tuple[Any, list[Problem]]:
    """Read the file of a name into what the option declares: an instance of its class, or a tuple of them.

    `-` is read with `standard_input`, which gives at most so many bytes. With any problem there is no value.
    """
    file = _STDIN if name == STANDARD_INPUT else name
    findings = Findings()
    text = _text(name, file, standard_input, findings.problems)
    if text is None:
        return None, findings.problems
    roots, flaws = parse_documents(text, file)
    findings.problems.extend(flaws)
    roots = [root for root in roots if not is_empty(root) or root.flaws]
    if not roots:
        if not flaws:
            findings.add("there is nothing in it", Place(file), "", "write a document into it")
        return None, findings.problems
    # The sandbox reads no environment, so there is nothing to keep.
    expansion = Expansion(environ, sandbox=True) if sandbox else _KeepingExpansion(environ)
    read = _several(option, roots, expansion, findings) if option.repeats else _one(option, roots, expansion, findings)
    # A person mends a file from the top down.
    problems = sorted(dict.fromkeys(findings.problems), key=lambda problem: problem.place or Place(file))
    return (None if problems else read), problems


class _KeepingExpansion(Expansion):
    """Makes known as a secret what it fills in, so that no output shows it; a default stands in the file itself."""

    def _value(self, match: re.Match[str], file: str) -> str:
        value = super()._value(match, file)
        inside = match[1]
        if inside is not None and value != inside.partition(":-")[2]:
            Secret(value)  # being made is what makes it known
        return value


def _text(name: str, file: str, standard_input: Callable[[int], bytes], problems: list[Problem]) -> str | None:
    try:
        if name == STANDARD_INPUT:
            raw = standard_input(LARGEST_DOCUMENT + 1)
        else:
            # Unlike a rule file it may well be a pipe: a shell's <(...).
            with open(name, "rb") as opened:  # noqa: PTH123 - the name stays as it was written
                raw = opened.read(LARGEST_DOCUMENT + 1)
    except OSError as error:
        problems.append(Problem(f"it cannot be read: {error.strerror}", Place(file)))
        return None
    if len(raw) > LARGEST_DOCUMENT:
        problems.append(Problem(f"it is larger than {LARGEST_DOCUMENT >> 20} MiB", Place(file), hint="split it"))
        return None
    return decoded(raw, file, problems)


def _one(option: Option, roots: list[Node], expansion: Expansion, findings: Findings) -> Any:
    if len(roots) > 1:
        hint = "remove the '---', or make it a file of its own"
        findings.add("a second YAML document begins here, and one is expected", roots[1].place, "", hint)
    if isinstance(roots[0], Sequence):
        findings.add(f"one is expected, found {shown(roots[0])}", roots[0].place, "", "give each a file of its own")
        return None
    return _value(option, roots[0], "", expansion, findings)


def _several(option: Option, roots: list[Node], expansion: Expansion, findings: Findings) -> tuple[Any, ...]:
    read = []
    for number, root in enumerate(roots):
        lead = f"document {number + 1}" if len(roots) > 1 else ""
        if not isinstance(root, Sequence):
            read.append(_value(option, root, lead, expansion, findings))
            continue
        if not root.items:
            findings.add("the list is empty", root.place, lead, "write at least one into it")
        for index, item in enumerate(root.items):
            read.append(_value(option, item, f"{lead}[{index}]", expansion, findings))
    return tuple(read)


def _value(option: Option, node: Node, path: str, expansion: Expansion, findings: Findings) -> Any:
    if isinstance(node, Scalar) and node.flaws:
        return None
    return value_of(option.document, expansion.node(node, path, findings.problems), path, findings)
