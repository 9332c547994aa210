"""What the tests of rules on dashboards share."""

from __future__ import annotations

from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from support.commands import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A desk whose dashboards date their answers by its clock, as one with the right time does."""
    desk = Desk(tmp_path)

    def dated(_: BaseHTTPRequestHandler, timestamp: float | None = None) -> str:
        return formatdate(desk.clock.now if timestamp is None else timestamp, usegmt=True)

    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", dated)
    return desk
