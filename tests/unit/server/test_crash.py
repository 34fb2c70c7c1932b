"""Killed at any point, a store shows the old state or the new one, and a repeat succeeds (SPEC PB-3).

The real server is killed by strace at a chosen system call of one publication. Its calls, in their order: pages of
the opened publication and their sync; the image and its sync, its final name and that folder's sync; the row that has
it as received, and its sync; the commit's pages and their sync.
"""

import contextlib
import http.client
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring_server.making import TufPinned
from tests.oracle import check_store
from tests.rigs.store.points import workers_of
from tests.stores import RunningStore, first_software, make_folder, next_software, now
from tests.unit.server.conftest import Shop
from tests.world import World

IMAGE = b"image 2" * 1000
RELEASE = ("release", "acme/tool/latest/stable")


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> RunningStore:
    """A store with one installation's worth, stopped: each test takes a copy."""
    world = World(at=now())
    store = make_folder(world, tmp_path_factory.mktemp("before") / "store").start()
    store.publish(first_software(world, store, b"image 1"), [b"image 1"])
    assert store.stop() == 0
    return store


@pytest.fixture
def store(before: RunningStore, tmp_path: Path) -> Iterator[RunningStore]:
    """A copy of that store, served."""
    shutil.copytree(before.folder, tmp_path / "store")
    store = RunningStore(before.world, tmp_path / "store", TufPinned(*before.pin))
    # One thread: strace counts the calls of each thread by itself.
    store.start(threads=1)
    yield store
    store.kill()


@contextlib.contextmanager
def killed_at(store: RunningStore, call: str, number: int) -> Iterator[None]:
    """While it lasts, the worker dies at the n-th such call; at its end that has happened."""
    worker = worker_of(store)
    inject = f"inject={call}:signal=KILL:when={number}"
    command = ["strace", "-f", "-p", str(worker), "-e", f"trace={call}", "-e", inject, "-o", "/dev/null"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        assert "attached" in strace.stderr.readline()
        try:
            yield
        finally:
            with contextlib.suppress(subprocess.TimeoutExpired):
                strace.wait(5)
            strace.terminate()
    assert worker not in workers_of(server_of(store)), "nothing was killed"
    store.kill()  # the rest of it too, as a power cut would: nothing in memory helps whoever looks


def server_of(store: RunningStore) -> int:
    """Its first process."""
    assert store.process is not None
    return store.process.pid


def worker_of(store: RunningStore) -> int:
    """The one process that answers."""
    (worker,) = workers_of(server_of(store))
    return worker


@pytest.mark.parametrize(
    ("call", "number", "is_new"),
    [
        pytest.param("pwrite64", 1, False, id="first page of the opened publication"),
        pytest.param("fdatasync", 1, False, id="sync of the opened publication"),
        pytest.param("fsync", 1, False, id="sync of the image"),
        pytest.param("link", 1, False, id="the image gets its final name"),
        pytest.param("fsync", 2, False, id="sync of the image's folder"),
        pytest.param("fdatasync", 2, False, id="sync of the row that has it as received"),
        pytest.param("pwrite64", 30, False, id="a page in the middle of the commit"),
        pytest.param("fdatasync", 3, False, id="sync of the commit"),
        # The first is of a temporary file of SQLite; the second takes away the name under which the image came.
        pytest.param("unlink", 2, True, id="before the receipt is sent"),
    ],
)
def test_a_kill_leaves_old_or_new_and_a_repeat_succeeds(
    store: RunningStore, call: str, number: int, is_new: bool
) -> None:
    """PB-3: what a reader sees is one whole state, whatever the server was doing."""
    world = store.world
    software = next_software(world, IMAGE, 2)
    with killed_at(store, call, number):
        with pytest.raises((OSError, http.client.HTTPException)):
            store.publish(software, [IMAGE])
    found = check_store(store.folder)
    assert (found.entry, found.heads[RELEASE]) == ((3, 2) if is_new else (2, 1))
    again = Shop(world, store.folder, store.pin, now())
    again.publish(software, [IMAGE])
    found = again.check()
    assert (found.entry, found.heads[RELEASE]) == (3, 2)
    again.publish([world.signed(world.model("gate"))])
    assert again.check().entry == 4


def test_a_full_disk_is_said_and_nothing_changes(store: RunningStore) -> None:
    """PB-3: the image's write fails as on a full disk; the store stays as it was and goes on."""
    before = check_store(store.folder)
    worker = str(worker_of(store))
    command = ["strace", "-f", "-p", worker, "-e", "trace=fsync", "-e", "inject=fsync:error=ENOSPC:when=1"]
    with subprocess.Popen([*command, "-o", "/dev/null"], stderr=subprocess.PIPE, text=True) as strace:
        assert strace.stderr is not None
        assert "attached" in strace.stderr.readline()
        with pytest.raises(Exception, match="507"):
            store.publish(next_software(store.world, IMAGE, 2), [IMAGE])
        assert check_store(store.folder) == before
        assert not [f for f in (store.folder / "blobs" / "incoming").iterdir() if f.name.startswith("tmp")]
        store.publish(next_software(store.world, IMAGE, 2), [IMAGE])
        strace.terminate()
        strace.communicate(timeout=20)
    assert check_store(store.folder).entry == 3
