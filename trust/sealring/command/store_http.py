"""How the command talks to a store: plain requests with time limits, no redirect followed, answers bounded.

Nothing that a store says is trusted; the receipt proves itself (`sealring.command.receipt`).
"""

import http.client
import socket
import ssl
from contextlib import closing, suppress
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import msgspec

from sealring.command.output import clean
from sealring.errors import SealringError, TrustError, Unreachable

TIMEOUT_SECONDS = 60.0
MAX_ANSWER = 64 * 1024 * 1024  # bytes; a bundle's bound: a receipt holds one proof for each 64 keys
MAX_PROBLEM = 64 * 1024  # bytes
CHUNK = 1 << 20
DATED_PAUSE = 10  # seconds
_EXIT_CODES = {400: 20, 403: 21, 404: 11, 409: 23, 410: 11, 413: 20, 423: 13, 429: 10, 507: 12}


class Source(Protocol):
    """A body of known size that is read once."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    rule: str = ""
    hint: str = ""
    offered: object = None
    held: object = None


_problem = msgspec.json.Decoder(_Problem)


@dataclass(eq=False)
class StoreUnreachable(Unreachable):
    """No whole answer could be had from the store."""

    url: str
    reason: str

    def __str__(self) -> str:
        return f"{self.url}: {self.reason}"

    def hint(self) -> str:
        return "check the address and try again; a publication is taken whole or not at all"


@dataclass(eq=False)
class StoreRefused(SealringError):
    """The store answered no, in its own words (SPEC HT-3)."""

    status: int
    said: str
    by: str
    advice: str
    retry_after: int = 0
    """Seconds that it asks to wait before the next try; 0 where it says nothing."""
    sequences: tuple[int, int] | None = None
    """The one that was offered and the one that is there, where that is why."""

    @property
    def rule(self) -> str:  # type: ignore[override]
        return self.by

    @property
    def exit_code(self) -> int:  # type: ignore[override]
        return 10 if self.status >= 500 and self.status != 507 else _EXIT_CODES.get(self.status, 1)

    def __str__(self) -> str:
        return f"the store answered {self.status}: {self.said}"

    def hint(self) -> str:
        return self.advice or "nothing was published"


@dataclass(eq=False)
class BadAnswer(TrustError):
    """An answer that is not of the form that a store gives (SPEC HT-3)."""

    what: str
    rule: ClassVar[str] = "HT-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"the store's answer: {self.what}"

    def hint(self) -> str:
        return "check that the address is a sealring store's; report it to its operator"


@dataclass(frozen=True)
class StoreClient:
    """One store, by its base URL."""

    url: str
    timeout_seconds: float = TIMEOUT_SECONDS

    def post(self, path: str, body: bytes, content_type: str, *, status: int) -> bytes:
        """The answer's body when the store answers with this status.

        Raises:
            StoreUnreachable, StoreRefused, BadAnswer.
        """
        headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
        return self._ask("POST", path, body, headers, (status,))[1]

    def post_either(self, path: str, body: bytes, content_type: str, *, statuses: tuple[int, ...]) -> tuple[int, bytes]:
        """Which of these statuses the store answers with, and the answer's body; the errors of `post`."""
        headers = {"Content-Type": content_type, "Content-Length": str(len(body))}
        return self._ask("POST", path, body, headers, statuses)

    def _ask(
        self, method: str, path: str, body: bytes | Source, headers: dict[str, str], statuses: tuple[int, ...]
    ) -> tuple[int, bytes]:
        with closing(Line(self)) as line:
            answer = line.ask(method, path, body, headers, statuses)
            return answer.status, answer.body

    def connect(self) -> http.client.HTTPConnection:
        """A connection to it, not yet open."""
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, parts.port, timeout=self.timeout_seconds, context=context, blocksize=CHUNK
            )
        return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_seconds, blocksize=CHUNK)


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes


class Line:
    """One connection to a store, used for one request after the other, and opened again where it was closed."""

    def __init__(self, store: StoreClient) -> None:
        self._store = store
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self, method: str, path: str, body: bytes | Source, headers: dict[str, str], statuses: tuple[int, ...]
    ) -> Answer:
        """The answer, when it has one of these statuses.

        Raises:
            StoreUnreachable, StoreRefused, BadAnswer.
            Exception: what reading `body` raised.
        """
        connection = self._connection = self._connection or self._store.connect()
        url = self._store.url
        is_whole = False
        try:
            answer = _exchange(connection, method, urlsplit(url).path.rstrip("/") + path, body, headers)
            raw = answer.read(MAX_ANSWER + 1)
            # http.client gives back what came, so whether that was all is asked here.
            if answer.length and len(raw) <= MAX_ANSWER:
                raise StoreUnreachable(url, f"the answer ended {answer.length} bytes too soon")
            is_whole = len(raw) <= MAX_ANSWER and answer.status in statuses
        except (OSError, http.client.HTTPException) as err:
            raise StoreUnreachable(url, clean(err) or type(err).__name__) from None
        finally:
            # After a refusal the rest of a body may not have been sent: such a connection is of no more use.
            if not is_whole:
                self.close()
        if answer.status not in statuses:
            raise _refusal(answer.status, raw, answer.headers.get("Retry-After", ""))
        if not is_whole:
            raise BadAnswer(f"more than {MAX_ANSWER} bytes")
        return Answer(answer.status, answer.headers, raw)

    def break_off(self) -> None:
        """Let whatever waits for this connection, in another thread, fail at once."""
        sock = self._connection.sock if self._connection is not None else None
        if sock is not None:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: bytes | Source, headers: dict[str, str]
) -> http.client.HTTPResponse:
    try:
        connection.request(method, path, body=body, headers=headers)  # type: ignore[arg-type]
    except (BrokenPipeError, ConnectionResetError):
        # A store that refuses early stops reading; why it did stands in the answer that it has already sent.
        if connection.sock is None:
            raise
    return connection.getresponse()


def _refusal(status: int, raw: bytes, wish: str) -> SealringError:
    if 300 <= status < 400:
        return BadAnswer(f"a redirect ({status}), and none is followed: give the store's own address")
    try:
        said = _problem.decode(raw[:MAX_PROBLEM])
    except (msgspec.MsgspecError, ValueError):
        said = _Problem("no reason given")
    facts = (said.offered, said.held) if isinstance(said.offered, int) and isinstance(said.held, int) else None
    detail, hint = clean(said.detail or said.title), clean(said.hint)
    return StoreRefused(status, detail, clean(said.rule, 10), hint, _seconds(wish), facts)


def _seconds(wish: str) -> int:
    """`Retry-After` in seconds; a date, which only proxies of another kind send, counts as a short pause."""
    if wish.isascii() and wish.isdigit():
        return int(wish[:9])
    return DATED_PAUSE if wish else 0
