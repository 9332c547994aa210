"""The figures of one server: read from what its agent last sent, each type-checked, none taken for what it is not."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from checkmill_nezha.fleet import NoValueError
from checkmill_nezha.servers import LARGEST_EXACT, Server
from checkmill_nezha.wording import Members, label, shape, shown

#: A share may exceed the whole by what rounding adds, and no more.
_ROUNDING = 0.5
_CORES = re.compile(r"(\d{1,4}) (?:Physical|Virtual) Core$", re.ASCII)
_LOADS = ("Load1", "Load5", "Load15")


def state_of(server: Server) -> Members:
    """What its agent last measured. Raises `NoValueError` if that cannot be used."""
    if server.state_doubt:
        raise NoValueError(server.state_doubt)
    return _object(server.state, "state")


def machine_of(server: Server) -> Members:
    """What its agent last said of the machine. Raises `NoValueError` if that is no object."""
    return _object(server.machine, "data of the machine")


def amount(
    members: Members, name: str, limit: float = LARGEST_EXACT, *, is_then: str = "a number that wrapped"
) -> float:
    """An amount, which is never below zero. Raises `NoValueError` for anything else.

    Agents subtract without a sign: a difference that should be below zero wraps, and is enormous. What is above `limit`
    is what `is_then` says.
    """
    if name not in members:
        raise NoValueError(f"it came without {name}")
    raw = members[name]
    if isinstance(raw, bool) or not isinstance(raw, int | float) or _is_endless(raw):
        raise NoValueError(f"{name} should be a number, but is {shape(raw)}")
    if raw < 0:
        raise NoValueError(f"{name} is {raw:g}, below zero")
    if raw > limit:
        raise NoValueError(f"{name} is {raw:.3g}, which is {is_then}")
    return raw


def percent(members: Members, name: str) -> float:
    """A share in percent. Raises `NoValueError` for more than the whole."""
    return _of_the_whole(amount(members, name), f"{name} is")


def total(server: Server, name: str) -> float:
    """How much of something the machine has. Raises `NoValueError` for none: then its agent has not said it yet."""
    found = amount(machine_of(server), name)
    if found == 0:
        raise NoValueError(f"{name} is 0: the agent has not described its machine yet, or cannot")
    return found


def used(server: Server, used_name: str, total_name: str) -> float:
    """The share of a total that is in use, in percent."""
    share = amount(state_of(server), used_name) / total(server, total_name) * 100
    return round(_of_the_whole(share, f"{used_name} is of {total_name}"), 6)


def free(server: Server, used_name: str, total_name: str) -> float:
    """How much of a total is not in use. Raises `NoValueError` if more is in use than there is."""
    whole = total(server, total_name)
    left = whole - amount(state_of(server), used_name)
    if left < 0:
        raise NoValueError(f"{used_name} is more than {total_name}")
    return left


def speed(server: Server, name: str, line_rate: float) -> float:
    """A speed, which the agent computes from counters."""
    return amount(state_of(server), name, line_rate, is_then="a counter that wrapped, or beyond line_rate")


def connections(server: Server, name: str) -> float:
    """A number of connections. An agent always has one to its dashboard: without any, they are not counted."""
    state = state_of(server)
    if amount(state, "TcpConnCount") == 0 and amount(state, "UdpConnCount") == 0:
        raise NoValueError("no connection at all is counted: its agent was started with counting switched off")
    return amount(state, name)


def processes(server: Server) -> float:
    """The number of processes, of which an agent is one."""
    found = amount(state_of(server), "ProcessCount")
    if found == 0:
        raise NoValueError("no process at all is counted: its agent was started with counting switched off")
    return found


def cores(server: Server) -> int:
    """The number of CPU cores, from the words in which they are described."""
    models = machine_of(server).get("CPU")
    if not isinstance(models, list) or not models:
        raise NoValueError(f"the CPUs should be a list of texts, but are {shape(models)}")
    found = [_CORES.search(one) if isinstance(one, str) else None for one in models]
    counts = [int(one[1]) for one in found if one is not None]
    if len(counts) < len(models) or not sum(counts):
        raise NoValueError(f"the CPUs are described without a number of cores: {shape(models[0])}")
    return sum(counts)


def version(server: Server) -> str:
    """The version of its agent."""
    found = machine_of(server).get("Version")
    if not isinstance(found, str):
        raise NoValueError(f"the version of its agent should be a text, but is {shape(found)}")
    if not found.strip():
        raise NoValueError("its agent does not say its version")
    return shown(found)


def sensors(server: Server) -> dict[str, float]:
    """The temperatures by sensor in °C; of several with one name the highest. A sensor that says 0 measures nothing."""
    state = state_of(server)
    if "Temperatures" not in state:
        raise NoValueError("it came without Temperatures, which dashboards send since v0.16.27")
    raw = state["Temperatures"]
    if not isinstance(raw, list | None):
        raise NoValueError(f"Temperatures should be a list, but are {shape(raw)}")
    found: dict[str, float] = {}
    for one in raw or ():
        name = one.get("Name") if isinstance(one, Mapping) else None
        degrees = one.get("Temperature") if isinstance(one, Mapping) else None
        if not isinstance(name, str) or isinstance(degrees, bool) or not isinstance(degrees, int | float):
            raise NoValueError(f"a sensor should have Name and Temperature, but is {shape(one)}")
        if _is_endless(degrees):
            raise NoValueError(f"a temperature is {shape(degrees)}")
        if degrees != 0:
            sensor = label(name)
            found[sensor] = max(degrees, found.get(sensor, degrees))
    return found


# Whether a server has something at all: None where nobody knows, since its agent has not described its machine.


def has_swap(server: Server) -> bool | None:
    """Whether it has swap; a machine without is well."""
    return _absent(server) if _is_zero(_said(server.machine, "SwapTotal")) else True


def has_gpu(server: Server) -> bool | None:
    """Whether it has a GPU. A dashboard that sends no such figure leaves that to the figure to say."""
    without = not _said(server.machine, "GPU") and (not _has_state(server) or _is_zero(_said(server.state, "GPU")))
    return _absent(server) if without else True


def has_sensors(server: Server) -> bool | None:
    """Whether it has sensors of temperature that measure anything."""
    if not _has_state(server):
        return None
    try:
        return True if sensors(server) else _absent(server)
    except NoValueError:
        return True


def has_load(server: Server) -> bool | None:
    """Whether its system has a load average; Windows has none, and says 0."""
    if _has_state(server) and not all(_is_zero(_said(server.state, name)) for name in _LOADS):
        return True
    platform = _said(server.machine, "Platform")
    if isinstance(platform, str) and "windows" in platform.casefold():
        return False
    return True if platform or _is_described(server) else None


def _has_state(server: Server) -> bool:
    return isinstance(server.state, Mapping)


def _absent(server: Server) -> bool | None:
    """What it means that a thing is not there: that there is none, once the agent has described its machine."""
    return False if _is_described(server) else None


def _is_described(server: Server) -> bool:
    """Whether the agent has described its machine, which comes apart from its figures and may come later."""
    memory = _said(server.machine, "MemTotal")
    return isinstance(memory, int) and memory > 0


def _said(members: Any, name: str) -> Any:
    return members.get(name) if isinstance(members, Mapping) else None


def _is_zero(raw: Any) -> bool:
    return raw == 0 and not isinstance(raw, bool)


def _object(raw: Any, what: str) -> Members:
    if not isinstance(raw, Mapping):
        raise NoValueError(f"its {what} should be an object, but is {shape(raw)}")
    return raw


def _of_the_whole(share: float, what: str) -> float:
    if share > 100 + _ROUNDING:
        raise NoValueError(f"{what} {share:.4g} %, more than the whole")
    return min(share, 100.0)


def _is_endless(raw: float) -> bool:
    """Whether a number is none that a double can hold."""
    try:
        return not math.isfinite(raw)
    except OverflowError:
        return True
