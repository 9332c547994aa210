"""Makes moves one after the other on a plain client, for a source with a single job."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

from checkmill.model.errors import SourceError
from checkmill.model.flow import Exchanged
from checkmill.steps.fetching.group import Group
from checkmill.steps.fetching.moves import AllOf, Answer, Apart, Converse, Failure, Move, Once, Steps, Transmit, Wait

if TYPE_CHECKING:
    from checkmill.steps.fetching.clients import PlainClient
    from checkmill.steps.fetching.side_by_side import OwnLoop


class Plain:
    """An executor without asyncio; what a flow wants side by side runs in a loop that is made for it then."""

    def __init__(self, group: Group) -> None:
        self._group = group
        self._client: PlainClient | None = None
        self._own_loop: OwnLoop | None = None

    def __enter__(self) -> Plain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            self._client.close()
        if self._own_loop is not None:
            self._own_loop.close()

    def run(self, steps: Steps) -> Any:
        """Make all moves of some steps and give what they return."""
        outcome: Any = None
        error: SourceError | None = None
        try:
            while True:
                try:
                    move = steps.send(outcome) if error is None else steps.throw(error)
                except StopIteration as end:
                    return end.value
                outcome = error = None
                try:
                    outcome = self._make(move)
                except SourceError as failure:
                    error = failure
        finally:
            steps.close()

    def _make(self, move: Move) -> Any:
        if isinstance(move, Transmit):
            return self._transmit(move)
        if isinstance(move, Once):
            return self._once(move)
        if isinstance(move, AllOf):
            if len(move.branches) < 2:
                return [self.run(branch) for branch in move.branches]
            return self._loop().run_all(move)
        if isinstance(move, Converse):
            return self._converse(move)
        if isinstance(move, Apart):
            # Imported here: most sources need no child process.
            from checkmill.steps.fetching.children import Child

            return Child(move, self._group.edges).run()
        self._wait(move)
        return None

    def _wait(self, move: Wait) -> None:
        self._group.edges.sleep(max(0.0, move.until - self._group.edges.monotonic()))

    def _once(self, once: Once) -> Any:
        read = self._group.known(once)
        if read is None:
            try:
                read = self._group.keep(once, self.run(once.steps), None)
            except SourceError as error:
                read = self._group.keep(once, None, error)
        return read.give()

    def _transmit(self, order: Transmit) -> Answer | Failure:
        # Imported here: a job that sends nothing does without httpx.
        from checkmill.steps.fetching.clients import PlainClient, proxy_shown
        from checkmill.steps.fetching.trail import Trail

        group = self._group
        if order.outgoing.reach is not None:
            return self._reach(order)
        try:
            if self._client is None:
                self._client = PlainClient(group.settings, group.trust())
            self._await_turn(order)
        except SourceError as error:
            return Failure(error)
        return self._client.send(Trail(order, proxy_shown(group.settings), group.edges))

    def _reach(self, order: Transmit) -> Answer | Failure:
        # Imported here: most sources ask nobody but their vendor.
        from checkmill.steps.fetching.reaching import reach

        try:
            self._await_turn(order)
            return reach(order, self._group)
        except SourceError as error:
            return Failure(error)

    def _converse(self, order: Converse) -> Exchanged:
        # Imported here: most sources speak HTTP.
        from checkmill.steps.fetching.exchanging import Conversation

        self._await_turn(order)
        return Conversation(order, self._group.edges).run()

    def _await_turn(self, order: Transmit | Converse) -> None:
        wait_s = self._group.pace.wait_s(self._group.edges.monotonic(), order.deadline)
        if wait_s:
            self._group.edges.sleep(wait_s)

    def _loop(self) -> OwnLoop:
        if self._own_loop is None:
            # Imported here: a flow that sends one request after the other does without asyncio.
            from checkmill.steps.fetching.side_by_side import OwnLoop

            self._own_loop = OwnLoop(self._group)
        return self._own_loop
