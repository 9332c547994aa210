"""Reads `report`: to which reporters a check goes, and to which targets of theirs."""

from __future__ import annotations

from checkmill.model.reporter import ConfiguredReporter, Report
from checkmill.model.secret import Secret
from checkmill.model.settings import Target
from checkmill.model.templates import is_template
from checkmill.steps.reading.drafts import Surroundings
from checkmill.steps.reading.findings import FILL_IN, Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Entry, Map, Node, Scalar, Sequence, data_of, shown
from checkmill.steps.reading.sandboxed import in_sandbox
from checkmill.steps.reading.templates import check_template
from checkmill.steps.reading.validation import secrets_of, validated


def reports_from(node: Node, path: str, around: Surroundings, findings: Findings) -> tuple[Report, ...]:
    """Read one target or a list of them; references in them are filled in here, since a sandbox has its own."""
    items = node.items if isinstance(node, Sequence) else (node,)
    if not items:
        findings.add("the list is empty", node.place, path, FILL_IN)
    reports = (
        _report(item, f"{path}[{index}]" if isinstance(node, Sequence) else path, around, findings)
        for index, item in enumerate(items)
    )
    return tuple(report for report in reports if report is not None)


def _report(node: Node, path: str, around: Surroundings, findings: Findings) -> Report | None:
    written = findings.map(node, path)
    if written is None:
        return None
    to = written.get("to")
    if to is None:
        findings.add("'to' is missing", node.place, path, did_you_mean("", around.reporter_names))
        return None
    to = around.expansion.node(to, f"{path}.to", findings.problems)
    name = findings.text(to, f"{path}.to")
    if name is None:
        return None
    if name not in around.reporter_names:
        hint = did_you_mean(name, around.reporter_names)
        findings.add(f"unknown reporter {shown(to)}", to.place, f"{path}.to", hint)
        return None
    own = Map(written.place, {key: entry for key, entry in written if key != "to"})
    reporter = around.reporter(name)
    if not isinstance(reporter, ConfiguredReporter):
        findings.problems.extend(reporter)
        around.expansion.node(own, path, findings.problems)
        return None
    kind = reporter.type.target
    if around.sandbox:
        own = in_sandbox(kind, reporter.type.sandbox.target if reporter.type.sandbox else {}, own)
    expanded = around.expansion.node(own, path, findings.problems)
    if not isinstance(expanded, Map):
        return None
    if any(_is_template(entry.value) for _, entry in expanded):
        return _templated(reporter, expanded, path, findings)
    target: Target | None = validated(kind, expanded, path, findings)
    if target is None:
        return None
    key = {name: value for name, value in vars(target).items() if not isinstance(value, Secret)}
    return Report(reporter, target, key)


def _templated(reporter: ConfiguredReporter, written: Map, path: str, findings: Findings) -> Report | None:
    """A target that each service fills in; all but the templates themselves is validated now."""
    before = len(findings.problems)
    kind = reporter.type.target
    secret = secrets_of(kind)
    entries: dict[str, Entry] = {}
    for key, entry in written:
        entries[key] = entry
        if not isinstance(entry.value, Scalar) or not _is_template(entry.value):
            continue
        if key in secret:
            findings.add("a secret cannot be a template", entry.place, f"{path}.{key}", "write it as ${NAME}")
        check_template(str(entry.value.value), entry.value, f"{path}.{key}", "target", findings)
        # What is not known yet: validation says nothing of it, and misses nothing.
        entries[key] = Entry(entry.place, Scalar(entry.value.place, None, "${...}"))
    validated(kind, Map(written.place, entries), path, findings)
    if len(findings.problems) > before:
        return None
    return Report(reporter, None, data_of(written))


def _is_template(node: Node) -> bool:
    return isinstance(node, Scalar) and isinstance(node.value, str) and is_template(node.value)
