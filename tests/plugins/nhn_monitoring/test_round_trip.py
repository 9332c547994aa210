"""Whatever a definition says, what it becomes at the service means the same, and comes back as one that does."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from checkmill.api.v1 import Request, Response, Secret, World
from checkmill.testing import play, vendor
from checkmill_nhn_monitoring.commands import Defined, Shown, apply, diff, get
from checkmill_nhn_monitoring.definitions import Condition, Definition, TextValidation
from checkmill_nhn_monitoring.sandbox import APPKEY, PRODUCT_APPKEY, SANDBOX
from checkmill_nhn_monitoring.settings import Settings
from plugins.nhn_monitoring.reading import definitions, written
from support.secrets import own_secrets

SOURCE = Settings(appkey=Secret(APPKEY), product_appkey=Secret(PRODUCT_APPKEY), scenarios=())
QUICK = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])

#: What people and programs write: other scripts, quotes, braces, line ends, things that look like YAML or references.
TEXT = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="*") | st.sampled_from("${}[]:#'\"\\|>-%@`!&\n\t "),
    max_size=20,
) | st.sampled_from(["no", "12:30", "0o17", "null", "${HOME}", "$${x}", "${", "- a", "a: b", "1.0", "=", "<<"])
LINE = TEXT.map(lambda text: " ".join(text.split())).filter(bool)
PLAIN = st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-._~", min_size=1, max_size=12)
CRON = st.sampled_from(
    ["* * * * ?", "*/5 * * * *", "0 9 ? * MON-FRI", "0,30 8-18/2 1 1,6 ?", "0 0 L * ?", "15 3 ? * 6#3 2030"]
)
PATHS = {
    "JSON": ["$", "$.a['${x}']", "$..b[?@.c > 5]", "$.items.length()"],
    "HTML": ["//title", "count(//p) - 1", "//p[@class='${x}']"],
    "XML": ["/feed/@state", "//f:entry", "string(//a)"],
}
INTERVAL = st.sampled_from([30, 45, 60, 90, 120, 300, 420, 3600, 7200, 86400, 100_000]).map(float)


@st.composite
def schedules(draw: st.DrawFn) -> dict[str, Any]:
    return draw(st.one_of(INTERVAL.map(lambda s: {"interval": s}), CRON.map(lambda cron: {"cron": cron})))


@st.composite
def conditions(draw: st.DrawFn, kind: str) -> Condition:
    operator = draw(st.sampled_from(["CONTAINS", "NOT_CONTAINS", "EQ", "NE", "GT", "GTE", "LT", "LTE"]))
    if operator in {"CONTAINS", "NOT_CONTAINS"} and draw(st.booleans()):
        return Condition(expression=draw(LINE), operator=operator)
    ordering = operator in {"GT", "GTE", "LT", "LTE"}
    operand = draw(st.sampled_from(["1", " 2.5", "-3e4"]) if ordering else TEXT)
    return Condition(expression=draw(st.sampled_from(PATHS[kind])), operator=operator, operand=operand)


@st.composite
def scenarios(draw: st.DrawFn) -> Definition:
    query = draw(st.sampled_from(["", "?a=1", "?token=geheimnis-1&x=%20", "?key=geheimnis-2#part"]))
    login = draw(st.sampled_from(["", "kim@", "kim:geheimnis-3@"]))
    kind = draw(st.sampled_from(["JSON", "HTML", "XML"]))
    checks = tuple(draw(st.lists(conditions(kind), max_size=3)))
    return Definition(
        name=draw(LINE),
        description=draw(TEXT),
        url=f"{draw(st.sampled_from(['http', 'https']))}://{login}shop.example/{draw(PLAIN)}{query}",
        method=draw(st.none() | st.sampled_from(["GET", "POST", "PUT", "DELETE"])),
        headers=draw(
            st.dictionaries(
                st.sampled_from(["Accept", "Authorization", "X-Api-Key", "x-shop", "Cookie"]),
                st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="*"), max_size=20),
                max_size=3,
            )
        ),
        body=draw(st.none() | TEXT | st.just('{"password": "geheimnis-4", "n": 1}')),
        regions=tuple(draw(st.lists(st.sampled_from(["KOR", "US"]), min_size=1, max_size=3))),
        tolerated_errors=draw(st.integers(0, 1000)),
        timeout=draw(st.none() | st.integers(1, 600_000).map(lambda ms: ms / 1000)),
        response_codes=tuple(draw(st.lists(st.sampled_from(["200", "201", "302", "404", "503"]), max_size=4))),
        text_validation=TextValidation(type=kind, conditions=checks) if checks else None,
        avoiding_text=draw(TEXT),
        browser_option=draw(st.sampled_from([{"OPT_LOCALE": "kr"}, {"OPT_LOCALE": "en", "x": "1"}])),
        ip=draw(st.none() | st.just("10.1.2.3")),
        **draw(schedules()),
    )


class Service:
    """The simulated service, and the bodies that were sent to it."""

    def __init__(self) -> None:
        self.app = SANDBOX.start(World(lambda: 1_767_268_800.0))
        self.sent: list[Any] = []

    def __call__(self, request: Request) -> Response:
        self.sent.append(json.loads(request.sent_body() or b"null"))
        return vendor(self.app)(request)


@QUICK
@given(wanted=scenarios())
def test_what_was_created_is_as_written(wanted: Definition) -> None:
    with own_secrets():
        service = Service()
        plan = play(apply(SOURCE, Defined(definitions=(wanted,))), service)
        assert len(plan.changes) == 1
        said = play(plan.changes[0].carry_out(), service)
        assert "otherwise" not in said
        made = said.rpartition("; its id is ")[2].partition(":")[0]
        same = Definition(**{**vars(wanted), "id": made})
        plan = play(diff(SOURCE, Defined(definitions=(same,))), service)
        assert (plan.changes, plan.problems) == ([], [])


@QUICK
@given(wanted=scenarios())
def test_what_get_shows_is_taken_back_and_changes_nothing(wanted: Definition) -> None:
    with own_secrets():
        service = Service()
        plan = play(apply(SOURCE, Defined(definitions=(wanted,))), service)
        said = play(plan.changes[0].carry_out(), service)
        made = said.rpartition("; its id is ")[2].partition(":")[0]
        plan = play(get(SOURCE, Shown(ids=(made,))), service)
        assert plan.problems == []
        text = written(plan.data)
    assert "geheimnis" not in text
    # A credential that stands in another text too is shown as stars there, which apply refuses.
    assume("***" not in text)
    with own_secrets():
        back = definitions(text, _environment(plan.data, service.sent[0]))
        plan = play(apply(SOURCE, Defined(definitions=back)), service)
        assert (plan.changes, plan.problems) == ([], [])


def _environment(data: dict[str, Any], sent: dict[str, Any]) -> dict[str, str]:
    """What the variables of a definition stand for, looked up in what was sent when the scenario was created."""
    pairs = [(data.get("url", ""), sent["url"]), (data.get("body", ""), sent.get("requestBody", ""))]
    pairs += [(value, sent["headers"][name]) for name, value in data.get("headers", {}).items()]
    return {name: value for written, plain in pairs for name, value in _variables(written, plain)}


def _variables(written: str, plain: str) -> list[tuple[str, str]]:
    found = []
    rest = written
    while rest:
        if rest.startswith("$${"):
            rest, plain = rest[3:], plain[2:]
        elif rest.startswith("${SCENARIO_"):
            name, _, rest = rest[2:].partition("}")
            after = rest.partition("$")[0][:8]
            end = plain.index(after) if after else len(plain)
            found.append((name, plain[:end]))
            plain = plain[end:]
        else:
            rest, plain = rest[1:], plain[1:]
    return found
