"""HTML and XML answers and the XPath 1.0 of text checks.

A path that is not absolute begins at the root element. An element stands for the text within it, white space around it
left away; an empty text that a function gives, and NaN, stand for nothing found. What is computed with a path that
finds nothing is not compared: a sum or length of 0 there is no value. Prefixes are those that the document declares;
names without one are in no namespace, and not compared where it matters that others take them for those of the
document's default namespace. Neither parser expands entities, reads a DTD, or opens a file or connection; a document
that declares entities is refused before it is parsed.

For a child process: hostile answers and expressions may take any time and memory here.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, TypeAlias

from checkmill_nhn_monitoring.comparing import Found, gathered
from checkmill_nhn_monitoring.verdict import BodyError, NotCarriedOut
from checkmill_nhn_monitoring.xpaths import has_plain_names, operands_in

#: lxml declares no types.
Element: TypeAlias = Any

#: The parsers' errors that are about their own limits, not about the answer; in old versions the message alone tells.
_LIMITS = {"ERR_RESOURCE_LIMIT", "ERR_ENTITY_LOOP", "ERR_NO_MEMORY", "ERR_NAME_TOO_LONG"}
_LIMITS_SWITCH = "XML_PARSE_HUGE"


def document_of(text: str, kind: str) -> Element:
    """The root of an HTML or XML answer.

    Raises `BodyError` for what is none, and `NotCarriedOut` for one that is beyond the parsers' limits or declares
    entities.
    """
    etree = _etree()
    if not text.strip():
        raise BodyError("it is empty")
    if kind == "XML" and "<!ENTITY" in text:
        raise NotCarriedOut("the answer declares entities, which are not expanded")
    parser: Any
    if kind == "XML":
        parser = etree.XMLParser(
            encoding="utf-8",
            resolve_entities=False,
            load_dtd=False,
            dtd_validation=False,
            attribute_defaults=False,
            no_network=True,
            huge_tree=False,
            recover=False,
        )
    else:
        parser = etree.HTMLParser(encoding="utf-8", no_network=True, huge_tree=False)
    try:
        root: Element | None = etree.fromstring(text.encode(), parser)
    except etree.XMLSyntaxError as error:
        _refuse_limits(parser.error_log)
        raise BodyError(error.msg or "it is broken") from None
    # The HTML parser mends what is broken, and with it what it could not read to the end.
    _refuse_limits(parser.error_log)
    if root is None:
        raise BodyError("it holds no element")
    if next(root.iter(etree.Entity), None) is not None:
        raise NotCarriedOut("the answer holds entities that it does not declare, which are not expanded")
    return root


def found_in(root: Element, expression: str) -> list[Found]:
    """What an expression finds below a root.

    Raises `NotCarriedOut` for one that is not understood, and where what it finds is open to doubt.
    """
    prefixes = _prefixes(root) if ":" in expression else None
    result = _evaluated(root, expression, prefixes)
    found = gathered(_values(result))
    if found and not isinstance(result, list):
        for path in operands_in(expression):
            if _evaluated(root, path, prefixes) == []:
                raise NotCarriedOut(f"it computes with {path}, and nothing is found there")
    if has_plain_names(expression) and any(None in element.nsmap for element in root.iter("*")):
        others = gathered(_values(_evaluated(_without_default_namespace(root), expression, prefixes)))
        if found != others:
            raise NotCarriedOut(
                "the answer has a default namespace, and whether names without prefix are of it is not documented"
            )
    return found


def check(expression: str) -> None:
    """Raise `NotCarriedOut` for an expression that is not understood."""
    _compiled(expression, None)


def _evaluated(root: Element, expression: str, prefixes: dict[str, str] | None) -> Any:
    try:
        return _compiled(expression, prefixes)(root)
    except (_etree().LxmlError, ValueError) as error:
        raise _not_understood(error) from None


def _compiled(expression: str, prefixes: dict[str, str] | None) -> Any:
    etree = _etree()
    try:
        return etree.XPath(expression.strip(), namespaces=prefixes, regexp=False, smart_strings=False)
    except (etree.LxmlError, ValueError) as error:
        raise _not_understood(error) from None


def _not_understood(error: Exception) -> NotCarriedOut:
    return NotCarriedOut(f"it is not understood as XPath: {error}")


def _without_default_namespace(root: Element) -> Element:
    """A copy of a document, in which elements without prefix are in no namespace."""
    plain = copy.deepcopy(root)
    for element in plain.iter("*"):
        if element.prefix is None and element.tag.startswith("{"):
            element.tag = element.tag.partition("}")[2]
    return plain


def _values(found: Any) -> Iterator[Found]:
    if isinstance(found, bool):
        yield Found("true" if found else "false")
    elif isinstance(found, float):
        # What is no number is the number of what is not there.
        if math.isfinite(found):
            text = str(int(found)) if found.is_integer() and abs(found) < 1 << 53 else repr(found)
            yield Found.computed(Decimal(text), text)
    elif isinstance(found, str):
        # A function gives an empty text for what is not there.
        if found:
            yield Found.in_markup(found)
    else:
        text_of = _etree().XPath("string()", smart_strings=False)
        for node in found:
            if isinstance(node, str):
                yield Found.in_markup(node.strip())
            elif isinstance(node, tuple):
                raise NotCarriedOut("it finds namespaces, which are not compared")
            elif isinstance(node.tag, str):
                yield Found.in_markup(str(text_of(node)).strip())
            else:  # a comment or an instruction, which need not stand in an element
                yield Found.in_markup((node.text or "").strip())


def _prefixes(root: Element) -> dict[str, str]:
    """The prefixes that a document declares, each as it is declared first."""
    prefixes: dict[str, str] = {}
    for element in root.iter("*"):
        for prefix, namespace in element.nsmap.items():
            if prefix:
                prefixes.setdefault(prefix, namespace)
    return prefixes


def _refuse_limits(errors: Any) -> None:
    for entry in errors:
        if entry.type_name in _LIMITS or _LIMITS_SWITCH in entry.message:
            raise NotCarriedOut(f"the answer is beyond what is parsed: {entry.message.partition(',')[0]}")


def _etree() -> Any:
    # Imported here: only a child process that judges, and a command that reads definitions, need it.
    from lxml import etree  # type: ignore[import-untyped]  # it ships none

    return etree
