"""Answers in the shape that Checkmk documents, made to measure, and how tests ask for them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from checkmill.api.v1 import Metric, Request, Response, Sample, Secret
from checkmill.testing import play
from checkmill_checkmk.metrics import CHECKMK
from checkmill_checkmk.settings import Settings, SlaQuery

USER, SECRET = "automation", "Zt7-secret-of-the-robot"
HOST, SERVICE, SLA = "myhost", "CPU load", "sla_configuration_1"
#: A little after the seed's answer was computed: Friday, 2018-06-29, 14:02 in central Europe.
NOW = 1530273740.0
LAST_WEEK = (1529272800.0, 1529877600.0)
THIS_WEEK = (1529877600.0, 1530273734)

#: The SLA periods in a key: one, the last closed one.
AS_ASKED = ("sla_period_range", (1, 0))
#: The answer of Checkmk's own announcement of the call, as it stands there.
SEED = """{'mysite': {'myhost': {'CPU load':
{(('myhost', 'CPU load'), 'sla_configuration_1', ('sla_period_range', (0, 1)), 'weekly'):
{'plugin_results': [{'period_results': [{'duration': 604800.0,
'sla_broken': False,
'statistics': {'duration': {-1: 604800.0},
'percentage': {-1: 100.0}},
'subresults': [{'deviation_info': {'deviation': 0.0,
'deviation_state': 2,
'levels': (0,
0),
'limit': 0.0},
'error_instances': [],
'requirement': (0,
'min',
0.0),
'sla_broken': False}],
'timerange': (1529272800.0,
1529877600.0)},
{'duration': 396134.0,
'sla_broken': False,
'statistics': {'duration': {-1: 385358.0,
0: 10776},
'percentage': {-1: 97.27970838150726,
0: 2.7202916184927326}},
'subresults': [{'deviation_info': {'deviation': 2.7202916184927326,
'deviation_state': 0,
'levels': (0,
0),
'limit': 0.0},
'error_instances': [],
'requirement': (0,
'min',
0.0),
'sla_broken': False}],
'timerange': (1529877600.0,
1530273734)}],
'plugin_id': 'service_state_percentage',
'timerange_sla_duration': 1000934.0}],
'sla_id': 'sla_configuration_1',
'sla_period': 'weekly'}}}}}"""


def subresult(*, broken: Any = False, deviation: Any = 0.5, state: Any = 0, levels: Any = (0, 0), **more: Any) -> Any:
    """One requirement of a period: `(0, 'min', 99.0)` unless `requirement` says otherwise."""
    return {
        "requirement": (0, "min", 99.0),
        "sla_broken": broken,
        "deviation_info": {"deviation": deviation, "deviation_state": state, "levels": levels, "limit": 0.0},
        "error_instances": [],
        **more,
    }


def span(
    timerange: Any = LAST_WEEK, *, broken: Any = False, percentage: Any = None, subresults: Any = None, **more: Any
) -> Any:
    """One period of a computation."""
    percentage = {0: 99.5, 2: 0.5} if percentage is None else percentage
    lasted = timerange[1] - timerange[0]
    shares = percentage.items() if isinstance(percentage, dict) else []
    return {
        "timerange": timerange,
        "duration": float(lasted),
        "sla_broken": broken,
        "statistics": {
            "duration": {state: lasted * share / 100 for state, share in shares if isinstance(share, int | float)},
            "percentage": percentage,
        },
        "subresults": [subresult(broken=broken, deviation=-0.5 if broken else 0.5)]
        if subresults is None
        else subresults,
        **more,
    }


def computation(*spans: Any, plugin_id: Any = "service_state_percentage") -> Any:
    """One computation over some periods."""
    return {"plugin_id": plugin_id, "timerange_sla_duration": 604800.0, "period_results": list(spans or [span()])}


def result(*computations: Any, sla: Any = SLA, cycle: Any = "weekly") -> Any:
    """One SLA of one service."""
    return {"sla_id": sla, "sla_period": cycle, "plugin_results": list(computations or [computation()])}


def key(host: Any = HOST, service: Any = SERVICE, sla: Any = SLA, cycle: Any = "weekly") -> Any:
    """The key of a result; a `Site` puts the SLA periods that it was asked for into it."""
    return ((host, service), sla, AS_ASKED, cycle)


def of_one(value: Any = None, *, site: str = "mysite") -> Any:
    """An answer with one result."""
    value = result() if value is None else value
    cycle = value.get("sla_period", "weekly") if isinstance(value, dict) else "weekly"
    return {site: {HOST: {SERVICE: {key(cycle=cycle): value}}}}


def envelope(value: Any, code: Any = 0) -> str:
    """A value in the frame of the Web API, as Python text."""
    return repr({"result_code": code, "result": value})


def settings(**more: Any) -> Settings:
    """Settings of one site, which ask for one SLA of one service."""
    given = {"sla": SLA, "services": ((HOST, SERVICE),), **more}
    return Settings(base_url="https://monitoring.example/mysite", username=USER, secret=Secret(SECRET), **given)


@dataclass
class Site:
    """Answers requests one after the other, the last one for good; keeps what came.

    A text or bytes are a body, a response is itself, a function makes an answer of the request, all else is a result.
    """

    answers: list[Any]
    asked: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        self.asked.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Callable):
            answer = answer(request)
        if isinstance(answer, Response):
            return answer
        text = answer if isinstance(answer, str | bytes) else envelope(_as_asked(answer, request))
        body = text.encode() if isinstance(text, str) else text
        return Response(status=200, body=body, url=request.shown_url(), elapsed_s=2.5)


def _as_asked(answer: Any, request: Request) -> Any:
    """A result whose keys name the SLA periods that a request asks for, where they do not say otherwise."""
    form, *numbers = query_of(request)[0][1][0].split(":")
    if form != "sla":
        return answer
    asked = ("sla_period_range", tuple(map(int, numbers)))
    return _with_keys(answer, lambda one: (*one[:2], asked, *one[3:]))


def _with_keys(value: Any, change: Callable[[Any], Any]) -> Any:
    if not isinstance(value, dict):
        return value
    inner = {name: _with_keys(one, change) for name, one in value.items()}
    return {change(name) if _is_as_asked(name) else name: one for name, one in inner.items()}


def _is_as_asked(name: Any) -> bool:
    return isinstance(name, tuple) and len(name) > 2 and name[2] is AS_ASKED


def query_of(request: Request) -> Any:
    """The query of a request in JSON."""
    assert request.form is not None
    return json.loads(str(request.form["request"]))["query"]


def metric(name: str) -> Metric[Any, Any, Any]:
    """The metric of that name."""
    found = CHECKMK.metric(name)
    assert found is not None, f"no metric {name}"
    return found


def samples(name: str, *answers: Any, given: Settings | None = None, at: float = NOW, **query: Any) -> list[Sample]:
    """What a metric gives for some answers, in order."""
    site = answers[0] if answers and isinstance(answers[0], Site) else Site(list(answers) or [of_one()])
    how = SlaQuery(**query)
    payload = play(metric(name).dataset.flow(given or settings(), how), site, at)
    return list(metric(name).samples(payload, how))


def only(found: list[Sample]) -> Sample:
    """The single sample of a list."""
    assert len(found) == 1, found
    return found[0]


def labels(**more: str) -> dict[str, Any]:
    """The labels of the one result that `settings` asks for."""
    return {"site": "mysite", "host": HOST, "service": SERVICE, "sla": SLA, "period": "sla:1", **more}


def said(found: list[Sample]) -> list[tuple[Any, str]]:
    """Values of samples with what is said beside them."""
    return [(sample.value, sample.reason) for sample in found]
