"""`sealring-store serve` as a process of its own, and requests byte by byte."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Program:
    """A store that the command serves; what it says on stderr goes to a file."""

    process: subprocess.Popen[bytes]
    url: str
    said: Path

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens."""
        parts = urlsplit(self.url)
        assert parts.hostname is not None
        return parts.hostname, parts.port or 0

    def workers(self) -> list[int]:
        """Ids of all processes below it."""
        found, at = [], [self.process.pid]
        while at:
            with contextlib.suppress(FileNotFoundError):
                below = Path(f"/proc/{at[0]}/task/{at[0]}/children").read_text().split()
                found += [int(one) for one in below]
                at += found[-len(below) :] if below else []
            at = at[1:]
        return found

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


@contextlib.contextmanager
def program(folder: Path, *options: str, env: dict[str, str] | None = None) -> Iterator[Program]:
    """Serve this folder until the block ends."""
    ready, said = folder.parent / "ready", folder.parent / "said"
    command = [sys.executable, "-m", "sealring_server.command.main", "serve", str(folder), "--bind", "127.0.0.1:0"]
    with said.open("wb") as errors:
        process = subprocess.Popen(
            [*command, "--ready-file", str(ready), *options],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
            env={**os.environ, **(env or {})},
        )
    try:
        deadline = time.monotonic() + PATIENCE
        while not ready.exists():
            assert process.poll() is None, said.read_text()
            assert time.monotonic() < deadline, said.read_text()
            time.sleep(0.02)
        yield Program(process, ready.read_text(), said)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(PATIENCE)
        ready.unlink(missing_ok=True)


def exchange(address: tuple[str, int], sent: bytes, *, patience: float = PATIENCE) -> bytes:
    """All that comes back until the other side closes; its refusal to read on is no error."""
    with socket.create_connection(address, patience) as line:
        with contextlib.suppress(ConnectionError):
            line.sendall(sent)
        return read_all(line)


def read_all(line: socket.socket) -> bytes:
    """What comes until the other side closes."""
    found = bytearray()
    with contextlib.suppress(ConnectionError):
        while piece := line.recv(65536):
            found += piece
    return bytes(found)
