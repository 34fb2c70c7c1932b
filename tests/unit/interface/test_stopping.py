"""A store that is told to stop loses nothing that it acknowledged (SPEC PB-11)."""

import contextlib
import os
import signal
import socket
import time
from hashlib import sha256
from pathlib import Path

import pytest

from tests.stores import ask, begin, first_software, make_folder, now, patch
from tests.unit.interface.program import PATIENCE, program, read_all
from tests.world import World

IMAGE = bytes(range(256)) * 4096
HALF = 512 * 1024


def _begun(url: str, token: str, address: tuple[str, int]) -> socket.socket:
    """An upload of which half has come, and the rest does not."""
    digest = sha256(IMAGE).hexdigest()
    line = socket.create_connection(address, PATIENCE)
    head = f"PATCH /v1/publications/{token}/blobs/{digest} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
    head += "Content-Type: application/offset+octet-stream\r\nUpload-Offset: 0\r\n"
    line.sendall(head.encode() + f"Content-Length: {len(IMAGE)}\r\n\r\n".encode() + IMAGE[:HALF])
    deadline = time.monotonic() + PATIENCE
    while _offset(url, token) < HALF - 64 * 1024:  # until the store has what it reads at a time
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return line


def _offset(url: str, token: str) -> int:
    answer = patch(url, token, b"", digest=sha256(IMAGE).hexdigest(), method="HEAD")
    return int(answer.headers.get("upload-offset", 0))


def _is_gone(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


@pytest.mark.parametrize("how", ["gently", "at once", "the line ends"])
def test_what_came_of_an_upload_is_kept_when_the_store_stops(tmp_path: Path, how: str) -> None:
    """PB-11: the sender goes on from there, whether the store waited for him, or not; exit 0, and nothing is left."""
    world = World(at=now())
    made = make_folder(world, tmp_path / "shop")
    limit = {"gently": "1", "at once": "600", "the line ends": "600"}[how]
    with program(made.folder, "--stop-seconds", limit) as served:
        made.url = served.url
        opened = begin(served.url, first_software(world, made, IMAGE))
        below = served.workers()
        with _begun(served.url, opened.token, served.address) as line:
            served.process.terminate()
            deadline = time.monotonic() + PATIENCE
            with contextlib.suppress(ConnectionError):  # no connection is taken any more
                while time.monotonic() < deadline:
                    with socket.create_connection(served.address, 1) as other:
                        other.sendall(b"GET /v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
                        if not other.recv(1):
                            break
                    time.sleep(0.05)
            if how == "at once":
                served.process.terminate()
            if how == "the line ends":
                line.sendall(IMAGE[HALF:])
                assert read_all(line).startswith(b"HTTP/1.1 204")
            assert served.process.wait(PATIENCE) == 0
        for pid in below:
            while not _is_gone(pid):
                assert time.monotonic() < deadline
                time.sleep(0.05)
    with program(made.folder) as served:
        there = _offset(served.url, opened.token)
        assert there == len(IMAGE) if how == "the line ends" else HALF - 64 * 1024 <= there <= HALF
        if there < len(IMAGE):
            rest = patch(served.url, opened.token, IMAGE[there:], there, sha256(IMAGE).hexdigest())
            assert rest.status == 204
        assert ask(served.url, f"/v1/publications/{opened.token}/commit", "POST").status == 200
        assert served.stop() == 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_where_nothing_is_under_way(tmp_path: Path, how: signal.Signals) -> None:
    """An idle connection that a proxy keeps open is nobody's request."""
    made = make_folder(World(at=now()), tmp_path / "shop")
    with program(made.folder, "--stop-seconds", "600") as served:
        with socket.create_connection(served.address, PATIENCE) as idle:
            idle.sendall(b"GET /v1/health/live HTTP/1.1\r\nHost: x\r\n\r\n")
            assert idle.recv(12) == b"HTTP/1.1 204"
            served.process.send_signal(how)
            assert served.process.wait(PATIENCE) == 0


def test_a_service_manager_is_told(tmp_path: Path) -> None:
    """sd_notify: READY once it answers, WATCHDOG while it does, STOPPING when it is told to stop."""
    made = make_folder(World(at=now()), tmp_path / "shop")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(PATIENCE)
        env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "600000"}
        with program(made.folder, env=env) as served:
            told = [manager.recv(100) for _ in range(3)]
            assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1"]
            assert served.stop() == 0
        while told[-1] == b"WATCHDOG=1":
            told.append(manager.recv(100))
        assert told[-1] == b"STOPPING=1"
