"""Writes rule files into a directory and reads them with the plugins of `support.vendors`."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping
from importlib.metadata import EntryPoint
from pathlib import Path

from checkmill.host import Host
from checkmill.model.rule import Rule
from checkmill.steps.reading import Book, read

ROOT = Path(__file__).parents[2]
#: Sources and a reporter that hold, for checks to stand on.
HEAD = """\
sources:
  shop: {type: cloud, pcode: 12345, token: "${TOKEN}", labels: {env: prod}}
  shop-2: {type: cloud, pcode: 2, token: second-token}
  office: {type: site, base_url: "https://office.example"}
reporters:
  pager: {type: pager, appkey: "${APPKEY}"}
"""
ENVIRON = {"TOKEN": "token-9f2c77", "APPKEY": "appkey-51d0aa", "LIMIT": "80%", "EMPTY": ""}


class SandboxAddresses:
    """A sandbox in which every type has an address, the same one."""

    def base_url(self, kind: object) -> str | None:  # noqa: ARG002 - what reading calls
        return "http://127.0.0.1:9/x"


def vendors() -> Host:
    """A host with the plugins of `support.vendors`."""
    names = ("cloud", "site", "pager")
    return Host(entry_points=[EntryPoint(name, "support.vendors", "checkmill") for name in names])


def book_of(
    directory: Path,
    files: str | bytes | Mapping[str, str | bytes],
    environ: Mapping[str, str] = ENVIRON,
    *,
    host: Host | None = None,
    sandbox: bool = False,
) -> Book:
    """Write files (one is called rules.yaml) and read the directory."""
    for name, content in (files if isinstance(files, Mapping) else {"rules.yaml": files}).items():
        raw = textwrap.dedent(content).encode() if isinstance(content, str) else content
        (directory / name).write_bytes(raw)
    return read(directory, host or vendors(), environ, SandboxAddresses() if sandbox else None)


def installed_and_operations() -> Host:
    """A host with the plugins of the checkout, which the operations team's rules are for."""
    modules = {
        "checkmk": "checkmill_checkmk",
        "nezha": "checkmill_nezha",
        "nhn-batchmon": "checkmill_nhn_monitoring",
        "nhn-monitoring": "checkmill_nhn_monitoring",
        "nhn-watcher": "checkmill_nhn_watcher",
        "whatap": "checkmill_whatap",
    }
    return Host(entry_points=[EntryPoint(name, module, "checkmill") for name, module in modules.items()])


def corpus() -> dict[str, str]:
    """All rule files of the checkout that hold: the examples, the README's, and the operations team's, by name."""
    files = [*(ROOT / "checks.d").glob("*.yaml"), *(ROOT / "tests" / "acceptance" / "rules").glob("*.yaml")]
    examples = re.findall(r"```yaml\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    return {
        **{path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted(files)},
        **{f"README.md, example {number}": text for number, text in enumerate(examples, start=1)},
    }


def with_check(check: str) -> str:
    """A rule file with one check called `c`, of metric cpu unless it says otherwise; its keys as they are given."""
    lines = textwrap.dedent(check).strip("\n").splitlines()
    keys = {line.partition(":")[0] for line in lines}
    head = [f"  {line}" for line in ("name: c", "source: shop", "metric: cpu") if line.partition(":")[0] not in keys]
    body = [*head, *(f"  {line}" for line in lines)]
    return HEAD + "checks:\n" + "\n".join(["- " + body[0].strip(), *body[1:]]) + "\n"


def problems_of(book: Book) -> list[str]:
    """Everything that is wrong, as `validate` prints it, without the directory."""
    book.validate_everything()
    return [str(problem).replace(f"{book.directory}/", "") for problem in book.problems]


def said_of(directory: Path, check: str, environ: Mapping[str, str] = ENVIRON, *, sandbox: bool = False) -> list[str]:
    """What is wrong with one check, without the name of the file."""
    said = problems_of(book_of(directory, with_check(check), environ, sandbox=sandbox))
    return [line.removeprefix("rules.yaml:") for line in said]


def rule_of(directory: Path, check: str, environ: Mapping[str, str] = ENVIRON, *, sandbox: bool = False) -> Rule:
    """The rule of one check that holds."""
    book = book_of(directory, with_check(check), environ, sandbox=sandbox)
    rule = book.rule("c")
    assert rule is not None, "\n".join(map(str, book.problems))
    assert book.problems == []
    return rule
