"""The operator's listener beside the store's own, as processes (SPEC HT-6)."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.stores import RunningStore, ask, make_folder, now
from tests.world import World

PATIENCE = 30.0  # seconds


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunningStore]:
    """A store with one public worker that does one thing at a time, and its operator's listener."""
    made = make_folder(World(at=now()), tmp_path / "shop")
    made.start(workers=1, threads=1, operator=True)
    try:
        yield made
    finally:
        made.stop()
        made.kill()


def test_it_answers_while_every_public_worker_is_busy(store: RunningStore) -> None:
    """HT-6: then an operator wants to know; a stranger who holds the only public thread does not hold this one."""
    parts = urlsplit(store.url)
    with socket.create_connection((parts.hostname, parts.port)) as slow:
        slow.sendall(b"POST /v1/publications HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\nsealring")
        time.sleep(0.2)  # until the worker waits for the rest
        for path, status in (("/", 200), ("/faults", 200), ("/metrics", 200), ("/v1/health/ready", 204)):
            assert ask(store.operator_url, path).status == status
    assert ask(store.url, "/metrics").status == 404
    assert ask(store.operator_url, "/v1/publications", "POST", b"").status == 405


def test_figures_are_of_all_processes(store: RunningStore) -> None:
    """HT-6: what the public worker answered, and what the process that signs has done, is told by the third."""
    for _ in range(3):
        store.get("/tuf/timestamp.json")
    store.get("/v1/roots/99")
    figures = ask(store.operator_url, "/metrics").body.decode().splitlines()
    found = dict(line.rsplit(" ", 1) for line in figures if not line.startswith("#"))
    assert float(found['sealring_http_requests_total{kind="tuf",outcome="2xx"}']) >= 4  # the first when it began
    assert float(found['sealring_http_requests_total{kind="read",outcome="4xx"}']) == 1
    assert float(found["sealring_maintenance_timestamp_seconds"]) > 0


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_the_server(store: RunningStore, how: signal.Signals) -> None:
    """HT-6: nothing stays on its port, however the server ended: an old page would say that all is well."""
    assert store.process is not None
    parts = urlsplit(store.operator_url)
    os.kill(store.process.pid, how)
    store.process.wait(PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with contextlib.suppress(ConnectionRefusedError):
            socket.create_connection((parts.hostname, parts.port)).close()
            time.sleep(0.05)
            continue
        return
    pytest.fail("it still listens")


def test_the_command_takes_its_address_from_the_settings(tmp_path: Path) -> None:
    """HT-6: `[operator] bind` of store.toml; without it, and without --operator, there is none."""
    made = make_folder(World(at=now()), tmp_path / "shop")
    (made.folder / "store.toml").write_text('[operator]\nbind = "127.0.0.1:0"\nheader = "X-Operator"\n')
    at, ready = tmp_path / "operator", tmp_path / "url"
    command = [sys.executable, "-m", "sealring_server.command.main", "serve", str(made.folder)]
    command += ["--bind", "127.0.0.1:0", "--ready-file", str(ready), "--operator-file", str(at)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready.exists() and time.monotonic() < deadline:
                time.sleep(0.05)
            assert ask(at.read_text(), "/").status == 403
            assert ask(at.read_text(), "/", X_Operator="ann").status == 200
        finally:
            process.terminate()
        said, _ = process.communicate(timeout=PATIENCE)
    assert (process.returncode, said.splitlines()) == (0, [f"operator's page: {at.read_text()}", ready.read_text()])


def test_an_address_that_is_taken_is_said_before_anything_is_served(tmp_path: Path) -> None:
    """HT-6: a store without its page, that nobody notices, would be worse than none."""
    made = make_folder(World(at=now()), tmp_path / "shop")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        command = [sys.executable, "-m", "sealring_server.command.main", "serve", str(made.folder)]
        done = subprocess.run(
            [*command, "--bind", "127.0.0.1:0", "--operator", place], capture_output=True, text=True, timeout=60
        )
    assert (done.returncode, done.stdout) == (13, "")
    assert place in done.stderr


def test_a_slow_asker_holds_up_nobody_else(store: RunningStore) -> None:
    """HT-4: half a request, for ever, on more connections than there are threads."""
    parts = urlsplit(store.operator_url)
    with contextlib.ExitStack() as open_now:
        for _ in range(32):
            held = open_now.enter_context(socket.create_connection((parts.hostname, parts.port)))
            held.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert ask(store.operator_url, "/v1/health/live").status == 204
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("HEAD", "/")
            assert connection.getresponse().status == 200
