"""What a disk would hold had the power failed at any point of a program that ran: see power_loss.c, which watches it.

A file keeps what was written before it was last synchronised; of what was written since, any sectors may have reached
the disk, in any order. A name is kept when its directory was synchronised after it was made, changed or removed. What
processes share in memory is lost.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import struct
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SECTOR = 512
SOURCE = Path(__file__).with_name("power_loss.c")
_RECORD = struct.Struct("<IIqqQ")
_OPEN, _WRITE, _TRUNCATE, _SYNC, _CLOSE, _RENAME, _UNLINK, _MKDIR, _NOTE = range(1, 10)
#: Memory that processes share, which is a file by name alone.
_SHARED = "-shm"


def compiler() -> str | None:
    """The C compiler of this machine, if it has one."""
    return shutil.which("cc") or shutil.which("gcc")


def library(directory: Path) -> Path:
    """Build what is preloaded into the program."""
    built = directory / "power_loss.so"
    command = [str(compiler()), "-O1", "-shared", "-fPIC", "-o", str(built), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True)
    return built


def watching(built: Path, root: Path, log: Path) -> Mapping[str, str]:
    """The environment in which a program is watched."""
    log.touch()
    return {"LD_PRELOAD": str(built), "POWER_LOSS_ROOT": str(root), "POWER_LOSS_LOG": str(log)}


def filling(built: Path, root: Path, room: int) -> Mapping[str, str]:
    """The environment in which the disk of a program is full after so many bytes."""
    return {"LD_PRELOAD": str(built), "POWER_LOSS_ROOT": str(root), "POWER_LOSS_ROOM": str(room)}


def note(log: Path, **words: Any) -> None:
    """Write into the log of a program what is known outside of it from here on."""
    text = json.dumps(words).encode()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(descriptor, _RECORD.pack(_NOTE, os.getpid(), 0, 0, len(text)) + text)
    finally:
        os.close(descriptor)


@dataclass
class File:
    """A file: what the disk holds of it, and what was written since: bytes at an offset, or a new length."""

    kept: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        for at, data in self.since:
            _change(self.kept, at, data)
        self.since.clear()

    def content(self, chance: random.Random | None, share: float) -> bytes:
        """What is there after a power failure, when this share of what was written since has reached the disk."""
        found = bytearray(self.kept)
        for at, data in self.since:
            for own_at, piece in _sectors(at, data):
                if chance is not None and chance.random() < share:
                    _change(found, own_at, piece)
        return bytes(found)


@dataclass
class Folder:
    """A directory: the names that the disk holds, those that programs see, and the changes between."""

    kept: dict[str, File | Folder] = field(default_factory=dict)
    seen: dict[str, File | Folder] = field(default_factory=dict)
    since: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def change(self, names: Mapping[str, File | Folder | None]) -> None:
        _rename(self.seen, names)
        self.since.append(dict(names))

    def sync(self) -> None:
        for names in self.since:
            _rename(self.kept, names)
        self.since.clear()

    def names(self, chance: random.Random | None, share: float, *, ordered: bool) -> dict[str, File | Folder]:
        """The names after a power failure; `ordered` the first changes before later ones, as most do it."""
        found = dict(self.kept)
        for names in self.since:
            if chance is None or chance.random() >= share:
                if ordered:
                    break
                continue
            _rename(found, names)
        return found


@dataclass(frozen=True)
class Moment:
    """A point at which the power may fail: how many synchronisations are done, and what was noted until then."""

    syncs: int
    notes: tuple[Mapping[str, Any], ...]
    root: Folder

    @property
    def renamings(self) -> int:
        """How many changes of names may be lost."""
        return sum(len(folder.since) for folder in _folders(self.root))

    def materialise(self, directory: Path, chance: random.Random | None = None, share: float = 0.0) -> None:
        """Make a directory as it is found after the power failed."""
        _materialise(self.root, directory, chance, share, ordered=chance is None or chance.random() < 0.5)


def moments(log: Path, root: Path) -> Iterator[Moment]:
    """The points before each synchronisation and at the end; each is to be looked at before the next is asked for.

    What the disk surely holds changes at these points alone; before the next one most has happened that relies on it.
    """
    top = Folder()
    files: dict[tuple[int, int], File | Folder] = {}
    notes: list[Mapping[str, Any]] = []
    syncs = 0
    for kind, process, descriptor, at, data in _records(log):
        one = files.get((process, descriptor))
        if kind == _NOTE:
            notes.append(json.loads(data))
        elif kind == _OPEN:
            files[process, descriptor] = _opened(top, _inside(data, root), at)
        elif kind == _CLOSE:
            del files[process, descriptor]
        elif kind == _RENAME:
            old, new = (_inside(path, root) for path in data.split(b"\0"))
            folder, name = _place(top, old)
            other, other_name = _place(top, new)
            moved = folder.seen[name]
            if folder is other:
                folder.change({name: None, other_name: moved})
            else:
                folder.change({name: None})
                other.change({other_name: moved})
        elif kind == _UNLINK:
            folder, name = _place(top, _inside(data, root))
            folder.change({name: None})
        elif kind == _MKDIR:
            folder, name = _place(top, _inside(data, root))
            folder.change({name: Folder()})
        elif kind == _SYNC and one is not None:
            yield Moment(syncs, tuple(notes), top)
            one.sync()
            syncs += 1
        elif isinstance(one, File):
            one.since.append((at, data if kind == _WRITE else None))
    yield Moment(syncs, tuple(notes), top)


def _folders(folder: Folder) -> Iterator[Folder]:
    yield folder
    for one in folder.seen.values():
        if isinstance(one, Folder):
            yield from _folders(one)


def _records(log: Path) -> Iterator[tuple[int, int, int, int, bytes]]:
    content = log.read_bytes()
    at = 0
    while at < len(content):
        kind, process, descriptor, offset, size = _RECORD.unpack_from(content, at)
        at += _RECORD.size
        yield kind, process, descriptor, offset, content[at : at + size]
        at += size


def _inside(path: bytes, root: Path) -> tuple[str, ...]:
    return Path(os.fsdecode(path)).relative_to(root).parts


def _place(top: Folder, parts: tuple[str, ...]) -> tuple[Folder, str]:
    folder = top
    for part in parts[:-1]:
        inner = folder.seen[part]
        assert isinstance(inner, Folder)
        folder = inner
    return folder, parts[-1]


def _opened(top: Folder, parts: tuple[str, ...], flags: int) -> File | Folder:
    if not parts:
        return top
    folder, name = _place(top, parts)
    if name not in folder.seen:
        folder.change({name: File()})
    one = folder.seen[name]
    if flags & os.O_TRUNC and isinstance(one, File):
        one.since.append((0, None))
    return one


def _rename(names: dict[str, File | Folder], changes: Mapping[str, File | Folder | None]) -> None:
    for name, one in changes.items():
        if one is None:
            names.pop(name, None)
        else:
            names[name] = one


def _change(content: bytearray, at: int, data: bytes | None) -> None:
    if data is None:
        del content[at:]
        content.extend(bytes(at - len(content)))
        return
    content.extend(bytes(max(at - len(content), 0)))
    content[at : at + len(data)] = data


def _sectors(at: int, data: bytes | None) -> Iterator[tuple[int, bytes | None]]:
    if data is None:
        yield at, None
        return
    start = 0
    while start < len(data):
        end = min(len(data), start + SECTOR - (at + start) % SECTOR)
        yield at + start, data[start:end]
        start = end


def _materialise(folder: Folder, directory: Path, chance: random.Random | None, share: float, *, ordered: bool) -> None:
    directory.mkdir(mode=0o770)
    for name, one in folder.names(chance, share, ordered=ordered).items():
        if name.endswith(_SHARED):
            continue
        if isinstance(one, Folder):
            _materialise(one, directory / name, chance, share, ordered=ordered)
        else:
            (directory / name).write_bytes(one.content(chance, share))
