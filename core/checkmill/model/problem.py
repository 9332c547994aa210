"""What is wrong with something a person wrote or installed: where, what was found, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, order=True, slots=True)
class Place:
    """A spot in a file: lines and columns count from 1; 0 means the file as a whole."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that keeps a rule, a source or a plugin from working; everything else goes on.

    `place` is where a person can mend it, `path` the key in the file (`checks[1].above.crit`), `sentence` what was
    found and expected, `hint` what to do. `check` names the rule that cannot run because of it, if it is one rule.
    """

    sentence: str
    place: Place | None = None
    path: str = ""
    hint: str = ""
    check: str = field(default="", compare=False)

    def __str__(self) -> str:
        spot = [str(part) for part in (self.place, self.path) if part]
        return _on_one_line(": ".join([*spot, self.sentence]) + (f"; {self.hint}" if self.hint else ""))


def _on_one_line(text: str) -> str:
    """A text without line breaks and other control characters, which names of files and keys may hold."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else ascii(character)[1:-1] for character in text)
