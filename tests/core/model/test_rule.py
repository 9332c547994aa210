"""Selection by label: globs, regexes, alternatives, and labels that are absent or not known yet."""

import pytest

from checkmill.model.rule import Pattern, Selection


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        (Pattern("web-1"), "web-1", True),
        (Pattern("web-*"), "web-12", True),
        (Pattern("web-[x]"), "web-[x]", True),
        (Pattern("web-[x]"), "web-x", True),
        (Pattern("web", is_regex=True), "web-1", False),
        (Pattern("web|db", is_regex=True), "db", True),
        (Pattern("a|b", is_regex=True), "ab", False),
        (Pattern(".*", is_regex=True), "two\nlines", False),
        (Pattern("caf\u00e9"), "cafe\u0301", True),
        (Pattern("cafe\u0301*"), "caf\u00e9-1", True),
        (Pattern("caf.", is_regex=True), "cafe\u0301", True),
        (Pattern("\uc11c\ubc84-*"), "\u1109\u1165\u1107\u1165-1", True),
        (Pattern("web"), "", False),
        (Pattern("*"), "", True),
    ],
)
def test_pattern_is_on_the_whole_value_after_normalisation(pattern: Pattern, value: str, matches: bool) -> None:
    assert pattern.matches(value) is matches


WEB_IN_PROD = {"host": (Pattern("web-*"), Pattern("app")), "env": (Pattern("prod"),)}
DB = {"host": (Pattern("db"),)}


@pytest.mark.parametrize(
    ("labels", "matches", "may_match"),
    [
        ({"host": "web-1", "env": "prod"}, True, True),
        ({"host": "app", "env": "prod"}, True, True),
        ({"host": "web-1", "env": "test"}, False, False),
        ({"host": "web-1"}, False, True),
        ({"host": "db"}, True, True),
        ({"host": "other", "env": "prod"}, False, False),
        ({"env": "prod"}, False, True),
        ({}, False, True),
    ],
)
def test_any_alternative_may_match_and_all_of_its_labels_must(
    labels: dict[str, str], matches: bool, may_match: bool
) -> None:
    selection = Selection((WEB_IN_PROD, DB))
    assert (selection.matches(labels), selection.may_match(labels)) == (matches, may_match)
