"""Targets: which services go to which one, where a rule leaves it to their labels, and what a stored one stands for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from checkmill.model.reporter import ConfiguredReporter, Report
from checkmill.model.result import Result
from checkmill.model.rule import Rule
from checkmill.model.secret import Secret, redact
from checkmill.model.settings import Target
from checkmill.model.templates import TemplateError, filled, is_template

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_ADAPTERS: dict[type[Target], TypeAdapter[Target]] = {}

#: What makes a target: the name of its reporter and its canonical text.
TargetKey = tuple[str, str]


class TargetError(ValueError):
    """Something that is no target of a reporter."""


def target_text(key: Mapping[str, object]) -> str:
    """The canonical text of a target: what makes two the same. How to treat it is not part of it."""
    text = json.dumps({name: key[name] for name in sorted(key) if name != "repeat_unknown"}, ensure_ascii=False)
    return text.encode(errors="backslashreplace").decode()


def reports_for(
    rule: Rule, results: Sequence[Result], complaints: list[str]
) -> Iterator[tuple[TargetKey, Report, list[Result]]]:
    """The targets that a rule reports to, each once, with the services that go there."""
    found: dict[TargetKey, tuple[Report, list[Result]]] = {}
    for report in rule.reports:
        if report.target is not None:
            _gathered(found, report).extend(results)
            continue
        failed: dict[str, list[str]] = {}
        for result in results:
            try:
                own = _filled_in(report, result)
            except TargetError as error:
                failed.setdefault(str(error), []).append(result.service)
            else:
                _gathered(found, own).append(result)
        for sentence, services in failed.items():
            more = f" and {len(services) - 1} more" if len(services) > 1 else ""
            complaints.append(f"reporter {report.reporter.name}: {services[0]}{more} has no target: {sentence}")
    for key, (report, own_results) in found.items():
        # A target that a rule names twice, in whatever way, hears of each service once.
        yield key, report, list({id(one): one for one in own_results}.values())


def _gathered(found: dict[TargetKey, tuple[Report, list[Result]]], report: Report) -> list[Result]:
    """The services of a target; of entries that name it in different ways the more cautious one counts."""
    key = (report.reporter.name, target_text(report.key))
    known, services = found.setdefault(key, (report, []))
    if known.target is not None and known.target.repeat_unknown:
        found[key] = (report, services)
    return services


def may_be_same(one: Report, other: Report) -> bool:
    """Whether two reports may have a target in common, as far as that is known without their services."""
    if one.reporter.name != other.reporter.name:
        return False
    if one.target is not None and other.target is not None:
        return target_text(one.key) == target_text(other.key)
    fixed = [name for name in one.key.keys() & other.key.keys() if name != "repeat_unknown"]
    pairs = [(one.key[name], other.key[name]) for name in fixed]
    return all(_is_open(a) or _is_open(b) or str(a) == str(b) for a, b in pairs)


def stored_target(reporter: ConfiguredReporter, text: str) -> Report:
    """The reporter and target that a stored delivery names. Raises `TargetError` where it is none of this reporter."""
    try:
        values = json.loads(text)
    except ValueError:
        raise TargetError("what is stored of it is no JSON") from None
    target = _target_from(reporter, values)
    key = {name: value for name, value in vars(target).items() if not isinstance(value, Secret)}
    if target_text(key) != text:
        raise TargetError("the reporter reads it as another one now")
    return Report(reporter, target, key)


def _filled_in(report: Report, result: Result) -> Report:
    """The report of one service, with its own target."""
    variables = {
        "check": result.check,
        "source": result.source,
        "metric": result.metric,
        "labels": {**result.common, **result.labels},
        "tags": list(result.tags),
    }
    try:
        values = {name: filled(one, variables) if isinstance(one, str) else one for name, one in report.key.items()}
    except TemplateError as error:
        raise TargetError(f"the template cannot be filled in: {redact(str(error))}") from None
    target = _target_from(report.reporter, values)
    return Report(report.reporter, target, dict(vars(target)))


def _target_from(reporter: ConfiguredReporter, values: Any) -> Target:
    # pydantic is imported only where a target is made of something else than a rule file.
    from pydantic import ValidationError

    try:
        target: Target = _adapter_of(reporter.type.target).validate_python(values)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        spot = ".".join(str(part) for part in first["loc"])
        raise TargetError(redact(f"{spot}: {first['msg']}" if spot else first["msg"])) from None
    except Exception as error:  # noqa: BLE001 - the wall round a plugin: these are its own annotations and validators
        raise TargetError(f"the plugin's target fails with {type(error).__name__}") from None
    return target


def _adapter_of(kind: type[Target]) -> TypeAdapter[Target]:
    from pydantic import TypeAdapter

    if kind not in _ADAPTERS:
        _ADAPTERS[kind] = TypeAdapter(kind)
    return _ADAPTERS[kind]


def _is_open(value: object) -> bool:
    return isinstance(value, str) and is_template(value)
