"""Bad lines by Shopify's toxiproxy, a real proxy that is told by HTTP what to spoil; built once into .cache.

with toxiproxy() as proxies:
    line = proxies.line(store.port)            # line.port is the way to the store
    line.add("limit_data", bytes=100_000)
    line.heal()
"""

import contextlib
import fcntl
import http.client
import itertools
import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.rigs.components import path_of
from tests.run import CACHE

VERSION = "v2.5.0"
MODULE = "github.com/Shopify/toxiproxy/v2/cmd/server"
BUILD_SECONDS = 900
START_SECONDS = 30


def program() -> Path:
    """The proxy's program; the first test that asks builds it (10 CPU seconds), the others wait."""
    folder = CACHE / f"toxiproxy-{VERSION}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "bin" / "server").exists():
            env = {**os.environ, "GOBIN": str(folder / "bin"), "GOCACHE": str(CACHE / "go-build"), "GOFLAGS": ""}
            command = [str(path_of("go")), "install", f"{MODULE}@{VERSION}"]
            subprocess.run(command, env=env, check=True, timeout=BUILD_SECONDS, cwd=folder)
    return folder / "bin" / "server"


@dataclass(frozen=True)
class Toxiproxy:
    """A running proxy; it has any number of lines."""

    port: int
    _numbers: "itertools.count[int]"

    def line(self, upstream: int) -> "BadLine":
        """A good line to this port, until something is added."""
        name, port = f"line-{next(self._numbers)}", free_port()
        said = {"name": name, "listen": f"127.0.0.1:{port}", "upstream": f"127.0.0.1:{upstream}", "enabled": True}
        self.ask("POST", "/proxies", said)
        return BadLine(self, name, port)

    def ask(self, method: str, path: str, said: object = None) -> Any:
        """What the proxy answers to one request."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as asked:
            asked.request(method, path, json.dumps(said) if said is not None else None)
            answer = asked.getresponse()
            body = answer.read()
        assert answer.status < 300, (method, path, answer.status, body)
        return json.loads(body) if body else None


@dataclass(frozen=True)
class BadLine:
    """A line through the proxy."""

    proxy: Toxiproxy
    name: str
    port: int

    def add(self, kind: str, *, stream: str = "downstream", **attributes: int) -> None:
        """Spoil it, beside what was added before.

        Args:
            kind: one of toxiproxy's toxics: latency, bandwidth, limit_data, reset_peer, timeout, slow_close.
            stream: `upstream` for what is sent, `downstream` for what comes back.
        """
        said = {"type": kind, "stream": stream, "attributes": attributes}
        self.proxy.ask("POST", f"/proxies/{self.name}/toxics", said)

    def refuse(self) -> None:
        """Let nobody connect, and end every connection."""
        self.proxy.ask("POST", f"/proxies/{self.name}", {"enabled": False})

    def heal(self) -> None:
        """A good line again."""
        for toxic in self.proxy.ask("GET", f"/proxies/{self.name}/toxics"):
            self.proxy.ask("DELETE", f"/proxies/{self.name}/toxics/{toxic['name']}")
        self.proxy.ask("POST", f"/proxies/{self.name}", {"enabled": True})


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


@contextlib.contextmanager
def toxiproxy() -> Iterator[Toxiproxy]:
    """The proxy, until the block ends."""
    port = free_port()
    process = subprocess.Popen(
        [str(program()), "-host", "127.0.0.1", "-port", str(port)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "LOG_LEVEL": "fatal"},
    )
    found = Toxiproxy(port, itertools.count(1))
    try:
        _wait(found, process)
        yield found
    finally:
        process.kill()
        process.wait()


def _wait(found: Toxiproxy, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            found.ask("GET", "/proxies")
            return
        time.sleep(0.02)
    raise RuntimeError(f"toxiproxy did not start: exit {process.poll()}")
