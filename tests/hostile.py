"""A server that stands between a device and a store, and does with each answer what a test says.

    with between(over_http(store.url)) as line:
        line.change = lambda path, reply: replace(reply, body=b"x") if path.startswith("/v1/blobs/") else reply

The `store` statement names the line's URL, so that the network, a mirror or the store's machine can be played by it.
"""

import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

from sealring_server.app import create_app
from sealring_server.here import Clock, open_store

MAX_POST = 1024 * 1024  # bytes
IDLE_SECONDS = 20.0  # after which a kept connection is closed
FILLER = b"\0" * 65536


@dataclass(frozen=True)
class Reply:
    """One answer, and how it is sent.

    Args:
        promised: the Content-Length that is told; None for the body's own.
        endless: after the body zeros follow until the device hangs up; the length is not told.
        pause: seconds before each byte of the body.
        hang_up: close the connection instead of answering, once the body (if any) was sent.
    """

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    promised: int | None = None
    endless: bool = False
    pause: float = 0
    hang_up: bool = False
    stalled: bool = False
    """Send the head a byte at a time, and never all of it."""


Upstream: TypeAlias = Callable[[str, dict[str, str]], Reply]
"""Answers a path and the request's headers."""
Change: TypeAlias = Callable[[str, Reply], Reply]

NOT_THERE = Reply(404, (("Content-Type", "application/problem+json"),), b"{}")
SILENCE = Reply(0, hang_up=True)
_KEPT = (
    "content-type",
    "content-encoding",
    "vary",
    "cache-control",
    "etag",
    "content-range",
    "accept-ranges",
    "retry-after",
    "location",
)


def over_http(url: str) -> Upstream:
    """A store that is being served somewhere."""
    parts = urlsplit(url)

    def ask(path: str, headers: dict[str, str]) -> Reply:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        with contextlib.closing(connection):
            connection.request("GET", path, None, headers)
            answer = connection.getresponse()
            return Reply(answer.status, _kept(answer.getheaders()), answer.read())

    return ask


def from_folder(folder: Path, clock: Clock) -> Upstream:
    """A store's folder, answered for by the store's own code in this process."""
    app = create_app(open_store(folder, clock))

    def ask(path: str, headers: dict[str, str]) -> Reply:
        with app.test_client().get(path, headers=headers) as answer:
            return Reply(answer.status_code, _kept(list(answer.headers.items())), answer.data)

    return ask


def _kept(headers: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() in _KEPT)


@dataclass
class Line:
    """The way to one store. `asked` are the paths that were asked for since the last `reset`.

    Where a test changes what comes, the device has to go by the plain paths, each of which can be changed by itself
    (AN-3); with `answers` what the test does befalls the answer too.
    """

    url: str
    honest: Upstream
    upstream: Upstream
    change: Change | None = None
    answers: bool = False
    asked: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    open: set[socket.socket] = field(default_factory=set)

    def reset(self) -> None:
        """Be an honest way to the store again."""
        self.upstream, self.change, self.answers = self.honest, None, False
        self.asked.clear()

    def answer(self, path: str, headers: dict[str, str]) -> Reply:
        """What the device gets."""
        self.asked.append(path)
        change = self.change
        if change is not None and path.startswith("/v1/answers/") and not self.answers:
            return change(path, NOT_THERE)
        reply = self.upstream(path, headers)
        return reply if change is None else change(path, reply)


def only(prefix: str, change: Callable[[Reply], Reply]) -> Change:
    """Change the answers below one path, and leave all others."""
    return lambda path, reply: change(reply) if path.startswith(prefix) else reply


def flipped(reply: Reply, at: int = -1) -> Reply:
    """One bit of the body changed; by default in its middle."""
    if not reply.body:
        return reply
    at = len(reply.body) // 2 if at < 0 else at
    return replace(reply, body=reply.body[:at] + bytes([reply.body[at] ^ 1]) + reply.body[at + 1 :])


@contextlib.contextmanager
def between(honest: Upstream) -> Iterator[Line]:
    """A line to this store on a port of its own, until the block ends."""
    server = _Server(("127.0.0.1", 0), _Handler)
    line = server.line = Line(f"http://127.0.0.1:{server.server_port}", honest, honest)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield line
    finally:
        line.stopped.set()
        server.shutdown()
        thread.join()
        for one in list(line.open):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
        server.server_close()  # waits for the handlers


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    line: Line


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    disable_nagle_algorithm = True  # head and body are two writes: 40 ms an answer otherwise
    server: _Server

    def setup(self) -> None:
        super().setup()
        self.server.line.open.add(self.request)

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.server.line.open.discard(self.request)

    def do_GET(self) -> None:
        wanted = ("range", "if-none-match", "accept", "accept-encoding")
        headers = {name: value for name, value in self.headers.items() if name.lower() in wanted}
        reply = self.server.line.answer(self.path, headers)
        with contextlib.suppress(OSError):
            self._send(reply)
            return
        self.close_connection = True

    def do_POST(self) -> None:
        """Reports: what a test does to the answer is done; none of them is passed on."""
        self.rfile.read(min(int(self.headers["Content-Length"]), MAX_POST))
        self.server.line.asked.append(self.path)
        reply, change = Reply(204), self.server.line.change
        with contextlib.suppress(OSError):
            self._send(reply if change is None else change(self.path, reply))
            return
        self.close_connection = True

    def _send(self, reply: Reply) -> None:
        if reply.stalled:
            while not self.server.line.stopped.wait(0.02):
                self.wfile.write(b"H")
        self.close_connection = reply.hang_up or reply.endless or self.close_connection
        if not reply.status:
            return
        self.send_response_only(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        if not reply.endless and reply.status != 304:
            self.send_header("Content-Length", str(len(reply.body) if reply.promised is None else reply.promised))
        elif reply.endless:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._send_body(reply)

    def _send_body(self, reply: Reply) -> None:
        stopped = self.server.line.stopped
        if reply.endless:
            while not stopped.is_set():
                self.wfile.write(b"%x\r\n" % len(FILLER) + FILLER + b"\r\n")
        elif reply.pause:
            for n in range(len(reply.body)):
                if stopped.wait(reply.pause):
                    return
                self.wfile.write(reply.body[n : n + 1])
        else:
            self.wfile.write(reply.body)

    def log_message(self, *_: object) -> None:
        """Say nothing: a test reads `asked`."""
