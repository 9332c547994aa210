"""Reads `sources` and `reporters`: settings validated against the dataclass that the plugin declares."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from checkmill.model.job import JOBS
from checkmill.model.reporter import ConfiguredReporter, Reporter
from checkmill.model.secret import Secret
from checkmill.model.settings import HttpSettings, SourceSettings
from checkmill.model.source import ConfiguredSource, Source
from checkmill.steps.reading.expansion import Expansion
from checkmill.steps.reading.findings import Findings
from checkmill.steps.reading.keys import REPORTER_KEYS, SOURCE_KEYS, did_you_mean
from checkmill.steps.reading.nodes import Map, Node, Scalar, is_empty, shown
from checkmill.steps.reading.sandboxed import in_sandbox
from checkmill.steps.reading.templates import check_template
from checkmill.steps.reading.validation import validated

if TYPE_CHECKING:
    from checkmill.host import Host

H = TypeVar("H", bound=HttpSettings)


class SandboxAddresses(Protocol):
    """Knows where the simulated vendors answer."""

    def base_url(self, kind: Source[Any] | Reporter[Any, Any]) -> str | None:
        """The address of the sandbox of a type; None when it brings none."""


def source_from(
    name: str, written: Map, host: Host, expansion: Expansion, sandbox: SandboxAddresses | None, findings: Findings
) -> ConfiguredSource | None:
    """Read one entry of `sources`; what is wrong becomes findings."""
    path = f"sources.{name}"
    kind = _type_of(written, path, host, expansion, findings, "source")
    if not isinstance(kind, Source):
        return None
    if kind is JOBS:
        settings = _no_settings(written, path, findings)
    else:
        settings = _settings(kind, written, path, tuple(SOURCE_KEYS), expansion, sandbox, findings)
    labels = _labels(written.get("labels"), f"{path}.labels", expansion, findings)
    if settings is None or labels is None:
        return None
    digest = _digest(kind.type, settings, sorted(labels.items()), sandbox)
    return ConfiguredSource(name, kind, settings, labels, written.place.file, digest)


def reporter_from(
    name: str, written: Map, host: Host, expansion: Expansion, sandbox: SandboxAddresses | None, findings: Findings
) -> ConfiguredReporter | None:
    """Read one entry of `reporters`; what is wrong becomes findings."""
    path = f"reporters.{name}"
    kind = _type_of(written, path, host, expansion, findings, "reporter")
    if not isinstance(kind, Reporter):
        return None
    settings = _settings(kind, written, path, tuple(REPORTER_KEYS), expansion, sandbox, findings)
    body = kind.body
    node = written.get("body")
    if node is not None and not is_empty(node):
        node = expansion.node(node, f"{path}.body", findings.problems)
        body = findings.text(node, f"{path}.body") or ""
        check_template(body, node, f"{path}.body", "body", findings)
    if settings is None or findings.problems:
        return None
    return ConfiguredReporter(
        name, kind, settings, body, written.place.file, _digest(kind.type, settings, body, sandbox)
    )


def _type_of(
    written: Map, path: str, host: Host, expansion: Expansion, findings: Findings, kind: str
) -> Source[Any] | Reporter[Any, Any] | None:
    node = written.get("type")
    known = sorted([*host.types, JOBS.type]) if kind == "source" else host.types
    if node is None:
        findings.add("'type' is missing", written.place, path, f"installed types: {', '.join(known)}")
    if node is None or is_empty(node):
        return None
    node = expansion.node(node, f"{path}.type", findings.problems)
    name = findings.text(node, f"{path}.type")
    if name is None:
        return None
    found = host.source_type(name) if kind == "source" else host.reporter_type(name)
    if found is not None:
        return found
    plugin = host.failed(name)
    other = host.reporter_type(name) if kind == "source" else host.source_type(name)
    if plugin is not None and plugin.problems:
        sentence, hint = f"the type {name!r} does not work: {plugin.problems[0]}", ""
    elif other is not None:
        where = "reporters" if kind == "source" else "sources"
        sentence, hint = f"{name!r} is not a {kind} type", f"write it under {where!r}"
    else:
        sentence, hint = f"unknown {kind} type {shown(node)}", did_you_mean(name, known)
    findings.add(sentence, node.place, f"{path}.type", hint)
    return None


def _settings(
    kind: Source[Any] | Reporter[Any, Any],
    written: Map,
    path: str,
    beside: tuple[str, ...],
    expansion: Expansion,
    sandbox: SandboxAddresses | None,
    findings: Findings,
) -> Any:
    if sandbox is not None:
        written = in_sandbox(kind.settings, kind.sandbox.settings if kind.sandbox else {}, written)
    own = {key: entry for key, entry in written if key not in beside and not is_empty(entry.value)}
    expanded = expansion.node(Map(written.place, own), path, findings.problems)
    if not isinstance(expanded, Map):
        return None
    told = frozenset(key for key, entry in written if is_empty(entry.value))
    settings: HttpSettings | None = validated(kind.settings, expanded, path, findings, beside=beside, told=told)
    if sandbox is None:
        _check_url(expanded, path, findings, missing=settings is not None and not settings.base_url)
    if settings is None:
        return None
    if sandbox is not None:
        base_url = sandbox.base_url(kind)
        if base_url is None:
            findings.add(f"the type {kind.type!r} brings no sandbox", written.place, path, "run without --sandbox")
            return None
        try:
            return replace(settings, base_url=base_url)
        except ValueError as error:
            findings.add(f"the sandbox of {kind.type!r} does not take its settings: {error}", written.place, path)
            return None
    return settings


def _no_settings(written: Map, path: str, findings: Findings) -> SourceSettings:
    """The settings of a source that nobody connects to; none can be written."""
    for key, entry in written:
        if key not in SOURCE_KEYS:
            findings.unknown_key(key, entry, f"{path}.{key}", set(SOURCE_KEYS))
    return SourceSettings()


def _check_url(written: Map, path: str, findings: Findings, *, missing: bool) -> None:
    node = written.get("base_url")
    if node is None and missing:
        findings.add("'base_url' is missing", written.place, path, "say where the vendor answers")
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return
    try:
        url = urlsplit(node.value)
        usable = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        usable = False
    # The address is not quoted: it may hold a password.
    if not usable:
        hint = "write it like https://api.example.com"
        findings.add("the address is no http or https URL", node.place, f"{path}.base_url", hint)
    elif url.username or url.password or url.query or url.fragment:
        hint = "leave out users, '?' and '#'"
        findings.add("the address holds more than host and path", node.place, f"{path}.base_url", hint)


def _labels(node: Node | None, path: str, expansion: Expansion, findings: Findings) -> dict[str, str] | None:
    if node is None or is_empty(node):
        return {}
    expanded = expansion.node(node, path, findings.problems)
    labels = findings.map(expanded, path)
    if labels is None:
        return None
    read: dict[str, str] = {}
    for label, entry in labels:
        if label == "source":
            hint = "choose another name"
            findings.add("the label 'source' is the source's name", entry.place, f"{path}.source", hint)
        text = findings.text(entry.value, f"{path}.{label}")
        if text is not None:
            read[label] = text
    return read


def _digest(kind: str, settings: HttpSettings, extra: object, sandbox: SandboxAddresses | None) -> str:
    # A sandbox has another address each time.
    same = settings if sandbox is None else replace(settings, base_url="sandbox")
    return hashlib.blake2b(repr((kind, same, extra, _traces(settings))).encode(), digest_size=16).hexdigest()


def _traces(settings: HttpSettings) -> list[str]:
    """A trace of each secret, so that another account's results are not taken for this one's.

    repr() shows secrets as stars. Sixteen bits notice a change, and are too few to confirm what somebody guesses.
    """
    secrets = [value.reveal() for value in vars(settings).values() if isinstance(value, Secret)]
    return [hashlib.blake2b(one.encode(errors="surrogatepass"), digest_size=2).hexdigest() for one in secrets]
