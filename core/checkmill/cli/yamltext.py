"""YAML in block style that reads back as it was written, by YAML 1.1, YAML 1.2 and Checkmill's own reader alike."""

from __future__ import annotations

from typing import Any

import yaml

from checkmill.steps.reading.composing import plain_value
from checkmill.steps.reading.lookalikes import in_glued_key, in_key, in_value

_STRING = "tag:yaml.org,2002:str"
#: No line is folded: a text stays on its line, for people and for grep.
_WIDTH = 1 << 30


class _Dumper(yaml.SafeDumper):
    """Writes each value out where it stands, and quotes what another reader would take for something else."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002 - PyYAML's signature
        """Write what stands in two places twice."""
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002 - the same
        """Indent lists below their key, as people do."""
        super().increase_indent(flow, False)


def dumped(data: Any) -> str:
    """Plain data as YAML."""
    text: str = yaml.dump(
        data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, default_flow_style=False, width=_WIDTH
    )
    return text.removesuffix("...\n") if data is None or not isinstance(data, dict | list) else text


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar(_STRING, text, style=_style(text))


def _style(text: str) -> str | None:
    """How a text is quoted; None leaves it to PyYAML, which knows what YAML 1.1 would take it for."""
    lines = text.split("\n")
    if not all(line.isprintable() for line in lines):
        return '"'
    if len(lines) > 1:
        return "|" if text[0] not in " \n" and all(line == line.rstrip() for line in lines) else '"'
    if not isinstance(plain_value(text), str):
        return "'"
    if text.isascii() or not text:
        return None
    misread = (
        in_key(text)
        or in_glued_key(text)
        or any(in_value(text, in_flow=False, is_item=is_item) for is_item in (False, True))
    )
    return "'" if misread else None


_Dumper.add_representer(str, _text)
