"""Keeps the secrets of one test from blanking out the texts of another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checkmill.model import secret


@contextmanager
def own_secrets() -> Iterator[None]:
    """Know no secret but those made in the body, as a process of its own would; know the others again afterwards."""
    known = set(secret._known)
    secret._known.clear()
    secret._pattern[0] = None
    try:
        yield
    finally:
        secret._known.update(known)
        secret._pattern[0] = None
