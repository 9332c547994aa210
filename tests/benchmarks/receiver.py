"""A batch monitoring in a process of its own that accepts every post, as documented, and costs as little as it can.

So it is the sender that is measured. It ends when its standard input does: no benchmark that is killed leaves one.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

LOOPBACK = "127.0.0.1"
_ANSWER = (
    '{"header":{"isSuccessful":true,"resultCode":0,"resultMessage":"SUCCESS"},"body":{"pk":{"serviceId":'
    '"d781dafc-2d5e-3d11-a87e-529b0868ea4f","requestId":"3f136280-9d6a-11e9-83b4-%012x"},"scenarioId":"%s",'
    '"ipaddr":"127.0.0.1","requestTime":"2099-12-31T00:00:00.000","requestData":{"body":%s},"serviceCode":0,'
    '"status":"beforeValidation"}}'
)


@contextmanager
def receiver() -> Iterator[str]:
    """Start a receiver and give its address, such as `http://127.0.0.1:40001`."""
    root = Path(__file__).parents[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.receiver"],
        cwd=root,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    said: IO[str] = process.stdout  # type: ignore[assignment] # it is a pipe
    try:
        yield f"http://{LOOPBACK}:{int(said.readline())}"
    finally:
        process.communicate(timeout=10)


class Connection(asyncio.Protocol):
    """One kept connection: posts come one after the other, each with its length."""

    def __init__(self) -> None:
        self._came = b""
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each post that is whole."""
        self._came += data
        while True:
            head, ended, rest = self._came.partition(b"\r\n\r\n")
            if not ended:
                return
            length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
            if len(rest) < length:
                return
            self._came = rest[length:]
            scenario = head.partition(b"\r\n")[0].split(b" ")[1].rpartition(b"/")[2].decode()
            self._transport.write(self._answer(scenario, rest[:length]))

    def _answer(self, scenario: str, posted: bytes) -> bytes:
        self._number += 1
        body = (_ANSWER % (self._number, scenario, json.dumps(posted.decode()))).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Connection, LOOPBACK, 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
