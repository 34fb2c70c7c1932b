"""A store that answers with exactly the bytes that a test gives it, at the pace that it says."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# What a store does with a request's head: pieces of bytes to send, pauses in seconds, or None to hang up.
Step = bytes | float | None
Behaviour = Callable[[str], Iterable[Step]]


def answer(body: bytes = b"", *, status: str = "200 OK", length: int | None = None, **headers: str) -> bytes:
    """A whole answer; `length` may lie."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


@dataclass
class HostileStore:
    """A server on a loopback port; `heads` are the requests that it got, one list for each connection."""

    behaviour: Behaviour
    listener: socket.socket
    url: str
    heads: list[list[str]] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        workers = []
        while not self.stopped.is_set():
            with suppress(TimeoutError):
                line, _ = self.listener.accept()
                self.heads.append([])
                worker = threading.Thread(target=self._serve, args=(line, self.heads[-1]))
                worker.start()
                workers.append(worker)
        for worker in workers:
            worker.join()

    def _serve(self, line: socket.socket, heads: list[str]) -> None:
        with line, suppress(OSError):
            line.settimeout(0.02)
            while head := self._head(line):
                heads.append(head)
                for step in self.behaviour(head):
                    if step is None or self.stopped.is_set():
                        return
                    if isinstance(step, bytes):
                        line.sendall(step)
                    else:
                        self.stopped.wait(step)

    def _head(self, line: socket.socket) -> str:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            try:
                piece = line.recv(4096)
            except TimeoutError:
                if self.stopped.is_set():
                    return ""
                continue
            if not piece:
                return ""
            head += piece
        return head.decode()


@contextmanager
def hostile(behaviour: Behaviour) -> Iterator[HostileStore]:
    """Serve until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.02)
        store = HostileStore(behaviour, listener, f"http://127.0.0.1:{listener.getsockname()[1]}")
        thread = threading.Thread(target=store.run)
        thread.start()
        try:
            yield store
        finally:
            store.stopped.set()
            thread.join()
