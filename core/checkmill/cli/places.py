"""Where a command line looks for rules and keeps its state; light, for completion asks for it too."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from checkmill.cli.arguments import DEFAULT_SEED, UsageError
from checkmill.store.directory import state_directory

SYSTEM_WIDE = Path("/etc/checkmill/checks.d")


def checks_directory(given: str | None, environ: Mapping[str, str]) -> Path:
    """Find the checks directory: as given, by environment, here, the user's, system-wide; made absolute."""
    named = given or environ.get("CHECKMILL_CHECKS_DIR")
    if named:
        return _absolute(Path(named))
    config_home = environ.get("XDG_CONFIG_HOME") or (f"{environ['HOME']}/.config" if environ.get("HOME") else "")
    users = [Path(config_home) / "checkmill" / "checks.d"] if config_home else []
    candidates = [Path("checks.d"), *users, SYSTEM_WIDE]
    return _absolute(next((one for one in candidates if one.is_dir()), candidates[0]))


def _absolute(path: Path) -> Path:
    try:
        return path.absolute()
    except FileNotFoundError:
        raise UsageError("the working directory is gone; name --checks-dir by its whole path") from None


def state_directory_of(given: str | None, environ: Mapping[str, str], *, sandbox: bool, seed: int) -> Path | None:
    """Find the state directory of a command line; None when there is no home."""
    directory = state_directory(given, environ, sandbox=sandbox)
    if directory is not None and sandbox and seed != DEFAULT_SEED:
        # Another seed is another vendor: what one answered says nothing about the other.
        return directory.with_name(f"{directory.name}-{seed}")
    return directory
