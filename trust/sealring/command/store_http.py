"""How the command talks to a store: plain requests with time limits, no redirect followed, answers bounded.

Nothing that a store says is trusted; the receipt proves itself (`sealring.command.receipt`).
"""

import http.client
import ssl
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

import msgspec

from sealring.command.output import clean
from sealring.errors import SealringError, TrustError, Unreachable

TIMEOUT_SECONDS = 60.0
MAX_ANSWER = 8 * 1024 * 1024  # bytes; a receipt holds four TUF files and one proof for each 64 keys
MAX_PROBLEM = 64 * 1024  # bytes
CHUNK = 1 << 20
_EXIT_CODES = {400: 20, 403: 21, 404: 11, 409: 23, 410: 11, 413: 20, 429: 10, 507: 12}


class Source(Protocol):
    """A body of known size that is read once."""

    def read(self, size: int, /) -> bytes:
        """At most `size` bytes."""


class _Problem(msgspec.Struct):
    title: str = ""
    detail: str = ""
    rule: str = ""
    hint: str = ""


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

    def patch(self, path: str, body: Source, size: int) -> None:
        """Send an upload of `size` bytes from its beginning, piece by piece (SPEC PB-11); the errors of `post`."""
        headers = {
            "Tus-Resumable": "1.0.0",
            "Upload-Offset": "0",
            "Content-Type": "application/offset+octet-stream",
            "Content-Length": str(size),
        }
        self._ask("PATCH", path, body, headers, (204,))

    def _ask(
        self, method: str, path: str, body: bytes | Source, headers: dict[str, str], statuses: tuple[int, ...]
    ) -> tuple[int, bytes]:
        with closing(self._connect()) as connection:
            try:
                answer = _exchange(connection, method, urlsplit(self.url).path.rstrip("/") + path, body, headers)
                raw = answer.read(MAX_ANSWER + 1)
            except (OSError, http.client.HTTPException) as err:
                raise StoreUnreachable(self.url, clean(err) or type(err).__name__) from None
        # http.client gives back what came, so whether that was all is asked here.
        if answer.length and len(raw) <= MAX_ANSWER:
            raise StoreUnreachable(self.url, f"the answer ended {answer.length} bytes too soon")
        if answer.status not in statuses:
            raise _refusal(answer.status, raw)
        if len(raw) > MAX_ANSWER:
            raise BadAnswer(f"more than {MAX_ANSWER} bytes")
        return answer.status, raw

    def _connect(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if parts.scheme == "https":
            context = ssl.create_default_context()
            return http.client.HTTPSConnection(
                host, parts.port, timeout=self.timeout_seconds, context=context, blocksize=CHUNK
            )
        return http.client.HTTPConnection(host, parts.port, timeout=self.timeout_seconds, blocksize=CHUNK)


@dataclass
class Counted:
    """A file that tells how far it has been read."""

    stream: Source
    tell: Callable[[int], None]

    def read(self, size: int = CHUNK, /) -> bytes:
        """At most `size` bytes of the file."""
        data = self.stream.read(size)
        self.tell(len(data))
        return data


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


def _refusal(status: int, raw: bytes) -> SealringError:
    if 300 <= status < 400:
        return BadAnswer(f"a redirect ({status}), and none is followed: give the store's own address")
    try:
        said = _problem.decode(raw[:MAX_PROBLEM])
    except (msgspec.MsgspecError, ValueError):
        said = _Problem("no reason given")
    return StoreRefused(status, clean(said.detail or said.title), clean(said.rule, 10), clean(said.hint))
