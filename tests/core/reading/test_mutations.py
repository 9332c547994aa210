"""Whatever a slip of the hand makes of a good rule file, every check in it is read, or rejected with a place.

`CHECKMILL_STRESS=full pytest tests/core/reading/test_mutations.py` makes 10,000 slips in the corpus.
"""

import random
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from support.mutations import holds, mutated, written_in
from support.rulefiles import ENVIRON, HEAD, ROOT, book_of, corpus, installed_and_operations, vendors
from support.stress import scale

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
        holds(Path(directory), {"rules.yaml": text.encode("utf-8", "replace")}, vendors(), ENVIRON)


@given(_slips())
@settings(max_examples=scale(100, 1_000), deadline=None)
def test_slip_of_the_hand_never_raises(text: str) -> None:
    _holds(text)


@given(_replaced())
@settings(max_examples=scale(100, 1_000), deadline=None)
def test_value_of_any_kind_never_raises(text: str) -> None:
    _holds(text)


def test_file_as_it_should_be_has_no_problem(tmp_path: Path) -> None:
    book = book_of(tmp_path, GOOD)
    book.validate_everything()
    assert book.problems == []
    assert [rule.name for rule in book.rules(book.drafts)] == ["shop-cpu", "shop-status", "shop-avg"]


#: What the corpus takes from the environment.
VALUES = {
    "WHATAP_PCODE": "12345",
    "WHATAP_TOKEN": "whatap-token-9f2c77",
    "NHN_APPKEY": "nhn-appkey-51d0aa",
    "NHN_SCENARIO": "b00699c0-96f4-11e9-a68b-a7aaea9ae346",
    "VENDORS": "http://127.0.0.1:9",
    **dict.fromkeys(("NEZHA_URL", "CHECKMK_URL", "NHN_WATCHER_URL", "WATCHER_URL"), "https://vendor.example/site"),
    **dict.fromkeys(("NEZHA_TOKEN", "CHECKMK_USER", "CHECKMK_SECRET"), "tok-of-one-more-vendor"),
    **dict.fromkeys(("NHN_PRODUCT_APPKEY", "NHN_INTRANET_APPKEY"), "key-of-one-more-vendor"),
    **dict.fromkeys(("NHN_WATCHER_APPKEY", "NHN_WATCHER_ACCESS_KEY", "NHN_WATCHER_SECRET_KEY"), "key-of-the-watcher"),
    **dict.fromkeys(("WATCHER_APPKEY", "WATCHER_ACCESS_KEY", "WATCHER_SECRET_KEY"), "key-of-a-watcher"),
}
_SHOP = "sources: {shop: {type: whatap, pcode: 1, token: abcdefgh}}\n"
#: Files that are read together, for a rule may name what stands in another.
DIRECTORIES = {
    "examples": {name: text for name, text in corpus().items() if name.startswith("checks.d/")},
    "operations": {name: text for name, text in corpus().items() if name.startswith("tests/acceptance/")},
    "broken": {"shop.yaml": (ROOT / "tests/examples/broken/shop.yaml").read_text("utf-8")},
    **{
        name: {name: text, **({} if "sources:" in text else {"sources": _SHOP})}
        for name, text in corpus().items()
        if name.startswith("README")
    },
}
WORKERS = 8


@pytest.mark.parametrize("worker", range(WORKERS))
def test_of_all_slips_in_the_corpus_every_check_loads_or_is_rejected_with_a_place(worker: int, tmp_path: Path) -> None:
    plugins = installed_and_operations()
    count: Counter[str] = Counter()
    for number in range(worker, scale(240, 10_000), WORKERS):
        chance = random.Random(number)
        base = chance.choice(sorted(DIRECTORIES))
        files = {Path(name).with_suffix(".yaml").name: text for name, text in DIRECTORIES[base].items()}
        slipped = chance.choice(sorted(files))
        files[slipped] = mutated(files[slipped], chance)
        directory = tmp_path / str(number)
        directory.mkdir()
        try:
            count += holds(
                directory, {name: text.encode("utf-8", "replace") for name, text in files.items()}, plugins, VALUES
            )
        except Exception as error:
            raise AssertionError(f"slip {number}, in {slipped} of {base}") from error
    print(dict(count))
    assert count["loaded"] + count["rejected"] == count["written"] > 0
    assert min(count["loaded"], count["rejected"], count["broken files"], count["whole files"]) > 0


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("checks: []", 0),
        ("", 0),
        ("sources: {a: {checks: [1, 2]}}", 0),
        ("checks: [{name: a}, 5, null, [1, 2], {b: {c: [d]}}]", 5),
        ("x-base: &x [1, 2, 3]\nchecks: *x\n", 3),
        ("checks: {a: 1, b: 2}", 0),
        ("checks: [1]\nchecks: [2, 3]\n", 3),
        ("checks:\n- name: a\n- name: b\n\tc: d\n", None),
        ("checks: [*nothing, 1]", 2),
        ("checks: [1]\n---\nchecks: [2]\n", None),
        ("- checks: [1, 2]", 0),
    ],
)
def test_what_is_written_is_the_items_that_yaml_sees(text: str, written: int | None) -> None:
    items = written_in(text)
    assert (None if items is None else len(items)) == written
