"""What every test stands on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.secrets import own_secrets


@pytest.fixture(autouse=True)
def _own_secrets() -> Iterator[None]:
    """A secret that one test makes does not blank out the texts of another."""
    with own_secrets(among=True):
        yield
