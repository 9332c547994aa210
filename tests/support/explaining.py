"""What `explain` printed, with what differs from run to run put into words, and the parts of it."""

from __future__ import annotations

import re

from support.commands import Desk, Ran


def explained(desk: Desk, words: str) -> Ran:
    """What `explain` printed, with `CHECKS` for the directory and `PORT_` for a port, which has five digits."""
    ran = desk(f"explain {words}")
    out, err = (
        re.sub(r"127\.0\.0\.1:\d+", "127.0.0.1:PORT_", text.replace(str(desk.checks_dir), "CHECKS"))
        for text in (ran.out, ran.err)
    )
    return Ran(ran.code, out, err, ran.writes)


def part(text: str, heading: str) -> str:
    """One part of a text, from its heading to the empty line."""
    return next(one for one in text.split("\n\n") if one.startswith(heading))
