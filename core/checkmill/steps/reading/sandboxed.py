"""What is written, as the sandbox needs it: no secret is read or sent, and no environment variable has to be set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from typing import Any

from checkmill.steps.reading.expansion import has_reference
from checkmill.steps.reading.nodes import Entry, Map, Scalar
from checkmill.steps.reading.validation import secrets_of

#: Where a sandbox answers, these settings of the real vendor mean nothing.
_OF_THE_REAL_VENDOR = ("base_url", "ca_file", "proxy", "redirect_hosts", "rate")


def in_sandbox(kind: type[Any], values: Mapping[str, object], written: Map) -> Map:
    """Put the sandbox's values in the place of secrets and of `${...}`; everything else stays as it is written.

    `kind` is the dataclass of the settings or the target, `values` what the plugin's sandbox declares for it.
    """
    secret = secrets_of(kind)
    optional = {one.name for one in fields(kind) if one.default is not MISSING or one.default_factory is not MISSING}
    kept: dict[str, Entry] = {}
    for key, entry in written:
        if key in _OF_THE_REAL_VENDOR:
            continue
        referring = has_reference(entry.value)
        if key in values and (referring or key in secret):
            kept[key] = Entry(entry.place, Scalar(entry.value.place, str(values[key]), str(values[key])))
        elif not (referring and key in optional):
            kept[key] = entry
    return Map(written.place, kept)
