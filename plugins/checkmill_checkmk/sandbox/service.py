"""The front of the simulated site: its Web API, who may use it, and what it says to everybody else."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_checkmk.sandbox.estate import (
    OUTSIDER,
    OUTSIDER_SECRET,
    PERSON,
    PERSON_SECRET,
    SECRET,
    USER,
    computed,
)
from checkmill_checkmk.sandbox.pythontext import written

PATH = "/check_mk/webapi.py"
_SECRETS = {USER: SECRET, PERSON: PERSON_SECRET, OUTSIDER: OUTSIDER_SECRET}
#: What the frame takes out before the rest of the variables becomes part of the request.
_FRAME = {"action", "_username", "_secret", "request", "request_format", "output_format"}
_RANGE = re.compile(r"[dwmy][01]|last:[0-9]+|range:[0-9]+:[0-9]+|sla:[0-9]+:[0-9]+")
_LOGIN_PAGE = (
    "<!DOCTYPE HTML><html><head><title>Checkmk - Login</title></head><body>"
    '<form action="login.py" method="POST"><input type="text" name="_username">'
    '<input type="password" name="_password"><input type="submit" name="_login" value="Login"></form></body></html>'
)
_NOT_FOUND = "<!DOCTYPE HTML><html><head><title>404 Not Found</title></head><body><h1>Not Found</h1></body></html>"


class Refusal(Exception):  # noqa: N818 - a refusal is an answer here
    """What the frame of the Web API says instead of a result."""


def start(world: World) -> App:
    """Give the function that answers as a Checkmk site does in this world."""

    def answer(asked: Asked) -> Answer:
        if asked.path != PATH:
            return _page(_NOT_FOUND, 404)
        form = dict(parse_qsl(asked.body.decode("utf-8", "replace"), keep_blank_values=True))
        variables = {**asked.params, **form}
        user, secret = variables.get("_username", ""), variables.get("_secret", "")
        if not secret:
            return _page(_LOGIN_PAGE, 200)
        if _SECRETS.get(user) != secret:
            return _text(f"Authentication error: Invalid automation secret for user {user}")
        try:
            envelope = {"result_code": 0, "result": _acted(world, variables)}
        except Refusal as refusal:
            envelope = {"result_code": 1, "result": str(refusal)}
        if variables.get("output_format", "json") == "json" and envelope["result_code"] == 1:
            return Answer(json=envelope)
        return _text(written(envelope, world))

    return answer


def _acted(world: World, variables: Mapping[str, str]) -> dict[Any, Any]:
    user = variables["_username"]
    if user == PERSON:
        raise Refusal(
            "Authorization Error. Insufficent permissions for 'The WATO API is only available for automation users'"
        )
    if user == OUTSIDER:
        raise Refusal("Authorization Error. Insufficent permissions for 'Use WATO'")
    output_format = variables.get("output_format", "json")
    if output_format not in {"json", "python"}:
        raise Refusal('Check_MK exception: Only "json" and "python" are supported as output formats')
    if variables.get("action") != "get_sla":
        raise Refusal(f"Check_MK exception: Unknown API action {variables.get('action', '')}")
    if output_format != "python":
        raise Refusal("Check_MK exception: This API call requires the parameter output_format=python")
    request = _request(variables)
    result: dict[Any, Any] = {}
    for slas, codes, pairs in _entries(request):
        for code in codes:
            _merge(result, computed(world, slas, code, pairs))
    return result


def _request(variables: Mapping[str, str]) -> dict[str, Any]:
    """The request object, with all other variables in it, as the frame does."""
    text = variables.get("request", "{}")
    how = variables.get("request_format", "json")
    try:
        request = json.loads(text) if how == "json" else _python(text)
        if not isinstance(request, dict):
            raise ValueError("not an object")  # noqa: TRY301, TRY004 - told below like any other
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        name = "JSON" if how == "json" else "Python"
        raise Refusal(f"Check_MK exception: Failed to parse {name} request: {text[:200]!r}: {error}") from None
    request |= {name: value for name, value in variables.items() if name not in _FRAME}
    if "query" not in request:
        raise Refusal("Check_MK exception: Missing required key(s): query")
    unknown = sorted(set(request) - {"query"})
    if unknown:
        raise Refusal(f"Check_MK exception: Invalid key(s): {', '.join(unknown)}")
    return request


def _python(text: str) -> Any:
    # Imported only where a request is written so.
    import ast

    return ast.literal_eval(text)


def _entries(request: Mapping[str, Any]) -> list[tuple[list[str], list[str], list[tuple[str, str]]]]:
    try:
        entries = []
        for slas, codes, services in request["query"]:
            if not (isinstance(slas, list) and isinstance(codes, list)):
                raise TypeError("string indices must be integers")  # noqa: TRY301 - told below
            unknown = next((code for code in codes if not _RANGE.fullmatch(code)), None)
            if unknown is not None:
                raise ValueError(f"invalid timerange: {unknown}")  # noqa: TRY301 - told below
            entries.append((slas, codes, [(host, name) for host, name in services]))
    except (TypeError, ValueError) as error:
        raise Refusal(
            "Unhandled exception: Traceback (most recent call last):\n"
            '  File "/omd/sites/central/lib/python/cmk/gui/webapi.py", line 199, in _execute_action\n'
            f"{type(error).__name__}: {error}\n"
        ) from None
    return entries


def _merge(into: dict[Any, Any], more: Mapping[Any, Any]) -> None:
    for key, value in more.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _text(text: str) -> Answer:
    return Answer(body=text.encode(), headers={"content-type": "text/plain; charset=UTF-8"})


def _page(text: str, status: int) -> Answer:
    return Answer(status=status, body=text.encode(), headers={"content-type": "text/html; charset=UTF-8"})
