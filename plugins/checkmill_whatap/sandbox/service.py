"""The front of the simulated WhaTap: which call is asked, whether the caller may, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from checkmill.api.v1 import Answer, App, Asked, World
from checkmill_whatap.sandbox import pages
from checkmill_whatap.sandbox.fleet import ACCOUNT_TOKEN, GROUPS, PROJECT_TOKEN, PROJECTS, Project

_ACCOUNT_PREFIX = "/open/api/json/"
_MEMBERS = re.compile(r"/open/api/json/(project|group)/([^/]+)/members")
_STATISTICS = "/open/json/stat/sm_stat"
_HOUR_MS = 3600 * 1000

_PROJECT_CALLS: Mapping[str, Callable[[World, Project], Any]] = {
    "/open/json/project": pages.project,
    "/open/json/act_agent": pages.act_agent,
    "/open/json/inact_agent": pages.inact_agent,
    "/open/json/host": pages.hosts,
    "/open/json/cpucore": pages.cpucore,
    "/open/json/infra_cpu": pages.infra_cpu,
    "/open/json/infra_disk_iops": pages.infra_disk_iops,
    "/open/json/infra_net_traffic": pages.infra_net_traffic,
    "/open/json/sm_proc": pages.processes,
    "/open/json/infra_proc": pages.processes,
    "/open/json/sm_servers": pages.sm_servers,
    "/open/json/sm": pages.sm,
}


def start(world: World) -> App:
    """Give the function that answers as WhaTap does in this world."""

    def answer(asked: Asked) -> Answer:
        if asked.method != "GET":
            return _refusal(405, "Method Not Allowed")
        if asked.path in _PROJECT_CALLS or asked.path == _STATISTICS:
            return _project_call(world, asked)
        if asked.path.startswith(_ACCOUNT_PREFIX):
            return _account_call(asked)
        return _refusal(404, "Not Found")

    return answer


def _account_call(asked: Asked) -> Answer:
    members = _MEMBERS.fullmatch(asked.path)
    if asked.path not in {"/open/api/json/projects", "/open/api/json/groups"} and members is None:
        return _refusal(404, "Not Found")
    token = asked.headers.get("x-whatap-token", "")
    if token != ACCOUNT_TOKEN:
        known = token == PROJECT_TOKEN or token in {project.token for project in PROJECTS}
        return _refusal(403, "an account token is required") if known else _refusal(401, "invalid token")
    if members is None:
        return Answer(json=pages.projects() if asked.path.endswith("projects") else pages.groups())
    kind, key = members.groups()
    keys = {str(p.pcode) for p in PROJECTS} if kind == "project" else {group_key for _, group_key, _ in GROUPS}
    return Answer(json=pages.members(key)) if key in keys else _refusal(403, "no permission")


def _project_call(world: World, asked: Asked) -> Answer:
    token = asked.headers.get("x-whatap-token", "")
    pcode = asked.headers.get("x-whatap-pcode", "")
    if token == ACCOUNT_TOKEN:
        return _refusal(403, "a project token is required")
    owner = next((project for project in PROJECTS if project.token == token), None)
    if owner is None and token != PROJECT_TOKEN:
        return _refusal(401, "invalid token")
    if not re.fullmatch(r"[1-9][0-9]{0,17}", pcode):
        return _refusal(400, "x-whatap-pcode is required")
    asked_for = next((project for project in PROJECTS if project.pcode == int(pcode)), None)
    if owner is not None and owner != asked_for:
        return _refusal(403, "the token is that of another project")
    project = asked_for or Project(int(pcode), f"project-{pcode}")
    if asked.path == _STATISTICS:
        return _statistics(world, project, asked.params)
    return Answer(json=_PROJECT_CALLS[asked.path](world, project))


def _statistics(world: World, project: Project, params: Mapping[str, str]) -> Answer:
    stime, etime = (params.get(name, "") for name in ("stime", "etime"))
    if not (re.fullmatch(r"[0-9]{1,15}", stime) and re.fullmatch(r"[0-9]{1,15}", etime)):
        return _refusal(400, "stime and etime are required, in milliseconds")
    if not 0 < int(etime) - int(stime) <= _HOUR_MS:
        return _refusal(400, "the period must be at most one hour")
    width = pages.ROW_S.get(params.get("filter", "m5"))
    oid = params.get("oid")
    if width is None or (oid is not None and not re.fullmatch(r"-?[0-9]{1,10}", oid)):
        return _refusal(400, "bad parameter")
    return Answer(json=pages.sm_stat(world, project, int(stime) // 1000, int(etime) // 1000, width, oid))


def _refusal(status: int, message: str) -> Answer:
    return Answer(status=status, json={"error": message})
