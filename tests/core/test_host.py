"""The host finds plugins and stands between them: what one does wrong is told by name, and all others work."""

import importlib.metadata
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from checkmill.host import Host

Install = Callable[..., importlib.metadata.EntryPoints]

GOOD = """
from checkmill.api.v1 import Dataset, Metric, NoQuery, Sample, Source, SourceSettings, hookimpl

def fetched(settings, query):
    return (yield from settings.get("/"))

def samples(payload, query):
    yield Sample(1)

DATA = Dataset("data", fetched)

def source(name):
    return Source(type=name, settings=SourceSettings, metrics=[Metric("cpu", DATA, samples)])
"""
WORKS = "@hookimpl\ndef checkmill_sources():\n    return [source('acme')]\n"

HOOKS = "the hooks are checkmill_sources, checkmill_reporters, checkmill_commands"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with one module on the path; gives its entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def put(name: str, code: str, *types: str, version: str = "1.2", value: str = "") -> importlib.metadata.EntryPoints:
        module = f"{tmp_path.name}_{name}".replace("-", "_")
        (tmp_path / f"{module}.py").write_text(GOOD + textwrap.dedent(code), "utf-8")
        info = tmp_path / f"{name}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", "utf-8")
        lines = "".join(f"{kind} = {value or module}\n" for kind in types)
        (info / "entry_points.txt").write_text(f"[checkmill]\n{lines}", "utf-8")
        return importlib.metadata.Distribution.at(info).entry_points

    return put


def _said(host: Host) -> list[str]:
    return [str(problem) for problem in host.problems]


def test_plugin_is_not_loaded_before_it_is_asked_for(install: Install) -> None:
    host = Host(install("acme-plugin", "raise RuntimeError('loaded')\n", "acme"))
    assert host.types == ["acme"]
    assert host.problems == []
    assert host.source_type("acme") is None
    assert len(host.problems) == 1


def test_plugin_of_another_distribution_works(install: Install) -> None:
    host = Host(install("acme-plugin", WORKS, "acme"))
    source = host.source_type("acme")
    assert source is not None
    assert [metric.name for metric in source.metrics] == ["cpu"]
    assert (host.reporter_type("acme"), host.failed("acme"), host.source_type("other"), host.problems) == (
        None,
        None,
        None,
        [],
    )
    plugin = host.plugins()[0]
    assert (plugin.type, plugin.distribution, plugin.version) == ("acme", "acme-plugin", "1.2")


HOOK = "@hookimpl\ndef checkmill_sources({}):\n    {}\n"


@pytest.mark.parametrize(
    ("code", "said"),
    [
        (
            "import nothing_of_the_kind",
            "cannot be imported: ModuleNotFoundError: No module named 'nothing_of_the_kind'",
        ),
        ("raise SystemExit('bye')", "cannot be imported: SystemExit: bye"),
        ("raise GeneratorExit", "cannot be imported: GeneratorExit"),
        ("def broken(:\n", "cannot be imported: SyntaxError: invalid syntax (MODULE.py, line 14)"),
        (
            "class Odd(Exception):\n    def __str__(self):\n        raise ValueError\nraise Odd",
            "cannot be imported: Odd",
        ),
        (
            HOOK.format("config", "return []"),
            (
                "it breaks the hook contract: ContractError: 'checkmill_sources': Argument(s) {'config'} "
                "are declared in the function but can not be found in the hook"
            ),
        ),
        (
            HOOK.format("", "return None"),
            "its hook checkmill_sources failed: TypeError: it gave None, not a list of Source",
        ),
        (
            HOOK.format("", "return 5"),
            "its hook checkmill_sources failed: TypeError: it gave int, not a list of Source",
        ),
        (
            HOOK.format("", "return source('acme')"),
            "its hook checkmill_sources failed: TypeError: it gave Source, not a list of Source",
        ),
        (
            HOOK.format("", "return {'acme': 1}"),
            "its hook checkmill_sources failed: TypeError: it gave dict, not a list of Source",
        ),
        (HOOK.format("", "raise KeyError('x')"), "its hook checkmill_sources failed: KeyError: 'x'"),
        (
            HOOK.format("", "yield source('acme')\n    raise ValueError('late\\nand long')"),
            "its hook checkmill_sources failed: ValueError: late",
        ),
        (
            HOOK.format("", "return [source, source]"),
            "its hook checkmill_sources gave an object of type function, not Source",
        ),
        (
            HOOK.format("", "return [source('acme'), source('acme')]"),
            "it gives the type 'acme' 2 times; the first is used",
        ),
        (
            HOOK.format("", "return [source('acme2')]"),
            (
                "it offers no source or reporter type 'acme', only 'acme2'; "
                "the name of an entry point is what users write after 'type:'"
            ),
        ),
        (
            "",
            "it offers no source or reporter type 'acme'; the name of an entry point is what users write after 'type:'",
        ),
        (
            "def checkmill_sources():\n    return []\n",
            "its function 'checkmill_sources' is not marked as a hook; write @hookimpl above it",
        ),
        (
            WORKS + "@hookimpl\ndef checkmill_sauces():\n    return []\n",
            f"there is no hook 'checkmill_sauces'; {HOOKS}",
        ),
        (
            WORKS + "def checkmill_helper():\n    return []\n",
            f"there is no hook 'checkmill_helper'; {HOOKS}",
        ),
        (
            WORKS + "@hookimpl\ndef sources():\n    return []\n",
            f"there is no hook 'sources'; {HOOKS}",
        ),
        (
            "source('Bad Name')",
            "cannot be imported: ContractError: source type 'Bad Name' is not like 'nhn-monitoring'",
        ),
        (
            "Source(type='acme', settings=dict, metrics=[])",
            (
                "cannot be imported: ContractError: source type acme: "
                "its settings are not a dataclass derived from SourceSettings"
            ),
        ),
    ],
)
def test_what_a_plugin_does_wrong_names_its_distribution_and_entry_point(
    code: str, said: str, install: Install, tmp_path: Path
) -> None:
    other = install("other-plugin", WORKS.replace("acme", "other"), "other")
    host = Host([*install("acme-plugin", code, "acme"), *other])
    host.source_type("acme")
    module = f"{tmp_path.name}_acme_plugin"
    said = said.replace("MODULE", module).replace("cannot be imported:", f"it cannot be imported from {module!r}:")
    assert _said(host) == [f"plugin acme-plugin 1.2, entry point 'acme': {said}"]
    assert host.source_type("other") is not None
    assert len(host.problems) == 1


def test_what_is_wrong_beside_a_good_source_leaves_it_working(install: Install) -> None:
    host = Host(install("acme-plugin", HOOK.format("", "return [5, source('acme')]"), "acme"))
    assert host.source_type("acme") is not None
    assert host.failed("acme") is None
    assert len(host.problems) == 1


@pytest.mark.parametrize("own_first", [True, False])
def test_own_type_wins_over_that_of_another_distribution(own_first: bool, install: Install) -> None:
    found = [install("acme-plugin", WORKS, "acme"), install("checkmill", WORKS, "acme", version="9")]
    host = Host(point for points in (reversed(found) if own_first else found) for point in points)
    assert "\n".join(_said(host)) == (
        "plugin acme-plugin 1.2, entry point 'acme': the type 'acme' is offered by checkmill 9 too, "
        "and that one is used; uninstall one of the two, or ask its author for another name"
    )
    assert host.source_type("acme") is not None
    assert [(plugin.distribution, plugin.loaded) for plugin in host.plugins()] == [
        ("acme-plugin", False),
        ("checkmill", True),
    ]


def test_one_distribution_seen_twice_on_the_path_is_no_conflict(install: Install) -> None:
    points = install("acme-plugin", WORKS, "acme")
    host = Host([*points, *points])
    assert host.source_type("acme") is not None
    assert host.problems == []


def test_module_under_two_entry_names_is_asked_once(install: Install) -> None:
    code = """
    ASKED = []
    @hookimpl
    def checkmill_sources():
        ASKED.append(1)
        return [source(f"acme-{number}") for number in range(2) if len(ASKED) == 1]
    """
    host = Host(install("acme-plugin", code, "acme-0", "acme-1"))
    assert (host.source_type("acme-0"), host.source_type("acme-1")) != (None, None)
    assert host.source_type("acme-1") is not None
    assert host.problems == []


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("no module!", "ImportError: an entry point is written 'module' or 'module:object'"),
        ("checkmill.host:nothing", "AttributeError: module 'checkmill.host' has no attribute 'nothing'"),
    ],
)
def test_entry_point_that_leads_nowhere_is_told(value: str, said: str, install: Install) -> None:
    host = Host(install("acme-plugin", "", "acme", value=value))
    assert host.source_type("acme") is None
    assert _said(host) == [f"plugin acme-plugin 1.2, entry point 'acme': it cannot be imported from {value!r}: {said}"]


def test_entry_point_without_a_distribution_still_has_a_name() -> None:
    host = Host([importlib.metadata.EntryPoint("acme", "support.exiting", "checkmill")])
    assert host.failed("acme") is not None
    assert _said(host) == [
        (
            "plugin of an unknown distribution, entry point 'acme': "
            "it cannot be imported from 'support.exiting': SystemExit: 3"
        )
    ]


def test_installed_plugins_are_found_beside_a_distribution_that_is_broken(tmp_path: Path, install: Install) -> None:
    install("acme-plugin", WORKS, "acme")
    broken = tmp_path / "broken-1.dist-info"
    broken.mkdir()
    (broken / "METADATA").write_text("Name: broken\nVersion: 1\n", "utf-8")
    (broken / "entry_points.txt").write_text("[checkmill]\nthis is no entry point\n", "utf-8")
    host = Host()
    assert {"acme", "whatap", "nhn-batchmon"} <= set(host.types)
    assert host.source_type("acme") is not None
    assert [line.partition(": ")[0] for line in _said(host)] == ["distribution broken"]


def test_every_type_of_this_distribution_works() -> None:
    host = Host()
    assert [plugin.type for plugin in host.plugins() if plugin.problems] == []
    assert host.problems == []
