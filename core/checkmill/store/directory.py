"""The state directory: where it is, who may write, and how files are made in it.

It is shared by the user Nagios runs as, cron and the Checkmk agent, so it belongs to a group, carries the setgid bit,
and is closed to everybody else.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

DIRECTORY_MODE = 0o2770
FILE_MODE = 0o660
SYSTEM_WIDE = Path("/var/lib/checkmill")
#: The part of the state directory that is used with `--sandbox`.
SANDBOX = "sandbox"


class StoreError(Exception):
    """The state directory cannot be used. `str()` says why and what to do."""


def state_directory(given: str | None, environ: Mapping[str, str], *, sandbox: bool) -> Path | None:
    """Find the state directory: as given, by environment, system-wide, or the user's; None when there is no home."""
    named = given or environ.get("CHECKMILL_STATE_DIR")
    if named:
        base: Path | None = Path(named)
    elif SYSTEM_WIDE.is_dir():
        base = SYSTEM_WIDE
    else:
        base = _users(environ)
    if base is None:
        return None
    base = Path(os.path.abspath(base))  # noqa: PTH100 - an administrator's link stays as it was named
    return base / SANDBOX if sandbox else base


def prepared(directory: Path) -> Path:
    """Make the directory if need be, and make sure that nobody else can write into it. Raises `StoreError`."""
    try:
        if directory.name == SANDBOX:
            _make(directory.parent)
        _make(directory)
        status = directory.stat()
    except OSError as error:
        raise StoreError(f"the state directory {directory} cannot be made: {error.strerror}") from None
    if not stat.S_ISDIR(status.st_mode):
        raise StoreError(f"{directory} is no directory; name another with --state-dir")
    if status.st_mode & stat.S_IWOTH:
        raise StoreError(f"everybody may write into {directory}; run: chmod 2770 {directory}")
    if not os.access(directory, os.W_OK | os.X_OK, effective_ids=os.access in os.supports_effective_ids):
        raise StoreError(f"the state directory {directory} cannot be written; add this user to its group")
    return directory


def _make(directory: Path) -> None:
    """Make a directory, unless it is there, with a mode that no umask changes."""
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(mode=0o770)
    except FileExistsError:
        return
    directory.chmod(DIRECTORY_MODE)
    keep_names(directory.parent)


def keep_names(directory: Path) -> None:
    """Have the disk keep what was made, renamed and removed in a directory, whatever happens to the power."""
    # Some file systems, network ones among them, cannot do this for a directory.
    with suppress(OSError):
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def made(path: Path) -> Path:
    """Make sure that a file exists and is a plain file, not a link. Raises `StoreError`."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        try:
            descriptor = os.open(path, flags | os.O_EXCL, FILE_MODE)
            share(descriptor, path.parent)
        except FileExistsError:
            descriptor = os.open(path, flags & ~os.O_CREAT)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise StoreError(f"{path} is no plain file; move it away")
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise StoreError(f"{path} is a link, which is not followed; move it away") from None
        if error.errno == errno.EISDIR:
            raise StoreError(f"{path} is no plain file; move it away") from None
        raise StoreError(f"{path} cannot be opened: {error.strerror}{remedy(path)}") from None
    return path


def share(descriptor: int, directory: Path) -> None:
    """Have a file that was made belong to those who share its directory, also where root made it."""
    if os.geteuid() == 0:
        with suppress(OSError):
            status = directory.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)
    os.fchmod(descriptor, FILE_MODE)


def remedy(path: Path) -> str:
    """What to do about a file that this process may not use, as the rest of a sentence; "" where nothing is known."""
    try:
        status = path.lstat()
        group = path.parent.stat().st_gid
    except OSError:
        return ""
    if not stat.S_ISREG(status.st_mode) or _may(path):
        return ""
    owner = f"{_named('pwd', status.st_uid)}:{_named('grp', status.st_gid)}"
    mode = stat.S_IMODE(status.st_mode)
    run = f"chgrp {_named('grp', group)} {path}; chmod 660 {path}"
    return f"; it belongs to {owner} with mode {mode:04o}: as its owner or root, run: {run}"


def _may(path: Path) -> bool:
    return os.access(path, os.R_OK | os.W_OK, effective_ids=os.access in os.supports_effective_ids)


def _named(table: str, number: int) -> str:
    """The name of a user ("pwd") or group ("grp"), or the number where it has none."""
    import grp
    import pwd

    try:
        return pwd.getpwuid(number).pw_name if table == "pwd" else grp.getgrgid(number).gr_name
    except KeyError:
        return str(number)


def _users(environ: Mapping[str, str]) -> Path | None:
    state_home = environ.get("XDG_STATE_HOME", "")
    if state_home.startswith("/"):
        return Path(state_home) / "checkmill"
    home = environ.get("HOME") or _home_of_user()
    return Path(home) / ".local" / "state" / "checkmill" if home else None


def _home_of_user() -> str:
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
