"""The texts that operators template: Jinja2, sandboxed, every variable declared here, an unknown one an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import SandboxedEnvironment

#: A text longer than this is a mistake of its template.
LONGEST = 256 * 1024
#: A body tells of thousands of services at once.
LONGEST_BODY = 4 * 1024 * 1024

_LABEL = re.compile(r"""\blabels(?:\.(\w+)|\[\s*["']([^"']+)["']\s*\])""")

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
    """The labels that a template names: `labels.team`, `labels["team"]`."""
    return {dotted or quoted for dotted, quoted in _LABEL.findall(text)} if is_template(text) else set()


def undeclared_in(text: str) -> set[str]:
    """The variables that a template uses. Raises `TemplateError` if it does not parse."""
    from jinja2 import TemplateError as Jinja2Error
    from jinja2 import meta

    environment = _environment()
    try:
        return set(meta.find_undeclared_variables(environment.parse(text)))
    except (Jinja2Error, RecursionError) as error:
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


@lru_cache(maxsize=4096)
def _template(text: str) -> Template:
    return _environment().from_string(text)


@lru_cache(maxsize=1)
def _environment() -> SandboxedEnvironment:
    # jinja2 is imported only for texts that are templates.
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    return ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False, keep_trailing_newline=False)
