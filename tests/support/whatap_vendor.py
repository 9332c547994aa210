"""A WhaTap and a batch monitoring of NHN on loopback, made after their documentation and not after the sandboxes.

Both count what they are asked, refuse a wrong credential, and misbehave as told.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from support.loopback import Got, Reply, Server, http_server

PCODE = "5490"
TOKEN = "X2QEP7TOKENOFTHEPROJECT0"
ACCOUNT_TOKEN = "9HJACCOUNTTOKENOFALL0000"
APPKEY = "81713f1cc96b4eae834f7535ec4fae7a"

CPU = "/open/json/infra_cpu"
ACTIVE = "/open/json/act_agent"
INACTIVE = "/open/json/inact_agent"
HOSTS = "/open/json/host"
CORES = "/open/json/cpucore"
DISK = "/open/json/infra_disk_iops"
SERVERS = "/open/json/sm_servers"
PROJECTS = "/open/api/json/projects"
MULTIPLE = "/v1.0/monitoring/batchmon"

#: Makes a reply, or is one.
Answering = Reply | Callable[[Got], Reply]


def as_json(document: Any, status: int = 200, **headers: str) -> Reply:
    """A reply in JSON."""
    body = json.dumps(document, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json", **headers})


def values(value: Any) -> Reply:
    """An answer of a project, in its wrapping."""
    return as_json({"pname": "LOCAL_INFRA", "values": value})


@dataclass
class Vendor:
    """A WhaTap with one project, or with those of `projects` (name to project token, codes counted from 1).

    `answers` says by path what is answered instead of the documented sample; a path in `hanging` is never answered.
    """

    answers: dict[str, Answering] = field(default_factory=dict)
    hanging: set[str] = field(default_factory=set)
    projects: dict[str, str] = field(default_factory=dict)
    account_token: str = ACCOUNT_TOKEN
    over: threading.Event = field(default_factory=threading.Event)
    asked: threading.Event = field(default_factory=threading.Event)
    server: Server = field(default_factory=lambda: Server(0))

    def __post_init__(self) -> None:
        self.show(CPU, {"web-1": 42.5})
        self.show(DISK, {"web-1": {"bps": 4447.892, "iops": 0.77481234}})
        for path, number in ((ACTIVE, "57.0"), (INACTIVE, "0.0"), (HOSTS, "57.0"), (CORES, "228.0")):
            self.show(path, number)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def requests(self) -> list[str]:
        """The paths asked for so far."""
        return [urlsplit(got.target).path for got in self.server.got]

    def show(self, path: str, value: Any) -> None:
        """Answer with values, as documented."""
        self.answers[path] = values(value)

    def answer(self, got: Got) -> Reply:
        self.asked.set()
        path = urlsplit(got.target).path
        if path in self.hanging:
            self.over.wait(10)
        if got.method != "GET":
            return as_json({"error": "method"}, 405)
        if path == PROJECTS and got.headers.get("x-whatap-token") == self.account_token:
            return as_json({"data": list(map(_project, enumerate(self.projects.items(), 1))), "total": 0})
        answer = self.answers.get(path)
        if isinstance(answer, Reply) and answer.status == 200 and not self._may(got):
            return as_json({"error": "invalid token"}, 401)
        if answer is None:
            return as_json({"error": "not found"}, 404)
        return answer if isinstance(answer, Reply) else answer(got)

    def _may(self, got: Got) -> bool:
        tokens = {PCODE: TOKEN, **{str(code): token for code, token in enumerate(self.projects.values(), 1)}}
        return got.headers.get("x-whatap-token") == tokens.get(got.headers.get("x-whatap-pcode", ""))


def _project(numbered: tuple[int, tuple[str, str]]) -> Mapping[str, Any]:
    code, (name, token) = numbered
    return {
        "groupName": "",
        "projectCode": code,
        "projectName": name,
        "status": "subscribe",
        "productType": "SMS",
        "platform": "INFRA",
        "gatewayName": "LOCAL",
        "apiToken": token,
    }


@dataclass
class Batchmon:
    """A batch monitoring that knows every scenario but those of `unknown`; `reply` is answered instead, if given."""

    unknown: set[str] = field(default_factory=set)
    reply: Answering | None = None
    taken: list[tuple[str, Any]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    server: Server = field(default_factory=lambda: Server(0))

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def requests(self) -> list[str]:
        return [got.target.replace(APPKEY, "APPKEY") for got in self.server.got]

    def answer(self, got: Got) -> Reply:
        if self.reply is not None:
            return self.reply if isinstance(self.reply, Reply) else self.reply(got)
        if got.target == MULTIPLE:
            post = json.loads(got.body)
            pairs = [(entry["appkey"], one) for entry in post["target"] for one in entry["scenarioIdList"]]
            data = json.loads(post["data"])
        else:
            _, _, appkey, _, scenario = got.target.removeprefix(MULTIPLE).split("/")
            pairs, data = [(unquote(appkey), unquote(scenario))], json.loads(got.body)
        if any(appkey != APPKEY or scenario in self.unknown for appkey, scenario in pairs):
            return as_json({"header": {"isSuccessful": False, "resultCode": -4, "resultMessage": "NO SCENARIO"}})
        self.taken += [(scenario, data) for _, scenario in pairs]
        echoes = [{"pk": {"requestId": f"request-{one}"}, "scenarioId": one} for _, one in pairs]
        header = {"isSuccessful": True, "resultCode": 0, "resultMessage": "SUCCESS"}
        return as_json({"header": header, "body": echoes if got.target == MULTIPLE else echoes[0]})

    def states(self) -> Sequence[tuple[str, str]]:
        """The scenarios that were posted to, and the state that each got."""
        return [(scenario, data["state"]) for scenario, data in self.taken]


@contextmanager
def serving(one: Vendor | Batchmon) -> Iterator[None]:
    """Have a vendor answer while the body runs."""
    with http_server(one.answer) as server:
        one.server = server
        try:
            yield
        finally:
            one.over.set()
