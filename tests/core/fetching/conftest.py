"""Both ways to carry a flow out, so that every rule is shown to hold for both."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, Protocol

import pytest

from checkmill.edges import Edges
from checkmill.model.flow import Flow
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching import Done, Job, carry_out
from support.loopback import Server, http_server


class Fetch(Protocol):
    def __call__(self, flow: Callable[[], Flow[Any] | Any], settings: HttpSettings, **job: Any) -> Done: ...


@pytest.fixture
def edges() -> Edges:
    """The real clocks, but no wait between tries and no jitter."""
    return Edges(sleep=lambda _: None, chance=lambda: 0.0)


@pytest.fixture(params=["plain client", "side by side"])
def fetch(request: pytest.FixtureRequest, edges: Edges) -> Fetch:
    """Carry out one flow, alone or beside another job of the same source."""

    def carried(flow: Callable[[], Flow[Any] | Any], settings: HttpSettings, **job: Any) -> Done:
        asked = Job("shop/hosts", "shop", settings, flow, **{"timeout_s": 4.0, **job})
        beside = replace(asked, name="shop/other", start=lambda: "nothing to send")
        jobs = [asked] if request.param == "plain client" else [asked, beside]
        return carry_out(jobs, edges)[0]

    return carried


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    """Start servers with functions that answer; they are stopped when the test is over."""
    with ExitStack() as stack:
        yield lambda answer: stack.enter_context(http_server(answer))
