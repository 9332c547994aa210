"""Which source a command of a plugin works with, and what stands in its way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.commands import Desk
from support.loopback import Server
from support.signals import Yard, served

OTHER = "sources: {other: {type: signals, base_url: <url>, key: other-key-1234}}\n"
SHOP = 'sources: {shop: {type: whatap, pcode: 1, token: "${WHATAP_TOKEN}"}}\n'


@pytest.fixture
def yard() -> Yard:
    return Yard({"name": "north", "color": "red"})


@pytest.fixture(autouse=True)
def server(yard: Yard, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    with served(yard, desk, monkeypatch) as server:
        yield server


def test_the_only_source_of_the_type_is_meant(desk: Desk) -> None:
    desk.write(SHOP, name="shop.yaml")

    assert desk("yard signal list").code == 0


def test_of_several_sources_one_must_be_named(desk: Desk, yard: Yard, server: Server) -> None:
    desk.write(OTHER, name="other.yaml", url=server.url)

    ran = desk("yard signal list")

    assert (ran.code, ran.out) == (3, "")
    assert ran.err == ("checkmill: there are several sources of type 'signals': other, main; name one with --source\n")
    assert yard.got == []
    assert desk("yard signal list --source main").code == 0
    assert [one.headers["x-key"] for one in yard.got] == [desk.environ["KEY"]]


@pytest.mark.parametrize(
    ("rules", "words", "said"),
    [
        ("", "--source mian", "checkmill: there is no source 'mian': did you mean 'main'?\n"),
        (
            SHOP,
            "--source shop",
            ("checkmill: the source 'shop' is of type 'whatap', and 'yard signal list' works with 'signals'; "
            "of that type there is main\n"),
        ),
        (
            "sources: {second: {type: signals, base_url: 'http://a.example', kay: 1}}\n",
            "--source second",
            ("FILE:1:65: sources.second.kay: unknown key 'kay'; did you mean 'key'?\n"
            "FILE:1:19: sources.second: 'key' is missing; rename 'kay'\n"
            "checkmill: the source 'second' cannot be used\n"),
        ),
        (
            "sources: {second: {type: signals, base_url: 'http://a.example', key: '${NOPE}'}}\n",
            "--source second",
            ("FILE:1:70: sources.second.key: NOPE is not set in the environment; "
            "set it, or give a default: ${NOPE:-...}\n"
            "checkmill: the source 'second' cannot be used\n"),
        ),
        (
            "sources: {main: {type: signals, base_url: 'http://a.example', key: abcdefgh}}\n",
            "",
            ("RULES:2:3: sources.main: two sources are called 'main', the other at FILE:1:11; rename one of the two\n"
            "checkmill: the source 'main' cannot be used\n"),
        ),
    ],
    ids=["unknown", "of another type", "wrong key", "no environment", "twice"],
)  # fmt: skip
def test_what_is_wrong_with_the_source_stops_the_command(
    desk: Desk, yard: Yard, rules: str, words: str, said: str
) -> None:
    if rules:
        desk.write(rules, name="more.yaml")

    ran = desk(f"yard signal list {words}")

    said = said.replace("FILE", str(desk.checks_dir / "more.yaml")).replace(
        "RULES", str(desk.checks_dir / "rules.yaml")
    )
    assert (ran.code, ran.out, ran.err) == (3, "", said)
    assert yard.got == []


@pytest.mark.parametrize(
    "beside",
    [
        "checks: [{name: x, source: gone, metric: y}]\n",
        "sources: {shop: {type: whatap, pcode: no}}\n",
        "sources: {far: {type: nothing-of-the-kind}}\n",
    ],
)
def test_what_is_wrong_with_others_does_not(desk: Desk, beside: str) -> None:
    desk.write(beside, name="beside.yaml")

    ran = desk("yard signal list")

    assert (ran.code, ran.err) == (0, "")


def test_a_broken_file_beside_does_not_but_is_told_where_no_source_is_named(desk: Desk) -> None:
    desk.write("sources: [", name="broken.yaml")

    ran = desk("yard signal list")
    named = desk("yard signal list --source main")

    broken = desk.checks_dir / "broken.yaml"
    assert (ran.code, named.code, named.err) == (0, 0, "")
    said = f"checkmill: working with 'main': {broken} cannot be read; a source in there would not be known\n"
    assert ran.err == said


NONE = """\
checkmill: no source of type 'signals' is configured in CHECKS; write one into a file there:
    sources:
      signals:
        type: signals
        base_url: ${SIGNALS_BASE_URL}
        key: ${SIGNALS_KEY}
"""


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        (SHOP, NONE),
        (
            "sources: {main: {type: signal, key: abcdefgh}}\n",
            f"CHECKS/rules.yaml:1:24: sources.main.type: unknown source type 'signal'; did you mean 'signals'?\n{NONE}",
        ),
        ("sources: [", f"CHECKS/rules.yaml:1:10: this '[' is never closed; write ']' at the end of the list\n{NONE}"),
    ],
    ids=["another type", "misspelt", "broken"],
)
def test_without_any_the_remedy_is_told(desk: Desk, rules: str, said: str) -> None:
    desk.write(rules)

    ran = desk("yard signal list")

    assert (ran.code, ran.out, ran.err) == (3, "", said.replace("CHECKS", str(desk.checks_dir)))


def test_without_a_directory_of_rules_that_is_told(desk: Desk) -> None:
    for path in desk.checks_dir.iterdir():
        path.unlink()
    desk.checks_dir.rmdir()

    ran = desk("yard signal list")

    assert ran.code == 3
    assert ran.err.startswith(f"{desk.checks_dir}: the checks directory cannot be read: No such file or directory; ")
    assert "    type: signals\n" in ran.err


def test_all_that_is_wrong_with_documents_and_source_is_told_at_once(desk: Desk) -> None:
    ran = desk("yard read --file nowhere.yaml --source nobody")

    assert ran.err == (
        "nowhere.yaml: it cannot be read: No such file or directory\n"
        "checkmill: there is no source 'nobody': known: main\n"
    )
