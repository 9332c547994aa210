"""When a stored result may be shown as the state of a rule, and which of two is kept."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from checkmill.model.errors import ConnectError
from checkmill.model.rule import Rule
from checkmill.model.state import State
from checkmill.store import Store
from support.rules import NOW, Check, hosts, lines, rule

DIRECTORY = "/etc/checkmill/checks.d"


@pytest.fixture
def one(rule_file: Path) -> Rule:
    return rule(each="host", files=(str(rule_file),))


def commit(store: Store, one: Rule, answer: Any = None, *, at: float = NOW, directory: str = DIRECTORY) -> Check:
    check = Check(one)
    check.judged(hosts(5) if answer is None else answer, at=at)
    assert check.judgement is not None
    store.commit(directory, [(one, check.judgement)], [], at)
    return check


def test_what_was_committed_is_read_by_another_process(opened: Callable[..., Store], one: Rule) -> None:
    check = commit(opened(), one)
    stored = opened().stored(DIRECTORY)["check"]
    assert check.judgement is not None
    assert (stored.results, stored.memory) == (check.judgement.results, check.judgement.memory)
    assert (stored.measured_at, stored.good_until) == (NOW, NOW + 68)
    assert (stored.digest, stored.files) == (one.digest, one.files)


@pytest.mark.parametrize(
    ("passed_s", "is_fresh"),
    [(0, True), (68, True), (68.1, False), (-0.1, False), (-86400, False)],
    ids=["at once", "at its end", "after its end", "clock set back", "clock set back a day"],
)
def test_a_result_is_fresh_from_its_measurement_to_its_end(
    store: Store, one: Rule, passed_s: float, is_fresh: bool
) -> None:
    commit(store, one)
    assert store.stored(DIRECTORY)["check"].is_fresh(one, NOW + passed_s) is is_fresh


@pytest.mark.parametrize(
    ("mtime", "is_fresh"),
    [(NOW - 1, True), (NOW, True), (NOW + 1, False), (NOW + 86400, False)],
    ids=["older", "of the same moment", "newer", "from the future"],
)
def test_a_rule_file_that_is_newer_voids_the_result(
    store: Store, one: Rule, rule_file: Path, mtime: float, is_fresh: bool
) -> None:
    commit(store, one)
    os.utime(rule_file, (mtime, mtime))
    assert store.stored(DIRECTORY)["check"].is_fresh(one, NOW + 10) is is_fresh


def test_a_rule_file_that_is_gone_voids_the_result(store: Store, one: Rule, rule_file: Path) -> None:
    commit(store, one)
    rule_file.unlink()
    assert not store.stored(DIRECTORY)["check"].is_fresh(one, NOW)


def test_an_edited_rule_voids_the_result(store: Store, one: Rule) -> None:
    commit(store, one)
    assert not store.stored(DIRECTORY)["check"].is_fresh(replace(one, digest="edited"), NOW)


def test_another_checks_directory_has_results_of_its_own(store: Store, one: Rule) -> None:
    commit(store, one)
    assert store.stored("/home/me/checks.d") == {}
    commit(store, one, hosts(95), directory="/home/me/checks.d")
    assert lines(store.stored(DIRECTORY)["check"].results) == ["OK check web-1: cpu 5%"]


def test_a_checks_directory_whose_name_is_no_utf8_has_results(store: Store, one: Rule) -> None:
    directory = os.fsdecode(b"/srv/caf\xe9/checks.d")
    commit(store, one, directory=directory)
    assert list(store.stored(directory)) == ["check"]


def test_a_deleted_rule_is_forgotten(store: Store, one: Rule) -> None:
    commit(store, one)
    commit(store, replace(one, name="other"))
    commit(store, one, directory="/home/me/checks.d")
    store.forget_checks(DIRECTORY, ["check", "unheard of"])
    assert list(store.stored(DIRECTORY)) == ["other"]
    assert list(store.stored("/home/me/checks.d")) == ["check"]


def test_checks_can_be_read_by_name(store: Store, one: Rule) -> None:
    for name in ("a", "b", "c"):
        commit(store, replace(one, name=name))
    assert list(store.stored(DIRECTORY, ["a", "c", "z"])) == ["a", "c"]
    assert store.stored(DIRECTORY, []) == {}


def test_a_failure_is_kept_for_a_minute_and_names_the_last_good_state(store: Store, one: Rule) -> None:
    memory = commit(store, replace(one, interval_s=300)).memory
    check = Check(replace(one, interval_s=300), memory)
    check.judged(ConnectError("refused"), at=NOW + 300)
    assert check.judgement is not None
    store.commit(DIRECTORY, [(check.rule, check.judgement)], [], NOW + 300)
    stored = store.stored(DIRECTORY)["check"]
    assert stored.is_fresh(one, NOW + 360)
    assert not stored.is_fresh(one, NOW + 361)
    text = "source shop failed: connect: refused; last good state OK, 5m ago"
    assert lines(stored.results) == [f"UNKNOWN check web-1: {text}"]


@pytest.mark.parametrize(
    ("first_s", "second_s", "kept"),
    [(0, 10, 95), (0, 0, 95), (10, 5, 5), (3600, 5, 95)],
    ids=["the later", "the second of equals", "not the earlier", "the earlier when the later lies in the future"],
)
def test_nothing_is_stored_over_a_later_measurement(
    store: Store, one: Rule, first_s: float, second_s: float, kept: int
) -> None:
    commit(store, one, hosts(5), at=NOW + first_s)
    check = Check(one)
    check.judged(hosts(95), at=NOW + second_s)
    assert check.judgement is not None
    store.commit(DIRECTORY, [(one, check.judgement)], [], NOW + 20)
    assert [perf.value for perf in store.stored(DIRECTORY)["check"].results[0].perfdata] == [kept]


def test_the_oldest_source_decides_how_old_a_result_is(store: Store, one: Rule) -> None:
    check = Check(one)
    (result,) = check.judged(hosts(5))
    assert check.judgement is not None
    older = replace(check.judgement, results=(result, replace(result, checked_at=NOW - 50)))
    store.commit(DIRECTORY, [(one, older)], [], NOW)
    assert store.stored(DIRECTORY)["check"].measured_at == NOW - 50


def test_half_of_a_surrogate_pair_can_be_stored(store: Store, one: Rule) -> None:
    commit(store, one, [hosts(5)[0].labelled({"host": "web\ud800"})])
    assert store.stored(DIRECTORY)["check"].results[0].service == "check web\ud800"


def test_no_results_are_never_fresh(store: Store, one: Rule) -> None:
    check = commit(store, one)
    assert check.judgement is not None
    store.commit(DIRECTORY, [(one, replace(check.judgement, results=()))], [], NOW)
    assert not store.stored(DIRECTORY)["check"].is_fresh(one, NOW)


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("results", "[{]"),
        ("results", ""),
        ("memory", "{}"),
        ("files", "5"),
        ("files", "null"),
        ("measured_at", "yesterday"),
        ("good_until", b"\xff"),
    ],
)
def test_a_row_that_cannot_be_read_is_as_good_as_none(
    store: Store, one: Rule, column: str, value: object, caplog: pytest.LogCaptureFixture
) -> None:
    commit(store, one)
    commit(store, replace(one, name="other"))
    with sqlite3.connect(store.directory / "state.db") as connection:
        connection.execute(f"UPDATE checks SET {column} = ? WHERE name = 'check'", (value,))
    connection.close()
    assert list(store.stored(DIRECTORY)) == ["other"]
    assert caplog.messages == ["what is stored of check check cannot be read; it is measured anew"]
    commit(store, one, at=NOW + 1)
    assert store.stored(DIRECTORY)["check"].results[0].state is State.OK


def test_a_transaction_is_whole_or_not_at_all(store: Store, one: Rule) -> None:
    check = commit(store, one)
    assert check.judgement is not None
    later = replace(check.judgement, good_until=NOW + 999)
    broken: Any = object()
    with pytest.raises(AttributeError):
        store.commit(DIRECTORY, [(one, later), (one, broken)], [], NOW)
    assert store.stored(DIRECTORY)["check"].good_until == NOW + 68
    commit(store, one, at=NOW + 5)
    assert store.stored(DIRECTORY)["check"].measured_at == NOW + 5
