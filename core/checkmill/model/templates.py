"""The texts that operators template: Jinja2, sandboxed, every variable declared here, an unknown one an error."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template, nodes
    from jinja2.runtime import Context
    from jinja2.sandbox import SandboxedEnvironment

#: A text longer than this is a mistake of its template.
LONGEST = 256 * 1024
#: A body tells of thousands of services at once.
LONGEST_BODY = 4 * 1024 * 1024

_RESULT = {
    "check": "name of the check",
    "source": "name of the source",
    "metric": "name of the metric",
    "labels": "label values of the service, by name",
    "service": "name of the service",
    "host": "name of the host, if `as` gives one",
    "state": "OK, WARNING, CRITICAL or UNKNOWN",
    "value": "the deciding value: a number, a word, or none",
    "unit": "unit of the metric",
    "limit": "the limit that was broken, or none",
    "text": "the text that Checkmill itself would show",
    "samples": "list of the samples, worst first: `value`, `state`, `labels`, `reason`",
    "count": "how many samples there are",
    "tags": "tags of the check",
}

#: What each kind of template is given, with what it means.
VARIABLES: Mapping[str, Mapping[str, str]] = {
    "as": {key: _RESULT[key] for key in ("check", "source", "metric", "labels", "tags")},
    "target": {key: _RESULT[key] for key in ("check", "source", "metric", "labels", "tags")},
    "text": _RESULT,
    "details": _RESULT,
    "body": {
        "state": "worst state of the services: OK, WARNING, UNKNOWN or CRITICAL",
        "exit_code": "0, 1, 2 or 3, as a Nagios plugin would exit",
        "output": "the first line of the worst service, or of all together",
        "checked_at": "time of measurement, ISO 8601",
        "services": "list of the services in the form of `--format json`",
        "counts": "how many services there are of each state",
        "target": "what the rule says of the target",
    },
}


class TemplateError(Exception):
    """A template that does not parse or cannot be filled in."""


def is_template(text: str) -> bool:
    """Whether a text has anything to fill in; jinja2 is imported only for those."""
    return "{{" in text or "{%" in text or "{#" in text


def labels_in(text: str) -> set[str]:
    """The labels that a template names: `labels.team`, `labels["team"]`, `labels.get("team")`.

    Those of single samples (`sample.labels.team`) are among them. None for what does not parse.
    """
    if not is_template(text):
        return set()
    try:
        return set(_labels_looked_up(_parsed(text)))
    except TemplateError:
        return set()


def undeclared_in(text: str) -> set[str]:
    """The variables that a template uses. Raises `TemplateError` if it does not parse."""
    from jinja2 import meta

    try:
        return set(meta.find_undeclared_variables(_parsed(text)))
    except RecursionError as error:
        raise TemplateError(str(error)) from None


def filled(text: str, variables: Mapping[str, Any], longest: int = LONGEST) -> str:
    """Fill in a template. Raises `TemplateError` saying what failed, also when the text gets longer than it may."""
    if not is_template(text):
        return text
    parts: list[str] = []
    length = 0
    try:
        for part in _template(text).generate(variables):
            length += len(part)
            parts.append(part)
            if length > longest:
                break
    except Exception as error:  # noqa: BLE001 - a template can raise anything that the values it touches can
        raise TemplateError(f"{type(error).__name__}: {error}") from None
    if length > longest:
        raise TemplateError(f"the text is longer than {longest} characters")
    return "".join(parts)


def _labels_looked_up(tree: nodes.Template) -> Iterator[str]:
    from jinja2 import nodes

    for one in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Call)):
        if isinstance(one, nodes.Getattr) and _is_labels(one.node) and not hasattr(dict, one.attr):
            yield one.attr
        elif isinstance(one, nodes.Getitem) and _is_labels(one.node):
            yield from _text_of(one.arg)
        elif isinstance(one, nodes.Call) and isinstance(one.node, nodes.Getattr) and _is_labels(one.node.node):
            # Of what a mapping can do, only this names a label.
            yield from _text_of(one.args[0]) if one.node.attr == "get" and one.args else ()


def _is_labels(node: nodes.Node) -> bool:
    return "labels" in {getattr(node, "name", None), getattr(node, "attr", None)}


def _text_of(node: nodes.Node) -> Iterator[str]:
    value = getattr(node, "value", None)
    if isinstance(value, str):
        yield value


@lru_cache(maxsize=4096)
def _parsed(text: str) -> nodes.Template:
    from jinja2 import TemplateError as Jinja2Error

    try:
        return _environment().parse(text)
    except (Jinja2Error, RecursionError) as error:
        raise TemplateError(str(error)) from None


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    return _environment().from_string(text)


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    # jinja2 is imported only for texts that are templates.
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Bounded(ImmutableSandboxedEnvironment):
        """Works out no number and no text of a size that nobody could read, neither in advance nor when filled in."""

        intercepted_binops = frozenset({"*", "**"})

        def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
            if _size_of(operator, left, right) > LONGEST:
                raise OverflowError(f"what {operator!r} gives is too large")
            return super().call_binop(context, operator, left, right)

    return Bounded(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)


def _size_of(operator: str, left: Any, right: Any) -> int:
    """About how many bits, characters or items a product or a power has; 0 for what has a fixed size."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() if abs(left) > 1 else 0
        return bits * max(right, 1) if operator == "**" else bits + right.bit_length()
    if operator == "*":
        for one, times in ((left, right), (right, left)):
            if isinstance(times, int) and hasattr(one, "__len__"):
                return len(one) * max(times, 0)
    return 0
