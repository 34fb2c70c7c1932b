"""Bodies that come too slowly are cut off, so that nobody holds a thread for ever (SPEC HT-4, PB-11).

The server's own reads have no time limit: each waits until all of what was asked for has come. So a thread of its own
reads a body, and whoever needs the bytes waits for that thread, and no longer than the bounds below allow. Where he
has given up, the reading thread ends when the connection does; how many of them there are is bounded too.
"""

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from flask import request

from sealring.errors import SealringError, TrustError
from sealring.strict import TooLarge
from sealring_server.images.driver import Source

PIECE = 64 * 1024  # bytes read at a time: so much at most is lost where a line is cut for being slow
AHEAD = 8  # pieces in memory
MOST = 48  # bodies being read in this process, with those that were given up and have not ended


@dataclass(frozen=True)
class Pace:
    """How slowly a body may come."""

    floor: int = 16 * 1024
    """Bytes a second, counted from the end of `grace` on."""
    grace: float = 20.0
    longest: float = 900.0
    """Seconds for one body, however fast; what came of an upload counts, and the sender goes on from there."""


PACE = Pace()


@dataclass(eq=False)
class NoLength(TrustError):
    """A body whose length is not said before it comes can't be bounded before it is read (SPEC HT-4)."""

    rule: ClassVar[str] = "HT-4"
    exit_code: ClassVar[int] = 20
    status: ClassVar[int] = 411

    def __str__(self) -> str:
        return "request: no Content-Length, one is needed"

    def hint(self) -> str:
        return "send the body with its length, not in chunks"


@dataclass(eq=False)
class TooSlow(TrustError):
    """A body that came at less than the lowest pace, or for too long (SPEC HT-4)."""

    found: int
    seconds: int
    rule: ClassVar[str] = "HT-4"
    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 408

    def __str__(self) -> str:
        return f"request: {self.found} bytes of its body in {self.seconds} seconds"

    def hint(self) -> str:
        return "ask by HEAD how much of an upload is here, and go on from there"


@dataclass(eq=False)
class TooManyBodies(SealringError):
    """As many bodies are on their way as this process reads at once (SPEC HT-4)."""

    limit: int
    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 503
    retry_after: ClassVar[int] = 10

    def __str__(self) -> str:
        return f"{self.limit} requests are being read, and no more at a time"

    def hint(self) -> str:
        return "try again soon"


class Paced:
    """A request's body as a source that raises `TooSlow`; to be closed when no more of it is wanted.

        with Paced(request.environ["wsgi.input"], length) as body: body.read(...)

    Args:
        length: how many bytes it has; no more is read.
    """

    _slots: ClassVar[threading.BoundedSemaphore] = threading.BoundedSemaphore(MOST)

    def __init__(
        self, stream: Source, length: int, pace: Pace = PACE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._stream, self._left, self._pace, self._clock = stream, length, pace, clock
        self._pieces: queue.Queue[bytes] = queue.Queue(AHEAD)
        self._rest = b""
        self._ended = self._closed = False
        self._found, self._start = 0, clock()

    def __enter__(self) -> "Paced":
        if not self._slots.acquire(blocking=False):
            raise TooManyBodies(MOST)
        threading.Thread(target=self._run, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed = True
        while not self._pieces.empty():  # so that the other thread is not stuck where it puts a piece
            self._pieces.get_nowait()

    def read(self, size: int, /) -> bytes:
        """Up to `size` bytes; none at the end, or where the line broke.

        Raises:
            TooSlow.
        """
        if not self._rest and not self._ended:
            self._rest = self._next()
            self._ended = not self._rest
            self._found += len(self._rest)
        given, self._rest = self._rest[:size], self._rest[size:]
        return given

    def _next(self) -> bytes:
        gone = self._clock() - self._start
        left = min(self._pace.grace + self._found / self._pace.floor, self._pace.longest) - gone
        try:
            if gone > self._pace.longest:
                raise queue.Empty
            # What has come already is taken, even where whoever needs it was slow himself.
            return self._pieces.get(timeout=max(0.001, left))
        except queue.Empty:
            raise TooSlow(self._found, int(gone)) from None

    def _run(self) -> None:
        try:
            while self._left and not self._closed and (piece := self._stream.read(min(PIECE, self._left))):
                self._left -= len(piece)
                self._pieces.put(piece)
        finally:
            self._slots.release()
            if not self._closed:
                self._pieces.put(b"")


def body_length() -> int:
    """What the request says about its body.

    Raises:
        NoLength.
    """
    if request.content_length is None:
        raise NoLength
    return request.content_length


def read_body(what: str, limit: int) -> bytes:
    """The body of this request, whole.

    Args:
        limit: bytes.

    Raises:
        NoLength, TooLarge, TooManyBodies: before any of it was read.
        TooSlow.
    """
    length = body_length()
    if length > limit:
        raise TooLarge(what, length, limit)
    found = bytearray()
    with Paced(request.environ["wsgi.input"], length) as body:
        while piece := body.read(PIECE):
            found += piece
    return bytes(found)
