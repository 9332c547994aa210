"""`${NAME}`, its default, `${file:...}` and the escape: filled in values only, never quoted; a sandbox needs none."""

import os
from pathlib import Path

import pytest

from checkmill.steps.reading.expansion import Expansion, ExpansionError
from support.rulefiles import HEAD, book_of, problems_of, rule_of, said_of, with_check

ENVIRON = {"NAME": "value", "EMPTY": "", "_X1": "y"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("plain", "plain"),
        ("${NAME}", "value"),
        ("a-${NAME}-${_X1}", "a-value-y"),
        ("${NAME:-other}", "value"),
        ("${UNSET:-other}", "other"),
        ("${EMPTY:-other}", "other"),
        ("${UNSET:-}", ""),
        ("${UNSET:-a:-b}", "a:-b"),
        ("$${NAME}", "${NAME}"),
        ("$$${NAME}", "$${NAME}"),
        ("$${", "${"),
        ("$NAME $", "$NAME $"),
        ("cost ${{ value }}", "cost ${{ value }}"),
        ("web-[0-9]{2}$", "web-[0-9]{2}$"),
    ],
)
def test_reference_stands_for_its_value(written: str, meant: str) -> None:
    assert Expansion(ENVIRON).text(written, "rules.yaml") == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("${UNSET}", "UNSET is not set in the environment"),
        ("${EMPTY}", "EMPTY is empty in the environment"),
        *(
            (written, "a reference is ${NAME}, ${NAME:-default} or ${file:/path}, and this is none of them")
            for written in ("${}", "${NAME", "${ NAME }", "${1X}", "${NAME-x}", "${A:-${NAME}}", "${file:}", "p${w")
        ),
    ],
)
def test_reference_that_stands_for_nothing_is_an_error(written: str, said: str) -> None:
    with pytest.raises(ExpansionError) as caught:
        Expansion(ENVIRON).text(written, "rules.yaml")
    assert str(caught.value) == said


def test_file_is_read_relative_to_the_rule_file_without_its_line_end(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xef\xbb\xbf token-9f2c77 \r\n")
    assert Expansion({}).text("${file:token}", str(tmp_path / "rules.yaml")) == "token-9f2c77"
    assert Expansion({}).text(f"${{file:{tmp_path}/token}}", "elsewhere.yaml") == "token-9f2c77"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff", "is not UTF-8 text"),
        (b"x" * 70_000, "is larger than 65536 bytes"),
        (None, "cannot be read: No such file or directory"),
    ],
    ids=["empty", "blank", "not UTF-8", "too large", "absent"],
)
def test_file_that_holds_no_value_is_an_error(content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "token").write_bytes(content)
    with pytest.raises(ExpansionError, match=said):
        Expansion({}).text("${file:token}", str(tmp_path / "rules.yaml"))


def test_pipe_in_the_place_of_a_file_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "token")
    with pytest.raises(ExpansionError, match="token is no file"):
        Expansion({}).text("${file:token}", str(tmp_path / "rules.yaml"))


@pytest.mark.parametrize(
    "check",
    [
        "above: ${LIMIT}",
        "above: {warn: 10%, crit: '${LIMIT}'}",
        "interval: ${LIMIT:-5m}",
        "where: {host: '${HOST}'}",
        "tags: ['${HOST}']",
        "source: ${SOURCE}",
        "metric: ${METRIC}",
        "report: {to: '${TO}', scenario: '${HOST}'}",
        "as: {service: 'x ${HOST}'}",
        "expect: ${COUNT}",
    ],
)
def test_any_value_of_a_check_can_be_a_reference(check: str, tmp_path: Path) -> None:
    environ = {"TOKEN": "t-o-k-e-n", "APPKEY": "a-p-p-k-e-y", "HOST": "web-1", "SOURCE": "shop", "METRIC": "cpu"}
    limit = "5m" if check.startswith("interval") else "80%"
    assert rule_of(tmp_path, check, {**environ, "TO": "pager", "LIMIT": limit, "COUNT": "3"}).name == "c"


def test_reference_in_a_key_is_no_reference(tmp_path: Path) -> None:
    assert said_of(tmp_path, "where: {'${LIMIT}': a}") == [
        "11:11: checks[0].where.${LIMIT}: unknown label '${LIMIT}'; known: env, host, source"
    ]


def test_filled_in_text_is_not_looked_at_again(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "tags: ['${A}']", {"TOKEN": "t-o-k", "APPKEY": "a-p-p", "A": "${B}", "B": "no"})
    assert rule.tags == ("${B}",)


def test_value_from_the_environment_changes_the_digest(tmp_path: Path) -> None:
    environ = {"TOKEN": "t-o-k", "APPKEY": "a-p-p"}
    one, other, same = (
        rule_of(tmp_path, "above: ${LIMIT}", {**environ, "LIMIT": limit}).digest for limit in ("80", "90", "80")
    )
    assert one == same != other


def test_sandbox_needs_nothing_set(tmp_path: Path) -> None:
    book = book_of(tmp_path, with_check("report: {to: pager, scenario: '${SCENARIO}'}"), {}, sandbox=True)
    assert problems_of(book) == []
    rule = book.rule("c")
    assert rule is not None
    source = rule.readings[0].source
    assert (source.settings.base_url, source.settings.pcode) == ("http://127.0.0.1:9/x", 12345)  # type: ignore[attr-defined]


def test_sandbox_never_holds_the_real_secret(tmp_path: Path) -> None:
    book = book_of(tmp_path, with_check("above: 5"), {"TOKEN": "token-9f2c77", "APPKEY": "key-51d0aa"}, sandbox=True)
    rule = book.rule("c")
    assert rule is not None
    assert rule.readings[0].source.settings.token.reveal() == "sandbox-token"  # type: ignore[attr-defined]


@pytest.mark.parametrize("check", ["above: ${LIMIT}", "where: {host: '${HOST}'}", "expect: ${COUNT}", "text: ${TEXT}"])
def test_sandbox_does_without_a_key_that_nobody_set(check: str, tmp_path: Path) -> None:
    rule = rule_of(tmp_path, check, {}, sandbox=True)
    assert (rule.levels, rule.where, rule.expect.count, rule.text_template) == (None, None, None, "")


def test_sandbox_takes_the_default_of_a_reference(tmp_path: Path) -> None:
    rule = rule_of(tmp_path, "above: ${LIMIT:-85%}", {"LIMIT": "1%"}, sandbox=True)
    assert rule.levels is not None
    assert rule.levels.above is not None
    assert rule.levels.above.crit == 85.0


def test_sandbox_still_says_what_is_wrong(tmp_path: Path) -> None:
    assert said_of(tmp_path, "above: 20GiB", {}, sandbox=True) == [
        "11:10: checks[0].above: '20GiB' has the unit 'GiB', but the metric is measured in %"
    ]


def test_broken_reference_touches_no_rule_of_other_sources(tmp_path: Path) -> None:
    checks = "checks:\n- {name: a, source: shop, metric: cpu}\n- {name: b, source: shop-2, metric: cpu}\n"
    book = book_of(tmp_path, HEAD + checks, {})
    assert book.rule("b") is not None
    assert book.problems == []
    assert book.rule("a") is None
    assert [str(problem).partition("rules.yaml:")[2] for problem in book.problems] == [
        "2:44: sources.shop.token: TOKEN is not set in the environment; set it, or give a default: ${TOKEN:-...}"
    ]


def test_plugin_is_not_asked_about_settings_of_which_one_is_not_set(tmp_path: Path) -> None:
    text = "sources: {shop: {type: cloud, pcode: 1, token: '${NOPE}', zones: [mars]}}\n"
    assert [line.partition(";")[0] for line in problems_of(book_of(tmp_path, text))] == [
        "rules.yaml:1:48: sources.shop.token: NOPE is not set in the environment"
    ]
