"""What every command stands on: the checks directory, the plugins, the sandbox and the store, opened as needed."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from checkmill.cli.places import checks_directory, state_directory_of
from checkmill.cli.streams import Streams
from checkmill.edges import Edges
from checkmill.host import Host
from checkmill.model.sandbox import World
from checkmill.steps.reading import Book, read
from checkmill.store import Store, StoreError

if TYPE_CHECKING:
    from checkmill.sandbox import SandboxServer

#: How long `local` shows that a damaged database was replaced, where no `run` has said so.
RESCUE_SHOWN_S = 3600.0

#: How long the end of a job waits for others who use a damaged database, so that it can be replaced.
JOB_PATIENCE_S = 60.0

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
        with self.vendors() as server:
            yield self.read(server)

    @contextmanager
    def vendors(self) -> Iterator[SandboxServer | None]:
        """The simulated vendors, serving as long as the body runs; None where the real ones are asked."""
        if not self.arguments.sandbox:
            yield None
            return
        # The sandbox's HTTP server is imported only where a sandbox answers.
        from checkmill.sandbox import SandboxServer

        with SandboxServer(World(self.edges.now, self.arguments.sandbox_seed)) as server:
            yield server

    def read(self, server: SandboxServer | None) -> tuple[Book, Host]:
        """The rule files as they are now, for the real vendors or the simulated ones."""
        host = Host()
        directory = checks_directory(self.arguments.checks_dir, self.edges.environ)
        return read(directory, host, self.edges.environ, server), host

    def store(self) -> Store | None:
        """Open the state directory; where that cannot be, say so in the log and go on without."""
        if self.state_dir is None:
            self.store_problem = "there is no state directory: name one with --state-dir or $CHECKMILL_STATE_DIR"
        else:
            try:
                # The end of a job cannot be measured again: it waits longer until it can be kept.
                patience_s = JOB_PATIENCE_S if self.arguments.command == "exec" else None
                store = Store.open(self.state_dir, edges=self.edges, replace_within_s=patience_s)
                self._stores.append(store)
                self.store_problem = self._told_of_rescues(store)
            except StoreError as error:
                self.store_problem = str(error)
            else:
                return store
        log.error("%s; results are not kept", self.store_problem)
        return None

    def _told_of_rescues(self, store: Store) -> str:
        """What became of a database that was damaged. `run` says it once; until then `local` does, for a while."""
        if self.arguments.command == "run":
            sentences = store.rescues()
            for sentence in sentences:
                self.streams.remark(f"checkmill: {sentence}")
            if sentences:
                store.rescues_are_told(sentences)
            return "; ".join(sentences)
        if store.replaced:
            log.error("%s", store.replaced)
        if self.arguments.command == "local":
            return "; ".join(store.rescues(since=self.edges.now() - RESCUE_SHOWN_S))
        return ""


def session(arguments: argparse.Namespace, streams: Streams, edges: Edges) -> Session:
    """Set up one call of a command."""
    seed = arguments.sandbox_seed
    state_dir = state_directory_of(arguments.state_dir, edges.environ, sandbox=arguments.sandbox, seed=seed)
    return Session(arguments, streams, edges, state_dir)
