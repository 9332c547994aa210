"""A hostile Checkmk: answers that nobody documents, made of one in which everything is as bad as can be.

In all it says every SLA is broken, far, and nothing is ever OK; so no answer of it can rightly be judged OK.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

from plugins.checkmk.documented import HOST, SERVICE, SLA, computation, envelope, key, result, span, subresult

LOGIN = '<!DOCTYPE HTML><html><form action="login.py"><input type="password" name="_password"></form></html>'


class Written(str):
    """Text that stands in an answer as it is, and not as a text of Python."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


#: What stands where something else should. False is not among it: it would be a documented way to say that all is well.
ODD: list[Any] = [
    None,
    True,
    "",
    "ok",
    "fulfilled",
    "False",
    0,
    1,
    -1,
    0.0,
    100.0,
    1e308,
    10**17,
    -(10**17),
    [],
    {},
    (),
    [False],
    {"sla_broken": "no"},
    ("a", 1),
    "\ud800",
    "x\ny|z;'\"",
    Written("1e999"),
    Written("-1e999"),
    Written("nan"),
    Written("123L"),
    Written("__import__('os')"),
    Written("{1: 2}[1]"),
    Written("9" * 5000),
    Written("u'Gr\\xf6\\xdfe'"),
]


def broken_answer() -> dict[str, Any]:
    """An answer in which the SLA is broken in every way that can be said."""
    week = span(
        broken=True,
        percentage={0: 5.0, 2: 90.0, -1: 5.0},
        subresults=[subresult(broken=True, deviation=-94.0, state=2, levels=(5.0, 2.0), error_instances=[{}] * 9)],
    )
    counted = computation(
        span(
            broken=True,
            statistics=None,
            subresults=[subresult(broken=True, deviation=-50.0, state=2, requirement=(2, "max", 1))],
        ),
        plugin_id="service_outage_count",
    )
    row = result(computation(copy.deepcopy(week)), computation(copy.deepcopy(week)), counted)
    return {"mysite": {HOST: {SERVICE: {key(): row}}}}


def body(seed: int) -> bytes:
    """The hostile answer of a seed; equal seeds give equal answers."""
    chance = random.Random(seed)
    make = chance.choices(list(_MAKERS), list(_MAKERS.values()))[0]
    return make(chance).encode("utf-8", "surrogatepass")


def _odd_values(chance: random.Random) -> str:
    document: Any = {"result_code": 0, "result": broken_answer()}
    for _ in range(chance.randint(1, 4)):
        spots = list(_spots(document))
        holder, name = chance.choice(spots)
        holder[name] = chance.choice(ODD)
    return repr(document)


def _lost_members(chance: random.Random) -> str:
    document: Any = {"result_code": 0, "result": broken_answer()}
    for _ in range(chance.randint(1, 6)):
        spots = list(_spots(document))
        if not spots:
            break
        holder, name = chance.choice(spots)
        del holder[name]
    return repr(document)


def _cut(chance: random.Random) -> str:
    text = envelope(broken_answer())
    return text[: chance.randrange(len(text))]


def _mutated(chance: random.Random) -> str:
    text = envelope(broken_answer())
    for _ in range(chance.randint(1, 5)):
        at = chance.randrange(len(text))
        piece = chance.choice(["", "'", '"', "{", "]", ")", ",", ":", "\\", "\n", "0", "-", "None", "u'", "#", "\0"])
        text = text[:at] + piece + text[at + chance.randint(0, 3) :]
    return text


def _twice(chance: random.Random) -> str:
    """A key that stands twice, the second time with good news."""
    name, value = chance.choice([("'sla_broken'", "False"), ("'deviation'", "50.0"), ("0", "100.0")])
    text = envelope(broken_answer())
    found = [index for index in range(len(text)) if text.startswith(f"{name}: ", index)]
    at = chance.choice(found)
    end = text.index(",", at) if "," in text[at:] else len(text)
    return f"{text[:end]}, {name}: {value}{text[end:]}"


def _no_answer(chance: random.Random) -> str:
    return chance.choice(
        [
            "",
            "null",
            "{}",
            "[]",
            LOGIN,
            "<html>Interner Fehler</html>",
            "Authentication error: Invalid automation secret for user x",
            envelope({}),
            envelope("fulfilled"),
            envelope(broken_answer(), 1),
            envelope("Unhandled exception: Traceback (most recent call last):\nKeyError: 1", 1),
            envelope(broken_answer(), "0"),
            "{'result_code': 0, 'result': " * 30,
            "{'a': " + "[" * chance.choice([49, 50, 51, 5000]),
            "{'result_code': 0, 'result': [" + "0," * 2000 + "]}",
            json.dumps({"result_code": 0, "result": {"mysite": {HOST: {SERVICE: {SLA: {"sla_broken": False}}}}}}),
        ]
    )


def _spots(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a document where something could stand instead."""
    for name in list(value) if isinstance(value, dict) else range(len(value)):
        yield value, name
        if isinstance(value[name], dict | list):
            yield from _spots(value[name])


_MAKERS: dict[Callable[[random.Random], str], int] = {
    _odd_values: 8,
    _lost_members: 4,
    _cut: 2,
    _mutated: 6,
    _twice: 2,
    _no_answer: 2,
}
