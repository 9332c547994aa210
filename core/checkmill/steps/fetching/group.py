"""What the jobs of one source share: name and settings, session, rate limit, trust, the answers to equal reads."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from checkmill.edges import Edges
from checkmill.model.errors import DeadlineError, SourceError
from checkmill.model.settings import HttpSettings
from checkmill.steps.fetching.moves import Once
from checkmill.steps.fetching.pacing import Pace
from checkmill.steps.fetching.sessions import Login

if TYPE_CHECKING:
    from checkmill.steps.fetching.trust import Trust


@dataclass(frozen=True)
class Read:
    """What came of a read: a response or an error, and the deadline it was made under."""

    value: Any
    error: SourceError | None
    deadline: float

    def give(self) -> Any:
        """The response. Raises the error."""
        if self.error is not None:
            raise self.error
        return self.value


@dataclass(eq=False)
class Group:
    """One source while its jobs are carried out."""

    name: str
    settings: HttpSettings
    edges: Edges
    login: Login | None = None
    pace: Pace = field(init=False)
    _reads: dict[Hashable, Read] = field(default_factory=dict, repr=False)
    _trust: list[Trust] = field(default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self.pace = Pace(self.settings.rate)

    @property
    def workers(self) -> int:
        """How many requests may be under way at the same time."""
        return max(1, self.settings.workers)

    def trust(self) -> Trust:
        """The TLS context, made when first asked for."""
        if not self._trust:
            # Imported here: ssl is for those who send something.
            from checkmill.steps.fetching.trust import Trust

            self._trust.append(Trust(self.settings.ca_file))
        return self._trust[0]

    def known(self, once: Once) -> Read | None:
        """What came of an equal read; not if it ran out of a deadline that was earlier than this one's."""
        read = self._reads.get(once.key)
        if read is not None and isinstance(read.error, DeadlineError) and read.deadline < once.deadline:
            return None
        return read

    def keep(self, once: Once, value: Any, error: SourceError | None) -> Read:
        """Keep what came of a read for the equal ones."""
        read = self._reads[once.key] = Read(value, error, once.deadline)
        return read
