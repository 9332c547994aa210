"""Labels that a consumer takes, made of any: unsafe characters are replaced, and no two labels become equal."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from checkmill.steps.rendering.cleaning import unique

#: Longer labels are cut and told apart by a digest.
LONGEST_LABEL = 64

_FOREIGN = re.compile(r"[^\x00-\x7f]+")


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a consumer takes for a label.

    `unsafe` finds the ASCII characters it refuses, `joint` stands before a digest or a number, `lead` before a label
    that does not begin with a letter, where one has to.
    """

    unsafe: re.Pattern[str]
    joint: str
    lead: str = ""


def safe_labels(labels: Sequence[str], spelling: Spelling) -> list[str]:
    """Map labels to what a consumer takes, never empty and no two equal.

    Unsafe ASCII becomes `_`. A label with other characters keeps its ASCII part and gets a digest of the whole, so
    that it is the same in every run whatever stands beside it. Labels that only the mapping made equal get the digest
    too, but for one that was safe as written. Equal labels are numbered.
    """
    mapped = [_safe(label, spelling) for label in labels]
    shared = Counter(safe for safe, _ in set(zip(mapped, labels, strict=True)))
    told_apart = [
        _with_digest(safe, label, spelling) if shared[safe] > 1 and safe != label else safe
        for safe, label in zip(mapped, labels, strict=True)
    ]
    return unique(told_apart, lambda label, number: f"{label}{spelling.joint}{number}")


def _safe(label: str, spelling: Spelling) -> str:
    if label.isascii() and len(label) <= LONGEST_LABEL:
        safe = spelling.unsafe.sub("_", label) or "value"
    else:
        safe = _with_digest(spelling.unsafe.sub("_", _FOREIGN.sub("_", label)).strip("_.-"), label, spelling)
    return safe if safe[0].isalpha() else spelling.lead + safe


def _with_digest(part: str, label: str, spelling: Spelling) -> str:
    digest = f"{zlib.crc32(_composed(label)):08x}"
    part = part[: LONGEST_LABEL - len(digest) - 1]
    return f"{part}{spelling.joint}{digest}" if part else f"x{digest}"


def _composed(label: str) -> bytes:
    if not label.isascii():
        # Only a label that is not ASCII can be spelled in two ways.
        import unicodedata

        label = unicodedata.normalize("NFC", label)
    return label.encode(errors="surrogatepass")
