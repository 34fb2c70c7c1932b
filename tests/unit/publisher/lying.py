"""A store that tells a publisher what a test says: a relay to a real one that changes its answers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.stores import Answer, ask

PASSED = ("content-type", "tus-resumable", "upload-offset")
Change = Callable[[str, Answer], Answer]
"""What was asked, as `METHOD path`, and the real answer; what the publisher gets."""


@dataclass
class Liar:
    """Such a store; `asked` has each request as `METHOD path`."""

    url: str
    honest: str
    change: Change | None = None
    asked: list[str] = field(default_factory=list)


@contextmanager
def lying(store: str) -> Iterator[Liar]:
    """A relay to this store, honest until `change` is set."""
    liar = Liar("", store)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def relay(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            liar.asked.append(f"{self.command} {self.path}")
            sent = {name: value for name, value in self.headers.items() if name.lower() in PASSED}
            found = ask(liar.honest, self.path, self.command, body, **sent)
            if liar.change is not None:
                found = liar.change(f"{self.command} {self.path}", found)
            self.send_response(found.status)
            for name, value in found.headers.items():
                if name not in ("content-length", "connection", "transfer-encoding", "date", "server"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(found.body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(found.body)

        do_POST = do_PATCH = do_HEAD = relay  # noqa: N815 - the library calls them so

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        liar.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield liar
        finally:
            server.shutdown()
            thread.join(10)
