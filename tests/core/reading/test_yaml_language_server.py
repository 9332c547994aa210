"""A real editor's server completes rule files by the schema, and finds nothing wrong with what reading accepts."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from checkmill.host import Host
from checkmill.steps.reading.schema import schema_of
from support.language_server import VERSION, Diagnostic, LanguageServer, NotInstalledError, installed
from support.rulefiles import corpus, installed_and_operations, vendors

CORPUS = corpus()


@pytest.fixture(scope="module")
def script(request: pytest.FixtureRequest) -> Path:
    """The server, in the cache of pytest, or for this user where pytest keeps none."""
    cache = getattr(request.config, "cache", None)
    name = f"yaml-language-server-{VERSION}"
    folder = cache.mkdir(name) if cache is not None else Path(tempfile.gettempdir()) / f"checkmill-{os.getuid()}-{name}"
    try:
        return installed(folder, os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid())))
    except NotInstalledError as error:
        pytest.skip(str(error))


def _schema(host: Host, directory: Path) -> Path:
    path = directory / "checkmill.json"
    path.write_text(json.dumps(schema_of(host)), "utf-8")
    return path


@pytest.fixture(scope="module")
def server(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """A server that knows the schema of two vendors and a receiver, told through the editor's settings."""
    with LanguageServer(script, _schema(vendors(), tmp_path_factory.mktemp("schema"))) as running:
        yield running


def _check(*lines: str) -> str:
    return "\n    ".join(["checks:\n  - name: c", *lines]) + "\n"


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        (_check("metric: disk_used", "where:", "  ^"), ["host", "mount", "source"]),
        (_check("metric: disk_used", "except:", "  - ^"), ["host", "mount", "source"]),
        (_check("metric: disk_used", "each: ^"), ["host", "mount", "source"]),
        (_check("metric: disk_used", "each:", "  - ^"), ["host", "mount", "source"]),
        (_check("where:", "  ^", "metric: uptime"), ["host", "source"]),
        (_check("metric: cpu", "where:", "  ^"), ["host", "site", "source"]),
        (_check("metric: cpu", "query:", "  ^"), []),
        (_check("metric: inactive_agents", "where:", "  ^"), ["source"]),
        (_check("metric: cpu_avg", "query:", "  ^"), ["kind", "window"]),
        (_check("metric: sla_broken", "query:", "  ^"), ["sla"]),
        (_check("metric: server_status", "states:", "  ^"), ["fatal", "normal", "warning"]),
        (_check("metric: server_status", "states:", "  fatal: ^"), ["crit", "ok", "unknown", "warn"]),
        (_check("metric: server_status", "overrides:", "  - states:", "      ^"), ["fatal", "normal", "warning"]),
        (_check("metric: disk_used", "overrides:", "  - where:", "      ^"), ["host", "mount", "source"]),
        (_check("metric: cpu", "and:", "  - metric: cpu_avg", "    query:", "      ^"), ["kind", "window"]),
        (_check("metric: source_up", "states:", "  ^"), ["down", "up"]),
        (_check("metric: cpu", "above:", "  ^"), ["crit", "warn"]),
        (_check("metric: cpu", "on_error: ^"), ["crit", "ok", "unknown", "warn"]),
        (_check("report:", "  - to: pager", "    ^"), ["repeat_unknown", "scenario"]),
        ("sources:\n  shop:\n    type: ^\n", ["cloud", "exec", "site"]),
        ("reporters:\n  pager:\n    type: ^\n", ["pager"]),
    ],
    ids=lambda value: " ".join(value.partition("name: c")[2].split()) or value if isinstance(value, str) else "",
)
def test_editor_offers_just_what_may_stand_there(text: str, offered: list[str], server: LanguageServer) -> None:
    assert sorted(server.completions(text)) == offered


@pytest.mark.parametrize(
    ("text", "offered", "not_offered"),
    [
        (_check("^"), {"source", "metric", "above", "where", "each", "report"}, {"name", "checks", "for"}),
        (_check("metric: ^"), {"cpu", "cpu_avg", "disk_used", "sla_broken"}, {"host"}),
        (_check("and:", "  - metric: ^"), {"cpu", "cpu_avg", "disk_used", "sla_broken"}, {"host"}),
        (_check("metric: cpu", "and:", "  - ^"), {"metric", "query", "above"}, {"where", "each", "overrides"}),
        ("defaults:\n  ^\n", {"interval", "on_error", "above"}, {"name"}),
        ("sources:\n  shop:\n    type: cloud\n    ^\n", {"pcode", "token", "zones", "labels", "timeout"}, {"appkey"}),
        ("sources:\n  shop:\n    type: site\n    ^\n", {"base_url", "labels", "timeout"}, {"pcode", "token", "zones"}),
        ("reporters:\n  pager:\n    type: pager\n    ^\n", {"appkey", "body", "timeout"}, {"pcode", "labels"}),
        ("x-mine: 1\n^\n", {"sources", "reporters", "defaults", "checks"}, {"name"}),
    ],
    ids=[
        "keys of a check",
        "metrics",
        "metrics of a condition",
        "a condition",
        "defaults",
        "a cloud",
        "a site",
        "a pager",
        "a file",
    ],
)
def test_editor_offers_what_belongs_there(
    text: str, offered: set[str], not_offered: set[str], server: LanguageServer
) -> None:
    labels = set(server.completions(text))
    assert offered <= labels
    assert not_offered.isdisjoint(labels)


@pytest.mark.parametrize(
    ("text", "label", "said"),
    [
        (_check("^"), "above", "alerts strictly above"),
        (_check("metric: cpu_avg", "query:", "  ^"), "window", "how far back"),
        ("sources:\n  shop:\n    type: cloud\n    ^\n", "pcode", "project code"),
        (_check("report:", "  - to: pager", "    ^"), "scenario", "which scenario"),
    ],
    ids=["a key", "a query", "a setting", "a target"],
)
def test_editor_says_what_it_offers_is_for(text: str, label: str, said: str, server: LanguageServer) -> None:
    assert said in server.documentation(text, label)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (_check("exclude: {host: a}"), 2, "Property exclude is not allowed."),
        (_check("above: []"), 2, "Incorrect type."),
        (_check("metric: cpuu"), 2, "Value is not accepted."),
        (_check("on_error: fine"), 2, "Value is not accepted."),
        (_check("metric: cpu_avg", "query: {windw: 5m}"), 3, "Property windw is not allowed."),
        (_check("metric: cpu", "query: {window: 5m}"), 3, "Property window is not allowed."),
        (_check("metric: server_status", "states: {fatal: bad}"), 3, "Value is not accepted."),
        (_check("report: [{to: pager, scenari: a}]"), 2, "Property scenari is not allowed."),
        ("checks:\n  - metric: cpu\n", 1, 'Missing property "name".'),
        ("sources:\n  a: {type: cloud, pcode: x, token: y}\n", 1, 'Incorrect type. Expected "integer".'),
        ("sources:\n  a: {type: cloud, token: y}\n", 1, 'Missing property "pcode".'),
        ("sources:\n  a: {type: site, pcode: 1}\n", 1, "Property pcode is not allowed."),
        ("sources:\n  a: {type: clod}\n", 1, "Value is not accepted."),
        ("source:\n  a: {type: site}\n", 0, "Property source is not allowed."),
    ],
    ids=lambda value: " ".join(value.partition("name: c")[2].split()) or value if isinstance(value, str) else "",
)
def test_editor_marks_what_reading_refuses(text: str, line: int, said: str, server: LanguageServer) -> None:
    (found,) = server.diagnostics(text)
    assert found.line == line
    assert found.message.startswith(said)


def test_label_that_only_a_source_carries_is_no_mistake(server: LanguageServer) -> None:
    text = _check("metric: cpu", "where: {env: prod}", "each: [env, host]") + "    oops: 1\n"
    assert server.diagnostics(text) == [Diagnostic(5, "Property oops is not allowed.")]


def test_line_at_the_top_of_a_file_names_the_schema(script: Path, tmp_path: Path) -> None:
    line = f"# yaml-language-server: $schema={_schema(vendors(), tmp_path).as_uri()}\n"
    with LanguageServer(script, None) as server:
        assert server.diagnostics(_check("exclude: {host: a}")) == []
        assert server.diagnostics(line + _check("exclude: {host: a}")) == [
            Diagnostic(3, "Property exclude is not allowed.")
        ]
        assert sorted(server.completions(line + _check("metric: disk_used", "each: ^"))) == ["host", "mount", "source"]


@pytest.fixture(scope="module")
def editor(script: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """A server that knows the schema of the plugins that the corpus is written for."""
    with LanguageServer(script, _schema(installed_and_operations(), tmp_path_factory.mktemp("schema"))) as running:
        yield running


@pytest.mark.parametrize("name", CORPUS)
def test_file_that_reading_accepts_has_no_mistake_for_an_editor(name: str, editor: LanguageServer) -> None:
    written = CORPUS[name].rstrip() + "\n"
    # A mistake of our own at the end shows that the server has looked.
    found = editor.diagnostics(written + "oops: 1\n")
    assert found == [Diagnostic(written.count("\n"), "Property oops is not allowed.")]
