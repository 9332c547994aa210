"""Who lives in the simulated organisation: members, resources, event kinds, and when which alarm told of what."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from checkmill.api.v1 import World

APPKEY = "SANDBOXwatcher01"
USER_ACCESS_KEY = "SANDBOXuseraccess001"
SECRET_ACCESS_KEY = "SANDBOXsecretaccess1"  # noqa: S105 - opens the simulated organisation alone

ORGANISATION = "SANDBOXorg000001"
DAY_S = 86400
#: How far back the simulated history goes.
DEEPEST_S = 3 * DAY_S
#: So long a notification is on its way.
SENDING_S = 20.0


@dataclass(frozen=True)
class Member:
    """Somebody whose data must never be shown."""

    uuid: str
    user: str
    name: str
    email: str
    address: str


@dataclass(frozen=True)
class Project:
    """A simulated project."""

    id: str
    name: str


@dataclass(frozen=True)
class Kind:
    """A kind of event: its product by id and by names, its own id, and the name by which it can be searched."""

    product: str
    product_ko: str
    product_en: str
    event: str
    name: str

    def product_name(self, lang: str) -> str:
        """The product in a language; all but Korean are English here."""
        return self.product_ko if lang == "ko" else self.product_en


@dataclass(frozen=True)
class Thing:
    """A simulated resource."""

    id: str
    name: str
    type: str
    project: Project
    product: str
    by_system: bool = False
    member: Member | None = None

    @property
    def key(self) -> str:
        """Its `resourceKey`."""
        return f"{self.type.lower()}-{self.id}"

    @property
    def ncrn(self) -> str:
        """Its `cloudResourceName`."""
        return f"{ORGANISATION}:{self.project.id}:{self.type}:KR1:{self.id}"


@dataclass(frozen=True)
class Role:
    """What a simulated alarm does: an event of each of `kinds` in turn, every so many seconds, on `things` in turn.

    Of the notifications every `fails`-th fails and every `sticks`-th is never finished; 0 is none. `last_s` is how
    long ago the last event happened, when there is none any more.
    """

    kinds: tuple[int, ...] = ()
    things: tuple[int, ...] = ()
    every_s: int = 0
    fails: int = 0
    sticks: int = 0
    last_s: int = 0


@dataclass(frozen=True)
class Event:
    """One event that an alarm told of; times are epoch seconds."""

    number: int
    at: int
    kind: Kind
    thing: Thing
    member: Member
    result: str


MEMBERS = (
    Member(
        "7d1f0c52-0001-4a63-9c1e-5a4f00000001", "minji.kim", "Minji Kim", "minji.kim@sandbox.example", "203.0.113.17"
    ),
    Member("7d1f0c52-0002-4a63-9c1e-5a4f00000002", "jun.park", "박준", "jun.park@sandbox.example", "198.51.100.24"),
)
SHOP, PAY = Project("pSHOP001", "shop"), Project("pPAY0002", "결제")
KINDS = (
    Kind("rgTJ3AZa", "인스턴스", "Instance", "event_id.instance.create", "Create instance"),
    Kind("rgTJ3AZa", "인스턴스", "Instance", "event_id.instance.delete", "Delete instance"),
    Kind("rgTJ3AZa", "인스턴스", "Instance", "event_id.instance.resize", "Resize instance"),
    Kind("K3nWq8Vb", "RDS for MySQL", "RDS for MySQL", "event_id.rds_for_mysql.backup", "Back up"),
    Kind("K3nWq8Vb", "RDS for MySQL", "RDS for MySQL", "event_id.rds_for_mysql.failover", "Fail over"),
    Kind("iam00001", "조직 관리", "Organization", "event_id.iam.member.add", "Add member"),
    Kind("iam00001", "조직 관리", "Organization", "event_id.iam.role.change", "Change role"),
    Kind("net00001", "보안 그룹", "Security Groups", "event_id.security_group.open", "Open port"),
)
THINGS = (
    Thing("web-0001", "web-1", "INSTANCE", SHOP, "rgTJ3AZa"),
    Thing("web-0002", "web-2", "INSTANCE", SHOP, "rgTJ3AZa", by_system=True),
    Thing("db-0001", "orders", "RDS_INSTANCE", SHOP, "K3nWq8Vb"),
    Thing("db-0002", "결제-db", "RDS_INSTANCE", PAY, "K3nWq8Vb"),
    # Should a member ever be a resource, it is called like the member.
    Thing(MEMBERS[1].uuid, MEMBERS[1].name, "IAM_MEMBER", PAY, "iam00001", member=MEMBERS[1]),
    Thing("sg-0001", "office", "SECURITY_GROUP", PAY, "net00001"),
)
ROLES = {
    "deploys": Role(kinds=(0, 2, 1), things=(0, 1), every_s=900),
    "members": Role(kinds=(5, 6), things=(4,), every_s=600, fails=3),
    "databases": Role(kinds=(3, 4), things=(2, 3), every_s=1800, sticks=10),
    "결제 네트워크": Role(kinds=(7,), things=(5,), every_s=2400),
    "old-project": Role(kinds=(1,), things=(1,), last_s=12 * DAY_S),
    "gone": Role(),
}


def events_of(world: World, name: str) -> Iterator[Event]:
    """The events that an alarm of this name told of, the newest first."""
    role = ROLES.get(name, Role())
    now = int(world.clock())
    if role.last_s:
        day = now // DAY_S * DAY_S
        yield from (_event(role, number, day - role.last_s - 3600 * number, now) for number in range(3))
    if role.every_s:
        for number in range(now // role.every_s, (now - DEEPEST_S) // role.every_s, -1):
            at = number * role.every_s + int(world.chance(name, number) * role.every_s / 2)
            if at <= now:
                yield _event(role, number, at, now)


def _event(role: Role, number: int, at: int, now: int) -> Event:
    result = "SUCCESS"
    if (role.sticks and number % role.sticks == 0) or now - at < SENDING_S:
        result = "SENDING"
    elif role.fails and number % role.fails == 0:
        result = "FAILURE"
    kind, thing = KINDS[role.kinds[number % len(role.kinds)]], THINGS[role.things[number % len(role.things)]]
    return Event(number, at, kind, thing, MEMBERS[number % len(MEMBERS)], result)
