"""Whatever an answer about a scenario holds: no traceback, no value that is none, no text that cannot be printed."""

from __future__ import annotations

import copy
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st

from checkmill.api.v1 import ConnectError, Exchange, NoQuery, Request, Response, Sample, SourceError
from checkmill.testing import play
from checkmill_nhn_monitoring.commands import Defined, Named, Shown, Updated, apply, delete, diff, get, update
from checkmill_nhn_monitoring.definitions import Definition
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from plugins.nhn_monitoring.documented import API_BODY, API_ID, APPKEY, GOOD, PRODUCT, TCP_BODY, settings
from plugins.nhn_monitoring.reading import written
from support.secrets import own_secrets

ODD = ["", " ", "57.0", "NaN", "-5", "a\nb|c;'=\"", "\ud800", "***", "${X}", "$..[?", "//*[", "x" * 999, APPKEY]
LIKELY = ["API", "TCP", "WEB", "enable", "7 * * * * ? *", "http://[", "2020-09-03T08:49:01.197+0000"]
TEXTS = st.sampled_from([*ODD, *LIKELY, "https://a:b@127.0.0.1/?token=abcdefghij"])
NUMBERS = st.sampled_from([0, -1, 1, 30, 0.5, 1e308, 65536, 1 << 31, 1 << 70, 1 << 2000, float("nan"), float("inf")])
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)
HEADERS = {"Authorization": "Bearer abc-def-ghi", "X-Shop": "1"}
FULL = {**API_BODY, "headers": HEADERS, "requestBody": '{"password": "p-a-s-s-w"}'}


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, member in members:
        found += _places(member, (*path, key))
    return found


@st.composite
def answers(draw: st.DrawFn) -> bytes:
    """A documented answer with up to three places replaced by arbitrary JSON, most of them deep inside."""
    body = {**draw(st.sampled_from([API_BODY, TCP_BODY, FULL])), "scenarioId": API_ID}
    answer: Any = copy.deepcopy({"header": GOOD, "body": body})
    for _ in range(draw(st.integers(1, 3))):
        places = _places(answer)
        deep = [place for place in places if len(place) > 1 and place[0] == "body" and place[1] != "scenarioId"]
        place = draw(st.sampled_from([*deep, *deep, *places]))
        value = draw(TEXTS | NUMBERS | JSON)
        if not place:
            answer = value
            continue
        parent = answer
        for key in place[:-1]:
            parent = parent[key]
        parent[place[-1]] = value
    return json.dumps(answer).encode()


def _refused(call: Exchange) -> bytes:
    raise ConnectError(f"no connection to {call.where}: connection refused")


def _responding(body: bytes) -> Any:
    def respond(request: Request) -> Response:
        # What a scenario asks answers nonsense too, and says something else of it.
        own = "/open-api/" in request.url()
        kind = "application/json" if own else "text/html; charset=utf-7"
        return Response(status=200, body=body, headers={"content-type": kind})

    return respond


QUICK = how(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))


@QUICK
@given(body=answers())
def test_any_answer_gives_samples_or_a_source_error(body: bytes) -> None:
    asked = settings(scenarios={"a": API_ID}, allow="*, 0.0.0.0/0")
    with own_secrets(among=True):
        for dataset in {metric.dataset.name: metric.dataset for metric in NHN_MONITORING.metrics}.values():
            try:
                payload = play(dataset.flow(asked, NoQuery()), _responding(body), 1.8e9, converse=_refused)
            except SourceError as error:
                _hold_text(error.sentence)
                continue
            for metric in NHN_MONITORING.metrics:
                if metric.dataset is dataset:
                    for sample in metric.samples(payload, NoQuery()):
                        _hold(sample, metric)


def _hold(sample: Sample, metric: Any) -> None:
    assert set(sample.labels) <= set(metric.labels)
    for text in (sample.reason, *sample.labels.values()):
        _hold_text(text)
    if sample.is_missing:
        assert sample.reason
    elif metric.is_state:
        assert isinstance(sample.value, str)
        _hold_text(sample.value)
    else:
        assert isinstance(sample.value, int | float)
        assert not isinstance(sample.value, bool)
        assert math.isfinite(sample.value)
        assert sample.value >= 0


def _hold_text(text: str) -> None:
    assert text.isprintable()
    text.encode()
    assert APPKEY not in text
    assert PRODUCT not in text


@QUICK
@given(body=answers())
def test_any_answer_gives_a_plan_or_a_source_error(body: bytes) -> None:
    definition = Definition(id=API_ID, name="a", url="https://shop.example", interval=60.0)
    commands = [
        (get, Shown(ids=(API_ID,))),
        (delete, Named(ids=(API_ID,))),
        (update, Updated(definitions=(definition,))),
        (apply, Defined(definitions=(definition,))),
        (diff, Defined(definitions=(definition,))),
    ]
    with own_secrets(among=True):
        for command, asked in commands:
            plan = play(command(settings(), asked), _responding(body))
            for text in (*plan.problems, plan.nothing):
                _hold_text(text)
            for change in plan.changes:
                _hold_text(change.summary)
                for line in change.details:
                    _hold_text(line)
                try:
                    _hold_text(play(change.carry_out(), _responding(body)))
                except SourceError as error:
                    _hold_text(error.sentence)
            if plan.data is not None:
                written(plan.data).encode()


@pytest.mark.parametrize("size", [1 << 20])
def test_a_large_answer_is_read_without_harm(size: int) -> None:
    body = json.dumps({"header": GOOD, "body": {**API_BODY, "description": "x" * size}}).encode()
    plan = play(get(settings(), Shown(ids=(API_ID,))), _responding(body))
    assert len(plan.data["description"]) == size
