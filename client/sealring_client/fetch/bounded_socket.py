"""A connection that can't outlast its bounds: each read has a timeout, and all of them a deadline and a budget.

A socket's own timeout starts anew with every byte, so a server that sends one byte every few seconds holds
a client for ever, in the headers as well as in the body. Here the clock and the count stand at the socket
itself, below everything that parses (SPEC HF-1).
"""

import io
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPResponse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import ssl

    from _typeshed import WriteableBuffer


class OutOfTimeError(Exception):
    """The exchange's deadline has passed."""


class OutOfBytesError(Exception):
    """The exchange's budget of bytes is used up."""


@dataclass
class Bounds:
    """What is left of one exchange; set anew by `begin` for the next one on the same connection."""

    read_seconds: float
    deadline: float = 0.0
    budget: int = 0
    lowest_rate: int | None = None

    def begin(self, total_seconds: float, budget: int, lowest_rate: int | None) -> None:
        """Start the clock. With `lowest_rate` (bytes per second) each byte buys time, else none does."""
        self.deadline = time.monotonic() + total_seconds
        self.budget, self.lowest_rate = budget, lowest_rate

    def wait_seconds(self) -> float:
        """How long the next system call may wait."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise OutOfTimeError
        return min(left, self.read_seconds)

    def took(self, count: int) -> None:
        """Account for bytes that have arrived."""
        self.budget -= count
        if self.budget < 0:
            raise OutOfBytesError
        if self.lowest_rate:
            self.deadline += count / self.lowest_rate


class BoundedSocket:
    """The few methods of a socket that `http.client` uses, under `Bounds`."""

    def __init__(self, sock: socket.socket, bounds: Bounds) -> None:
        self._sock, self._bounds = sock, bounds
        self._readers, self._closing = 0, False
        self._timeout: float | None = None

    def sendall(self, data: bytes) -> None:
        """Send all of it within the bounds."""
        self._bound()
        self._sock.sendall(data)

    def receive_into(self, buffer: "WriteableBuffer") -> int:
        """Receive what is there, at least one byte unless the other side has ended."""
        try:
            self._bound()
            count = self._sock.recv_into(buffer)
        except TimeoutError:
            self._bounds.wait_seconds()  # tells the deadline from a pause that was too long
            raise
        self._bounds.took(count)
        return count

    def makefile(self, _mode: str) -> io.BufferedReader:
        """A reader of its own for one answer; the socket stays open until it is closed too."""
        self._readers += 1
        return io.BufferedReader(_Reader(self.receive_into, self._reader_closed), 64 * 1024)

    def close(self) -> None:
        """Close as soon as no answer is read from it any more."""
        self._closing = True
        if self._readers == 0:
            self._sock.close()

    def _bound(self) -> None:
        seconds = self._bounds.wait_seconds()
        if seconds != self._timeout:  # mostly the same `read_seconds`, and setting it is a system call
            self._sock.settimeout(seconds)
            self._timeout = seconds

    def _reader_closed(self) -> None:
        self._readers -= 1
        if self._closing and self._readers == 0:
            self._sock.close()


class _Reader(io.RawIOBase):
    def __init__(self, receive: "Callable[[WriteableBuffer], int]", closed: Callable[[], None]) -> None:
        self._receive, self._closed = receive, closed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        return self._receive(buffer)

    def close(self) -> None:
        if not self.closed:
            super().close()
            self._closed()


class Line(HTTPConnection):
    """One keep-alive connection under `bounds`; opened by the first request and after `close` by the next.

    `opened` tells whether the last attempt at a connection came to one.
    """

    sock: Any

    def __init__(self, host: str, port: int, bounds: Bounds, tls: "Callable[[], ssl.SSLContext] | None") -> None:
        # Else the name of the default port would stand in the request's Host, and not in what is signed (RD-2).
        self.default_port = 80 if tls is None else 443
        super().__init__(host, port)
        self.bounds, self._tls = bounds, tls
        self._answer: HTTPResponse | None = None
        self.opened = False

    def get(self, path: str, headers: Mapping[str, str]) -> HTTPResponse:
        """Send one GET and read the head of its answer."""
        return self.ask("GET", path, headers, None)

    def ask(self, method: str, path: str, headers: Mapping[str, str], body: bytes | None) -> HTTPResponse:
        """Send one request, whole, and read the head of its answer."""
        self.request(method, path, body=body, headers=headers)
        self._answer = self.getresponse()
        return self._answer

    def close(self) -> None:
        """Close the connection, and the answer that may still hold it: `http.client` lets go of one that ends it."""
        super().close()
        if self._answer is not None:
            self._answer.close()

    def connect(self) -> None:
        """Try each address of the host in turn, all of them within the deadline.

        The look-up of the name itself is bounded by the system's resolver only (resolv.conf, 5 s a try).
        """
        self.opened = False
        failed: OSError = OSError("the host has no address")
        for family, kind, protocol, _, address in socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM):
            sock = socket.socket(family, kind, protocol)
            try:
                self.sock = BoundedSocket(self._open(sock, address), self.bounds)
                self.opened = True
                return
            except OSError as err:
                sock.close()
                failed = err
            except BaseException:
                sock.close()
                raise
        raise failed

    def _open(self, sock: socket.socket, address: Any) -> socket.socket:
        sock.settimeout(self.bounds.wait_seconds())
        sock.connect(address)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._tls is None:
            return sock
        sock.settimeout(self.bounds.wait_seconds())
        return self._tls().wrap_socket(sock, server_hostname=self.host)
