"""The envelope that every answer of Service Monitoring comes in: a header that decides, and a body.

    {"header": {"isSuccessful": true, "resultCode": 0, "resultMessage": "SUCCESS"}, "body": ...}

`resultCode` 0 is normal and anything else a failure; no list of codes is published. The HTTP status of failures is not
documented either, so a failure may well come with status 200.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import ParseError, ReadError, Response, redact

#: The longest text of the vendor's that is passed on, in characters.
LONGEST_TEXT = 300
_LONGEST_CODE = 40
#: What may stand between the word for a scenario and what is said of it: `id`, and the id itself.
_ITS_ID = r"(?:[ _-]?id)?(?:\W+[0-9a-f-]{8,40}\b\W{0,2})?"
#: Words that say of the scenario itself, and of nothing else such as its type or an Appkey, that it is not there.
_ABSENT = re.compile(
    rf"\bscenario{_ITS_ID}[ _:]+(?:(?:is|was|has|been|does|do|could|can)[ _]?){{0,2}}"
    r"(?:(?:not|n't)[ _](?:be[ _])?(?:found|exists?)\b|deleted\b)"
    r"|\b(?:no[ _]such|unknown|(?:not|n't)[ _](?:find|found)[: _]+(?:the[ _])?|deleted[ _])[ _]?scenario\b"
    r"(?![ _](?!id\b)\w)",
    re.IGNORECASE,
)
_KEY = re.compile(r"app.?key", re.IGNORECASE)


class RefusedError(ReadError):
    """The answer's header says no. `code` and `message` are the vendor's, on one line, without secrets."""

    stage = "refused"

    def __init__(self, what: str, *, code: str, message: str) -> None:
        said = message or "no reason given"
        super().__init__(f"NHN says of {what}: {said}" + (f" (code {code})" if code else ""))
        self.code = code
        self.message = message

    @property
    def says_absent(self) -> bool:
        """Whether the vendor says of the scenario itself that it is not there.

        No list of codes is published, so the words are all there is. What they leave open is no absence: a passing
        failure, a refused Appkey and a product that is not registered may be worded alike.
        """
        return bool(_ABSENT.search(self.message)) and not _KEY.search(self.message)


@dataclass(frozen=True)
class Envelope:
    """One answer, its header judged. `code` and `message` are the vendor's, on one line, without secrets."""

    successful: bool
    code: str
    message: str
    body: Any


def envelope_of(response: Response) -> Envelope:
    """Read an answer whatever its HTTP status.

    Raises `ParseError` for what is not JSON and for a header that does not decide: `isSuccessful` must be true or
    false itself (the text "true" is neither), and beside true `resultCode` must be an integer (the text "0" is none).
    """
    answer = response.json()
    header = answer.get("header") if isinstance(answer, dict) else None
    if not isinstance(header, dict):
        raise ParseError("the answer has no header object")
    successful, code = header.get("isSuccessful"), header.get("resultCode")
    if not isinstance(successful, bool):
        raise ParseError("header.isSuccessful is neither true nor false")
    if successful and type(code) is not int:
        raise ParseError("header.resultCode is not an integer")
    message = header.get("resultMessage")
    return Envelope(
        successful=successful and code == 0,
        code=one_line(str(code), _LONGEST_CODE) if type(code) in {int, str} else "",
        message=one_line(message) if isinstance(message, str) else "",
        body=answer.get("body"),
    )


def body_of(response: Response, what: str) -> Any:
    """Give the body of an answer whose HTTP status says success. `what` says what was asked, for people.

    Raises `RefusedError` where the header says failure, whatever the status said, and `ParseError` where it decides
    nothing.
    """
    envelope = envelope_of(response)
    if not envelope.successful:
        raise RefusedError(what, code=envelope.code, message=envelope.message)
    return envelope.body


def one_line(text: str, longest: int = LONGEST_TEXT) -> str:
    """Make text of the vendor's fit to be shown: printable, on one line, not too long, known secrets as stars."""
    printable = "".join(character if character.isprintable() else " " for character in redact(text))
    # Before and after: white space may be a part of a secret, or have stood in the middle of one.
    shown = redact(" ".join(printable.split()))
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"
