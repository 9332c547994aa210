"""The words that Checkmill's own commands begin with. No command of a plugin may begin with one of them."""

from __future__ import annotations

#: The commands that Checkmill has itself, in the order in which help lists them.
COMMANDS = (
    "check",
    "local",
    "run",
    "exec",
    "outbox",
    "validate",
    "explain",
    "list",
    "metrics",
    "plugins",
    "schema",
    "init",
    "forget",
    "completion",
    "sandbox",
)
