"""First step of a run: the files of the checks directory become rules, and everything that is wrong becomes problems.

All problems are told at once, and what is healthy works beside what is broken. A rule is read in full only when it is
selected, so that only the plugins of selected rules are loaded.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from checkmill.model.levels import glob_matches
from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.checks import Draft, Surroundings, rule_from
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.keys import CHECK_KEYS, NOT_YET, TOP_KEYS, did_you_mean, nearest
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence, is_empty, parse, shown
from checkmill.steps.reading.sources import SandboxAddresses, reporter_from, source_from

if TYPE_CHECKING:
    from checkmill.host import Host
    from checkmill.model.reporter import ConfiguredReporter
    from checkmill.model.rule import Rule
    from checkmill.model.source import ConfiguredSource

__all__ = ["Book", "Draft", "SandboxAddresses", "read"]

#: A rule file larger than this is no rule file.
LARGEST_FILE = 32 * 1024 * 1024
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
RESERVED_NAMES = ("checkmill", "checkmill-outbox")

_LIMIT_WORDS = {"warn": "warn", "warning": "warn", "crit": "crit", "critical": "crit"}
_KEYS = tuple(key.name for key in CHECK_KEYS)


def read(
    directory: Path,
    host: Host,
    environ: Mapping[str, str],
    sandbox: SandboxAddresses | None = None,
) -> Book:
    """Read all rule files of a directory, in name order, as one namespace."""
    book = Book(directory, host, Expansion(environ, sandbox=sandbox is not None), sandbox)
    for path in _rule_files(directory, book.problems):
        book.add_file(path)
    return book


@dataclass(frozen=True)
class _Written:
    name: str
    place: Place
    node: Map


class Book:
    """What the files say: drafts of all checks, and rules of those that were asked for.

    `problems` holds what is wrong with files as a whole and with everything read so far; `broken_files` the files
    that could not be read as YAML at all.
    """

    def __init__(self, directory: Path, host: Host, expansion: Expansion, sandbox: SandboxAddresses | None) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self.drafts: dict[str, Draft] = {}
        self.files: list[str] = []
        self.broken_files: set[str] = set()
        self.rejected: dict[str, Problem] = {}
        self._host = host
        self._expansion = expansion
        self._sandbox = sandbox
        self._sources: dict[str, _Written] = {}
        self._reporters: dict[str, _Written] = {}
        self._read_sources: dict[str, ConfiguredSource | None] = {}
        self._read_reporters: dict[str, ConfiguredReporter | None] = {}
        self._rules: dict[str, Rule | None] = {}

    # Files

    def add_file(self, path: Path) -> None:
        """Read one file into drafts."""
        name = str(path)
        self.files.append(name)
        text = _text_of(path, self.problems)
        if text is None:
            self.broken_files.add(name)
            return
        root, problems = parse(text, name)
        self.problems.extend(problems)
        if root is None or is_empty(root):
            if problems:
                self.broken_files.add(name)
            return
        if not isinstance(root, Map):
            self.broken_files.add(name)
            self._complain(f"a rule file is a map of {', '.join(TOP_KEYS)}; found {shown(root)}", root.place, "")
            return
        for key, entry in root:
            if key not in TOP_KEYS and not key.startswith("x-"):
                hint = did_you_mean(key, TOP_KEYS)
                if nearest(key, _KEYS):
                    hint = f"it belongs into an entry of 'checks': indent it, after '- name: ...'; or: {hint}"
                self._complain(f"unknown key {key!r}", entry.place, key, hint)
            elif is_empty(entry.value) and key in TOP_KEYS:
                self._complain(f"nothing is written under {key!r}", entry.place, key, "remove the key, or fill it in")
        self._add_named(root.get("sources"), "sources", self._sources)
        self._add_named(root.get("reporters"), "reporters", self._reporters)
        self._add_checks(root.get("checks"), self._defaults(root.get("defaults")))

    def _add_named(self, node: Node | None, kind: str, known: dict[str, _Written]) -> None:
        if node is None or is_empty(node):
            return
        if not isinstance(node, Map):
            self._complain(
                f"a map of names is expected, found {shown(node)}", node.place, kind, f"write {kind}: {{shop: ...}}"
            )
            return
        for name, entry in node:
            path = f"{kind}.{name}"
            if not NAME.fullmatch(name):
                self._complain(f"{name!r} is no name", entry.place, path, "use letters, digits, '.', '_' and '-'")
            elif name in known:
                first = known[name].place
                self._complain(f"{name!r} stands twice, first at {first}", entry.place, path, "rename one of the two")
            elif not isinstance(entry.value, Map):
                found = "nothing" if is_empty(entry.value) else shown(entry.value)
                self._complain(f"a map of settings is expected, found {found}", entry.place, path, "write {type: ...}")
                known[name] = _Written(name, entry.place, Map(entry.place, {}))
            else:
                known[name] = _Written(name, entry.place, entry.value)

    def _defaults(self, node: Node | None) -> Map | None:
        if node is None or is_empty(node):
            return None
        findings = Findings()
        allowed = tuple(key for key in _KEYS if key != "name")
        defaults = findings.map(node, "defaults", allowed)
        if defaults is not None:
            self._refuse_not_yet(defaults, "defaults", findings)
            self._refuse_empty(defaults, "defaults", findings)
        self.problems.extend(findings.problems)
        return defaults

    def _add_checks(self, node: Node | None, defaults: Map | None) -> None:
        if node is None or is_empty(node):
            return
        if not isinstance(node, Sequence):
            hint = "begin each check with '- name: ...'"
            self._complain(f"a list of checks is expected, found {shown(node)}", node.place, "checks", hint)
            return
        for index, item in enumerate(node.items):
            self._add_check(item, index, defaults)

    def _add_check(self, node: Node, index: int, defaults: Map | None) -> None:
        path = f"checks[{index}]"
        if not isinstance(node, Map):
            found = "nothing" if is_empty(node) else shown(node)
            self._complain(
                f"a check is a map, found {found}", node.place, path, "write '- name: ...' and its keys below"
            )
            return
        findings = Findings()
        written = node.get("name")
        name = findings.text(written, f"{path}.name") if not is_empty(written) else None
        if written is None or (is_empty(written) and isinstance(written, Scalar)):
            findings.add("'name' is missing", node.place, path, "every check has a name of its own")
        elif name is not None and not NAME.fullmatch(name):
            findings.add(f"{name!r} is no name", written.place, f"{path}.name", "use letters, digits, '.', '_' and '-'")
        elif name in RESERVED_NAMES:
            findings.add(f"the name {name!r} is Checkmill's own", written.place, f"{path}.name", "choose another")
        elif name is not None and name in self.drafts:
            first = self.drafts[name].own.place
            problem = Problem(
                f"two checks are called {name!r}, the other at {first}",
                written.place,
                f"{path}.name",
                "rename one of the two",
                name,
            )
            self._reject(name, problem)
        elif name is not None:
            self.drafts[name] = Draft(name, index, node, defaults)
            return
        self.problems.extend(findings.problems)

    # Rules

    def select(self, names: Iterable[str] = (), tags: Iterable[str] = ()) -> tuple[list[str], list[str]]:
        """The names of the checks that are meant, in the order written, and the names that mean none.

        A name may be a glob. No names and no tags mean all checks.
        """
        names, tags = list(names), list(tags)
        chosen = dict.fromkeys(self.drafts) if not names else {}
        unknown = []
        for name in names:
            matching = [known for known in self.drafts if glob_matches(name, known)]
            chosen.update(dict.fromkeys(matching))
            if not matching:
                unknown.append(name)
        selected = [name for name in self.drafts if name in chosen]
        if tags:
            selected = [name for name in selected if self._tags_of(self.drafts[name]) & set(tags)]
        return selected, unknown

    def rule(self, name: str) -> Rule | None:
        """Read one check in full, once; None when it has problems."""
        if name in self._rules:
            return self._rules[name]
        draft = self.drafts[name]
        findings = Findings(name)
        for key, entry in draft.own:
            if key not in _KEYS and key not in NOT_YET:
                _unknown_check_key(key, entry, f"{draft.path}.{key}", findings)
        self._refuse_not_yet(draft.own, draft.path, findings)
        self._refuse_empty(draft.own, draft.path, findings)
        rule = rule_from(draft, self._surroundings(), findings)
        self.problems.extend(problem for problem in findings.problems if problem not in self.problems)
        if findings.problems:
            self._reject(name, findings.problems[0], told=True)
            rule = None
        self._rules[name] = None if name in self.rejected else rule
        return self._rules[name]

    def rules(self, names: Iterable[str]) -> list[Rule]:
        """The rules of those names that have no problems."""
        return [rule for rule in map(self.rule, names) if rule is not None]

    def sharing_sources_with(self, rule: Rule) -> list[str]:
        """The names of the checks that may share a fetch with a rule, itself included."""
        wanted = {reading.source.name for reading in rule.readings}
        return [
            name
            for name, draft in self.drafts.items()
            if any(glob_matches(pattern, source) for pattern in draft.sources() for source in wanted)
        ]

    def sources(self) -> list[ConfiguredSource]:
        """All sources that have no problems."""
        return [source for source in map(self._source, self._sources) if source is not None]

    def validate_everything(self) -> None:
        """Read all that is written, used or not, so that `problems` is complete."""
        for name in self._sources:
            self._source(name)
        for name in self._reporters:
            self._reporter(name)
        self.rules(self.drafts)

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            tuple(self._sources),
            self._source,
            tuple(self._reporters),
            self._reporter,
            self._expansion,
            self._sandbox is not None,
        )

    def _source(self, name: str) -> ConfiguredSource | None:
        if name not in self._read_sources:
            findings = Findings()
            written = self._sources[name].node
            self._refuse_empty(written, f"sources.{name}", findings)
            source = source_from(name, written, self._host, self._expansion, self._sandbox, findings)
            self.problems.extend(findings.problems)
            self._read_sources[name] = None if findings.problems else source
        return self._read_sources[name]

    def _reporter(self, name: str) -> ConfiguredReporter | None:
        if name not in self._read_reporters:
            findings = Findings()
            written = self._reporters[name].node
            self._refuse_empty(written, f"reporters.{name}", findings)
            reporter = reporter_from(name, written, self._host, self._expansion, self._sandbox, findings)
            self.problems.extend(findings.problems)
            self._read_reporters[name] = None if findings.problems else reporter
        return self._read_reporters[name]

    def _tags_of(self, draft: Draft) -> set[str]:
        found = draft.key("tags")
        return set(Findings().texts(*found)) if found else set()

    def _reject(self, name: str, problem: Problem, *, told: bool = False) -> None:
        self.rejected.setdefault(name, problem)
        if not told:
            self.problems.append(problem)

    def _refuse_not_yet(self, written: Map, path: str, findings: Findings) -> None:
        for key, entry in written:
            if key in NOT_YET:
                findings.add(
                    f"{key!r} is not carried out yet", entry.place, f"{path}.{key}", f"meanwhile: {NOT_YET[key]}"
                )

    def _refuse_empty(self, written: Map, path: str, findings: Findings) -> None:
        for key, entry in written:
            if is_empty(entry.value):
                findings.add(
                    f"{key!r} has no value", entry.place, f"{path}.{key}", "remove the key, or give it a value"
                )

    def _complain(self, sentence: str, place: Place, path: str, hint: str = "") -> None:
        self.problems.append(Problem(sentence, place, path, hint))


def _unknown_check_key(key: str, entry: Entry, path: str, findings: Findings) -> None:
    if key in _LIMIT_WORDS:
        hint = f"write it inside 'above' or 'below', such as above: {{{_LIMIT_WORDS[key]}: ...}}"
        findings.add(f"unknown key {key!r}", entry.place, path, hint)
    else:
        findings.unknown_key(key, entry, path, _KEYS)


def _rule_files(directory: Path, problems: list[Problem]) -> list[Path]:
    place = Place(str(directory))
    try:
        entries = sorted(directory.iterdir(), key=lambda path: path.name)
    except OSError as error:
        hint = "name the directory with --checks-dir or $CHECKMILL_CHECKS_DIR"
        problems.append(Problem(f"the checks directory cannot be read: {error.strerror}", place, hint=hint))
        return []
    files = [path for path in entries if path.suffix in {".yaml", ".yml"} and not path.name.startswith(".")]
    if not files:
        problems.append(
            Problem("there is no *.yaml file in the checks directory", place, hint="write a first rule there")
        )
    return files


def _text_of(path: Path, problems: list[Problem]) -> str | None:
    place = Place(str(path))
    try:
        with path.open("rb") as opened:
            raw = opened.read(LARGEST_FILE + 1)
    except OSError as error:
        problems.append(Problem(f"the file cannot be read: {error.strerror}", place, hint="check its owner and mode"))
        return None
    if len(raw) > LARGEST_FILE:
        problems.append(Problem(f"the file is larger than {LARGEST_FILE} bytes", place, hint="split it"))
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        column = error.start - (raw.rfind(b"\n", 0, error.start) + 1) + 1
        problems.append(Problem("the file is not UTF-8 text", Place(str(path), line, column), hint="save it as UTF-8"))
        return None
