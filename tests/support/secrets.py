"""Keeps the secrets of one test from blanking out the texts of another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from checkmill.model import secret


@contextmanager
def own_secrets(*, among: bool = False) -> Iterator[None]:
    """Forget afterwards what secrets the body made; within, know no others, or with `among` those known before too."""
    known = set(secret._known)
    if not among:
        _know(set())
    try:
        yield
    finally:
        _know(known)


def _know(secrets: set[str]) -> None:
    secret._known.clear()
    secret._known.update(secrets)
    secret._pattern[0] = None
