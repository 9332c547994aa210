"""Judges the text of an answer by a scenario's text checks: decodes it, parses it once, and asks each expression.

CONTAINS and NOT_CONTAINS without an operand search HTML and XML as they are written for the expression itself, which is
all that NHN's console offers of them. Every other check has an expression in JSONPath or XPath, and what that finds is
compared with the operand.

`judged` and `objections_to` are functions for a child process: they take and give plain values and import their parsers
themselves.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from checkmill_nhn_monitoring.comparing import OPERATORS, ORDERING, SEARCHING, Found, compared, number_in, written
from checkmill_nhn_monitoring.scenario import TextCheck, TextValidation
from checkmill_nhn_monitoring.verdict import BodyError, NotCarriedOut, Outcome

_KINDS = {"JSON", "HTML", "XML"}
#: An expression that begins so is likely meant as a path, even where an operand is missing.
_LIKE_A_PATH = re.compile(r"\$[.\[]|\(*//|/html\b|/\*")
#: What paths have in them: that such a text is absent is no good news, unless it is surely no path.
_IN_PATHS = re.compile(r"[/\[(@$]|::")
#: Where a document says itself how it is encoded.
_DECLARED = re.compile(
    rb"<\?xml[^>]{0,200}?encoding=[\"']([\w.:-]{1,40})|<meta[^>]{0,200}?charset=[\"']?([\w.:-]{1,40})"
)
_FIRST_BYTES = 1024
_REPLACED = "\ufffd"
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
#: Encodings by the name that Python gives them, and by which one they are read: what the web reads them as. Others are
#: not read; some of Python's own take hours for what a hostile server may send.
_CHARSETS: Mapping[str, str] = {
    **{f"cp{number}": f"cp{number}" for number in range(1250, 1259)},
    **{f"iso8859-{number}": f"iso8859-{number}" for number in range(1, 17) if number != 12},
    "utf-8": "utf-8",
    "utf-8-sig": "utf-8",
    "ascii": "utf-8",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
    "euc_kr": "cp949",
    "cp949": "cp949",
    "iso2022_kr": "iso2022_kr",
    "shift_jis": "cp932",
    "cp932": "cp932",
    "euc_jp": "euc_jp",
    "iso2022_jp": "iso2022_jp",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5",
    "koi8-r": "koi8-r",
    "koi8-u": "koi8-u",
}


@dataclass(frozen=True)
class Text:
    """The text of an answer. `whole` is False where some of it is not in its encoding; U+FFFD stands for that part."""

    text: str
    charset: str
    whole: bool = True


def judged(body: bytes, content_type: str, validation: TextValidation) -> tuple[Outcome, ...]:
    """What comes of each check. Raises nothing, whatever the answer and the definition are."""
    answer = _Answer(body, content_type, validation.kind)
    return tuple(_outcome(answer, check) for check in validation.checks)


def needs_parsing(validation: TextValidation) -> bool:
    """Whether any check has to parse the answer, which is nothing to be done in this process."""
    return any(not is_search(check) and _trouble(check, validation.kind) is None for check in validation.checks)


def objections_to(validation: TextValidation) -> list[str]:
    """Why checks cannot be carried out, whatever the answer is; a sentence for each. For a child process as well."""
    found = ((check, _objection_to(check, validation.kind)) for check in validation.checks)
    return [f"{written(check)} cannot be carried out: {reason}" for check, reason in found if reason is not None]


def _objection_to(check: TextCheck, kind: str) -> str | None:
    refusal = _trouble(check, kind)
    if refusal is not None or is_search(check):
        return refusal
    if check.operator in ORDERING and number_in(check.operand or "") is None:
        return f"its operand {check.operand!r} is not a number, which {check.operator} needs"
    from checkmill_nhn_monitoring import jsonpaths, markup

    try:
        (jsonpaths if kind == "JSON" else markup).check(check.expression)
    except NotCarriedOut as error:
        return str(error)
    return None


def is_search(check: TextCheck) -> bool:
    """Whether a check searches the answer for its expression as it is written."""
    return check.operator in SEARCHING and not check.operand


def text_of(body: bytes, content_type: str) -> Text:
    """Decode an answer: by its byte order mark, else its header, else what it says itself, else as UTF-8.

    Raises `NotCarriedOut` for an encoding that is not read.
    """
    named = next((charset for mark, charset in _MARKS if body.startswith(mark)), "")
    if not named:
        start = body[:_FIRST_BYTES].lower()
        declared = _DECLARED.search(start) if start.lstrip().startswith(b"<") else None
        named = _charset_in(content_type) or (declared[declared.lastindex or 0].decode() if declared else "utf-8")
    charset = _charset(named)
    try:
        return Text(body.decode(charset).removeprefix("\ufeff"), charset)
    except UnicodeError:
        return Text(body.decode(charset, "replace").removeprefix("\ufeff"), charset, whole=False)


class _Answer:
    """An answer that is decoded and parsed when a check first needs it."""

    def __init__(self, body: bytes, content_type: str, kind: str) -> None:
        self.kind = kind
        self._body = body
        self._content_type = content_type
        self._text: Text | None = None
        self._find: Callable[[str], list[Found]] | None = None

    def text(self) -> Text:
        if self._text is None:
            self._text = text_of(self._body, self._content_type)
        return self._text

    def find(self, expression: str) -> list[Found]:
        """Raises `NotCarriedOut`, and `BodyError` for an answer that is not of its kind."""
        if self._find is None:
            try:
                self._find = self._finder()
            except (BodyError, NotCarriedOut) as error:
                self._find = _never(error)
        return self._find(expression)

    def _finder(self) -> Callable[[str], list[Found]]:
        decoded = self.text()
        if self.kind == "JSON":
            from checkmill_nhn_monitoring import jsonpaths

            if not decoded.whole:
                raise BodyError(f"it is not {decoded.charset.upper()} text")
            document: Any = jsonpaths.document_of(decoded.text)
            return lambda expression: jsonpaths.found_in(document, expression)
        from checkmill_nhn_monitoring import markup

        if not decoded.whole:
            raise NotCarriedOut(f"the answer is not {decoded.charset.upper()} text")
        root = markup.document_of(decoded.text, self.kind)
        return lambda expression: markup.found_in(root, expression)


def _never(error: Exception) -> Callable[[str], list[Found]]:
    """What has failed once is not tried again for the next check."""

    def find(_: str) -> list[Found]:
        raise error

    return find


def _outcome(answer: _Answer, check: TextCheck) -> Outcome:
    refusal = _trouble(check, answer.kind)
    if refusal is None:
        try:
            if is_search(check):
                return _searched(answer.text(), check)
            return compared(check, answer.find(check.expression))
        except BodyError as error:
            return Outcome(False, f"the answer is not {answer.kind}: {error}")
        except NotCarriedOut as error:
            refusal = str(error)
        except RecursionError:
            refusal = "it nests too deep"
    return Outcome(None, f"{written(check)} cannot be carried out: {refusal}")


def _trouble(check: TextCheck, kind: str) -> str | None:
    """Why a check is not understood, whatever the answer is."""
    if check.operator not in OPERATORS:
        return f"its operator {check.operator!r} is not known"
    if kind not in _KINDS and not (kind == "" and is_search(check)):
        return f"texts are JSON, HTML or XML, not {kind!r}"
    if not check.expression.strip():
        return "its expression is empty"
    return "it has no operand to compare with" if kind == "JSON" and is_search(check) else None


def _searched(answer: Text, check: TextCheck) -> Outcome:
    """Whether the expression stands in the answer. That it does not must be beyond doubt."""
    there = check.expression in answer.text
    if not answer.whole and (not there or _REPLACED in check.expression):
        raise NotCarriedOut(f"the answer is not {answer.charset.upper()} text throughout")
    if not there and (
        _LIKE_A_PATH.match(check.expression.lstrip())
        or (check.operator == "NOT_CONTAINS" and _IN_PATHS.search(check.expression))
    ):
        raise NotCarriedOut("it looks like a path, but has no operand to compare with")
    shown = f'"{check.expression}"'
    return Outcome(
        there == (check.operator == "CONTAINS"),
        f"the answer contains {shown}" if there else f"the answer does not contain {shown}",
    )


def _charset_in(content_type: str) -> str:
    for part in content_type.split(";")[1:]:
        name, _, value = part.partition("=")
        if name.strip().lower() == "charset":
            return value.strip(" \t\"'").lower()
    return ""


def _charset(named: str) -> str:
    try:
        return _CHARSETS[codecs.lookup(named).name]
    except (LookupError, ValueError):
        raise NotCarriedOut(f"the answer is encoded as {named[:40]!r}, which is not read here") from None
