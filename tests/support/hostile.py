"""A hostile WhaTap: answers that no vendor documents, made from a documented one, as bytes for a raw connection.

In everything it says every host is far above any limit, so that no answer of it can rightly be judged OK.
"""

from __future__ import annotations

import copy
import gzip
import json
import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from support.loopback import Talk

HOSTS = ["web-1", "web-2", "db-1", "웹-3"]
#: Above every limit of a rule on percent.
FAR_ABOVE = 99.0
HTML = b"<!doctype html><html><title>Log in</title><body>" + b"<p>please</p>" * 50
#: What stands where a number should.
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
    [FAR_ABOVE],
    {"a": FAR_ABOVE},
    float("nan"),
    float("inf"),
    float("-inf"),
    -1e308 * 10,
    1 << 2000,
    -5,
    "\ud800",
    "<b>5</b>",
]


@dataclass(frozen=True)
class Hostility:
    """One hostile answer: what it is called, and what it does with a connection whose request was read."""

    kind: str
    talk: Callable[[Talk], None]


def cpu_answer() -> dict[str, Any]:
    """The documented shape of `infra_cpu`."""
    return {"pname": "LOCAL_INFRA", "values": dict.fromkeys(HOSTS, FAR_ABOVE)}


def hostility(seed: int, bomb: bytes) -> Hostility:
    """The hostile answer of a seed; equal seeds give equal answers. `bomb` is gzip of more than the source takes."""
    chance = random.Random(seed)
    kinds = list(_MAKERS)
    # Each kind once, then as often as it weighs.
    kind = kinds[seed - 1] if 0 < seed <= len(kinds) else chance.choices(kinds, [_MAKERS[one][0] for one in kinds])[0]
    return Hostility(kind, _MAKERS[kind][1](chance, bomb))


def response(body: bytes, *, status: str = "200 OK", headers: str = "", length: int | None = None) -> bytes:
    """An answer in HTTP/1.1."""
    size = len(body) if length is None else length
    kind = "" if "Content-Type" in headers else "Content-Type: application/json\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{headers}Content-Length: {size}\r\nConnection: close\r\n\r\n".encode() + body


def _says(data: bytes) -> Callable[[Talk], None]:
    return lambda talk: talk.say(data)


def _truncated(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    body = _written(cpu_answer())
    cut = chance.randrange(len(body))
    # As the vendor's own words, or broken off by the network.
    return _says(response(body[:cut], length=chance.choice([cut, len(body)])))


def _wrong_types(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    answer: Any = copy.deepcopy(cpu_answer())
    odd = chance.choice(ODD_VALUES)
    match chance.randrange(5):
        case 0:
            answer = odd
        case 1:
            answer["values"] = odd
        case 2:
            answer["values"] = [odd]
        case 3:
            for host in HOSTS:
                answer["values"][host] = chance.choice(ODD_VALUES)
        case _:
            answer["values"][chance.choice(HOSTS)] = odd
    return _says(response(_written(answer)))


def _deep(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    depth = chance.choice([50, 201, 5_000, 100_000])
    opening, closing = chance.choice([(b"[", b"]"), (b'{"values":', b"}")])
    body = opening * depth + (b"" if chance.random() < 0.3 else b"1" + closing * depth)
    return _says(response(body))


def _huge(chance: random.Random, bomb: bytes) -> Callable[[Talk], None]:
    match chance.randrange(4):
        case 0:
            return _says(response(b"", length=1 << 40))
        case 1:
            return _says(response(b'{"values":{"web-1":' + b"9" * 50_000 + b"}}"))
        case 2:
            values = {f"host-{n}": FAR_ABOVE for n in range(2_000)}
            return _says(response(_written({"values": {**values, "x" * 100_000: FAR_ABOVE}})))
        case _:
            return _says(response(b'"' + b"x" * 300_000 + b'"'))


def _not_a_number(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    word = chance.choice([b"NaN", b"Infinity", b"-Infinity", b"1e400", b"-1e400", b"nan"])
    return _says(response(b'{"values":{"web-1":' + word + b',"web-2":' + word + b"}}"))


def _duplicate_keys(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    body = chance.choice(
        [
            b'{"values":{"web-1":99,"web-1":1}}',
            b'{"values":{"web-1":99},"values":{"web-1":1}}',
            b'{"values":{"web-1":1,"web\\u002d1":99}}',
        ]
    )
    return _says(response(body))


def _wrong_charset(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    text = json.dumps(cpu_answer(), ensure_ascii=False)
    written, said = (
        chance.choice(["utf-16", "utf-32", "euc-kr", "cp949", "utf-8"]),
        chance.choice(["utf-8", "ascii", "euc-kr", "utf-16", "no-such-charset", "base64", "idna", "\x7f", ""]),
    )
    body = text.encode(written) if chance.random() < 0.8 else chance.randbytes(200)
    return _says(response(body, headers=f"Content-Type: application/json; charset={said}\r\n"))


def _bomb(chance: random.Random, bomb: bytes) -> Callable[[Talk], None]:
    match chance.randrange(4):
        case 0 | 1:
            return _says(response(bomb, headers="Content-Encoding: gzip\r\n"))
        case 2:
            return _says(response(gzip.compress(bomb), headers="Content-Encoding: gzip, gzip\r\n"))
        case _:
            return _says(response(zlib.compress(b"[" * 1_000_000), headers="Content-Encoding: deflate\r\n"))


def _encoded_wrong(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    body = gzip.compress(_written(cpu_answer()))
    if chance.random() < 0.5:
        place = chance.randrange(10, len(body))
        body = body[:place] + bytes([body[place] ^ 0xFF]) + body[place + 1 :]
    encoding = chance.choice(["gzip", "deflate", "br", "zstd", "gzip, deflate", "\xff"])
    return _says(response(body, headers=f"Content-Encoding: {encoding}\r\n"))


def _html(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    status = chance.choice(["200 OK", "401 No", "403 No", "404 Not Found", "500 Oops", "503 Later", "302 Found"])
    headers = chance.choice(["", "Location: http://[::1/\r\n", "Location: /login\r\n", "Retry-After: 9e99\r\n"])
    return _says(response(HTML, status=status, headers="Content-Type: text/html\r\n" + headers))


def _slow(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    begin = chance.choice([b"", b"HTTP/1.1 200 OK\r\n", response(b"", length=100_000)])

    def talk(talk: Talk) -> None:
        talk.say(begin)
        if chance.random() < 0.5:
            talk.drip(b"x", 0.05)
        else:
            talk.hang()

    return talk


def _reset(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    whole = response(_written(cpu_answer()))
    part = whole[: chance.randrange(len(whole))]

    def talk(talk: Talk) -> None:
        talk.say(part)
        talk.reset()

    return talk


def _garbage(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    start = chance.choice([b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/9.9 999 \r\n\r\n", b"HTTP/1.1 200 OK\r\n: x\r\n\r\n"])
    return _says(start + chance.randbytes(chance.randrange(300)))


def _chunked(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    size = chance.choice([b"-1", b"ffffffffffffffff", b"zz", b"", b"5"])
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    return _says(head + size + b"\r\n" + _written(cpu_answer())[: chance.randrange(80)])


def _flipped(chance: random.Random, _: bytes) -> Callable[[Talk], None]:
    """Bytes of the structure exchanged; digits stay, so that no value sinks below a limit."""
    body = bytearray(_written(cpu_answer()))
    for _unused in range(chance.randrange(1, 5)):
        place = chance.randrange(len(body))
        if not chr(body[place]).isdigit():
            body[place] = chance.choice(b'{}[]",: \\\x00\xff')
    return _says(response(bytes(body)))


def _written(document: Any) -> bytes:
    text = json.dumps(document, ensure_ascii=False)
    return text.encode("utf-8", "surrogatepass")


#: How often each kind comes, and what makes it. Those that last until the deadline are few.
_MAKERS: dict[str, tuple[float, Callable[[random.Random, bytes], Callable[[Talk], None]]]] = {
    "truncated": (12, _truncated),
    "wrong types": (20, _wrong_types),
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
