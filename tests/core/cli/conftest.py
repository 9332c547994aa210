"""A desk to call commands from, and the two vendors of most rules, answering on loopback."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.commands import Desk
from support.whatap_vendor import APPKEY, TOKEN, Batchmon, Vendor, serving


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, {"WHATAP_TOKEN": TOKEN, "NHN_APPKEY": APPKEY})


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    one = Vendor()
    with serving(one):
        yield one


@pytest.fixture
def batchmon() -> Iterator[Batchmon]:
    one = Batchmon()
    with serving(one):
        yield one
