"""Calls a function in a child process and ends it, and all it started, at the deadline.

The child is a fresh interpreter, since a process with threads cannot be forked safely. What it is to call goes to it
through a socket, never by argument or environment: there may be secrets in it. It lives as long as this side keeps its
end of the socket open, so it cannot outlive this process, however that ends.
"""

from __future__ import annotations

import io
import marshal
import os
import pickle
import socket
import subprocess
import sys
from contextlib import suppress
from typing import Any

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, PluginError, SourceError, TooLargeError
from checkmill.model.secret import Secret, redact
from checkmill.steps.fetching.descendants import descendants_of
from checkmill.steps.fetching.flowing import log_traceback
from checkmill.steps.fetching.moves import Apart, seconds_text

#: How a message begins: its length in bytes.
LENGTH = 8
#: How long a child that was told to end may take before it is killed from outside.
FAREWELL_S = 1.5

_PROGRAM = (
    "import marshal,socket,sys;"
    "s=socket.socket(fileno=int(sys.argv[1]));"
    "f=s.makefile('rb');"
    "sys.path[:]=marshal.loads(f.read(int.from_bytes(f.read(8),'big')));"
    "from checkmill.steps.fetching.child import main;"
    "main(s,f)"
)


class Child:
    """One call of a function in a child process. `run` blocks; `cut` ends it from another thread."""

    def __init__(self, order: Apart, edges: Edges) -> None:
        self._order = order
        self._edges = edges
        self._began = edges.monotonic()
        self._name = getattr(order.function, "__qualname__", type(order.function).__name__)
        self._link: socket.socket | None = None
        self._cut = False

    def run(self) -> Any:
        """Give what the function returns. Raises `SourceError`, whatever it does."""
        call = self._packed()
        if self._left_s() <= 0:
            raise self._late()
        ours, theirs = socket.socketpair()
        self._link = ours
        process = None
        try:
            with theirs:
                process = self._started(theirs.fileno())
            answer = self._asked(ours, call)
        except TimeoutError:
            raise self._late() from None
        except OSError as error:
            if self._cut:
                raise self._late() from None
            raise self._died(f" ({error.strerror or error})") from None
        finally:
            ours.close()
            if process is not None:
                _see_off(process)
        return self._result(answer)

    def cut(self) -> None:
        """End it: the child, and whoever waits for it."""
        self._cut = True
        link = self._link
        if link is not None:
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def _left_s(self) -> float:
        return self._order.deadline - self._edges.monotonic()

    def _packed(self) -> bytes:
        try:
            return packed((self._order.function, self._order.arguments, self._order.max_size))
        except Exception as error:  # noqa: BLE001 - whatever pickle makes of a plugin's objects
            reason = redact(str(error))[:200]
            raise PluginError(
                f"{self._order.name}: {self._name} cannot be called in a child process ({reason}); "
                "it must be a function of a module, with arguments that can be pickled"
            ) from None

    def _started(self, descriptor: int) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - our own interpreter
                [sys.executable, "-P", "-c", _PROGRAM, str(descriptor)],
                pass_fds=[descriptor],
                stdin=subprocess.DEVNULL,
                # Results alone may stand on stdout, whatever a plugin prints.
                stdout=2,
                env=_environment(),
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise SourceError(f"{self._order.name}: no child process can be started: {redact(str(error))}") from None

    def _asked(self, link: socket.socket, call: bytes) -> bytes:
        """Send the call and read the answer. Raises OSError, TimeoutError and `TooLargeError`."""
        for message in (marshal.dumps([str(entry) for entry in sys.path]), call):
            self._arm(link)
            link.sendall(len(message).to_bytes(LENGTH, "big") + message)
        size = int.from_bytes(self._received(link, LENGTH), "big")
        if size > self._order.max_size:
            raise TooLargeError(
                f"what {self._name} returns is larger than the {self._order.max_size} bytes of max_size"
            )
        return self._received(link, size)

    def _received(self, link: socket.socket, size: int) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._arm(link)
            piece = link.recv(min(size - len(data), 1 << 16))
            if not piece:
                raise self._late() if self._cut else self._died("")
            data += piece
        return bytes(data)

    def _arm(self, link: socket.socket) -> None:
        left_s = self._left_s()
        if left_s <= 0:
            raise TimeoutError
        link.settimeout(left_s)

    def _result(self, answer: bytes) -> Any:
        try:
            kind, *parts = pickle.loads(answer)  # noqa: S301 - from our own child, which runs the plugin as we do
        except Exception as error:  # noqa: BLE001 - a result that can be pickled need not be one that can be read
            raise PluginError(
                f"{self._order.name}: the result of {self._name} cannot be read: {redact(str(error))}"
            ) from None
        if kind == "value":
            return parts[0]
        if kind == "error":
            raise parts[0]
        if kind == "large":
            raise TooLargeError(
                f"what {self._name} returns is larger than the {self._order.max_size} bytes of max_size"
            )
        what, trace = parts
        log_traceback(self._order.name, trace)
        raise PluginError(f"{self._order.name}: {self._name} failed with {what}; the log has the traceback")

    def _late(self) -> DeadlineError:
        lasted = seconds_text(max(self._edges.monotonic() - self._began, 0.0))
        return DeadlineError(f"{self._order.name}: {self._name} was still at work after {lasted} and was ended")

    def _died(self, why: str) -> PluginError:
        return PluginError(f"{self._order.name}: the child process of {self._name} ended without a result{why}")


class _Pickler(pickle.Pickler):
    """Writes what a plugin's call needs for the socket to its child, secrets included."""

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, Secret):
            return Secret, (obj.reveal(),)
        if isinstance(obj, SourceError):
            return error_again, (type(obj), obj.args, vars(obj))
        return NotImplemented


def packed(message: object) -> bytes:
    """Pickle a message between us and our child, which is the one place where a secret may be in one."""
    buffer = io.BytesIO()
    _Pickler(buffer, pickle.HIGHEST_PROTOCOL).dump(message)
    return buffer.getvalue()


def error_again(kind: type[SourceError], arguments: tuple[Any, ...], members: dict[str, Any]) -> SourceError:
    """Make an error as it was, whatever its class wants to be called with."""
    error = kind.__new__(kind, *arguments)
    vars(error).update(members)
    return error


def _environment() -> dict[str, str]:
    """The environment without the variables that hold a secret."""
    return {name: value for name, value in os.environ.items() if redact(value) == value}


def _see_off(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child whose socket is closed; it ends all it started, then itself."""
    try:
        process.wait(FAREWELL_S)
    except subprocess.TimeoutExpired:
        for below in [*descendants_of(process.pid), process.pid]:
            with suppress(OSError):
                os.kill(below, 9)
        process.wait()
