"""Brings bytes from one store to an audit, bounded in bytes, time and number; none of it is trusted (SPEC HF-1).

No redirect is followed (HF-2), and a part is never returned as the whole (HF-3).
"""

import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from sealring_server.audit.errors import NoAnswer, NotThere, UsedUp

Part: TypeAlias = tuple[int, int, int]
"""First byte, the one after the last, and the length of the whole."""
_SMALL = 16 * 1024  # bytes of an error's body that are read to keep the connection


@dataclass(frozen=True)
class Bounds:
    """What one run may ask for.

    Args:
        requests, total_bytes: of the whole run.
        read_seconds, answer_seconds: for each read, and for each answer as a whole.
        pause_seconds: between two requests, so that a witness is no burden to a small store.
    """

    requests: int = 1_000_000
    total_bytes: int = 4 * 1024**3
    read_seconds: float = 20
    answer_seconds: float = 120
    pause_seconds: float = 0


class Asking:
    """One store by its URL, over one connection that is kept."""

    def __init__(self, url: str, bounds: Bounds, sleep: Callable[[float], None] = time.sleep) -> None:
        parts = urlsplit(url)
        self.url, self._bounds, self._sleep = url.rstrip("/"), bounds, sleep
        self._base = parts.path.rstrip("/")
        host, seconds = parts.hostname or "", bounds.read_seconds
        self._connection = http.client.HTTPConnection(host, parts.port, timeout=seconds)
        if parts.scheme == "https":
            context = ssl.create_default_context()
            self._connection = http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)
        self.requests = self.received = 0

    def get(self, path: str, *, limit: int) -> bytes:
        """The whole answer, at most `limit` bytes.

        Raises:
            NotThere: the store has no such thing.
            NoAnswer, UsedUp: everything else; never a part, and no other exception.
        """
        return self._get(path, limit, None)

    def part(self, path: str, start: int, end: int, size: int) -> bytes:
        """The bytes from `start` up to `end` of something that has `size` bytes (HF-4).

        Raises:
            NotThere: the store has no such thing.
            NoAnswer, UsedUp: everything else; never other bytes than those, and no other exception.
        """
        return self._get(path, end - start, (start, end, size))

    def find(self, path: str, *, limit: int) -> bytes | None:
        """As `get`; None where there is no such thing."""
        with suppress(NotThere):
            return self.get(path, limit=limit)
        return None

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        self._connection.close()

    def _get(self, path: str, limit: int, part: Part | None) -> bytes:
        self._account()
        kept = self._connection.sock is not None
        try:
            return self._once(path, limit, part)
        except ConnectionError:
            # A kept connection may have been closed by the store meanwhile: once more.
            self.close()
            if not kept:
                raise NoAnswer(self.url + path, "the connection was closed") from None
        try:
            return self._once(path, limit, part)
        except ConnectionError:
            self.close()
            raise NoAnswer(self.url + path, "the connection was closed") from None

    def _account(self) -> None:
        if self.requests >= self._bounds.requests:
            raise UsedUp("requests", self._bounds.requests)
        if self.requests and self._bounds.pause_seconds:
            self._sleep(self._bounds.pause_seconds)
        self.requests += 1

    def _once(self, path: str, limit: int, part: Part | None) -> bytes:
        headers = {"User-Agent": "sealring-store audit"}
        if part is not None:
            headers["Range"] = f"bytes={part[0]}-{part[1] - 1}"
        try:
            with self._watched():
                self._connection.request("GET", self._base + path, headers=headers)
                answer = self._connection.getresponse()
                return self._body(path, answer, limit, part)
        except ConnectionError:
            raise
        except (OSError, http.client.HTTPException, ValueError) as err:
            self.close()
            words = "".join(c if " " <= c <= "~" else "?" for c in str(err)[:200]) or type(err).__name__
            raise NoAnswer(self.url + path, words.lower()) from None
        except BaseException:
            self.close()
            raise

    def _body(self, path: str, answer: http.client.HTTPResponse, limit: int, part: Part | None) -> bytes:
        # A cache without ranges gives the whole, which is as good where the whole was asked for.
        is_part = part is not None and (answer.status == 206 or part[:2] != (0, part[2]))
        if answer.status != (206 if is_part else 200):
            if len(answer.read(_SMALL)) >= _SMALL:
                self.close()
            if answer.status in (404, 410):
                raise NotThere(self.url + path)
            raise NoAnswer(self.url + path, f"status {answer.status}")
        if (
            is_part
            and part is not None
            and answer.headers["Content-Range"] != f"bytes {part[0]}-{part[1] - 1}/{part[2]}"
        ):
            self.close()
            raise NoAnswer(self.url + path, "another part than was asked for")
        raw = answer.read(limit + 1)
        self.received += len(raw)
        if len(raw) > limit:
            raise NoAnswer(self.url + path, f"more than {limit} bytes")
        # HF-3: http.client gives back what came, so whether that was all is asked here.
        if answer.length:
            raise NoAnswer(self.url + path, f"the answer ended {answer.length} bytes too soon")
        if self.received > self._bounds.total_bytes:
            raise UsedUp("bytes", self._bounds.total_bytes)
        return raw

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """HF-1: a socket's own timeout begins anew with each byte, so a drip is cut by the clock from outside."""
        late = threading.Event()

        def cut() -> None:
            late.set()
            with suppress(OSError, AttributeError):
                self._connection.sock.shutdown(socket.SHUT_RDWR)

        timer = threading.Timer(self._bounds.answer_seconds, cut)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (OSError, http.client.HTTPException, NoAnswer):
            if late.is_set():
                raise OSError(f"no whole answer within {self._bounds.answer_seconds:g} seconds") from None
            raise
        finally:
            timer.cancel()
