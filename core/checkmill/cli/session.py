"""What every command stands on: the checks directory, the plugins, the sandbox and the store, opened as needed."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from checkmill.cli.arguments import DEFAULT_SEED, UsageError
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.host import Host
from checkmill.model.sandbox import World
from checkmill.steps.reading import Book, read
from checkmill.store import Store, StoreError
from checkmill.store.directory import state_directory

log = logging.getLogger("checkmill")

SYSTEM_WIDE = Path("/etc/checkmill/checks.d")


@dataclass
class Session:
    """One call of a command."""

    arguments: argparse.Namespace
    streams: Streams
    edges: Edges
    state_dir: Path | None
    store_problem: str = ""
    _stores: list[Store] = field(default_factory=list)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        for store in self._stores:
            store.close()

    @contextmanager
    def book(self) -> Iterator[tuple[Book, Host]]:
        """The rule files, and where asked for, the sandbox serving as long as the body runs."""
        host = Host()
        directory = checks_directory(self.arguments.checks_dir, self.edges.environ)
        if not self.arguments.sandbox:
            yield read(directory, host, self.edges.environ), host
            return
        # The sandbox's HTTP server is imported only where a sandbox answers.
        from checkmill.sandbox import SandboxServer

        with SandboxServer(World(self.edges.now, self.arguments.sandbox_seed)) as server:
            yield read(directory, host, self.edges.environ, server), host

    def store(self) -> Store | None:
        """Open the state directory; where that cannot be, say so in the log and go on without."""
        if self.state_dir is None:
            self.store_problem = "there is no state directory: name one with --state-dir or $CHECKMILL_STATE_DIR"
        else:
            try:
                self._stores.append(Store.open(self.state_dir))
                return self._stores[-1]
            except StoreError as error:
                self.store_problem = str(error)
        log.error("%s; results are not kept", self.store_problem)
        return None


def checks_directory(given: str | None, environ: Mapping[str, str]) -> Path:
    """Find the checks directory: as given, by environment, here, the user's, system-wide; made absolute."""
    named = given or environ.get("CHECKMILL_CHECKS_DIR")
    if named:
        return _absolute(Path(named))
    config_home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    users = [Path(config_home) / "checkmill" / "checks.d"] if config_home else []
    candidates = [Path("checks.d"), *users, SYSTEM_WIDE]
    return _absolute(next((one for one in candidates if one.is_dir()), candidates[0]))


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except FileNotFoundError:
        raise UsageError("the working directory is gone; name --checks-dir by its whole path") from None


def session(arguments: argparse.Namespace, streams: Streams, edges: Edges) -> Session:
    """Set up one call of a command."""
    state_dir = state_directory(arguments.state_dir, edges.environ, sandbox=arguments.sandbox)
    if state_dir is not None and arguments.sandbox and arguments.sandbox_seed != DEFAULT_SEED:
        # Another seed is another vendor: what one answered says nothing about the other.
        state_dir = state_dir.with_name(f"{state_dir.name}-{arguments.sandbox_seed}")
    return Session(arguments, streams, edges, state_dir)
