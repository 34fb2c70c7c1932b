"""Brings bytes from one store, bounded in bytes and in time. Nothing it returns is trusted.

Standard library only (`http.client`), since each poll is a short process of its own. No redirect is
followed, no proxy is taken from the environment, and a part is never returned as the whole.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse, IncompleteRead
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sealring_client.fetch.bounded_socket import Bounds, Line, OutOfBytesError, OutOfTimeError
from sealring_client.fetch.errors import (
    BadPacking,
    NoAnswer,
    NotReached,
    NotThere,
    PartOnly,
    Redirected,
    TooMuch,
    TooSlow,
    WrongRange,
)

if TYPE_CHECKING:
    import ssl

    from sealring_client.outside import Sign

_PIECE = 256 * 1024  # bytes of one piece of a stream
_HEAD = 128 * 1024  # bytes that status line, headers and chunk marks may take beside the body
_SMALL = 16 * 1024  # bytes of an error's body that are read to keep the connection
_ELSEWHERE = (301, 302, 303, 307, 308)
_LATER = (429, 503)
_LONGEST_RETRY_SECONDS = 86_400  # a store can't send a device to sleep for longer
_PATH = re.compile(
    r"(?!.*(?:^|/)\.\.?(?:/|$))[A-Za-z0-9._~@:+,=%-]+(?:/[A-Za-z0-9._~@:+,=%-]+)*(?:\?[A-Za-z0-9._~@:+,=%&/-]*)?"
)
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}|[0-9a-f:.]{2,45}")
_ETAG = re.compile(r'(?:W/)?"[\x21\x23-\x7e]{0,128}"')
_NUMBER = re.compile(r"[0-9]{1,15}")


@dataclass(frozen=True)
class Limits:
    """How long one answer may take.

    Args:
        read_seconds: for the connection, and for each single read.
        total_seconds: from the first byte sent to the last one read of a `fetch`.
        lowest_rate: bytes per second; a `stream` may take `total_seconds` and as much time again as its
            bytes take at this rate, so that a large image passes a slow line and a drip does not.
    """

    read_seconds: float = 15
    total_seconds: float = 60
    lowest_rate: int = 4096


@dataclass(frozen=True)
class Answer:
    """A body, or None where the store says that what the caller holds is still the newest."""

    body: bytes | None
    etag: str | None


@dataclass(frozen=True)
class Body:
    """A whole body, and how many bytes of it came over the line: fewer where it was packed."""

    data: bytes
    transferred: int


@dataclass(frozen=True)
class Stream:
    """The pieces of one file from byte `start` on: the offset asked for, or 0 if the store began again.

    A piece is a view into one buffer, which the next piece overwrites. All bytes up to the size came if
    the iteration ends without an error, and never more.
    """

    start: int
    pieces: Iterator[memoryview]

    def __iter__(self) -> Iterator[memoryview]:
        return self.pieces


class Fetcher:
    """One store's address, and one connection to it that is kept open between requests."""

    def __init__(
        self,
        base_url: str,
        *,
        limits: Limits | None = None,
        tls: "ssl.SSLContext | None" = None,
        agent: str = "sealring-device",
    ) -> None:
        """Open nothing yet.

        Args:
            base_url: `http://` or `https://`, from the store's signed statement; no user, query, fragment.
            tls: another context than the system's authorities.
            agent: product and version, sent as User-Agent; nothing that tells devices apart.

        Raises:
            NoAnswer: the address is of another form.
        """
        self.store = base_url
        self._limits, self._given_tls = limits or Limits(), tls
        self._headers = {"User-Agent": agent, "Accept": "*/*"}
        secure, host, port, self._base = _parse_base(base_url)
        self._line = Line(host, port, Bounds(self._limits.read_seconds), self._tls if secure else None)

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The whole file, at most `limit` bytes.

        Raises:
            NotThere: status 404 or 410.
            Unreachable: everything else; never a part, and no other exception.
        """
        with self._exchange(path, limit):
            return self._whole(path, self._ask(path, {}), limit)

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        """As `fetch`, unless the store says that the file with `etag` is still the newest (304)."""
        headers = {"If-None-Match": etag} if etag and _ETAG.fullmatch(etag) else {}
        with self._exchange(path, limit):
            response = self._ask(path, headers)
            if response.status == 304 and headers:
                self._discard(response)
                return Answer(None, etag)
            body, found = self._whole(path, response, limit), response.headers.get("ETag", "")
            return Answer(body, found if _ETAG.fullmatch(found) else None)

    def fetch_answer(self, path: str, *, limit: int) -> Body:
        """As `fetch`, for a body that may come packed (AN-4); neither length goes beyond `limit`."""
        with self._exchange(path, limit):
            response = self._ask(path, {"Accept-Encoding": "gzip"})
            raw = self._whole(path, response, limit, packed=True)
            coded = response.headers.get("Content-Encoding", "identity") != "identity"
            return Body(self._unpacked(path, raw, limit) if coded else raw, len(raw))

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        """Send it, and say with which status it was answered; no byte of the answer is of use.

        Args:
            seconds: for all of it, the connection too; never more than the limits' total.

        Raises:
            Redirected: and nothing was sent anywhere else.
            NoAnswer: also where the store asks to come back later, and when (`Retry-After`).
            Unreachable: no answer came.
        """
        with self._exchange(path, _SMALL, seconds=min(seconds, self._limits.total_seconds)):
            headers = {**self._headers, "Content-Type": "application/octet-stream"}
            # Once: on a kept connection that the store closed meanwhile it would not be known what has arrived.
            self._line.close()
            response = self._line.ask("POST", f"{self._base}/{path}", headers, body)
            status, pause = response.status, _pause(response)
            self._line.close()
            if status in _ELSEWHERE:
                raise Redirected(self.store, path, status)
            if status in _LATER and pause is not None:
                raise NoAnswer(self.store, path, f"status {status}", pause)
            return status

    def stream(
        self, path: str, *, offset: int, size: int, rate: int | None = None, sign: "Sign | None" = None
    ) -> Stream:
        """Bytes `offset` to `size` of a file that has exactly `size` bytes.

        The caller looks at `start` of the result before it uses the pieces: a store that knows no ranges
        begins at 0. The errors of `fetch` come from this call and from the iteration. No other request
        is made on this fetcher meanwhile.

        Args:
            rate: bytes per second below which the store counts as too slow, in place of the limits' lowest.
            sign: makes the headers by which a closed store knows the device, where the store asks for them (RD-2).
        """
        if offset >= size:
            return Stream(offset, iter(()))
        with self._exchange(path, size, rate or self._limits.lowest_rate):
            headers = {"Range": f"bytes={offset}-{size - 1}"} if offset else {}
            response = self._ask(path, headers)
            if response.status == 401 and (more := self._signed(path, response, sign)):
                self._discard(response)
                response = self._ask(path, {**headers, **more})
            start = self._check_start(path, response, offset, size)
            length = self._check_length(path, response)
            if length is not None and length != size - start:
                raise PartOnly(self.store, path, length, size - start)
        return Stream(start, self._pieces(path, response, size - start))

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._line.close()

    def _tls(self) -> "ssl.SSLContext":
        if self._given_tls is None:
            import ssl  # the system's authorities take 20 ms to load: only where https is used

            self._given_tls = ssl.create_default_context()
        return self._given_tls

    @contextmanager
    def _exchange(self, path: str, limit: int, rate: int | None = None, seconds: float | None = None) -> Iterator[None]:
        """Bound one request and its answer; foreign exceptions stop here, and a broken connection is closed."""
        self._line.bounds.begin(seconds or self._limits.total_seconds, limit + limit // 8 + _HEAD, rate)
        with self._translated(path, limit):
            if not _PATH.fullmatch(path):
                raise NoAnswer(self.store, path, "no file of a store has such a path")
            yield

    @contextmanager
    def _translated(self, path: str, limit: int) -> Iterator[None]:
        try:
            yield
        except BaseException as err:
            if not isinstance(err, (NotThere, Redirected)):
                self._line.close()
            match err:
                case OutOfTimeError():
                    raise TooSlow(self.store, path, self._limits.total_seconds) from err
                case OutOfBytesError():
                    raise TooMuch(self.store, path, limit) from err
                case IncompleteRead():
                    found, left = len(err.partial), err.expected
                    raise PartOnly(self.store, path, found, None if left is None else found + left) from err
                case OSError() if not self._line.opened:
                    raise NotReached(self.store, path, _words(err)) from err
                case TimeoutError():
                    pause = f"nothing came for {self._limits.read_seconds:g} seconds"
                    raise NoAnswer(self.store, path, pause) from err
                case OSError() | HTTPException() | ValueError():
                    raise NoAnswer(self.store, path, _words(err)) from err
            raise

    def _ask(self, path: str, headers: Mapping[str, str]) -> HTTPResponse:
        """Send one GET; once more if the kept connection was closed by the store meanwhile."""
        kept = self._line.sock is not None
        try:
            return self._ask_once(path, headers)
        except ConnectionError:  # http.client's RemoteDisconnected is one
            self._line.close()
            if not kept:
                raise
        return self._ask_once(path, headers)

    def _ask_once(self, path: str, headers: Mapping[str, str]) -> HTTPResponse:
        return self._line.get(f"{self._base}/{path}", {**self._headers, **headers})

    def _signed(self, path: str, response: HTTPResponse, sign: "Sign | None") -> Mapping[str, str] | None:
        """The headers of a signed request; None where the store asks for none, or this device has none to give."""
        dates = response.headers.get_all("Date", [])
        if sign is None or "Accept-Signature" not in response.headers or len(dates) != 1:
            return None
        from email.utils import parsedate_to_datetime  # only who is asked for a signature needs it

        try:
            # RD-2: dated by the store's clock, since the device's may be wrong.
            at = parsedate_to_datetime(dates[0])
        except (ValueError, OverflowError):
            return None
        return sign(f"{self.store.rstrip('/')}/{path}", at) if at.tzinfo is not None else None

    def _unpacked(self, path: str, raw: bytes, limit: int) -> bytes:
        from sealring_client.fetch.packed import BadPackingError, TooLongError, unpack  # a poll never needs it

        try:
            return unpack(raw, limit)
        except TooLongError:
            raise TooMuch(self.store, path, limit) from None
        except BadPackingError as err:
            raise BadPacking(self.store, path, str(err)) from None

    def _whole(self, path: str, response: HTTPResponse, limit: int, *, packed: bool = False) -> bytes:
        if response.status != 200:
            self._refuse(path, response)
        length = self._check_length(path, response, packed=packed)
        if length is not None and length > limit:
            raise TooMuch(self.store, path, limit)
        # HF-3: `read()` raises on a body that ends early; without a length one byte more tells the end.
        body = response.read() if length is not None else response.read(limit + 1)
        if len(body) > limit:
            raise TooMuch(self.store, path, limit)
        return body

    def _pieces(self, path: str, response: HTTPResponse, wanted: int) -> Iterator[memoryview]:
        buffer, rest = memoryview(bytearray(min(_PIECE, wanted))), wanted
        with self._translated(path, wanted):
            while rest:
                count = response.readinto(buffer[: min(_PIECE, rest)])
                if not count:
                    raise PartOnly(self.store, path, wanted - rest, wanted)
                rest -= count
                yield buffer[:count]
            if response.read(1):  # in chunks: reads the end mark, so that the connection can be used again
                raise TooMuch(self.store, path, wanted)

    def _check_start(self, path: str, response: HTTPResponse, offset: int, size: int) -> int:
        if response.status == 200:
            return 0
        if response.status != 206 or not offset:
            self._refuse(path, response)
        # HF-4: bytes from another place, joined to what is held, would only be noticed at the very end.
        needed, offered = f"bytes {offset}-{size - 1}/", response.headers.get("Content-Range", "no range")
        if offered not in (f"{needed}{size}", f"{needed}*"):
            raise WrongRange(self.store, path, _shown(offered[:80]), f"{needed}{size}")
        return offset

    def _check_length(self, path: str, response: HTTPResponse, *, packed: bool = False) -> int | None:
        """The body's length, or None where it comes in chunks, whose end is marked."""
        lengths = response.headers.get_all("Content-Length", [])
        codings = response.headers.get_all("Transfer-Encoding", [])
        packings = response.headers.get_all("Content-Encoding", ["identity"])
        # AN-4: a body that was packed unasked, or twice, would be taken for something else further on.
        if packings != ["identity"] and not (packed and packings == ["gzip"]):
            raise NoAnswer(self.store, path, "the body is packed, which was not asked for")
        if codings:
            if lengths or [coding.lower() for coding in codings] != ["chunked"]:
                raise NoAnswer(self.store, path, "the answer has no one length")
            return None
        if not lengths:
            raise PartOnly(self.store, path, 0, None)
        if len(lengths) > 1 or not _NUMBER.fullmatch(lengths[0]):
            raise NoAnswer(self.store, path, "the answer has no one length")
        return int(lengths[0])

    def _refuse(self, path: str, response: HTTPResponse) -> None:
        status, pause = response.status, _pause(response)
        self._discard(response)
        if status in (404, 410):
            raise NotThere(self.store, path, status)
        if status in _ELSEWHERE:
            raise Redirected(self.store, path, status)
        raise NoAnswer(self.store, path, f"status {status}", pause)

    def _discard(self, response: HTTPResponse) -> None:
        """Make the line ready for the next request, or close it where that would cost anything."""
        # HF-1: a status without a body may still announce chunks, of any size, which http.client would go and read.
        if response.chunked or response.length is None or response.length > _SMALL:
            self._line.close()
        else:
            response.read()


def _pause(response: HTTPResponse) -> int | None:
    """For how many seconds the store wants to be left alone."""
    after = response.headers.get("Retry-After", "")
    return min(int(after), _LONGEST_RETRY_SECONDS) if _NUMBER.fullmatch(after) else None


def _parse_base(url: str) -> tuple[bool, str, int, str]:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NoAnswer(url, "", "the address is malformed") from None
    extra = parts.username is not None or parts.query or parts.fragment
    path, host = parts.path.strip("/"), parts.hostname or ""
    if (
        parts.scheme not in ("http", "https")
        or extra
        or not _HOST.fullmatch(host)
        or (path and not _PATH.fullmatch(path))
    ):
        raise NoAnswer(url, "", "the address is not of the form https://host[:port][/path]")
    secure = parts.scheme == "https"
    return secure, host, port or (443 if secure else 80), f"/{path}" if path else ""


def _words(err: Exception) -> str:
    """A foreign exception in one short printable line: it may quote what the store sent."""
    text = str(err.strerror if isinstance(err, OSError) and err.strerror else err) or type(err).__name__
    return _shown(text)[:200].lower()


def _shown(text: str) -> str:
    """What a stranger sent, as it may stand in a message: it can't move the cursor of who reads it."""
    return "".join(c if c.isprintable() else "?" for c in text)
