"""A TCP proxy that loses connections: cut after so many bytes, or held still, as bad lines do.

with cutting(store.port) as line:
    line.limit = 3_000_000        # each connection ends after so many bytes to the store
    publish(line.url)
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PIECE = 64 * 1024


@dataclass
class Cutting:
    """One such line; all of it may be changed while it is used."""

    port: int
    """Of the store."""
    url: str = ""
    limit: int = 0
    """Bytes to the store after which a connection is cut; 0 for none."""
    hold: int = 0
    """Bytes to the store, of all connections, after which nothing is passed on; 0 for none."""
    sent: int = 0
    """Bytes that were passed on to the store."""
    cuts: int = 0
    held: threading.Event = field(default_factory=threading.Event)
    """Set when `hold` was reached."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _open: list[socket.socket] = field(default_factory=list)

    def serve(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=self._connect, args=(client,), daemon=True).start()

    def cut_all(self) -> None:
        """Cut every connection that there is."""
        with self._lock:
            gone, self._open = self._open, []
        for one in gone:
            reset(one)

    def _connect(self, client: socket.socket) -> None:
        try:
            store = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        except OSError:
            reset(client)
            return
        with self._lock:
            self._open += [client, store]
        threading.Thread(target=self._pass_back, args=(store, client), daemon=True).start()
        self._pass_on(client, store)

    def _pass_on(self, client: socket.socket, store: socket.socket) -> None:
        passed = 0
        with suppress(OSError):
            while data := client.recv(PIECE):
                if self.hold and self.sent >= self.hold:
                    self.held.set()
                    return
                store.sendall(data)
                passed += len(data)
                with self._lock:
                    self.sent += len(data)
                if self.limit and passed >= self.limit:
                    with self._lock:
                        self.cuts += 1
                    reset(client)
                    reset(store)
                    return
        with suppress(OSError):
            store.shutdown(socket.SHUT_WR)

    def _pass_back(self, store: socket.socket, client: socket.socket) -> None:
        with suppress(OSError):
            while data := store.recv(PIECE):
                client.sendall(data)
        with suppress(OSError):
            client.shutdown(socket.SHUT_WR)


def reset(one: socket.socket) -> None:
    """End a connection as a lost one ends: at once, for both sides."""
    with suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)  # wakes whoever waits for it
        one.close()


@contextmanager
def cutting(port: int) -> Iterator[Cutting]:
    """A line to the store at this port, good until something is changed."""
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as listener:
        line = Cutting(port, f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=line.serve, args=(listener,), daemon=True)
        thread.start()
        try:
            yield line
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            line.cut_all()
            thread.join(10)
