"""A spot in the text of a rule file where libyaml gave up: the lines round it, and the key that it is about.

A message may quote what people write into checks, and nothing else: any other value may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.keys import CHECK_KEYS, REPORTER_KEYS, SOURCE_KEYS, TOP_KEYS

#: What libyaml takes for the end of a line.
_LINE_END = re.compile(r"\r\n|[\n\r\x85\u2028\u2029]")
_KEY = re.compile(r"""(?P<indent>\ *(?:-\ +)*)(?P<key>[\w.-]+|"[^"]*"|'[^']*')\ *:(?=\s|$)""")
_KEY_OF_VALUE = re.compile(r"""([\w.-]+|"[^"]*"|'[^']*')[ \t]*:[ \t]*$""")
_TOP_KEY = re.compile(r"([\w-]+) *:")
#: Longer values are not repeated in a hint.
_LONGEST_REPEATED = 30

#: Keys whose values are never secret.
_OPEN_KEYS = frozenset(
    [key.name for key in CHECK_KEYS]
    + ["warn", "crit", "regex", "service", "host", "mount", "nic", "process", "project", "tag", "window", "period"]
)
#: Words that stand in rule files as keys, and so are no secret by themselves.
_KNOWN_WORDS = _OPEN_KEYS.union(TOP_KEYS, SOURCE_KEYS, REPORTER_KEYS, ("to", "base_url", "token", "appkey"))


@dataclass(frozen=True)
class KeyAt:
    """A key that begins a line: its name, its line counted from 0, and its column counted from 0."""

    name: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.name!r} in line {self.line + 1}"


def lines_of(text: str) -> list[str]:
    """The lines of a text as libyaml counts them, without their ends."""
    return _LINE_END.split(text)


class Spot:
    """Where libyaml gave up, and where the thing began that it could not read; lines and columns count from 0."""

    def __init__(self, text: str, file: str, error: Any) -> None:
        mark = error.problem_mark or error.context_mark
        begin = error.context_mark or mark
        self.text = text
        self.line: int = mark.line if mark else 0
        self.column: int = mark.column if mark else 0
        self.begin_line: int = begin.line if begin else 0
        self.begin_column: int = begin.column if begin else 0
        self.lines = lines_of(text)
        self._file = file

    # The text round it

    def at(self, line: int) -> str:
        """The text of a line; none beyond the last."""
        return self.lines[line] if 0 <= line < len(self.lines) else ""

    @property
    def before(self) -> str:
        """What stands before the spot in its line."""
        return self.at(self.line)[: self.column]

    @property
    def after(self) -> str:
        """What stands at the spot and behind it in its line."""
        return self.at(self.line)[self.column :]

    @property
    def is_at_line_start(self) -> bool:
        """Whether nothing stands before the spot in its line."""
        return not self.before.strip()

    def content_above(self, line: int) -> int:
        """The nearest line above that is neither empty nor a comment; -1 when there is none."""
        return next((above for above in range(line - 1, -1, -1) if self.at(above).strip(" \t").lstrip("#")), -1)

    def keys_above(self, line: int) -> Iterator[KeyAt]:
        """The keys that a line may belong beside: the nearest above, then each that begins further left."""
        narrowest = None
        for above in range(line - 1, -1, -1):
            key = self.key_of(above)
            if key is not None and (narrowest is None or key.column < narrowest):
                narrowest = key.column
                yield key

    def key_of(self, line: int) -> KeyAt | None:
        """The key that a line begins with, behind the dashes of list items."""
        found = _KEY.match(self.at(line))
        return KeyAt(found["key"].strip("\"'"), line, len(found["indent"])) if found else None

    def key_before(self, line: int, column: int) -> str:
        """The key whose value begins at a spot; none in a list."""
        found = _KEY_OF_VALUE.search(self.at(line)[:column])
        return found[1].strip("\"'") if found else ""

    def value_at(self, line: int, column: int) -> str:
        """The plain value that begins at a spot, as far as its line goes."""
        before, rest = self.at(line)[:column], self.at(line)[column:]
        inside = sum(before.count(one) for one in "[{") > sum(before.count(one) for one in "]}")
        return re.split(r"[,\]}]| #|: " if inside else r" #", rest)[0].rstrip()

    def tokens_before(self) -> Iterator[Any]:
        """What libyaml read before the spot, as far as it got."""
        import yaml

        try:
            for token in yaml.scan(self.text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                if (token.start_mark.line, token.start_mark.column) >= (self.line, self.column):
                    return
                yield token
        except yaml.YAMLError:
            return

    # What is said of it

    def quoted_pair(self, line: int, column: int, otherwise: str) -> str:
        """The value at a spot in quotes, behind its key, as it should be written.

        `otherwise` stands for a value that may be a secret, or is long.
        """
        key = self.key_before(line, column)
        value = self.value_at(line, column)
        is_open = self.is_open(key, line) if key else self.top_key(line) == "checks"
        if not is_open or not value.isprintable() or len(value) > _LONGEST_REPEATED:
            value = otherwise
        written = "'" + value.replace("'", "''") + "'"
        return f"{key}: {written}" if key else written

    def is_open(self, key: str, line: int) -> bool:
        """Whether the value of a key cannot be a secret."""
        return key in _OPEN_KEYS and self.top_key(line) in {"checks", "defaults"}

    def may_be_told(self, word: str, line: int) -> bool:
        """Whether a word of a line that holds no proper key cannot be a secret."""
        return word in _KNOWN_WORDS or self.top_key(line) in {"checks", "defaults"}

    def top_key(self, line: int) -> str:
        """The key at the left margin under which a line stands."""
        for above in range(line, -1, -1):
            found = _TOP_KEY.match(self.at(above))
            if found:
                return found[1]
        return ""

    def here(self, sentence: str, hint: str) -> Problem:
        """A problem of the very spot."""
        return self.problem(self.line, self.column, sentence, hint)

    def begun(self, sentence: str, hint: str) -> Problem:
        """A problem of the place where the thing began that could not be read."""
        return self.problem(self.begin_line, self.begin_column, sentence, hint)

    def problem(self, line: int, column: int, sentence: str, hint: str) -> Problem:
        """A problem of any place; what is behind the end of the file is at its end."""
        if line >= len(self.lines):
            line, column = len(self.lines) - 1, len(self.lines[-1])
        return Problem(sentence, Place(self._file, line + 1, column + 1), hint=hint)
