"""Servers of a dashboard of generation v1: its names made those of v0, with groups as tags and empty values filled in.

That generation leaves out every value that is zero: within the state of a live server, what is missing is zero. A state
without what no live host is without is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from checkmill.api.v1 import ParseError
from checkmill_nezha.servers import UNTAGGED, Server, id_of, name_of, no_server
from checkmill_nezha.wording import label, shape

_STATE = {
    "CPU": "cpu",
    "MemUsed": "mem_used",
    "SwapUsed": "swap_used",
    "DiskUsed": "disk_used",
    "NetInTransfer": "net_in_transfer",
    "NetOutTransfer": "net_out_transfer",
    "NetInSpeed": "net_in_speed",
    "NetOutSpeed": "net_out_speed",
    "Uptime": "uptime",
    "Load1": "load_1",
    "Load5": "load_5",
    "Load15": "load_15",
    "TcpConnCount": "tcp_conn_count",
    "UdpConnCount": "udp_conn_count",
    "ProcessCount": "process_count",
}
_MACHINE = {"MemTotal": "mem_total", "DiskTotal": "disk_total", "SwapTotal": "swap_total"}
_MACHINE_TEXTS = {"Platform": "platform", "Version": "version"}
#: What no live host is without, and what is therefore never left out.
_NEVER_ZERO = ("mem_used", "uptime")
#: RFC 3339, as Go writes it: up to nine digits of a second, and always an offset.
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)", re.ASCII)
#: Go's zero time, in whatever offset.
_ZERO_TIME = re.compile(r"0001-01-01T|0000-12-31T")


def entries_of_v1(rows: Sequence[Any], groups: Sequence[Any]) -> Iterator[Server | str]:
    """Read the rows of a v1 dashboard with its groups; for a row that names no server, the sentence that says so.

    Raises `ParseError` for groups that cannot be read: without them no tag is known.
    """
    tags = _tags_by_id(groups)
    for number, row in enumerate(rows, start=1):
        server_id = id_of(row.get("id")) if isinstance(row, Mapping) else ""
        if not server_id:
            yield no_server(number, row)
            continue
        reported, doubt = _reported(row.get("last_active"))
        state_doubt = _state_doubt(row.get("state"))
        yield Server(
            id=server_id,
            name=name_of(row, server_id),
            tags=tuple(dict.fromkeys(tags.get(server_id, ()))) or (UNTAGGED,),
            reported=reported,
            doubt=doubt,
            machine=_machine(row.get("host")),
            state=None if state_doubt else _state(row.get("state")),
            state_doubt=state_doubt,
        )


def _tags_by_id(groups: Sequence[Any]) -> dict[str, list[str]]:
    tags: dict[str, list[str]] = {}
    for number, row in enumerate(groups, start=1):
        group = row.get("group") if isinstance(row, Mapping) else None
        name = group.get("name") if isinstance(group, Mapping) else None
        members = row.get("servers", "") if isinstance(row, Mapping) else None  # null where it is empty, never absent
        if not isinstance(name, str) or not isinstance(members, list | None):
            raise ParseError(f"entry {number} of the server groups is no group with servers: {shape(row)}")
        for member in members or ():
            server_id = id_of(member)
            if not server_id:
                raise ParseError(f"entry {number} of the server groups has a member that is no id: {shape(member)}")
            tags.setdefault(server_id, []).append(label(name))
    return tags


def _reported(raw: Any) -> tuple[float | None, str]:
    if not isinstance(raw, str) or not _STAMP.fullmatch(raw):
        return None, f"its last_active should be a time such as 2024-12-01T12:00:00Z, but is {shape(raw)}"
    if _ZERO_TIME.match(raw):
        return None, ""
    try:
        stamp = datetime.fromisoformat(raw).timestamp()
    except (ValueError, OverflowError):
        return None, f"its last_active is no time that exists: {shape(raw)}"
    return (stamp, "") if stamp > 0 else (None, "")


def _state_doubt(raw: Any) -> str:
    """Why what is left out of a state cannot be taken for zero; empty for what is no state at all, too.

    Without what every live host has, its names are others, or nothing of it was measured.
    """
    if not isinstance(raw, Mapping) or not raw:
        return ""
    lacking = [name for name in _NEVER_ZERO if not _is_above_zero(raw.get(name))]
    if not lacking:
        return ""
    return f"its state has no {' and no '.join(lacking)} above zero, as every live host has: {shape(raw)}"


def _is_above_zero(raw: Any) -> bool:
    return isinstance(raw, int | float) and not isinstance(raw, bool) and raw > 0


def _state(raw: Any) -> Any:
    """The state with the names of v0; what is no object, or an empty one, is left for the figures to refuse."""
    if not isinstance(raw, Mapping) or not raw:
        return raw or None
    # No disk is empty: a machine without any disk has no total either, and needs no figure.
    state = {name: raw.get(key, 0) for name, key in _STATE.items() if name != "DiskUsed" or key in raw}
    return {**state, "Temperatures": raw.get("temperatures"), "GPU": _busiest(raw.get("gpu"))}


def _busiest(raw: Any) -> Any:
    """The highest use of any GPU; what cannot be compared is left for the figures to refuse."""
    if raw is None:
        return 0
    if not isinstance(raw, list):
        return raw
    numbers = [one for one in raw if isinstance(one, int | float) and not isinstance(one, bool)]
    return max(numbers, default=0) if len(numbers) == len(raw) else raw


def _machine(raw: Any) -> Any:
    """The machine with the names of v0, all zero where it is left out; what is no object is left to be refused."""
    raw = {} if raw is None else raw
    if not isinstance(raw, Mapping):
        return raw
    machine: dict[str, Any] = {name: raw.get(key, 0) for name, key in _MACHINE.items()}
    machine |= {name: raw.get(key, "") for name, key in _MACHINE_TEXTS.items()}
    return {**machine, "CPU": raw.get("cpu"), "GPU": raw.get("gpu")}
