"""The commands as people type them, against the simulated service over real HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.api.v1 import World
from checkmill.sandbox import SandboxServer
from checkmill_nhn_monitoring.metrics import NHN_MONITORING
from checkmill_nhn_monitoring.sandbox import APPKEY, PRODUCT_APPKEY, UNKNOWN_SCENARIO, WATCHED
from checkmill_nhn_monitoring.sandbox.shop import CHECKOUT, FEED, FRONT, LOGIN, ORDERS
from support.commands import NOW, Desk, Ran
from support.loopback import Reply, http_server
from support.secrets import own_secrets

SOURCE = """
    sources:
      shop:
        type: nhn-monitoring
        base_url: <url>
        appkey: <appkey>
        product_appkey: ${PRODUCT}
        scenarios: {front: <front>, login: <login>, feed: <feed>, orders: <orders>}
"""


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    environ = {"PRODUCT": PRODUCT_APPKEY, "LOGIN_AUTHORIZATION": "sandbox-value", "LOGIN_PASSWORD": "sandbox-value"}
    with SandboxServer(World(lambda: NOW)) as server:
        one = Desk(tmp_path, environ)
        url = server.base_url(NHN_MONITORING)
        one.write(SOURCE, url=url, appkey=APPKEY, front=FRONT, login=LOGIN, feed=FEED, orders=ORDERS)
        yield one


def wrote(desk: Desk, text: str) -> str:
    path = desk.home / "scenarios.yaml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def shown(ran: Ran) -> str:
    """All that a command said; no key is in it."""
    for text in (APPKEY, PRODUCT_APPKEY, "sandbox-value"):
        assert text not in ran.out + ran.err
    return ran.out + ran.err


def test_what_get_prints_is_taken_back_unchanged(desk: Desk) -> None:
    got = desk(["nhn", "scenario", "get", *WATCHED.values(), CHECKOUT])
    assert (got.code, shown(got).count("\n- id: ") + 1) == (0, 7)
    file = wrote(desk, got.out)
    for command in ("apply --dry-run", "diff"):
        ran = desk(["nhn", "scenario", *command.split(), file])
        assert (ran.code, shown(ran)) == (0, "nothing to do: 7 scenarios are as written\n")


def test_a_scenario_is_made_changed_and_deleted(desk: Desk) -> None:
    new = "name: health\nurl: https://shop.example/health\ninterval: 60s\n"
    made = desk(["nhn", "scenario", "create", "--yes", wrote(desk, new)])
    assert made.code == 0
    said = shown(made).strip().splitlines()[-1]
    assert said.startswith("created health; its id is ")
    scenario = said.split(" is ")[1].split(":")[0]
    changed = f"id: {scenario}\n{new.replace('60s', '300s')}"
    file = wrote(desk, changed)
    ran = desk(["nhn", "scenario", "diff", file])
    assert (ran.code, ran.out) == (0, f"update health ({scenario})\n    - cron: * * * * ?\n    + interval: 300s\n")
    ran = desk(["nhn", "scenario", "apply", "--yes", file])
    assert (ran.code, f"updated health ({scenario})" in shown(ran)) == (0, True)
    ran = desk(["nhn", "scenario", "apply", "--yes", file])
    assert (ran.code, shown(ran)) == (0, "nothing to do: 1 scenario is as written\n")
    ran = desk(["nhn", "scenario", "delete", "--yes", scenario])
    assert (ran.code, f"deleted health ({scenario})" in shown(ran)) == (0, True)
    ran = desk(["nhn", "scenario", "get", scenario])
    assert ran.code == 3
    assert "SCENARIO NOT FOUND" in shown(ran)


def test_a_dry_run_changes_nothing(desk: Desk) -> None:
    file = wrote(desk, "name: health\nurl: https://shop.example/health\ninterval: 60s\n")
    ran = desk(["nhn", "scenario", "update", "--dry-run", "--id", "feed", file])
    assert ran.code == 0
    assert f"update health ({FEED})\n    - name: product feed\n    + name: health\n" in shown(ran)
    assert "name: product feed\n" in desk(["nhn", "scenario", "get", "feed"]).out


def test_no_file_is_filled_with_words_where_something_is_wrong(desk: Desk) -> None:
    tcp = "name: t\ntype: TCP\nip: 127.0.0.1\nport: 1\ncron: '* * * * ?'\n"
    new = "name: health\nurl: https://shop.example/health\ninterval: 60s\n"
    for words, text in (
        (["get", UNKNOWN_SCENARIO], ""),
        (["delete", UNKNOWN_SCENARIO, "--yes"], ""),
        (["update", "--yes", "--id", UNKNOWN_SCENARIO, "<file>"], new),
        (["apply", "--yes", "<file>"], tcp),
        (["apply", "--yes", "<file>"], f"id: {UNKNOWN_SCENARIO}\n{new}"),
    ):
        file = wrote(desk, text)
        ran = desk(["nhn", "scenario", *(file if word == "<file>" else word for word in words)])
        assert (ran.code, ran.out) == (3, "")
        assert ran.err.startswith("checkmill: ")


def test_what_a_file_takes_from_the_environment_is_shown_nowhere(desk: Desk) -> None:
    environ = {"SHOP_TOKEN": "flower-power", "SHOP_K": "k1234567", "PIN": "4711"}
    other = Desk(desk.home, {**desk.environ, **environ})
    definition = (
        "name: health\nurl: https://shop.example/health?k=${SHOP_K}\nmethod: POST\ninterval: 60s\n"
        "headers: {X-Shop: '${SHOP_TOKEN}'}\nbody: pin=${PIN}\n"
    )
    file = wrote(desk, definition)
    with own_secrets(among=True):
        for words in (
            ["diff"],
            ["apply", "--dry-run"],
            ["create", "--yes"],
            ["create", "--dry-run", "--format", "json"],
        ):
            ran = other(["nhn", "scenario", *words, file])
            assert ran.code == 0
            assert "***" in ran.out
            for value in environ.values():
                assert value not in ran.out + ran.err


REFUSAL = b'{"header": {"isSuccessful": false, "resultCode": -1, "resultMessage": "NAME IS TOO LONG"}}'
MAYBE = "it may have been carried out all the same; look before you repeat it"


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (
            Reply(200, REFUSAL),
            "refused: NHN says of creating a scenario: NAME IS TOO LONG (code -1); the vendor refused it",
        ),
        (Reply(200, b"<html>"), MAYBE),
        (Reply(302, b"", {"location": "/login"}), MAYBE),
        (Reply(404), "the vendor refused it"),
    ],
    ids=["refused", "unreadable", "302", "404"],
)
def test_a_change_that_fails_says_what_became_of_it(tmp_path: Path, reply: Reply, said: str) -> None:
    with http_server(lambda _: reply) as server:
        desk = Desk(tmp_path, {"PRODUCT": PRODUCT_APPKEY})
        desk.write(SOURCE, url=server.url, appkey=APPKEY, front=FRONT, login=LOGIN, feed=FEED, orders=ORDERS)
        file = wrote(desk, "name: health\nurl: https://shop.example/health\ninterval: 60s\n")
        ran = desk(["nhn", "scenario", "apply", "--yes", file])
    assert ran.code == 3
    assert ran.err.splitlines()[0].startswith("checkmill: create health: ")
    assert ran.err.splitlines()[0].endswith(said)
    assert "request of it before" not in ran.err


@pytest.mark.parametrize(
    ("words", "text", "said"),
    [
        ("get " + UNKNOWN_SCENARIO, "", f"NHN says of scenario {UNKNOWN_SCENARIO}: SCENARIO NOT FOUND"),
        ("get a/b", "", "scenario 'a/b' is not an id; give the id alone, without path or URL"),
        ("create <file>", "name: a\ninterval: 60s\n", "scenarios.yaml:1:1: url is missing; write the address"),
        ("create <file>", "name: a\nurl: ftp://x\ninterval: 5s\n", "url is no address that begins with http or https"),
        ("apply <file>", "name: a\nurl: ${NOWHERE}\ninterval: 60s\n", "scenarios.yaml:2:6: url: NOWHERE is not set"),
        ("apply <file>", "name: a\nurl: http://x\ninterval: 60s\nintervall: 5\n", "unknown key 'intervall'"),
        ("diff <file>", "", "there is nothing in it"),
        ("diff <home>/nowhere.yaml", "", "cannot be read"),
    ],
)
def test_a_mistake_ends_with_3_and_a_sentence(desk: Desk, words: str, text: str, said: str) -> None:
    file = wrote(desk, text)
    ran = desk(["nhn", "scenario", *(words.replace("<file>", file).replace("<home>", str(desk.home)).split())])
    assert ran.code == 3
    assert said in shown(ran)
    assert "Traceback" not in ran.err
