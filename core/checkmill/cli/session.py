"""What every command stands on: the checks directory, the plugins, the sandbox and the store, opened as needed."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from checkmill.cli.places import checks_directory, state_directory_of
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.host import Host
from checkmill.model.sandbox import World
from checkmill.steps.reading import Book, read
from checkmill.store import Store, StoreError

log = logging.getLogger("checkmill")


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


def session(arguments: argparse.Namespace, streams: Streams, edges: Edges) -> Session:
    """Set up one call of a command."""
    seed = arguments.sandbox_seed
    state_dir = state_directory_of(arguments.state_dir, edges.environ, sandbox=arguments.sandbox, seed=seed)
    return Session(arguments, streams, edges, state_dir)
