"""Both ways to carry a flow out, so that every rule is shown to hold for both, and the world they meet."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import pytest

from checkmill.edges import Edges
from checkmill.model.flow import Flow
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching import Done, Job, carry_out
from support.loopback import LOOPBACK, Server, http_server

CA_CONFIG = """
[ca]
default_ca = own
[own]
database = index.txt
new_certs_dir = .
serial = serial
default_md = sha256
policy = any
x509_extensions = extensions
[any]
commonName = supplied
[extensions]
subjectAltName = {names}
basicConstraints = critical, CA:TRUE
"""


class Fetch(Protocol):
    def __call__(self, flow: Callable[[], Flow[Any] | Any], settings: HttpSettings, **job: Any) -> Done: ...


class Names:
    """A name service that tells what a test tells it, and of other names what the system's says.

    A look-up of a name gives the next of its answers; the last one stays. An answer is a list of addresses, or a
    function that gives one, takes its time or raises.
    """

    def __init__(self) -> None:
        self.asked: list[str] = []
        self._answers: dict[str, list[Any]] = {}

    def tell(self, name: str, *answers: Any) -> None:
        self._answers[name] = list(answers)

    def __call__(self, host: str, port: int, kind: int) -> Sequence[Any]:
        self.asked.append(host)
        answers = self._answers.get(host, [[host]])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        addresses = answer() if callable(answer) else answer
        return [found for address in addresses for found in socket.getaddrinfo(address, port, type=kind)]


@pytest.fixture
def names() -> Names:
    """The name service of this test."""
    return Names()


@pytest.fixture
def edges(names: Names) -> Edges:
    """The real clocks, but no wait between tries and no jitter."""
    return Edges(sleep=lambda _: None, chance=lambda: 0.0, look_up=names)


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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., tuple[Path, Path]]:
    """Make self-signed certificates: (certificate, key)."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("there is no openssl to make certificates with")

    def make(names: str = f"IP:{LOOPBACK}", until: str = "20450101000000Z") -> tuple[Path, Path]:
        folder = tmp_path_factory.mktemp("certificate")
        (folder / "ca.cnf").write_text(CA_CONFIG.format(names=names))
        (folder / "index.txt").write_text("")
        (folder / "serial").write_text("01\n")
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"]
        sign = ["-startdate", "20200101000000Z", "-enddate", until, "-notext", "-out", "cert.pem"]
        for command in (
            ["req", "-new", *key, "-subj", "/CN=checkmill-test", "-out", "asked.csr"],
            ["ca", "-batch", "-config", "ca.cnf", "-selfsign", "-keyfile", "key.pem", "-in", "asked.csr", *sign],
        ):
            subprocess.run([openssl, *command], cwd=folder, check=True, capture_output=True)
        return folder / "cert.pem", folder / "key.pem"

    return make
