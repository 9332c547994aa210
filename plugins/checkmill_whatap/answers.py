"""What WhaTap's answers look like: containers are checked here and refused whole, the values inside are left as sent.

Server metrics come as `{"pname": project, "values": ...}`, lists of the account as `{"data": [...], "total": n}`, the
time series as `{"servers": [...]}`. Errors may come with status 200, as an `error` or `message` beside the data or in
place of it; nothing documents them, so every spelling that public clients have met is looked for, and an answer that
has one is refused whatever else it holds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from checkmill.api.v1 import ParseError, ReadError, Response, Sample, number_of, redact, shortened

#: Members that only an error has; no answer is documented to have one beside its data.
_ERROR_KEYS = ("error", "err", "errorMessage", "error_message", "message", "msg")
#: A word is looked at once only, from its beginning, so that a long one costs no more than its length.
_EMAIL = re.compile(r"(?<![^\s@\"'<>,;:()\[\]{}])[^\s@\"'<>,;:()\[\]{}]++(?:@[^\s@\"'<>,;:()\[\]{}]*+)+")
_LONGEST_SHOWN = 160
#: A part of the whole that was not asked for.
_HTTP_PARTIAL = 206

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
    for key in _ERROR_KEYS:
        if isinstance(values.get(key), str) and values[key].strip() and number_of(values[key]) is None:
            raise ParseError(f"WhaTap answered with an error: {shown(values[key])}")
    for value in values.values():
        _refuse_error_rows(value if isinstance(value, list) else [value])
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
    _refuse_error(values)
    rows(values.get("servers"), "values.servers")
    return name, values


def statistics_of(response: Response) -> Sequence[Any]:
    """Give the rows of `sm_stat`, one per server; this answer has neither `pname` nor `values`."""
    series = rows(_object_of(response, "servers").get("servers"), "servers")
    for server in series:
        data = server.get("timeData") if isinstance(server, Mapping) else None
        _refuse_error_rows(data if isinstance(data, list) else [])
    return series


def data_of(response: Response, what: str) -> Sequence[Any]:
    """Give the rows of a list of the account: projects, groups, members. They hold tokens and e-mail addresses.

    Raises `ParseError` for a list that is shorter than it says itself: what is not in it would go unnoticed.
    """
    document = _object_of(response, "data")
    data = rows(document.get("data"), "data", private=True)
    said = whole(document.get("total"))
    if said is not None and len(data) < said:
        raise ParseError(f"the list of {what} is not whole: {len(data)} of {said} came")
    return data


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
    if isinstance(raw, Mapping | list):
        return Sample.missing(f"a number was expected, {shape(raw)} came", **labels)
    sample = Sample.number(raw, at=at, scale=scale, **labels)
    if sample.is_missing:
        return Sample.number(_impersonal(raw), **labels) if isinstance(raw, str) else sample
    value = number_of(sample.value)
    if value is None:
        return Sample.missing("the value is too large to be one", **labels)
    if value < 0:
        return Sample.missing(f"{value} is below zero", **labels)
    return sample


def measured_in(members: Members, name: str, /, *, scale: float = 1.0, **labels: Any) -> Sample:
    """The same of one member of an object, which may be absent."""
    if name not in members:
        return Sample.missing(f"it came without {name}", **labels)
    return measured(members[name], scale=scale, **labels)


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
    return shortened(" ".join(_impersonal(label(text)).split()), _LONGEST_SHOWN)


def _impersonal(text: str) -> str:
    """A text as WhaTap wrote it, but for secrets and e-mail addresses."""
    return _EMAIL.sub("(e-mail)", redact(text))


def _object_of(response: Response, container: str) -> Members:
    if response.status == _HTTP_PARTIAL:
        raise ReadError(f"HTTP {_HTTP_PARTIAL}: only a part of the answer came, and the whole was asked for")
    document = response.json()
    if isinstance(document, list):
        _refuse_error_rows(document)
    if not isinstance(document, Mapping):
        raise ParseError(f"the answer should be an object with {container}, but is {shape(document, private=True)}")
    _refuse_error(document)
    return document


def _refuse_error_rows(values: Iterable[Any]) -> None:
    for row in values:
        if isinstance(row, Mapping):
            _refuse_error(row)


def _refuse_error(document: Members) -> None:
    said = _said(document)
    if said:
        raise ParseError(f"WhaTap answered with an error: {said}")


def _said(document: Members) -> str:
    for key in _ERROR_KEYS:
        value = document.get(key)
        if isinstance(value, Mapping) and value:
            return _said(value) or shape(value)
        if value.strip() if isinstance(value, str) else value:
            return shown(value) if isinstance(value, str) else shape(value)
    return ""
