"""Settings and queries as they may be shown: secrets as stars, amounts with their units."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, get_args, get_type_hints

from checkmill.model.secret import SHOWN, Secret, redact
from checkmill.model.settings import Written
from checkmill.model.units import per_second, seconds, size
from checkmill.steps.explaining.facts import Setting

_UNITS: Mapping[Callable[[Any], float], str] = {seconds: "s", size: "B", per_second: "1/s"}
_USERINFO = re.compile(r"(?<=://)[^/?#\s]*@")


def settings_that_matter(settings: Any) -> tuple[Setting, ...]:
    """The settings that are not what they would be if nobody had said anything, and the address."""
    return tuple(
        Setting(one.name, shown(value), unit)
        for one, value, unit in _values(settings)
        if value not in (None, "", ()) and (one.name == "base_url" or value != _default(one))
    )


def query_asked(query: Any) -> tuple[Setting, ...]:
    """What is asked of a metric, defaults included."""
    return tuple(Setting(one.name, shown(value), unit) for one, value, unit in _values(query) if value is not None)


def shown(value: Any) -> Any:
    """A value of any depth as it may be shown."""
    if isinstance(value, Secret):
        return SHOWN
    if isinstance(value, str):
        return _USERINFO.sub("", redact(value))
    if isinstance(value, Mapping):
        return {str(key): shown(one) for key, one in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [shown(one) for one in value]
    return value if value is None or isinstance(value, bool | int | float) else redact(str(value))


def _values(of: Any) -> list[tuple[Field[Any], Any, str]]:
    hints = get_type_hints(type(of), include_extras=True)
    return [(one, getattr(of, one.name), _unit(hints.get(one.name))) for one in fields(of)]


def _default(one: Field[Any]) -> Any:
    return one.default if one.default_factory is MISSING else one.default_factory()


def _unit(hint: Any) -> str:
    """The unit of an amount that people write with one."""
    for part in (*getattr(hint, "__metadata__", ()), *get_args(hint)):
        if isinstance(part, Written):
            return _UNITS.get(part.read, "")
        unit = _unit(part) if get_args(part) else ""
        if unit:
            return unit
    return ""
