"""Streams from which tarfile reads archives that may be hostile."""

import sys
from collections.abc import Iterable
from typing import Protocol

from .safe_member import RefusedError

# tarfile reads names and attributes of any length at once; legitimate ones are shorter.
_MOST_AT_ONCE = 1 << 20


class ByteSource(Protocol):
    """A source of bytes."""

    def read(self, size: int, /) -> bytes:
        """Returns the next ``size`` bytes, fewer only at the end."""


class ForwardReader:
    """Reads a source once, from its beginning, in pieces that fit into memory, and up to a limit.

    Attributes:
        position: How many bytes have been read.
        last: The bytes that were read last.
    """

    def __init__(self, source: ByteSource, limit: int = sys.maxsize) -> None:
        self._source = source
        self._limit = limit
        self.position = 0
        self.last = b""

    def read(self, size: int) -> bytes:
        """Returns the next bytes, fewer than ``size`` only at the end.

        Raises:
            RefusedError: If the size is not plausible.
        """
        if not 0 <= size <= _MOST_AT_ONCE:
            raise RefusedError(f"a header in it has {size:,} bytes")
        self.last = self._source.read(size)
        self.position += len(self.last)
        self._check(self.position)
        return self.last

    def tell(self) -> int:
        """Returns the position."""
        return self.position

    def seek(self, position: int) -> None:
        """Reads forward to a position.

        Raises:
            RefusedError: If it lies before the current one, or beyond the limit.
        """
        if position < self.position:
            raise RefusedError("a member in it has a negative size")
        self._check(position)
        while self.position < position and self.read(min(_MOST_AT_ONCE, position - self.position)):
            pass

    def drain(self) -> None:
        """Reads to the end."""
        while self.read(_MOST_AT_ONCE):
            pass

    def _check(self, position: int) -> None:
        if position > self._limit:
            raise RefusedError(
                f"it has more than {self._limit:,} bytes uncompressed; if you trust them, open it with "
                "ResultArchive(…, ArchiveLimits(size_bytes=…))"
            )


class ChunkStream:
    """Makes a stream of chunks of any size."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = iter(chunks)
        self._buffer = bytearray()

    def read(self, size: int, /) -> bytes:
        """Returns the next ``size`` bytes, fewer only at the end."""
        while len(self._buffer) < size:
            chunk = next(self._chunks, None)
            if chunk is None:
                break
            self._buffer += chunk
        data = bytes(self._buffer[:size])
        del self._buffer[:size]
        return data
