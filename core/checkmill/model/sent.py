"""What a source was asked and what came of it, for people who want to know where a value is from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sent:
    """One request of a fetch, with all its attempts, and what came in the end; nothing in it is secret.

    `fetch` is the name of the fetch that asked, `login` whether to open its session. `method` is that of HTTP, `TCP` or
    `UDP` for an exchange, `call` for a function in a child process; `shown` is the address, or the function. `status`
    is that of HTTP, `size` the bytes of the body as they are read, `error` the stage and sentence of the failure.
    """

    fetch: str
    method: str
    shown: str
    status: int | None = None
    size: int | None = None
    elapsed_s: float = 0.0
    attempts: int = 1
    error: str = ""
    login: bool = False
