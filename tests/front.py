"""A small HTTP server whose every answer a test decides: for what a store might say to the real fetcher."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.simulated import SimulatedStore


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: Message
    body: bytes


@dataclass(frozen=True)
class Told:
    """One answer."""

    status: int
    body: bytes = b""
    headers: list[tuple[str, str]] = field(default_factory=list)


@contextmanager
def front(answer: Callable[[Asked], Told]) -> Iterator[str]:
    """Serve on 127.0.0.1 until the block ends; its address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._answer(answer(Asked("GET", self.path, self.headers, b"")))

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self._answer(answer(Asked("POST", self.path, self.headers, body)))

        def _answer(self, told: Told) -> None:
            with suppress(ConnectionError):  # who asked may have lost patience
                self.send_response_only(told.status)
                for name, value in told.headers:
                    self.send_header(name, value)
                if told.status not in (204, 304):
                    self.send_header("Content-Length", str(len(told.body)))
                self.end_headers()
                self.wfile.write(told.body)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def of_store(store: SimulatedStore) -> Callable[[Asked], Told]:
    """A store in memory over HTTP, with the tag of its timestamp."""

    def answer(asked: Asked) -> Told:
        path = asked.path.lstrip("/")
        if asked.method == "POST":
            return Told(store.post(path, asked.body, seconds=1))
        store.asked.append(path)
        raw = store._file(path)
        if raw is None:
            return Told(404)
        tag = store.tag_of(raw)
        return Told(304) if asked.headers["If-None-Match"] == tag else Told(200, raw, [("ETag", tag)])

    return answer
