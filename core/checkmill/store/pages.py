"""Reads the rows out of a damaged SQLite file page by page, where SQLite itself gives up.

Every row stands by itself in a leaf of some tree, so that what leads there (header, schema, inner pages) is not needed.
The write-ahead log is laid over the file as far as its checksums hold, as SQLite does. The layout of both is described
at https://sqlite.org/fileformat2.html.
"""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE_SIZE = 4096
_HEADER = 100
_MAGIC = b"SQLite format 3\0"
_WAL_HEADER, _FRAME_HEADER = 32, 24
_FREE, _INNER_INDEX, _INNER_TABLE, _LEAF_INDEX, _LEAF_TABLE = 0, 2, 5, 10, 13
#: A row of more bytes than this is none of ours.
LARGEST_ROW = 64 << 20
_MASK = 0xFFFFFFFF
_LOST = -1
#: What says that there are more pages than this is damaged itself.
_MOST_PAGES = 1 << 24
#: How a log says in which order the bytes of its sums are.
_ORDERS = {b"\x37\x7f\x06\x82": "<", b"\x37\x7f\x06\x83": ">"}
_OWN_ORDER = "<" if sys.byteorder == "little" else ">"

Value = int | float | str | bytes | None


@dataclass(frozen=True)
class Row:
    """A row: its number where its table has numbers, else None, and its values in the order they are stored in."""

    number: int | None
    values: tuple[Value, ...]


@dataclass
class Reading:
    """What was met on the way: pages and rows that could not be read."""

    pages: int = 0
    bad_pages: int = 0
    bad_rows: int = 0


class _UnreadableError(Exception):
    """A page or row that does not hold together."""


def rows_of(database: Path, log: Path, reading: Reading) -> Iterator[Row]:
    """All rows that can be read of a database file and its write-ahead log; neither is changed.

    Among them may be rows of a former time, when the list of free pages is damaged too. `reading` is filled on the way.
    Raises OSError when the file cannot be opened.
    """
    file = os.open(database, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        log_file = _opened(log)
        try:
            pages = _Pages(file, log_file)
            yield from _rows(pages, reading)
        finally:
            if log_file is not None:
                os.close(log_file)
    finally:
        os.close(file)


def _opened(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError:
        return None


@dataclass(frozen=True)
class _Frame:
    """A page in the log: its number, where its content begins, and whether a transaction ends with it."""

    page: int
    at: int
    ends: bool
    is_whole: bool


@dataclass(frozen=True)
class _Head:
    """The beginning of a log: the order of the bytes it is summed up in, and the number of this use of the file."""

    order: str
    use: bytes
    sums: tuple[int, ...]
    is_whole: bool


def _head(log: int) -> _Head:
    head = _read(log, _WAL_HEADER + _FRAME_HEADER, 0).ljust(_WAL_HEADER + _FRAME_HEADER, b"\0")
    order = _ORDERS.get(head[:4], _OWN_ORDER)
    sums = struct.unpack_from(">II", head, 24)
    is_whole = _summed(head[:24], order, (0, 0)) == sums
    # All frames repeat the number of the use, the first one included.
    return _Head(order, head[16:24] if is_whole else head[_WAL_HEADER + 8 : _WAL_HEADER + 16], sums, is_whole)


def _frames(log: int, size: int, head: _Head) -> Iterator[_Frame]:
    """The frames of a log that belong together; those that are not whole among them."""
    sums = head.sums
    strange = 0
    at = _WAL_HEADER
    while len(frame := _read(log, _FRAME_HEADER + size, at)) == _FRAME_HEADER + size:
        told = struct.unpack_from(">II", frame, 16)
        is_of_use = frame[8:16] == head.use
        summed = _summed(frame[_FRAME_HEADER:], head.order, _summed(frame[:8], head.order, sums))
        strange = 0 if is_of_use else strange + 1
        if strange > 1:
            return
        number, end = struct.unpack_from(">II", frame)
        yield _Frame(number, at + _FRAME_HEADER, is_of_use and bool(end), is_of_use and summed == told)
        # Each frame is summed up on top of what the one before says, so that one that is not whole hides no other.
        sums = told
        at += _FRAME_HEADER + size


def _committed(log: int, size: int) -> tuple[list[_Frame], bool]:
    """The frames of the transactions that were committed, and whether SQLite would leave some of them out.

    It stops at the first frame that is not whole. A power failure leaves such frames too, but only in the very last
    transaction, since each is on the disk before the next one begins: where two ended after that frame, it was whole.
    """
    committed: list[_Frame] = []
    begun: list[_Frame] = []
    whole = 0
    ends_behind = 0
    head = _head(log)
    for frame in _frames(log, size, head):
        begun.append(frame)
        if not frame.ends:
            continue
        committed += begun
        if head.is_whole and not ends_behind and all(one.is_whole for one in begun):
            whole = len(committed)
        else:
            ends_behind += 1
        begun = []
    return (committed, True) if ends_behind > 1 else (committed[:whole], False)


def is_log_broken(database: Path, log: Path) -> bool:
    """Whether transactions that were committed stand in a log behind a place where SQLite stops reading it.

    All of the log is read: to be asked when nobody else writes.
    """
    file, log_file = _opened(database), _opened(log)
    try:
        size = PAGE_SIZE if file is None else _page_size(_read(file, _HEADER, 0))
        return log_file is not None and _committed(log_file, size)[1]
    finally:
        for descriptor in (file, log_file):
            if descriptor is not None:
                os.close(descriptor)


class _Pages:
    """The pages of a file, those of its log over them."""

    def __init__(self, file: int, log: int | None) -> None:
        self._file = file
        self._log = log
        head = _read(file, _HEADER, 0)
        self.size = _page_size(head)
        self._logged: dict[int, int] = {}
        if log is not None:
            self._read_log(log)
        whole = [number for number, at in self._logged.items() if at != _LOST]
        self.count = max(os.fstat(file).st_size // self.size, max(whole, default=0))
        self.missing = max(_told_count(head) - self.count, 0)

    def page(self, number: int) -> bytes:
        """A page by its number, from 1. Raises `_UnreadableError`."""
        if not 1 <= number <= self.count:
            raise _UnreadableError
        offset = self._logged.get(number)
        if offset == _LOST:
            raise _UnreadableError
        source = self._file if offset is None else self._log
        at = (number - 1) * self.size if offset is None else offset
        content = b"" if source is None else _read(source, self.size, at)
        if len(content) < self.size:
            raise _UnreadableError
        return content

    def free(self) -> tuple[set[int], bool]:
        """The pages that are in no tree, and whether these are all."""
        found: set[int] = set()
        if not _read(self._file, len(_MAGIC), 0).startswith(_MAGIC):
            return found, False
        try:
            (trunk,) = struct.unpack_from(">I", self.page(1), 32)
            while trunk and trunk not in found:
                content = self.page(trunk)
                found.add(trunk)
                trunk, count = struct.unpack_from(">II", content)
                count = min(count, self.size // 4 - 2)
                found.update(struct.unpack_from(f">{count}I", content, 8))
        except _UnreadableError:
            return found, False
        return found, True

    def _read_log(self, log: int) -> None:
        """Lay the newest committed content of each page over that of the file."""
        for frame in _committed(log, self.size)[0]:
            # A page whose content is lost is not the page that it was before.
            self._logged[frame.page] = frame.at if frame.is_whole else _LOST


def _page_size(head: bytes) -> int:
    """The size of a page as the file says, or as it always is when that makes no sense."""
    if len(head) < _HEADER or not head.startswith(_MAGIC):
        return PAGE_SIZE
    (size,) = struct.unpack_from(">H", head, 16)
    size = 65536 if size == 1 else size
    return size if 512 <= size <= 65536 and size & (size - 1) == 0 else PAGE_SIZE


def _told_count(head: bytes) -> int:
    """How many pages a file should have; 0 where it does not say so."""
    if len(head) < _HEADER or not head.startswith(_MAGIC) or head[24:28] != head[92:96]:
        return 0
    (count,) = struct.unpack_from(">I", head, 28)
    return int(count) if count < _MOST_PAGES else 0


def _read(file: int, count: int, at: int) -> bytes:
    """So many bytes from there; fewer at the end, none where the disk cannot give them."""
    try:
        return os.pread(file, count, at)
    except OSError:
        return b""


def _summed(data: bytes, order: str, sums: tuple[int, ...]) -> tuple[int, int]:
    one, two = sums
    for first, second in struct.iter_unpack(f"{order}II", data):
        one = (one + first + two) & _MASK
        two = (two + second + one) & _MASK
    return one, two


def _rows(pages: _Pages, reading: Reading) -> Iterator[Row]:
    free, is_known = pages.free()
    reading.pages += pages.missing
    reading.bad_pages += pages.missing
    overflow: set[int] = set()
    strange: set[int] = set()
    for number in range(1, pages.count + 1):
        reading.pages += 1
        if number == 1 or number in free:  # the first holds the schema, which is known
            continue
        try:
            content = pages.page(number)
        except _UnreadableError:
            reading.bad_pages += 1
            continue
        kind = content[0]
        if kind in (_LEAF_TABLE, _LEAF_INDEX, _INNER_INDEX):
            yield from _rows_of_page(pages, content, reading, overflow)
        elif kind != _INNER_TABLE and (is_known or kind != _FREE):
            strange.add(number)
    reading.bad_pages += len(strange - overflow)


def _rows_of_page(pages: _Pages, content: bytes, reading: Reading, overflow: set[int]) -> Iterator[Row]:
    kind = content[0]
    (count,) = struct.unpack_from(">H", content, 3)
    head = 12 if kind == _INNER_INDEX else 8
    count = min(count, (len(content) - head) // 2)
    for at in struct.unpack_from(f">{count}H", content, head):
        try:
            yield _row(pages, content, at, overflow)
        except (_UnreadableError, struct.error, IndexError, ValueError):
            reading.bad_rows += 1


def _row(pages: _Pages, content: bytes, at: int, overflow: set[int]) -> Row:
    kind = content[0]
    if kind == _INNER_INDEX:
        at += 4
    size, at = _varint(content, at)
    number = None
    if kind == _LEAF_TABLE:
        number, at = _varint(content, at)
    if not 0 < size <= min(LARGEST_ROW, pages.size * pages.count):
        raise _UnreadableError
    local = _local(size, pages.size, is_table=kind == _LEAF_TABLE)
    record = content[at : at + local]
    if len(record) < local:
        raise _UnreadableError
    if local < size:
        (following,) = struct.unpack_from(">I", content, at + local)
        record += _overflowing(pages, following, size - local, overflow)
    return Row(number, _values(record))


def _local(size: int, page_size: int, *, is_table: bool) -> int:
    """How much of a row of some bytes stands in its page."""
    most = page_size - 35 if is_table else (page_size - 12) * 64 // 255 - 23
    if size <= most:
        return size
    least = (page_size - 12) * 32 // 255 - 23
    local = least + (size - least) % (page_size - 4)
    return local if local <= most else least


def _overflowing(pages: _Pages, number: int, size: int, overflow: set[int]) -> bytes:
    pieces = []
    met: set[int] = set()
    while size > 0:
        if number in met:
            raise _UnreadableError
        met.add(number)
        content = pages.page(number)
        pieces.append(content[4 : 4 + size])
        size -= len(pieces[-1])
        (number,) = struct.unpack_from(">I", content)
    overflow |= met
    return b"".join(pieces)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where the next one begins."""
    value = 0
    for index in range(8):
        byte = data[at + index]
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + index + 1
    value = value << 8 | data[at + 8]
    return value - (1 << 64) if value >> 63 else value, at + 9


def _values(record: bytes) -> tuple[Value, ...]:
    end, at = _varint(record, 0)
    if not 0 < end <= len(record):
        raise _UnreadableError
    kinds = []
    while at < end:
        kind, at = _varint(record, at)
        kinds.append(kind)
    values = []
    at = end
    for kind in kinds:
        size = _size_of(kind)
        piece = record[at : at + size]
        if len(piece) < size:
            raise _UnreadableError
        values.append(_value(kind, piece))
        at += size
    if at != len(record):
        raise _UnreadableError
    return tuple(values)


def _size_of(kind: int) -> int:
    if kind >= 12:
        return (kind - 12) // 2
    if not 0 <= kind <= 9:
        raise _UnreadableError
    return (0, 1, 2, 3, 4, 6, 8, 8, 0, 0)[kind]


def _value(kind: int, piece: bytes) -> Value:
    if kind == 0:
        return None
    if kind == 7:
        (number,) = struct.unpack(">d", piece)
        return float(number)
    if kind in (8, 9):
        return kind - 8
    if kind >= 12:
        return piece.decode() if kind % 2 else piece
    return int.from_bytes(piece, "big", signed=True)
