"""Sessions: one login per source and run, which all its flows share, renewed at most once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from checkmill.model.errors import LoginError, PluginError, SessionExpired, SourceError
from checkmill.model.flow import Flow
from checkmill.model.settings import HttpSettings

#: A vendor that ends new sessions at once is not helped by more of them, and some lock the account.
MOST_RENEWALS = 1


@dataclass(eq=False)
class Login:
    """The login of one source while its jobs are carried out. `generation` counts the renewals."""

    flow: Callable[[Any], Flow[Any]]
    settings: HttpSettings
    generation: int = 0


@dataclass(eq=False)
class Visit:
    """How one job uses the session of its source: `used` is the oldest generation it was given."""

    login: Login
    used: int | None = None

    def come(self) -> int:
        """Note that the session is used now; gives its generation."""
        generation = self.login.generation
        self.used = generation if self.used is None else min(self.used, generation)
        return generation

    def may_renew(self) -> bool:
        """Whether a session that ended can be followed by another."""
        return self.used is not None and self.used < MOST_RENEWALS

    def renewed(self) -> Visit:
        """The visit of the same job with the next session; whoever comes first has it opened."""
        self.login.generation = max(self.login.generation, (self.used or 0) + 1)
        return Visit(self.login)


def refused(expired: SessionExpired, visit: Visit) -> LoginError:
    """The error of a job whose session has ended for good."""
    if visit.used is None:
        return expired
    return LoginError(f"{expired}; a new login did not help")


def failed_login(error: SourceError) -> SourceError:
    """What a login that failed is for each flow that wanted its session: a failure of that stage."""
    if isinstance(error, PluginError):
        return error
    words = str(error) if isinstance(error, LoginError) else error.sentence
    failure = LoginError(words, retry_after_s=error.retry_after_s)
    failure.arrived = error.arrived
    return failure
