"""Checks templates while rules are read, so that a wrong one is an error with a place and not a surprise at night."""

from __future__ import annotations

from collections.abc import Collection

from checkmill.model.templates import VARIABLES, TemplateError, is_template, labels_in, undeclared_in
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.keys import did_you_mean
from checkmill.steps.reading.nodes import Node, is_reference, quoted, shown


def check_template(text: str, node: Node, path: str, purpose: str, findings: Findings) -> None:
    """Note a template that does not parse or uses a variable that its purpose does not have."""
    if not is_template(text):
        return
    try:
        unknown = undeclared_in(text) - VARIABLES[purpose].keys()
    except TemplateError as error:
        # With a `${...}` filled in, the error may quote any part of its value.
        why = "" if is_reference(node) else f": {str(error).rstrip('.')}"
        findings.add(f"the template does not parse{why}", node.place, path, "see Jinja2's template syntax")
        return
    if unknown and is_reference(node):
        findings.add(f"the template {shown(node)} uses a variable that it is not given", node.place, path)
        return
    for name in sorted(unknown):
        findings.add(
            f"the template uses {name!r}, which it is not given",
            node.place,
            path,
            did_you_mean(name, VARIABLES[purpose]),
        )


def check_labels(
    text: str, node: Node, path: str, known: Collection[str], lasting: Collection[str], findings: Findings
) -> None:
    """Note the labels of a template that are not `known`, or that may be lost with an answer while others last."""
    for label in sorted(labels_in(text)):
        if label in lasting:
            continue
        if is_reference(node):
            findings.add(f"the template {shown(node)} names a label that is not there, or not always", node.place, path)
        elif label not in known:
            findings.add(f"unknown label {quoted(label)} in the template", node.place, path, did_you_mean(label, known))
        else:
            sentence = f"without an answer the label {label!r} has no value, and the service would lose its name"
            findings.add(sentence, node.place, path, f"write 'each: {label}', or name a label of the source")
