"""Finds, loads and questions plugins, each behind a wall: what one does wrong is a Problem, and all others work.

Entry points are loaded here and one at a time, not by pluggy, so that only the plugins that the rules name are
imported, and so that one that fails can be named by its distribution. Each plugin is registered with a pluggy manager
of its own: pluggy checks the hooks it implements, and what it refuses touches nobody else.
"""

from __future__ import annotations

import importlib.metadata
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from checkmill import hookspecs
from checkmill.model.problem import Problem
from checkmill.model.reporter import Reporter
from checkmill.model.source import Source

if TYPE_CHECKING:
    from pluggy import PluginManager

GROUP = "checkmill"
#: The distribution whose types win over another's of the same name.
OWN = "checkmill"

T = TypeVar("T", Source[Any], Reporter[Any, Any])

log = logging.getLogger("checkmill.host")


@dataclass
class Plugin:
    """One entry point: who offers it, and once it was loaded, what it gives and what is wrong with it."""

    entry_point: importlib.metadata.EntryPoint
    distribution: str
    version: str
    loaded: bool = False
    source: Source[Any] | None = None
    reporter: Reporter[Any, Any] | None = None
    problems: list[Problem] = field(default_factory=list)

    @property
    def type(self) -> str:
        """What users write after `type:`."""
        return self.entry_point.name

    def complain(self, sentence: str, hint: str = "") -> None:
        """Note something that is wrong with this plugin."""
        where = f"plugin {self.distribution} {self.version}, entry point {self.type!r}"
        self.problems.append(Problem(sentence, path=where, hint=hint))


class Host:
    """All installed plugins, loaded when they are asked for."""

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Look at the installed distributions, or at the entry points given."""
        found = importlib.metadata.entry_points(group=GROUP) if entry_points is None else entry_points
        self._plugins: dict[str, Plugin] = {}
        self._rejected: list[Plugin] = []
        self._modules: dict[str, _Declared] = {}
        for entry_point in found:
            self._add(entry_point)

    def _add(self, entry_point: importlib.metadata.EntryPoint) -> None:
        distribution = entry_point.dist
        plugin = Plugin(
            entry_point,
            distribution.name if distribution else "unknown distribution",
            distribution.version if distribution else "",
        )
        other = self._plugins.get(plugin.type)
        if other is None:
            self._plugins[plugin.type] = plugin
            return
        if (other.distribution, other.entry_point.value) == (plugin.distribution, plugin.entry_point.value):
            return  # one distribution seen twice on the path
        used, unused = sorted((other, plugin), key=lambda one: (one.distribution != OWN, one.distribution))
        unused.complain(
            f"the type {plugin.type!r} is offered by {used.distribution} {used.version} too, which is used",
            "uninstall one of the two, or ask its author for another name",
        )
        self._plugins[plugin.type] = used
        self._rejected.append(unused)

    @property
    def types(self) -> list[str]:
        """All types that users may write, without loading anything."""
        return sorted(self._plugins)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the plugins loaded so far, and with those that are never loaded for their name."""
        plugins = [*self._plugins.values(), *self._rejected]
        return [problem for plugin in plugins for problem in plugin.problems]

    def plugins(self) -> list[Plugin]:
        """Load all plugins and give them in the order of their types."""
        for plugin in self._plugins.values():
            self._load(plugin)
        return sorted([*self._plugins.values(), *self._rejected], key=lambda one: (one.type, one.distribution))

    def source_type(self, name: str) -> Source[Any] | None:
        """The source type of that name, if a working plugin offers it."""
        plugin = self._loaded(name)
        return plugin.source if plugin else None

    def reporter_type(self, name: str) -> Reporter[Any, Any] | None:
        """The reporter type of that name, if a working plugin offers it."""
        plugin = self._loaded(name)
        return plugin.reporter if plugin else None

    def failed(self, name: str) -> Plugin | None:
        """The plugin that should offer this type and does not work, if that is so."""
        plugin = self._loaded(name)
        return plugin if plugin and plugin.source is None and plugin.reporter is None else None

    def _loaded(self, name: str) -> Plugin | None:
        plugin = self._plugins.get(name)
        if plugin is not None:
            self._load(plugin)
        return plugin

    def _load(self, plugin: Plugin) -> None:
        if plugin.loaded:
            return
        plugin.loaded = True
        declared = self._modules.get(plugin.entry_point.value)
        if declared is None:
            declared = self._modules[plugin.entry_point.value] = _question(plugin.entry_point)
        for sentence in declared.complaints:
            plugin.complain(sentence)
        plugin.source = _of_type(declared.sources, plugin)
        plugin.reporter = _of_type(declared.reporters, plugin)
        if not plugin.problems and plugin.source is None and plugin.reporter is None:
            offered = sorted({one.type for one in declared.sources} | {one.type for one in declared.reporters})
            plugin.complain(
                f"it offers no source or reporter type {plugin.type!r}"
                + (f", only {', '.join(offered)}" if offered else ""),
                "the name of an entry point is what users write after `type:`",
            )


@dataclass
class _Declared:
    """What one module gives, and what is wrong with it."""

    sources: list[Source[Any]] = field(default_factory=list)
    reporters: list[Reporter[Any, Any]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)


def _of_type(declared: list[T], plugin: Plugin) -> T | None:
    found = [one for one in declared if one.type == plugin.type]
    if len(found) > 1:
        plugin.complain(f"it gives the type {plugin.type!r} {len(found)} times; the first is used")
    return found[0] if found else None


def _question(entry_point: importlib.metadata.EntryPoint) -> _Declared:
    declared = _Declared()
    module = _walled(declared, f"cannot be imported from {entry_point.value}", entry_point.load)
    if module is None:
        return declared
    manager = _walled(declared, "breaks the hook contract", lambda: _registered(module))
    if manager is None:
        return declared
    declared.sources = _answers(declared, manager, "checkmill_sources", Source)
    declared.reporters = _answers(declared, manager, "checkmill_reporters", Reporter)
    return declared


def _registered(module: object) -> PluginManager:
    # pluggy is imported only when a plugin is loaded.
    import pluggy

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module)
    manager.check_pending()
    return manager


def _answers(declared: _Declared, manager: PluginManager, hook: str, kind: type[Any]) -> list[Any]:
    def ask() -> list[Any]:
        answers: list[Any] = []
        for answer in getattr(manager.hook, hook)():
            if not isinstance(answer, Iterable) or isinstance(answer, str):
                raise TypeError(f"gave {type(answer).__name__}, not a list of {kind.__name__}")
            answers.extend(answer)
        return answers

    given = _walled(declared, f"its hook {hook} failed", ask) or []
    for one in given:
        if not isinstance(one, kind):
            declared.complaints.append(f"its hook {hook} gave {type(one).__name__}, not {kind.__name__}")
    return [one for one in given if isinstance(one, kind)]


def _walled(declared: _Declared, failing: str, act: Any) -> Any:
    """Do something with a plugin; whatever it raises becomes a complaint."""
    try:
        return act()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the wall round a plugin: sys.exit at import must not end the run
        log.debug("a plugin failed", exc_info=True)
        words = str(error).strip().splitlines()
        what = f"{type(error).__name__}: {words[0]}" if words else type(error).__name__
        declared.complaints.append(f"{failing}: {what}")
        return None
