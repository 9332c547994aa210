"""Bodies: read in pieces, decompressed in pieces, and never larger than allowed at any moment."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping

from checkmill.model.errors import ParseError, ReadError, TooLargeError
from checkmill.model.secret import shortened

MIB = 1 << 20
#: More gzip members than this in one answer are an attack on the processor.
MOST_MEMBERS = 10_000
#: As much is decompressed at a time.
_PIECE = 1 << 16
_GZIP = 16 + zlib.MAX_WBITS


class Body:
    """Collects the body of one answer. `cap` in bytes holds on the wire and decompressed alike."""

    def __init__(self, headers: Mapping[str, str], *, bodiless: bool, cap: int, where: str) -> None:
        """Raises `TooLargeError` if the vendor announces too much, `ParseError` for an unknown encoding."""
        self._cap = cap
        self._where = where
        self._received = 0
        self._content = bytearray()
        length = headers.get("content-length", "")
        self._length = int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None
        self._inflater: _Inflater | None = None
        if bodiless:
            self._length = None
            return
        if self._length is not None and self._length > cap:
            raise self._too_large()
        written = headers.get("content-encoding", "")
        encodings = [name.strip().lower() for name in headers.get("content-encoding", "").split(",")]
        encodings = [name for name in encodings if name not in {"", "identity"}]
        if encodings:
            if len(encodings) > 1 or encodings[0] not in {"gzip", "x-gzip", "deflate"}:
                raise ParseError(f"the answer from {where} is encoded as {shortened(written, 60)}, not as asked for")
            self._inflater = _Inflater(encodings[0].removeprefix("x-"), where)

    def add(self, piece: bytes) -> None:
        """Take a piece as it came off the wire. Raises `TooLargeError` or `ParseError`."""
        self._received += len(piece)
        if self._received > self._cap:
            raise self._too_large()
        if self._inflater is None:
            self._content += piece
            return
        for part in self._inflater.inflate(piece):
            self._content += part
            if len(self._content) > self._cap:
                raise self._too_large()

    def whole(self) -> bytes:
        """The whole body. Raises `ReadError` if it broke off."""
        if self._length is not None and self._received < self._length:
            raise ReadError(f"the answer from {self._where} broke off after {self._received} of {self._length} bytes")
        if self._inflater is not None and self._received and not self._inflater.complete:
            raise ReadError(f"the answer from {self._where} broke off within its compressed data")
        return bytes(self._content)

    def _too_large(self) -> TooLargeError:
        cap = f"{self._cap // MIB} MiB" if self._cap and self._cap % MIB == 0 else f"{self._cap} bytes"
        return TooLargeError(f"the answer from {self._where} is larger than the {cap} that max_size allows")


class _Inflater:
    """Decompresses in bounded pieces: gzip with one or several members, zlib, or the bare deflate of old servers."""

    def __init__(self, encoding: str, where: str) -> None:
        self._encoding = encoding
        self._where = where
        self._head = b""
        self._members = 0
        self._stream = zlib.decompressobj(_GZIP) if encoding == "gzip" else None
        self.complete = False

    def inflate(self, data: bytes) -> Iterator[bytes]:
        """Decompress a piece, little by little: whoever has enough takes no more."""
        if self._stream is None:
            self._head += data
            if len(self._head) < 2:
                return
            data = self._head
            bare = data[0] & 0x0F != 8 or int.from_bytes(data[:2], "big") % 31 != 0  # RFC 1950, 2.2
            self._stream = zlib.decompressobj(-zlib.MAX_WBITS if bare else zlib.MAX_WBITS)
        filled = False
        while data or filled:
            if self.complete:
                data = self._next_member(data)
                filled = False
                continue
            try:
                part = self._stream.decompress(data, _PIECE)
            except zlib.error:
                raise self._not_as_said() from None
            self.complete = self._stream.eof
            data = self._stream.unused_data if self.complete else self._stream.unconsumed_tail
            # A part that fills the room may have left more behind than stands in the data.
            filled = len(part) == _PIECE and not self.complete
            yield part

    def _next_member(self, data: bytes) -> bytes:
        """Begin the next gzip member (RFC 1952, 2.2), past the zeros that some writers pad with."""
        data = data.lstrip(b"\0")
        if not data:
            return data
        self._members += 1
        if self._encoding != "gzip" or self._members > MOST_MEMBERS:
            raise self._not_as_said()
        self._stream = zlib.decompressobj(_GZIP)
        self.complete = False
        return data

    def _not_as_said(self) -> ParseError:
        return ParseError(f"the answer from {self._where} says it is {self._encoding}, and is not")
