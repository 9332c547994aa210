"""What all calls of the imitation share: keys, the envelope, refusals, and what may be in a body."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from checkmill.api.v1 import Answer, Asked, World

APPKEY = "5a4db0c05a4db0c05a4db0c05a4db0c0"
PRODUCT_APPKEY = "Pr0ductAppkey001"

NO_APPKEY = -40001
NO_SCENARIO = -40002
BAD_DATA = -40003
NO_PRODUCT_APPKEY = -40004


class RefusedError(Exception):
    """The vendor says no, with a code and, for what does not reach the service proper, an HTTP status."""

    def __init__(self, code: int, message: str, status: int = 200) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


def success(body: Any, *, remark: str = "", body_first: bool = False) -> Answer:
    """An answer that says success; which of header and body comes first differs from call to call."""
    header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
    whole = {"body": body, "header": header} if body_first else {"header": header, "body": body}
    return Answer(json=whole, remark=remark)


def refusal(refused: RefusedError) -> Answer:
    """An answer that says no."""
    header = {"isSuccessful": False, "resultCode": refused.code, "resultMessage": str(refused)}
    return Answer(status=refused.status, json={"header": header, "body": None})


def demand_method(asked: Asked, *methods: str) -> None:
    """Refuse other methods."""
    if asked.method not in methods:
        raise RefusedError(405, "METHOD NOT ALLOWED", status=405)


def demand_json(asked: Asked) -> None:
    """Refuse what does not say that it is JSON."""
    if asked.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise RefusedError(415, "CONTENT TYPE IS NOT APPLICATION/JSON", status=415)


def text_of(body: bytes) -> str:
    """The text of a body."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise RefusedError(BAD_DATA, "BODY IS NOT UTF-8") from None


def object_in(text: str) -> dict[str, Any]:
    """The JSON object in a text."""
    try:
        text.encode()  # data that no UTF-8 can carry is refused, since it could not be echoed
        value = json.loads(text, parse_constant=_no_json)
    except (ValueError, RecursionError):
        raise RefusedError(BAD_DATA, "DATA IS NOT JSON") from None
    if not isinstance(value, dict):
        raise RefusedError(BAD_DATA, "DATA IS NOT A JSON OBJECT")
    return value


def uuid(world: World, *name: object) -> str:
    """An id of its own for each name, the same in the same world."""
    digits = "".join(f"{int(world.chance(*name, part) * 2**48):012x}" for part in range(3))
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:32]))


def _no_json(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
