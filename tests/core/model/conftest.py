"""What these tests share: secrets of one test are forgotten before the next."""

import pytest

from checkmill.model import secret


@pytest.fixture(autouse=True)
def _forgotten_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test a memory of secrets of its own, for some tests make secrets of arbitrary text."""
    monkeypatch.setattr(secret, "_known", set())
    monkeypatch.setattr(secret, "_pattern", [None])
