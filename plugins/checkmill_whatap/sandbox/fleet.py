"""Who lives in the simulated WhaTap: projects, their tokens, their servers, and how those fare at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checkmill.api.v1 import World, wave

ACCOUNT_TOKEN = "SANDBOXACCOUNT0123456789"  # noqa: S105 - opens the simulated account alone
PROJECT_TOKEN = "SANDBOXPROJECT0123456789"  # noqa: S105 - opens simulated projects alone

GIB = 1 << 30
#: When the simulated servers last started, and when the inactive one fell silent: so long before the hour.
STARTED_BEFORE_S = 40 * 86400
SILENT_FOR_S = 2 * 3600


@dataclass(frozen=True)
class Project:
    """A simulated project."""

    pcode: int
    name: str
    product: str = "SMS"
    platform: str = "INFRA"
    status: str = "subscribe"
    group: str = ""

    @property
    def token(self) -> str:
        """The project's own API token: 24 letters and digits."""
        return f"SANDBOXPCODE{self.pcode:012d}"


@dataclass(frozen=True)
class Machine:
    """A simulated server, with what ails it: `hot`, `full`, `silent`, `warning`, `fatal`, or nothing."""

    name: str
    ailment: str = ""
    os: str = "linux"
    cores: int = 4
    memory: int = 16 * GIB
    swap: int = 4 * GIB
    mounts: tuple[str, ...] = ("/", "/boot")
    processes: tuple[str, ...] = ("sshd",)


PROJECTS = (
    Project(12345, "shop", group="retail"),
    Project(12346, "prod-pay", group="retail"),
    Project(12347, "prod-search", status="trial"),
    Project(12348, "물류-창고", status="close_pending"),
    Project(12349, "shop-apm", product="APM", platform="JAVA"),
    Project(12350, "shop-db", product="DB", platform="MYSQL"),
)
GROUPS = (("retail", "G1RETAIL", "shops and payment"), ("platform", "G2PLATFORM", ""))
MEMBERS = (
    ("minji@sandbox.example", "Minji Kim", "super_admin", "Super Admin"),
    ("jun@sandbox.example", "Jun Park", "member", "Member"),
    ("sora@sandbox.example", "Sora Lee", "member", "Member"),
)

_WEB = ("nginx", "nginx", "nginx", "java", "sshd")
SICK = (
    Machine("web-1", processes=_WEB),
    Machine("web-2", processes=_WEB),
    Machine("web-3", "warning", processes=_WEB),
    Machine("web-4", "silent", processes=_WEB),
    Machine("db-1", "full", cores=8, memory=64 * GIB, mounts=("/", "/boot", "/data"), processes=("mysqld", "sshd")),
    Machine("db-2", cores=8, memory=64 * GIB, mounts=("/", "/boot", "/data"), processes=("mysqld", "sshd")),
    Machine("batch-1", "hot", swap=0, processes=("python3", "python3", "cron", "sshd")),
    Machine("batch-2", swap=0, processes=("python3", "cron", "sshd")),
    Machine("office-1", "fatal", os="windows", mounts=("C:", "D:"), processes=("w3wp.exe", "svchost.exe")),
    Machine("서울-캐시-1", cores=2, memory=8 * GIB, processes=("redis-server", "sshd")),
)
HEALTHY = tuple(Machine(m.name, "", m.os, m.cores, m.memory, m.swap, m.mounts, m.processes) for m in SICK[:8:2])


def machines_of(project: Project) -> tuple[Machine, ...]:
    """The servers of a project: those of the first and of unlisted ones are partly sick, others are well."""
    if project.platform != "INFRA":
        return ()
    return HEALTHY if project in PROJECTS[1:] else SICK


@dataclass(frozen=True)
class Health:
    """How one server fares: every value depends on the world's seed, its project, its name and the time alone."""

    world: World
    project: Project
    machine: Machine

    @property
    def oid(self) -> int:
        """Its id: signed, 32 bits, as often negative as not."""
        return int(self._chance("oid") * 0xFFFFFFFE) - 0x7FFFFFFF

    @property
    def active(self) -> bool:
        """Whether its agent reports."""
        return self.machine.ailment != "silent"

    @property
    def status(self) -> str:
        """WhaTap's word for it."""
        return {"silent": "inactive", "warning": "warning", "fatal": "fatal"}.get(self.machine.ailment, "ok")

    @property
    def silent_since(self) -> float:
        """When it became inactive; constant within an hour."""
        return self.world.clock() // 3600 * 3600 - SILENT_FOR_S

    @property
    def started(self) -> float:
        """When it was started."""
        day = self.world.clock() // 86400 * 86400
        return day - STARTED_BEFORE_S - int(self._chance("started") * 86400 * 30)

    def cpu(self, at: float) -> float:
        """CPU use in percent."""
        low, high = {"hot": (95.0, 99.5), "warning": (72.0, 88.0)}.get(self.machine.ailment, (3.0, 45.0))
        return self.at(at, "cpu", low, high, 900.0)

    def memory_used(self, at: float) -> float:
        """Memory use in percent."""
        low, high = (93.0, 98.0) if self.machine.ailment == "fatal" else (30.0, 65.0)
        return self.at(at, "memory", low, high)

    def swap_used(self, at: float) -> float:
        """Swap use in percent."""
        return self.at(at, "swap", 0.5, 12.0, 7200.0) if self.machine.swap else 0.0

    def disk_used(self, at: float, mount: str) -> float:
        """Use of a mount point in percent."""
        full = self.machine.ailment == "full" and mount == self.machine.mounts[-1]
        return self.at(at, f"disk {mount}", *((96.5, 99.0) if full else (20.0, 70.0)), 86400.0)

    def disk_busy(self, at: float, mount: str) -> float:
        """How busy the disk of a mount point is, in percent."""
        return self.at(at, f"busy {mount}", 0.0, 35.0, 600.0)

    def traffic(self, at: float, way: str) -> float:
        """Traffic of its network interface, in or out."""
        return self.at(at, f"traffic {way}", 2e5, 4e7, 600.0)

    def at(self, at: float, what: str, low: float, high: float, period_s: float = 3600.0) -> float:
        """The value of anything about it at a time, between low and high."""
        name = (self.project.pcode, self.machine.name, what)
        return round(wave(at, self.world.seed, *name, low=low, high=high, period_s=period_s), 6)

    def _chance(self, what: str) -> float:
        return self.world.chance(self.project.pcode, self.machine.name, what)


def health_of(world: World, project: Project) -> Iterator[Health]:
    """How every server of a project fares."""
    for machine in machines_of(project):
        yield Health(world, project, machine)
