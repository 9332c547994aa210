"""Which servers the simulated dashboards watch, and how those fare at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checkmill.api.v1 import World, wave

#: When the simulated silent server last reported: so long before the hour.
SILENT_FOR_S = 2 * 3600
GIB = 1 << 30
_TRUNCATED = 60


@dataclass(frozen=True)
class Machine:
    """A simulated server, with what ails it: hot, full, silent, never, bare (not described yet), or nothing."""

    id: int
    name: str
    tag: str
    ailment: str = ""
    platform: str = "debian"
    memory: int = 16 * GIB
    swap: int = 4 * GIB
    gpus: tuple[str, ...] = ()
    sensors: tuple[str, ...] = ()
    monitored: bool = True
    second_group: str = ""


MACHINES = (
    Machine(1, "web-1", "web", sensors=("coretemp", "nvme"), second_group="eu"),
    Machine(2, "web-2", "web", sensors=("coretemp",), second_group="eu"),
    Machine(3, "web-3", "web", "hot", sensors=("coretemp",)),
    Machine(4, "db-1", "db", "full", memory=64 * GIB, sensors=("nvme", "nvme")),
    Machine(5, "db-2", "db", "silent", memory=64 * GIB),
    Machine(7, "cache-1", "cache", swap=0),
    Machine(8, "cache-2", "cache", "never", swap=0, monitored=False),
    Machine(9, "worker", "批处理 & batch", gpus=("NVIDIA A2",), monitored=False),
    Machine(11, "worker", "批处理 & batch", "bare", monitored=False),
    Machine(12, "office-1", "", platform="Microsoft Windows Server 2022", swap=0, monitored=False),
)
MONITORS = ((1, "gateway"), (2, "shop front"), (3, "branch office"))
#: The monitor that no server reaches.
UNREACHED = 3


@dataclass(frozen=True)
class Health:
    """How one server fares: every value depends on the world's seed, its id and the time alone."""

    world: World
    machine: Machine

    @property
    def reported(self) -> float | None:
        """When it last reported; None for never."""
        now = self.world.clock()
        if self.machine.ailment == "never":
            return None
        if self.machine.ailment == "silent":
            return now // 3600 * 3600 - SILENT_FOR_S
        return now - 3 * self._chance("report")

    @property
    def uptime(self) -> int:
        """How long it is up, in seconds, as of its last report."""
        started = self.world.clock() // 86400 * 86400 - 86400 * (3 + int(90 * self._chance("uptime")))
        return int((self.reported or 0) - started)

    @property
    def started(self) -> int:
        """When it was started."""
        return int((self.reported or 0) - self.uptime)

    def state(self) -> dict[str, Any]:
        """Its figures at its last report, with the names of generation v0."""
        machine = self.machine
        hot, full = machine.ailment == "hot", machine.ailment == "full"
        cpu = self._at("cpu", 92.0, 99.5, 900.0) if hot else self._at("cpu", 3.0, 45.0, 900.0)
        load = 0.0 if "Windows" in machine.platform else round(cpu / 20, 2)
        disk = self._at("disk", 96.0, 98.5, 86400.0) if full else self._at("disk", 20.0, 70.0, 86400.0)
        temperatures = [{"Name": name, "Temperature": self._at(name, 38.0, 55.0)} for name in machine.sensors]
        return {
            "CPU": cpu,
            "MemUsed": int(machine.memory * self._at("memory", 30.0, 65.0) / 100),
            "SwapUsed": int(machine.swap * self._at("swap", 0.5, 12.0) / 100),
            "DiskUsed": int(self.disk * disk / 100),
            "NetInTransfer": 4_000_000 * self.uptime,
            "NetOutTransfer": 1_500_000 * self.uptime,
            "NetInSpeed": int(self._at("in", 2e5, 4e7, 600.0)),
            "NetOutSpeed": int(self._at("out", 1e5, 2e7, 600.0)),
            "Uptime": self.uptime,
            "Load1": load,
            "Load5": round(load * 0.9, 2),
            "Load15": round(load * 0.8, 2),
            "TcpConnCount": int(self._at("tcp", 40, 400)),
            "UdpConnCount": int(self._at("udp", 5, 40)),
            "ProcessCount": int(self._at("processes", 120, 240)),
            "Temperatures": temperatures or None,
            "GPU": self._at("gpu", 10.0, 80.0) if machine.gpus else 0,
        }

    @property
    def disk(self) -> int:
        """How much disk space it has."""
        return 500 * GIB

    def history(self, monitor: int) -> tuple[list[int], list[float]]:
        """What a monitor measured in 24 hours: times in epoch milliseconds, cut to the minute, and delays in ms.

        A delay of what was not reached is 0.
        """
        until = self.reported or self.world.clock()
        slow = self.machine.ailment == "hot" and monitor == 1
        times = [int(until - back) // _TRUNCATED * _TRUNCATED for back in range(85500, -1, -900)]
        low, high = (280.0, 420.0) if slow else (4.0, 60.0)
        if monitor == UNREACHED:
            return [at * 1000 for at in times], [0.0] * len(times)
        delays = [round(self._wave(at, f"monitor {monitor}", low, high, 3600.0), 3) for at in times]
        return [at * 1000 for at in times], delays

    def _at(self, what: str, low: float, high: float, period_s: float = 3600.0) -> float:
        return round(self._wave(self.reported or 0.0, what, low, high, period_s), 6)

    def _wave(self, at: float, what: str, low: float, high: float, period_s: float) -> float:
        return wave(at, self.world.seed, self.machine.id, what, low=low, high=high, period_s=period_s)

    def _chance(self, what: str) -> float:
        return self.world.chance(self.machine.id, what)


def health_of(world: World) -> list[Health]:
    """How every server fares."""
    return [Health(world, machine) for machine in MACHINES]
