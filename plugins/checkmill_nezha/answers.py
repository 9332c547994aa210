"""What Nezha's answers look like: envelopes are checked here and refused whole, the entries inside are left as sent.

Generation v0 answers `{"code": 0, "message": ..., "result": ...}`, generation v1 `{"success": true, "data": ...}` on
paths that partly have the same names. Both send their errors with HTTP 200; only members of the envelope tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from checkmill.api.v1 import ConfigurationError, LoginError, ParseError, ReadError, Response, SessionExpired
from checkmill_nezha.wording import Members, shape, shown

#: What generation v1 calls a login that it does not accept, or that has ended.
UNAUTHORIZED = "ApiErrorUnauthorized"
#: The code with which generation v0 refuses whoever asks.
CODE_REFUSED = 403
#: What a dashboard answers in place of an agent that its NAT profile leads to.
_NO_NAT_AGENT = "server not found or not connected"
_HTTP_PARTIAL = 206

V1_FOUND = (
    "this dashboard is of generation v1, whose calls are others: give the source username and password of one of its "
    "users, and api: v1 or auto"
)


class OtherGenerationError(ConfigurationError):
    """A dashboard of generation v1 answered a call of generation v0."""


def result_of(response: Response) -> Any:
    """Give `result` of an answer of generation v0: a list, or None where a monitor has no data.

    Raises `LoginError` for a token that is not accepted, `OtherGenerationError` where generation v1 answers, and
    `ParseError` for everything else that is no success.
    """
    document = object_of(response)
    if is_v1(document):
        raise OtherGenerationError(V1_FOUND)
    code = document.get("code")
    if isinstance(code, bool) or not isinstance(code, int):
        raise ParseError(f"the answer has no code that is a number, so it is none of Nezha: {shape(document)}")
    if code == CODE_REFUSED:
        raise LoginError(
            f"Nezha refuses access (code {code}: {_said(document, 'message')}): token must be an API token of this "
            "dashboard as it is shown there, with no word before it"
        )
    if code != 0:
        raise ParseError(f"Nezha answered with code {shape(code)}: {_said(document, 'message')}")
    if "result" not in document:
        raise ParseError("Nezha answered with success and without a result")
    return document["result"]


def listed(result: Any, what: str) -> Sequence[Any]:
    """Give a result of generation v0 that is a list. Raises `ParseError` for anything else, null included."""
    if not isinstance(result, list):
        raise ParseError(f"result should be a list of {what}, but is {shape(result)}")
    return result


def data_of(response: Response) -> Any:
    """Give `data` of an answer of generation v1, None where it was left out for being empty.

    Raises `SessionExpired` for a login that is not accepted any more, `ParseError` for everything that is no success.
    """
    document = object_of(response)
    if not is_v1(document):
        raise ParseError(f"the answer is none of a dashboard of generation v1: {shape(document)}")
    error = document.get("error")
    if error == UNAUTHORIZED:
        raise SessionExpired(f"Nezha does not accept the login ({UNAUTHORIZED})")
    if error or document.get("success") is not True:
        raise ParseError(f"Nezha answered with an error: {_said(document, 'error')}")
    return document.get("data")


def rows_of(response: Response, what: str) -> Sequence[Any]:
    """Give a list of generation v1, which leaves out empty ones. Raises `ParseError` for anything else."""
    data = data_of(response)
    if data is None:
        return []
    if not isinstance(data, list):
        raise ParseError(f"the {what} should be a list, but are {shape(data)}")
    return data


def is_v1(document: Members) -> bool:
    """Whether an answer is one of generation v1."""
    return "code" not in document and ("success" in document or "error" in document)


def object_of(response: Response) -> Members:
    """Give the JSON object of an answer. Raises `ParseError`, with what Nezha means by it, for anything else."""
    if response.status == _HTTP_PARTIAL:
        raise ReadError(f"HTTP {_HTTP_PARTIAL}: only a part of the answer came, and the whole was asked for")
    text = response.text()
    if not text.strip():
        raise ParseError(
            f"the answer is empty (HTTP {response.status}): so Nezha answers when one agent sends a figure that is no "
            "number, and says nothing of the others either; query them in parts, by tag or id, to find it"
        )
    if text.lstrip()[:1] == "<":
        raise ParseError(
            f"the answer is HTML, not Nezha's JSON (HTTP {response.status}): a login page, a proxy, another path than "
            "the dashboard's, or a web page that a NAT profile with this host name leads to"
        )
    if text.strip() == _NO_NAT_AGENT:
        raise ParseError(
            "the host name of base_url belongs to a NAT profile, which leads to an agent and not to the dashboard"
        )
    try:
        document = response.json()
    except ParseError as error:
        raise ParseError(f"{error}: {shown(text)}") from None
    if not isinstance(document, Mapping):
        raise ParseError(f"the answer should be an object, but is {shape(document)}")
    return document


def _said(document: Members, member: str) -> str:
    said = document.get(member)
    if not isinstance(said, str) or not said.strip():
        return f"no {member}"
    return shown(said) or f"a {member} too long to be shown"
