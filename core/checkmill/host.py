"""Finds, loads and questions plugins, each behind a wall: what one does wrong is a Problem, and all others work.

Entry points are loaded here and one at a time, not by pluggy, so that only the plugins that the rules name are
imported, and so that one that fails can be named by its distribution. Each plugin is registered with a pluggy manager
of its own: pluggy checks the hooks it implements, and what it refuses touches nobody else.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

from checkmill import hookspecs
from checkmill.model.command import Command
from checkmill.model.job import JOBS
from checkmill.model.problem import Problem
from checkmill.model.reporter import Reporter
from checkmill.model.source import ContractError, Source

if TYPE_CHECKING:
    from pluggy import PluginManager

GROUP = "checkmill"
#: The distribution whose types win over another's of the same name.
OWN = "checkmill"
#: The source types that no plugin offers, by their names.
BUILT_IN = {JOBS.type: JOBS}
#: How a distribution is called that does not say its name.
UNKNOWN = "of an unknown distribution"
#: How the functions begin that pluggy calls.
PREFIX = "checkmill_"

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
    commands: list[Command[Any, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def type(self) -> str:
        """What users write after `type:`."""
        return self.entry_point.name

    def complain(self, sentence: str, hint: str = "") -> None:
        """Note something that is wrong with this plugin."""
        who = f"{self.distribution} {self.version}".strip()
        self.problems.append(Problem(sentence, path=f"plugin {who}, entry point {self.type!r}", hint=hint))


class Host:
    """All installed plugins, loaded when they are asked for."""

    def __init__(self, entry_points: Iterable[importlib.metadata.EntryPoint] | None = None) -> None:
        """Look at the installed distributions, or at the entry points given."""
        self._plugins: dict[str, Plugin] = {}
        self._rejected: list[Plugin] = []
        self._unreadable: list[Problem] = []
        self._modules: dict[str, _Declared] = {}
        self._commands: list[Command[Any, Any]] | None = None
        for entry_point in self._installed() if entry_points is None else entry_points:
            self._add(entry_point)

    def _installed(self) -> Iterable[importlib.metadata.EntryPoint]:
        try:
            return importlib.metadata.entry_points(group=GROUP)
        except Exception:  # one broken distribution, of whatever kind, must not hide all others
            log.debug("the entry points cannot be read at once", exc_info=True)
        found: list[importlib.metadata.EntryPoint] = []
        for distribution in importlib.metadata.distributions():
            try:
                found += distribution.entry_points.select(group=GROUP)
            except Exception as error:  # noqa: BLE001 - the same, one by one
                name, _ = _identity(distribution)
                sentence = f"its entry points cannot be read: {_words_of(error)}"
                self._unreadable.append(Problem(sentence, path=f"distribution {name}", hint="install it again"))
        return found

    def _add(self, entry_point: importlib.metadata.EntryPoint) -> None:
        plugin = Plugin(entry_point, *_identity(entry_point.dist))
        if plugin.type in BUILT_IN:
            plugin.complain(f"the type {plugin.type!r} is Checkmill's own", "ask its author for another name")
            self._rejected.append(plugin)
            return
        other = self._plugins.get(plugin.type)
        if other is None:
            self._plugins[plugin.type] = plugin
            return
        if (other.distribution, other.entry_point.value) == (plugin.distribution, plugin.entry_point.value):
            return  # one distribution seen twice on the path
        used, unused = sorted((other, plugin), key=lambda one: (one.distribution != OWN, one.distribution))
        rival = f"{used.distribution} {used.version}".strip()
        unused.complain(
            f"the type {plugin.type!r} is offered by {rival} too, and that one is used",
            "uninstall one of the two, or ask its author for another name",
        )
        self._plugins[plugin.type] = used
        self._rejected.append(unused)

    @property
    def types(self) -> list[str]:
        """All types that plugins offer, without loading anything."""
        return sorted(self._plugins)

    @property
    def problems(self) -> list[Problem]:
        """What is wrong with the plugins loaded so far, and with those that are never loaded for their name."""
        plugins = [*self._plugins.values(), *self._rejected]
        return [*self._unreadable, *(problem for plugin in plugins for problem in plugin.problems)]

    def plugins(self) -> list[Plugin]:
        """Load all plugins and give them in the order of their types."""
        for plugin in self._plugins.values():
            self._load(plugin)
        return sorted([*self._plugins.values(), *self._rejected], key=lambda one: (one.type, one.distribution))

    def sources(self) -> list[Source[Any]]:
        """All source types that work, by name: those of plugins, which are loaded for that, and core's own."""
        offered = [plugin.source for plugin in self.plugins() if plugin.source is not None]
        return sorted([*offered, *BUILT_IN.values()], key=lambda source: source.type)

    def source_type(self, name: str) -> Source[Any] | None:
        """The source type of that name: core's own, or one that a working plugin offers."""
        if name in BUILT_IN:
            return BUILT_IN[name]
        plugin = self._loaded(name)
        return plugin.source if plugin else None

    def reporter_type(self, name: str) -> Reporter[Any, Any] | None:
        """The reporter type of that name, if a working plugin offers it."""
        plugin = self._loaded(name)
        return plugin.reporter if plugin else None

    def commands(self) -> list[Command[Any, Any]]:
        """Load all plugins and give the commands that work, by name; the others are problems of their plugins."""
        if self._commands is None:
            self.plugins()
            offered = [(plugin, command) for plugin in self._homes() for command in plugin.commands]
            self._commands = sorted(_without_conflicts(offered, self), key=lambda command: command.words)
        return self._commands

    def _homes(self) -> list[Plugin]:
        """The plugins with their commands, those of this distribution first, since they win over others' of one name.

        A module that stands behind several entry points offers its commands once: with the type they work with.
        """
        loaded = sorted(self._plugins.values(), key=lambda one: (one.distribution != OWN, one.distribution, one.type))
        by_module: dict[str, list[Plugin]] = {}
        for plugin in loaded:
            by_module.setdefault(plugin.entry_point.value, []).append(plugin)
        for value, plugins in by_module.items():
            declared = self._modules[value]
            known = len(declared.complaints)
            for command in declared.commands():
                home = next((one for one in plugins if one.type == command.source), plugins[0])
                home.commands.append(command)
            for sentence, hint in declared.complaints[known:]:
                plugins[0].complain(sentence, hint)
        return loaded

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
        for sentence, hint in declared.complaints:
            plugin.complain(sentence, hint)
        plugin.source = _of_type(declared.sources, plugin)
        plugin.reporter = _of_type(declared.reporters, plugin)
        if not plugin.problems and plugin.source is None and plugin.reporter is None and not declared.only_commands:
            offered = sorted({one.type for one in declared.sources} | {one.type for one in declared.reporters})
            only = f", only {', '.join(map(repr, offered))}" if offered else ""
            plugin.complain(
                f"it offers no source or reporter type {plugin.type!r}{only}",
                "the name of an entry point is what users write after 'type:'",
            )


@dataclass
class _Declared:
    """What one module gives, and what is wrong with it."""

    sources: list[Source[Any]] = field(default_factory=list)
    reporters: list[Reporter[Any, Any]] = field(default_factory=list)
    complaints: list[tuple[str, str]] = field(default_factory=list)
    manager: PluginManager | None = None

    @property
    def only_commands(self) -> bool:
        """Whether it is there for its commands: it offers no type, and has the hook."""
        hooks = self.manager is not None and self.manager.hook.checkmill_commands.get_hookimpls()
        return bool(hooks) and not self.sources and not self.reporters

    def commands(self) -> list[Command[Any, Any]]:
        """Ask for its commands. Whoever only measures does not: what is wrong with a command breaks no check."""
        return [] if self.manager is None else _answers(self, self.manager, "checkmill_commands", Command)

    def complain(self, sentence: str, hint: str = "") -> None:
        """Note something that is wrong with the module, once."""
        if (sentence, hint) not in self.complaints:
            self.complaints.append((sentence, hint))


def _without_conflicts(offered: Iterable[tuple[Plugin, Command[Any, Any]]], host: Host) -> list[Command[Any, Any]]:
    """The commands that work; each of the others is a problem of its plugin, and no longer among its commands."""
    taken: dict[tuple[str, ...], Plugin] = {}
    working = []
    for plugin, command in offered:
        refusal = _refusal(command, plugin, taken, host)
        if refusal:
            plugin.complain(f"its command {command.name!r} is not offered: {refusal}")
            plugin.commands = [one for one in plugin.commands if one is not command]
        else:
            taken[command.words] = plugin
            working.append(command)
    return working


def _refusal(command: Command[Any, Any], plugin: Plugin, taken: Mapping[tuple[str, ...], Plugin], host: Host) -> str:
    try:
        command.check()
    except Exception as error:  # noqa: BLE001 - the wall round a plugin: these are its own annotations
        return str(error) if isinstance(error, ContractError) else _words_of(error)
    if host.source_type(command.source) is None:
        return f"it works with the source type {command.source!r}, which no working plugin offers"
    for words, other in taken.items():
        length = min(len(words), len(command.words))
        if words[:length] == command.words[:length]:
            whose = "twice" if other is plugin else f"by {f'{other.distribution} {other.version}'.strip()} too"
            if words == command.words:
                return f"it is offered {whose}"
            shorter = " ".join(words[:length])
            return f"{shorter!r} is a command of its own, so that no other can begin with it"
    return ""


def _of_type(declared: list[T], plugin: Plugin) -> T | None:
    found = [one for one in declared if one.type == plugin.type]
    if len(found) > 1:
        plugin.complain(f"it gives the type {plugin.type!r} {len(found)} times; the first is used")
    return found[0] if found else None


def _question(entry_point: importlib.metadata.EntryPoint) -> _Declared:
    declared = _Declared()
    module = _walled(declared, f"it cannot be imported from {entry_point.value!r}", lambda: _imported(entry_point))
    if module is None:
        return declared
    manager = _walled(declared, "it breaks the hook contract", lambda: _registered(module))
    if manager is None:
        return declared
    declared.manager = manager
    _walled(declared, "it breaks the hook contract", lambda: _check_names(module, declared))
    declared.sources = _answers(declared, manager, "checkmill_sources", Source)
    declared.reporters = _answers(declared, manager, "checkmill_reporters", Reporter)
    return declared


def _imported(entry_point: importlib.metadata.EntryPoint) -> object:
    if entry_point.pattern.match(entry_point.value) is None:
        raise ImportError("an entry point is written 'module' or 'module:object'")
    module = entry_point.load()
    if module is None:
        raise ImportError("there is None")
    return module


def _registered(module: object) -> PluginManager:
    # pluggy is imported only when a plugin is loaded.
    import pluggy

    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module)
    except pluggy.PluginValidationError as error:
        # pluggy tells on several lines: the hook in the first, the reason in the last.
        first, *_, reason = str(error).strip().splitlines()
        hook = first.rpartition("for hook ")[2]
        raise ContractError(f"{hook}: {reason.replace('hookimpl', 'function').replace('hookspec', 'hook')}") from error
    return manager


def _check_names(module: object, declared: _Declared) -> None:
    """Note functions that are called like hooks and are none."""
    hooks = [name for name in vars(hookspecs) if name.startswith(PREFIX)]
    for name in dir(module):
        function = getattr(module, name, None)
        options = getattr(function, f"{hookspecs.PROJECT}_impl", None)
        called = (options.get("specname") or name) if isinstance(options, dict) else name
        if not inspect.isroutine(function) or (options is None and not name.startswith(PREFIX)):
            continue
        if called not in hooks:
            declared.complain(f"there is no hook {called!r}", f"the hooks are {', '.join(hooks)}")
        elif options is None:
            declared.complain(f"its function {name!r} is not marked as a hook", "write @hookimpl above it")


def _answers(declared: _Declared, manager: PluginManager, hook: str, kind: type[Any]) -> list[Any]:
    def ask() -> list[Any]:
        caller = getattr(manager.hook, hook)
        answers: list[Any] = []
        given = caller()
        if len(given) < len(caller.get_hookimpls()):  # pluggy leaves out what is None
            raise TypeError(f"it gave None, not a list of {kind.__name__}")
        for answer in given:
            if not isinstance(answer, Iterable) or isinstance(answer, str | bytes | Mapping):
                raise TypeError(f"it gave {type(answer).__name__}, not a list of {kind.__name__}")
            answers.extend(answer)
        return answers

    given = _walled(declared, f"its hook {hook} failed", ask) or []
    for one in given:
        if not isinstance(one, kind):
            declared.complain(f"its hook {hook} gave an object of type {type(one).__name__}, not {kind.__name__}")
    return [one for one in given if isinstance(one, kind)]


def _walled(declared: _Declared, failing: str, act: Callable[[], Any]) -> Any:
    """Do something with a plugin; whatever it raises becomes a complaint."""
    try:
        return act()
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # the wall round a plugin: sys.exit at import must not end the run
        log.debug("a plugin failed", exc_info=True)
        declared.complain(f"{failing}: {_words_of(error)}")
        return None


def _words_of(error: BaseException) -> str:
    """The class of an error and its first line; the error may be of a plugin's own making."""
    try:
        words = str(error).strip().splitlines()
    except Exception:  # noqa: BLE001 - its __str__ may raise anything
        words = []
    return f"{type(error).__name__}: {words[0]}" if words else type(error).__name__


def _identity(distribution: importlib.metadata.Distribution | None) -> tuple[str, str]:
    """Name and version of a distribution, as far as its metadata can be read."""
    try:
        if distribution is not None:
            return distribution.metadata["Name"] or UNKNOWN, distribution.metadata["Version"] or ""
    except Exception:  # metadata is whatever lies in the directory
        log.debug("the metadata of a distribution cannot be read", exc_info=True)
    return UNKNOWN, ""
