"""What WhaTap's answers look like: containers are checked here and refused whole, the values inside are left as sent.

Server metrics come as `{"pname": project, "values": ...}`, lists of the account as `{"data": [...], "total": n}`, the
time series as `{"servers": [...]}`. Errors may come with status 200, as an `error` or `message` where the data should
be; nothing documents them, so every spelling that public clients have met is looked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checkmill.api.v1 import ParseError, Response, Sample, number_of, redact

#: Members that only an error has.
_ERROR_KEYS = ("error", "err", "errorMessage", "error_message")
#: Members that are an error where the data is not.
_MESSAGE_KEYS = ("message", "msg")
_EMAIL = re.compile(r"[^\s@\"'<>,;:()\[\]{}]+@[^\s@\"'<>,;:()\[\]{}]+")
_LONGEST_SHOWN = 160

Members = Mapping[str, Any]
#: Labels by name. All are text; as `Any` they can be handed on as keywords.
Labels = dict[str, Any]


def values_of(response: Response) -> tuple[str, Any]:
    """Give the project's name (or "") and `values` of a project's answer. Raises `ParseError` where there are none."""
    document = _object_of(response, "values")
    values = document.get("values")
    if values is None:
        raise ParseError(f"the answer has no values: {shape(document)}")
    return project_name(document), values


def count_of(response: Response) -> tuple[str, Any]:
    """Give the project's name and the count, as sent (`"57.0"`), of the calls that count."""
    name, value = values_of(response)
    if isinstance(value, Mapping | list):
        raise ParseError(f"values should be one number, but is {shape(value)}")
    return name, value


def hosts_of(response: Response) -> tuple[str, Members]:
    """Give the project's name and the values by host name of the `infra_` calls and the process list."""
    name, values = values_of(response)
    if not isinstance(values, Mapping):
        raise ParseError(f"values should be an object by host name, but is {shape(values)}")
    for key in (*_ERROR_KEYS, *_MESSAGE_KEYS):
        if isinstance(values.get(key), str) and number_of(values[key]) is None:
            raise ParseError(f"WhaTap answered with an error: {shown(values[key])}")
    return name, values


def server_list_of(response: Response) -> tuple[str, Sequence[Any]]:
    """Give the project's name and the rows of the server list."""
    name, values = values_of(response)
    return name, rows(values, "values")


def servers_of(response: Response) -> tuple[str, Members]:
    """Give the project's name and `values` of the calls that answer `{"servers": [...]}` there."""
    name, values = values_of(response)
    if not isinstance(values, Mapping):
        raise ParseError(f"values should be an object with servers, but is {shape(values)}")
    _refuse_error(values, "servers")
    rows(values.get("servers"), "values.servers")
    return name, values


def statistics_of(response: Response) -> Sequence[Any]:
    """Give the rows of `sm_stat`, one per server; this answer has neither `pname` nor `values`."""
    return rows(_object_of(response, "servers").get("servers"), "servers")


def data_of(response: Response) -> Sequence[Any]:
    """Give the rows of a list of the account: projects, groups, members. They hold tokens and e-mail addresses."""
    return rows(_object_of(response, "data").get("data"), "data", private=True)


def rows(value: Any, what: str, *, private: bool = False) -> Sequence[Any]:
    """Give a list of objects. Raises `ParseError` for anything but a list, and for a list with an error row."""
    if not isinstance(value, list):
        raise ParseError(f"{what} should be a list, but is {shape(value, private=private)}")
    _refuse_error_rows(value)
    return value


def project_name(document: Members) -> str:
    """The name that an answer gives its project, or ""."""
    name = document.get("pname")
    return label(name.strip()) if isinstance(name, str) and name.strip() else ""


def server_id(raw: Any) -> str:
    """The id of a server as text of a signed integer; sent as a number by some calls and as text by others."""
    number = whole(raw)
    return "" if number is None else str(number)


def label(name: str) -> str:
    """A vendor's name as a label: never empty, and free of halves of characters that no output can write."""
    return name.encode("utf-8", "replace").decode() if name.strip() else "(no name)"


def whole(raw: Any) -> int | None:
    """The whole number that `57`, `57.0`, `"57"` or `"57.0"` stands for, or None."""
    number = number_of(raw)
    return int(number) if number is not None and number == int(number) else None


def yes_or_no(raw: Any) -> bool | None:
    """The boolean that a value stands for, text and 0/1 included, or None."""
    if isinstance(raw, bool):
        return raw
    if isinstance(raw, str):
        return {"true": True, "false": False, "1": True, "0": False}.get(raw.strip().lower())
    number = number_of(raw)
    return {0: False, 1: True}.get(int(number)) if number in {0, 1} else None


def measured(raw: Any, /, *, scale: float = 1.0, at: float | None = None, **labels: Any) -> Sample:
    """A sample of what WhaTap sent where an amount should be: amounts are never below zero, or they are missing."""
    sample = Sample.number(raw, at=at, scale=scale, **labels)
    if sample.is_missing:
        return Sample.missing(shown(sample.reason), **labels)
    value = number_of(sample.value)
    if value is None:
        return Sample.missing("the value is too large to be one", **labels)
    if value < 0:
        return Sample.missing(f"{value} is below zero", **labels)
    return sample


def counted(raw: Any, /, **labels: Any) -> Sample:
    """A sample of what WhaTap sent where a count should be; what is not whole is missing."""
    sample = measured(raw, **labels)
    if sample.is_missing:
        return sample
    number = whole(raw)
    return (
        Sample.missing(f"{shown(str(raw))} is not a whole number", **labels)
        if number is None
        else Sample(number, **labels)
    )


def rounded(value: float) -> float:
    """A computed value without the digits that floating point adds."""
    return round(value, 6)


def total(values: Sequence[float]) -> float:
    """The sum of some values, which may be too large to be one; a single value is left as it is."""
    return values[0] if len(values) == 1 else rounded(sum(map(float, values)))


def shape(value: Any, *, private: bool = False) -> str:
    """A few words on what came; of private data nothing but its kind."""
    if value is None:
        return "absent"
    if isinstance(value, Mapping):
        names = ", ".join(list(value)[:6])
        return f"an object with {shown(names)}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if private:
        return "text" if isinstance(value, str) else "a single value"
    return f"text: {shown(value)}" if isinstance(value, str) else shown(str(value))


def shown(text: str) -> str:
    """A vendor's text for a message: one line, short, without secrets and e-mail addresses."""
    line = _EMAIL.sub("(e-mail)", redact(" ".join(label(text).split())))
    return line if len(line) <= _LONGEST_SHOWN else line[: _LONGEST_SHOWN - 3] + "..."


def _object_of(response: Response, container: str) -> Members:
    document = response.json()
    if isinstance(document, list):
        _refuse_error_rows(document)
    if not isinstance(document, Mapping):
        raise ParseError(f"the answer should be an object with {container}, but is {shape(document, private=True)}")
    _refuse_error(document, container)
    return document


def _refuse_error(document: Members, container: str) -> None:
    keys = _ERROR_KEYS if document.get(container) else (*_ERROR_KEYS, *_MESSAGE_KEYS)
    said = _said(document, keys)
    if said:
        raise ParseError(f"WhaTap answered with an error: {said}")


def _refuse_error_rows(values: Iterable[Any]) -> None:
    for row in values:
        if isinstance(row, Mapping) and not _IDENTITY.intersection(row):
            said = _said(row, (*_ERROR_KEYS, *_MESSAGE_KEYS))
            if said:
                raise ParseError(f"WhaTap answered with an error: {said}")


#: What a row of data has; a row with one of these is no error, whatever else it holds.
_IDENTITY = frozenset({"oid", "oname", "projectCode", "projectName", "groupKey", "email", "typeKey"})


def _said(document: Members, keys: Iterable[str]) -> str:
    for key in keys:
        value = document.get(key)
        if isinstance(value, Mapping):
            inner = _said(value, (*_MESSAGE_KEYS, *_ERROR_KEYS))
            return inner or shape(value)
        if value:
            return shown(value) if isinstance(value, str) else shape(value)
    return ""
