"""Bytes that come piece by piece, as something to be read from."""

from collections.abc import Iterator


class Pieces:
    """Reads from an iterator of pieces, with at most one of them in memory."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces, self._held = pieces, b""

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes, fewer only at the end; none means the end."""
        found = bytearray()
        while len(found) < size:
            if not self._held:
                self._held = bytes(next(self._pieces, b""))
                if not self._held:
                    break
            taken = size - len(found)
            found += self._held[:taken]
            self._held = self._held[taken:]
        return bytes(found)
