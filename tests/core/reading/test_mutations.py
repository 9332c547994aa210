"""Whatever a slip of the hand makes of a good rule file, reading it ends with problems that have a place."""

from pathlib import Path
from tempfile import TemporaryDirectory

import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from support.rulefiles import ENVIRON, HEAD, book_of

GOOD = (
    HEAD
    + """\
defaults:
  interval: 60s
checks:
  - name: shop-cpu
    source: [shop, 'shop-*']
    metric: cpu
    above: {warn: 80%, crit: 90%}
    where: {host: ["web-*", {regex: 'db-[0-9]+'}]}
    each: [host]
    expect: [web-1, web-2]
    as: {service: "{{ check }} {{ labels.host }}"}
    text: "{{ count }} hosts ${LIMIT:-none}"
    report:
      - {to: pager, scenario: b00699c0}
    tags: [a, &b b]
  - name: shop-status
    source: shop
    metric: server_status
    states: {warning: crit, normal: ok, "*": unknown}
    except: {host: *b}
    on_error: crit
  - {name: shop-avg, source: shop, metric: cpu_avg, query: {window: 10m}, range: '@10:20', expect: 3}
"""
)
SECRETS = tuple(ENVIRON[name] for name in ("TOKEN", "APPKEY"))
LINES = GOOD.splitlines(keepends=True)
CHARACTERS = "abz019 .:-_'\"{}[]()&*!|>%@`#?,~$\\/\t\n\r\0\x85\ufeff가é"


@st.composite
def _slips(draw: st.DrawFn) -> str:
    """The good file with lines deleted, doubled, moved and indented, and characters changed."""
    lines = list(LINES)
    for _ in range(draw(st.integers(0, 3))):
        at, other = (draw(st.integers(0, len(lines) - 1)) for _ in range(2))
        what = draw(st.sampled_from(["delete", "double", "swap", "indent", "dedent", "tab"]))
        if what == "delete" and len(lines) > 1:
            del lines[at]
        elif what == "double":
            lines.insert(other, lines[at])
        elif what == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        else:
            lines[at] = {"indent": "  " + lines[at], "dedent": lines[at].lstrip(), "tab": "\t" + lines[at]}[what]
    text = "".join(lines)
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        added = draw(st.text(CHARACTERS, max_size=3))
        text = text[:at] + added + text[at + draw(st.integers(0, 3)) :]
    return text


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(
        ["", "shop", "cpu", "host", "${TOKEN}", "${", "{{", "web-*", "5m", "20GiB", "~:", "seen", "[", "x" * 99]
    )
    | st.text(CHARACTERS, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.text(CHARACTERS, max_size=4)
            | st.sampled_from(["warn", "crit", "to", "regex", "host", "window", "service"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@st.composite
def _replaced(draw: st.DrawFn) -> str:
    """The good file with other values, of any kind, in the place of some."""
    document = yaml.safe_load(GOOD)
    for _ in range(draw(st.integers(1, 4))):
        place = document
        while True:
            keys = list(place) if isinstance(place, dict) else list(range(len(place)))
            key = draw(st.sampled_from(keys))
            if not isinstance(place[key], dict | list) or not place[key] or draw(st.booleans()):
                place[key] = draw(_VALUES)
                break
            place = place[key]
        if not isinstance(document, dict):
            break
    return str(yaml.safe_dump(document, allow_unicode=True, sort_keys=False))


def _holds(text: str) -> None:
    with TemporaryDirectory() as directory:
        book = book_of(Path(directory), text.encode("utf-8", "replace"))
        book.validate_everything()
        healthy = book.rules(book.drafts)
        assert {rule.name for rule in healthy}.isdisjoint(book.rejected)
        assert {rule.name for rule in healthy} | set(book.rejected) == set(book.drafts)
        assert len(book.drafts) <= text.count("name")
        assert book.problems or len(healthy) == len(book.drafts)
        for problem in book.problems:
            assert problem.place is not None
            assert problem.place.file == str(Path(directory) / "rules.yaml")
            assert problem.place.line > 0
            assert str(problem).isprintable()
            assert not [secret for secret in SECRETS if secret in str(problem)]


@given(_slips())
@settings(max_examples=100, deadline=None)
def test_slip_of_the_hand_never_raises(text: str) -> None:
    _holds(text)


@given(_replaced())
@settings(max_examples=100, deadline=None)
def test_value_of_any_kind_never_raises(text: str) -> None:
    _holds(text)


def test_file_as_it_should_be_has_no_problem(tmp_path: Path) -> None:
    book = book_of(tmp_path, GOOD)
    book.validate_everything()
    assert book.problems == []
    assert [rule.name for rule in book.rules(book.drafts)] == ["shop-cpu", "shop-status", "shop-avg"]
