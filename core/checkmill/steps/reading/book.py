"""What the rule files say: drafts of all checks, and the rules of those that were asked for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from checkmill.model.levels import glob_matches
from checkmill.model.problem import Place, Problem
from checkmill.steps.reading.checks import rule_from
from checkmill.steps.reading.composing import parse
from checkmill.steps.reading.drafts import Draft, Surroundings
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.files import text_of
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.hiding import Hiding
from checkmill.steps.reading.keys import TOP_KEYS
from checkmill.steps.reading.naming import (
    check_keys,
    name_problem,
    name_written,
    refuse_empty,
    top_level_problems,
    written_twice,
)
from checkmill.steps.reading.nodes import Map, Node, Sequence, is_empty, shown
from checkmill.steps.reading.sources import SandboxAddresses, reporter_from, source_from

if TYPE_CHECKING:
    from checkmill.host import Host
    from checkmill.model.reporter import ConfiguredReporter
    from checkmill.model.rule import Rule
    from checkmill.model.source import ConfiguredSource


@dataclass(frozen=True)
class _Written:
    """One entry of `sources` or `reporters`, with what is wrong before its type is known."""

    place: Place
    node: Map
    flaws: tuple[Problem, ...] = ()


class Book:
    """What the files say: drafts of all checks, and rules of those that were asked for.

    `problems` holds what is wrong with files as a whole and with everything read so far, each problem once;
    `broken_files` the files that could not be read as rule files at all; `rejected` the first problem of each check
    that cannot run, by name; `hiding` the problems behind which there may be sources and checks that nobody knows of.
    """

    def __init__(self, directory: Path, host: Host, expansion: Expansion, sandbox: SandboxAddresses | None) -> None:
        self.directory = directory
        self.problems: list[Problem] = []
        self.drafts: dict[str, Draft] = {}
        self.files: list[str] = []
        self.broken_files: set[str] = set()
        self.rejected: dict[str, Problem] = {}
        self.hiding = Hiding()
        self._host = host
        self._expansion = expansion
        self._sandbox = sandbox
        self._told: set[Problem] = set()
        self._nameless: list[Draft] = []
        self._sources: dict[str, _Written] = {}
        self._reporters: dict[str, _Written] = {}
        self._read_sources: dict[str, ConfiguredSource | tuple[Problem, ...]] = {}
        self._read_reporters: dict[str, ConfiguredReporter | tuple[Problem, ...]] = {}
        self._rules: dict[str, Rule | None] = {}

    # Files

    def add_file(self, path: Path) -> None:
        """Read one file into drafts."""
        name = str(path)
        self.files.append(name)
        problems: list[Problem] = []
        text = text_of(path, problems)
        root, flaws = parse(text, name) if text is not None else (None, [])
        self.tell([*problems, *flaws])
        if root is None or is_empty(root):
            if problems or flaws:
                self.broken_files.add(name)
                self.hiding.whole([*problems, *flaws])
            return
        if not isinstance(root, Map):
            self.broken_files.add(name)
            sentence = f"a rule file is a map of {', '.join(TOP_KEYS)}; found {shown(root)}"
            self.hiding.whole([self._complain(sentence, root.place, "")])
            return
        wrong = list(top_level_problems(root))
        self.tell(wrong)
        self.hiding.take(root, wrong)
        self._add_named(root.get("sources"), "sources", self._sources)
        self._add_named(root.get("reporters"), "reporters", self._reporters)
        self._add_checks(root.get("checks"), *self._defaults(root.get("defaults")))

    def _add_named(self, node: Node | None, kind: str, known: dict[str, _Written]) -> None:
        if node is None or is_empty(node):
            return
        if not isinstance(node, Map):
            hint = "write each as 'name:' with its settings indented below"
            problem = self._complain(f"a map of names is expected, found {shown(node)}", node.place, kind, hint)
            if kind == "sources":
                self.hiding.sources.append(problem)
            return
        for name, entry in node:
            path = f"{kind}.{name}"
            first = known.get(name)
            settings = entry.value if isinstance(entry.value, Map) else Map(entry.place, {})
            flaws = list(entry.value.flaws)
            wrong = name_problem(name, entry.place, path)
            if wrong is not None:
                flaws.append(wrong)
            if first is not None:
                flaws.append(written_twice(name, entry.place, first.place, path))
            elif not isinstance(entry.value, Map):
                sentence = f"a map of settings is expected, found {shown(entry.value)}"
                flaws.append(Problem(sentence, entry.place, path, "write 'type: ...' and the settings indented below"))
            self.tell(flaws)
            if first is not None:
                # Which of the two is meant nobody knows: neither is used.
                known[name] = _Written(first.place, first.node, (*first.flaws, *flaws))
            else:
                known[name] = _Written(entry.place, settings, tuple(flaws))

    def _defaults(self, node: Node | None) -> tuple[Map | None, tuple[Problem, ...]]:
        """The defaults of a file, and what is wrong with them: no check of the file can rest on them then."""
        if node is None or is_empty(node):
            return None, ()
        findings = Findings()
        findings.problems.extend(node.flaws)
        defaults = findings.map(node, "defaults")
        if defaults is not None:
            check_keys(defaults, "defaults", findings, without=("name",))
        self.tell(findings.problems)
        return defaults, tuple(findings.problems)

    def _add_checks(self, node: Node | None, defaults: Map | None, flaws: tuple[Problem, ...]) -> None:
        if node is None or is_empty(node):
            return
        if not isinstance(node, Sequence):
            hint = "begin each check with '- name: ...'"
            problem = self._complain(f"a list of checks is expected, found {shown(node)}", node.place, "checks", hint)
            self.hiding.checks.append(problem)
            return
        for index, item in enumerate(node.items):
            path = f"checks[{index}]"
            if not isinstance(item, Map):
                hint = "write '- name: ...' and its other keys below"
                problem = self._complain(f"a check is a map, found {shown(item)}", item.place, path, hint)
                self.hiding.checks.append(problem)
                continue
            findings = Findings()
            name = name_written(item, path, findings)
            known = self.drafts.get(name) if name is not None else None
            draft = Draft(name or "", index, item, defaults, flaws)
            if name is not None and known is None:
                self.drafts[name] = draft
                continue
            if name is not None and known is not None:
                place = item.entries["name"].value.place
                problem = written_twice(name, place, known.own.place, f"{path}.name", kind="checks")
                self.rejected.setdefault(name, problem)
                findings.problems.append(problem)
            if name is None:
                self.hiding.checks += findings.problems
            self.tell(findings.problems)
            self._nameless.append(draft)

    # Rules

    def select(self, names: Iterable[str] = (), tags: Iterable[str] = ()) -> tuple[list[str], list[str]]:
        """The names of the checks that are meant, in the order written, and the names that mean none.

        A name may be a glob. No names and no tags mean all checks.
        """
        names, tags = list(names), set(tags)
        chosen = dict.fromkeys(self.drafts) if not names else {}
        unknown = []
        for name in names:
            matching = [known for known in self.drafts if glob_matches(name, known)]
            chosen.update(dict.fromkeys(matching))
            if not matching:
                unknown.append(name)
        selected = [name for name in self.drafts if name in chosen]
        if tags:
            selected = [name for name in selected if tags.intersection(self._texts(name, "tags"))]
        return selected, unknown

    def rule(self, name: str) -> Rule | None:
        """Read one check in full, once; None when it has problems."""
        if name not in self._rules:
            rule, problems = self._read(self.drafts[name])
            if problems:
                self.rejected.setdefault(name, _with_check(problems[0]))
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
            for name in self.drafts
            if any(glob_matches(pattern, source) for pattern in self._texts(name, "source") for source in wanted)
        ]

    def sources(self) -> list[ConfiguredSource]:
        """All sources that have no problems."""
        return [source for source in map(self._source, self._sources) if not isinstance(source, tuple)]

    def source_types(self) -> dict[str, str]:
        """The type of each source as it is written, by the source's name; "" where none can be read."""
        found = {}
        for name, written in self._sources.items():
            node = written.node.get("type")
            expanded = None if node is None else self._expansion.node(node, "", [])
            found[name] = (None if expanded is None else Findings().text(expanded, "")) or ""
        return found

    def source(self, name: str) -> ConfiguredSource | tuple[Problem, ...]:
        """The source of a name that is written, or what is wrong with it."""
        return self._source(name)

    def reporter(self, name: str) -> ConfiguredReporter | None:
        """The reporter of that name, if there is one without problems."""
        found = self._reporter(name) if name in self._reporters else None
        return None if isinstance(found, tuple) else found

    def reporters_of(self, name: str) -> tuple[str, ...]:
        """The names of the reporters under `report` of a check, as far as they can be read; no plugin is loaded."""
        found = self.drafts[name].key("report")
        node = None if found is None else found[0]
        targets = node.items if isinstance(node, Sequence) else (node,)
        written = (one.get("to") for one in targets if isinstance(one, Map))
        named = (Findings().text(self._expansion.node(to, "", []), "") for to in written if to is not None)
        return tuple(dict.fromkeys(one for one in named if one))

    def validate_everything(self) -> None:
        """Read all that is written, used or not, so that `problems` is complete."""
        for name in self._sources:
            self._source(name)
        for name in self._reporters:
            self._reporter(name)
        self.rules(self.drafts)
        for draft in self._nameless:
            self._read(draft)
        # A person mends a file from the top down.
        self.problems.sort(key=lambda problem: problem.place or Place(""))

    def tell(self, problems: Iterable[Problem]) -> None:
        """Add problems, each once."""
        for problem in problems:
            if problem not in self._told:
                self._told.add(problem)
                self.problems.append(_with_check(problem))

    def _read(self, draft: Draft) -> tuple[Rule | None, list[Problem]]:
        findings = Findings(draft.name)
        findings.problems.extend([*draft.own.flaws, *draft.flaws])
        check_keys(draft.own, draft.path, findings)
        rule = rule_from(draft, self._surroundings(), findings)
        problems = sorted(findings.problems, key=lambda one: one.place or draft.own.place)
        self.tell(problems)
        return rule, problems

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            tuple(self._sources),
            self._source,
            tuple(self.hiding.sources),
            tuple(self._reporters),
            self._reporter,
            self._expansion,
            self._sandbox is not None,
        )

    def _source(self, name: str) -> ConfiguredSource | tuple[Problem, ...]:
        if name not in self._read_sources:
            written, findings = self._begun(self._sources[name], f"sources.{name}")
            source = None
            if written.entries:
                source = source_from(name, written, self._host, self._expansion, self._sandbox, findings)
            self.tell(findings.problems)
            self._read_sources[name] = tuple(findings.problems) if source is None or findings.problems else source
        return self._read_sources[name]

    def _reporter(self, name: str) -> ConfiguredReporter | tuple[Problem, ...]:
        if name not in self._read_reporters:
            written, findings = self._begun(self._reporters[name], f"reporters.{name}")
            reporter = None
            if written.entries:
                reporter = reporter_from(name, written, self._host, self._expansion, self._sandbox, findings)
            self.tell(findings.problems)
            self._read_reporters[name] = tuple(findings.problems) if reporter is None or findings.problems else reporter
        return self._read_reporters[name]

    def _begun(self, written: _Written, path: str) -> tuple[Map, Findings]:
        findings = Findings()
        findings.problems.extend(written.flaws)
        refuse_empty(written.node, path, findings)
        if not written.node.entries and not findings.problems:
            findings.add("a map of settings is expected, found an empty one", written.place, path, FILL_IN)
        return written.node, findings

    def _texts(self, name: str, key: str) -> tuple[str, ...]:
        return self.drafts[name].texts(key, self._expansion)

    def _complain(self, sentence: str, place: Place, path: str, hint: str = "") -> Problem:
        problem = Problem(sentence, place, path, hint)
        self.tell([problem])
        return problem


def _with_check(problem: Problem) -> Problem:
    """A problem that names its check where its place does not: what is wrong with a default is so for some checks."""
    if not problem.check or not problem.path.startswith("defaults"):
        return problem
    return replace(problem, sentence=f"for check {problem.check!r}, {problem.sentence}")
