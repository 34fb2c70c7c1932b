"""The outside world as one argument (SPEC DV): the network and the clock. A test builds its own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sealring_client.fetch.fetcher import Answer, Body, Stream


Sign = Callable[[str, datetime], Mapping[str, str] | None]
"""Makes the headers of a signed request from an image's address and the store's time; None where there are none."""


class Fetches(Protocol):
    """Brings bytes from one address. Nothing it returns is trusted."""

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The whole file, at most `limit` bytes, or NotThere / Unreachable."""

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> "Answer":
        """As `fetch`, unless what the caller holds is still the newest."""

    def fetch_answer(self, path: str, *, limit: int) -> "Body":
        """As `fetch`, for a body that may come packed (AN-4)."""

    def stream(
        self, path: str, *, offset: int, size: int, rate: int | None = None, sign: "Sign | None" = None
    ) -> "Stream":
        """Bytes `offset` to `size` of a file that has exactly `size` bytes, at `rate` bytes a second or faster.

        Args:
            sign: for a store that answers only whom it knows (RD-2).
        """

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        """Send it within so many seconds: the status of the answer, or Unreachable; a NoAnswer may say until when."""

    def close(self) -> None:
        """Let the connection go."""


@dataclass(frozen=True)
class Outside:
    """All that a command may touch beside its state folder.

    Args:
        connect: opens one store's address.
        clock: now, aware, UTC.
        sleep: waits for so many seconds, while a new generation shows whether it stays healthy.
        progress: told of bytes that have arrived: package, held, of all.
    """

    connect: Callable[[str], Fetches]
    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    progress: Callable[[str, int, int], None]


def real_outside(progress: Callable[[str, int, int], None]) -> Outside:
    """The network and the clock of this machine."""
    import time

    from sealring_client.fetch.fetcher import Fetcher

    return Outside(Fetcher, lambda: datetime.now(UTC), time.sleep, progress)
