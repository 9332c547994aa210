"""`checkmill sandbox`: serve all simulated vendors until interrupted."""

from __future__ import annotations

import json
import threading

from checkmill.cli.session import Session
from checkmill.host import Host
from checkmill.model.sandbox import World
from checkmill.sandbox import SandboxServer

FAILED = 3


def sandbox(session: Session, stop: threading.Event) -> int:
    """Serve until `stop` is set; what the vendors remark goes to stdout."""
    host = Host()
    world = World(session.edges.now, session.arguments.sandbox_seed)

    def watch(remark: str) -> None:
        session.streams.results(remark + "\n")

    try:
        serving = SandboxServer(world, port=session.arguments.port, watch=watch)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        session.streams.remark(f"checkmill: port {session.arguments.port} cannot be served: {reason}")
        return FAILED
    with serving as server:
        lines = []
        for plugin in host.plugins():
            for kind in (plugin.source, plugin.reporter):
                address = server.base_url(kind) if kind is not None else None
                if kind is not None and kind.sandbox is not None:
                    known = ", ".join(f"{name}: {_written(value)}" for name, value in kind.sandbox.settings.items())
                    lines.append(f"{kind.type}  base_url: {address}, {known}")
        session.streams.results("\n".join([*lines, "serving until interrupted", ""]))
        stop.wait()
    return 0


def _written(value: object) -> str:
    """A setting as it stands in a rule file, on one line."""
    if isinstance(value, list | tuple | dict):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
