"""What a plugin may implement, in the order core calls it.

A hook declares; the objects it gives do the work. `hookimpl` sets pluggy's mark on the function itself, so that
importing a plugin does not import pluggy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from checkmill.model.command import Command
from checkmill.model.reporter import Reporter
from checkmill.model.source import Source

F = TypeVar("F", bound=Callable[..., Any])

PROJECT = "checkmill"


def hookimpl(function: F) -> F:
    """Mark a function of a plugin as an implementation of the hook of its name."""
    options = {
        "wrapper": False,
        "hookwrapper": False,
        "optionalhook": False,
        "tryfirst": False,
        "trylast": False,
        "specname": None,
    }
    setattr(function, f"{PROJECT}_impl", options)
    return function


def hookspec(function: F) -> F:
    """Mark a function of this module as the specification of a hook."""
    options = {"firstresult": False, "historic": False, "warn_on_impl": None, "warn_on_impl_args": None}
    setattr(function, f"{PROJECT}_spec", options)
    return function


@hookspec
def checkmill_sources() -> Iterable[Source[Any]]:
    """Give the source types of this plugin."""
    return ()


@hookspec
def checkmill_reporters() -> Iterable[Reporter[Any, Any]]:
    """Give the reporter types of this plugin."""
    return ()


@hookspec
def checkmill_commands() -> Iterable[Command[Any, Any]]:
    """Give the commands of this plugin, such as `checkmill nhn alarm list`."""
    return ()
