"""Hostile vendors: answers that no vendor documents, made from a documented one, as bytes for a raw connection.

The documented answer says of everything that it is as bad as can be, so that no answer made of it can rightly be OK.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from support.loopback import Talk

HTML = b"<!doctype html><html><title>Log in</title><body>" + b"<p>please</p>" * 50
#: What stands where something else should.
ODD_VALUES: list[Any] = [
    None,
    True,
    False,
    "",
    "ok",
    "0x10",
    "1e999",
    [],
    {},
    [99.0],
    {"a": 99.0},
    float("nan"),
    float("inf"),
    float("-inf"),
    -1e308 * 10,
    1 << 2000,
    -5,
    "\ud800",
    "<b>5</b>",
]
_NUMBERS = (int, float)

Path: TypeAlias = "tuple[Any, ...]"
Speech: TypeAlias = Callable[[Talk], None]


def as_json(value: Any) -> bytes:
    """The value as a vendor writes JSON; what JSON cannot hold is written as Python does."""
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")


def as_literal(value: Any) -> bytes:
    """The value as Python text."""
    return repr(value).encode("utf-8", "surrogatepass")


@dataclass(frozen=True)
class Document:
    """A documented answer, and how its vendor writes it. `status` is its HTTP status line."""

    value: Any
    write: Callable[[Any], bytes] = as_json
    status: str = "200 OK"

    @property
    def body(self) -> bytes:
        """The answer as its vendor writes it."""
        return self.write(self.value)


@dataclass(frozen=True)
class Hostility:
    """One hostile answer: what it is called, and what it does with a connection whose request was read."""

    kind: str
    talk: Speech


def hostility(seed: int, bomb: bytes, document: Document) -> Hostility:
    """The hostile answer of a seed; equal seeds give equal answers. `bomb` is gzip of more than the source takes."""
    chance = random.Random(seed)
    kinds = list(_MAKERS)
    # Each kind once, then as often as it weighs.
    kind = kinds[seed - 1] if 0 < seed <= len(kinds) else chance.choices(kinds, [_MAKERS[one][0] for one in kinds])[0]
    return Hostility(kind, _MAKERS[kind][1](chance, bomb, document))


def response(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """An answer in HTTP/1.1."""
    size = len(body) if length is None else length
    kind = "" if "Content-Type" in headers else "Content-Type: application/json\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{headers}Content-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body


def _says(data: bytes) -> Speech:
    return lambda talk: talk.say(data)


def _spots(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all values within a value."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*path, key)
        yield from _spots(item, (*path, key))


def _at(value: Any, path: Path) -> Any:
    for part in path:
        value = value[part]
    return value


def _odd_instead_of(chance: random.Random, value: Any) -> Any:
    """An odd value that cannot rightly stand there: no number for a number, and no other truth for a truth."""
    while True:
        odd = chance.choice(ODD_VALUES)
        if isinstance(value, bool):
            if not isinstance(odd, bool):
                return odd
        elif not (isinstance(value, _NUMBERS) and isinstance(odd, _NUMBERS) and not isinstance(odd, bool)):
            return odd


def _replaced(document: Document, path: Path, value: Any) -> Any:
    changed = copy.deepcopy(document.value)
    if not path:
        return value
    _at(changed, path[:-1])[path[-1]] = value
    return changed


def _truncated(chance: random.Random, _: bytes, document: Document) -> Speech:
    body = document.body
    cut = chance.randrange(len(body))
    # As the vendor's own words, or broken off by the network.
    return _says(response(body[:cut], length=chance.choice([cut, len(body)])))


def _wrong_types(chance: random.Random, _: bytes, document: Document) -> Speech:
    spots: Sequence[Path] = [(), *_spots(document.value)]
    # What lies deep is what there is most of: each depth is as likely as another.
    depth = chance.choice(sorted({len(spot) for spot in spots}))
    path = chance.choice([spot for spot in spots if len(spot) == depth])
    odd = _odd_instead_of(chance, _at(document.value, path))
    return _says(response(document.write(_replaced(document, path, odd))))


def _left_out(chance: random.Random, _: bytes, document: Document) -> Speech:
    """One key of one object left out."""
    changed = copy.deepcopy(document.value)
    keys = [path for path in _spots(changed) if isinstance(_at(changed, path[:-1]), dict)]
    if keys:
        path = chance.choice(keys)
        del _at(changed, path[:-1])[path[-1]]
    return _says(response(document.write(changed if keys else {})))


def _deep(chance: random.Random, _: bytes, __: Document) -> Speech:
    depth = chance.choice([50, 201, 5_000, 100_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"values":', b"}"), (b"(", b",)")])
    body = opening * depth + (b"" if chance.random() < 0.3 else b"1" + closing * depth)
    return _says(response(body))


def _huge(chance: random.Random, _: bytes, document: Document) -> Speech:
    match chance.randrange(4):
        case 0:
            return _says(response(b"", length=1 << 40))
        case 1:
            return _says(response(_in_place_of_a_number(chance, document, b"9" * 50_000)))
        case 2:
            keyed = [path for path in [(), *_spots(document.value)] if isinstance(_at(document.value, path), dict)]
            if not keyed:
                return _says(response(b"9" * 5_000))
            more = {"x" * 100_000: 99.0, **{f"more-{number}": None for number in range(2_000)}}
            path = chance.choice(keyed)
            return _says(response(document.write(_replaced(document, path, {**_at(document.value, path), **more}))))
        case _:
            return _says(response(b'"' + b"x" * 300_000 + b'"'))


def _not_a_number(chance: random.Random, _: bytes, document: Document) -> Speech:
    word = chance.choice([b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"nan", b"123L"])
    return _says(response(_in_place_of_a_number(chance, document, word)))


def _in_place_of_a_number(chance: random.Random, document: Document, word: bytes) -> bytes:
    numbers = [
        path
        for path in _spots(document.value)
        if isinstance(_at(document.value, path), _NUMBERS) and not isinstance(_at(document.value, path), bool)
    ]
    if not numbers:
        return word
    mark = "a mark that stands nowhere else"
    marked = document.write(_replaced(document, chance.choice(numbers), mark))
    return marked.replace(f'"{mark}"'.encode(), word).replace(f"'{mark}'".encode(), word)


def _duplicate_keys(chance: random.Random, _: bytes, document: Document) -> Speech:
    """A key that stands twice in an object, once as it was and once with another value, which may be a good one."""
    keys = [path for path in _spots(document.value) if isinstance(_at(document.value, path[:-1]), dict)]
    if not keys:
        return _says(response(b'{"a":1,"a":2}'))
    path = chance.choice(keys)
    mark = "a key that stands nowhere else"
    other = chance.choice([0, 1, False, True, None, "STABLE", [], {}])
    holder = _at(document.value, path[:-1])
    changed = _replaced(
        document, path[:-1], {mark: other, **holder} if chance.random() < 0.5 else {**holder, mark: other}
    )
    name = document.write(path[-1])
    body = document.write(changed).replace(document.write(mark), name)
    return _says(response(body))


def _wrong_charset(chance: random.Random, _: bytes, document: Document) -> Speech:
    text = document.body.decode("utf-8", "replace")
    written, said = (
        chance.choice(["utf-16", "utf-32", "euc-kr", "cp949", "utf-8"]),
        chance.choice(["utf-8", "ascii", "euc-kr", "utf-16", "no-such-charset", "base64", "idna", "\x7f", ""]),
    )
    body = text.encode(written, "replace") if chance.random() < 0.8 else chance.randbytes(200)
    return _says(response(body, headers=f"Content-Type: application/json; charset={said}\r\n"))


def _bomb(chance: random.Random, bomb: bytes, _: Document) -> Speech:
    match chance.randrange(4):
        case 0 | 1:
            return _says(response(bomb, headers="Content-Encoding: gzip\r\n"))
        case 2:
            return _says(response(gzip.compress(bomb), headers="Content-Encoding: gzip, gzip\r\n"))
        case _:
            return _says(response(zlib.compress(b"[" * 1_000_000), headers="Content-Encoding: deflate\r\n"))


def _encoded_wrong(chance: random.Random, _: bytes, document: Document) -> Speech:
    body = gzip.compress(document.body)
    if chance.random() < 0.5:
        place = chance.randrange(10, len(body))
        body = body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
    encoding = chance.choice(["gzip", "deflate", "br", "zstd", "gzip, deflate", "\xff"])
    return _says(response(body, headers=f"Content-Encoding: {encoding}\r\n"))


def _html(chance: random.Random, _: bytes, __: Document) -> Speech:
    status = chance.choice(["200 OK", "401 No", "403 No", "404 Not Found", "500 Oops", "503 Later", "302 Found"])
    headers = chance.choice(["", "Location: http://[::1/\r\n", "Location: /login\r\n", "Retry-After: 9e99\r\n"])
    return _says(response(HTML, status=status, headers="Content-Type: text/html\r\n" + headers))


def _slow(chance: random.Random, _: bytes, __: Document) -> Speech:
    begin = chance.choice([b"", b"HTTP/1.1 200 OK\r\n", response(b"", length=100_000)])

    def talk(talk: Talk) -> None:
        talk.say(begin)
        if chance.random() < 0.5:
            talk.drip(b"x", 0.05)
        else:
            talk.hang()

    return talk


def _reset(chance: random.Random, _: bytes, document: Document) -> Speech:
    whole = response(document.body)
    part = whole[: chance.randrange(len(whole))]

    def talk(talk: Talk) -> None:
        talk.say(part)
        talk.reset()

    return talk


def _garbage(chance: random.Random, _: bytes, __: Document) -> Speech:
    start = chance.choice([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/9.9 999 \r\n\r\n", b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"])
    return _says(start + chance.randbytes(chance.randrange(300)))


def _chunked(chance: random.Random, _: bytes, document: Document) -> Speech:
    size = chance.choice([b"-1", b"ffffffffffffffff", b"zz", b"", b"5"])
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return _says(head + size + b"\r\n" + document.body[: chance.randrange(80)])


def _flipped(chance: random.Random, _: bytes, document: Document) -> Speech:
    """Bytes of the structure exchanged; digits stay, so that no value sinks below a limit."""
    body = bytearray(document.body)
    for _unused in range(chance.randrange(1, 5)):
        place = chance.randrange(len(body))
        if not chr(body[place]).isdigit():
            body[place] = chance.choice(b'{}[]",: \\\x00\xff')
    return _says(response(bytes(body)))


#: How often each kind comes, and what makes it. Those that last until the deadline are few.
_MAKERS: dict[str, tuple[float, Callable[[random.Random, bytes, Document], Speech]]] = {
    "truncated": (12, _truncated),
    "wrong types": (20, _wrong_types),
    "left out": (8, _left_out),
    "deep": (6, _deep),
    "huge": (6, _huge),
    "NaN": (6, _not_a_number),
    "duplicate keys": (6, _duplicate_keys),
    "wrong charset": (8, _wrong_charset),
    "bomb": (3, _bomb),
    "wrong encoding": (5, _encoded_wrong),
    "HTML": (8, _html),
    "slow": (1, _slow),
    "reset": (6, _reset),
    "garbage": (6, _garbage),
    "chunked": (4, _chunked),
    "flipped": (8, _flipped),
}
KINDS = tuple(_MAKERS)
