"""A worker that is killed, as the kernel does to who takes all memory, is followed by another (SPEC PB-3, TF-10)."""

import contextlib
import http.client
import os
import signal
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.oracle import check_store
from tests.stores import RunningStore, first_software, next_software, now, publish, running_store
from tests.world import World

WORKERS = 2
SECONDS = 60


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunningStore]:
    """A store in SQLite, whose locks a fork could take along."""
    with running_store(World(at=now()), tmp_path / "store", workers=WORKERS) as running:
        running.publish(first_software(running.world, running, b"image 1"), [b"image 1"])
        yield running


def children(store: RunningStore, *, of_main: bool) -> list[int]:
    """The processes that the server's first thread has forked: its workers; or those of its other threads."""
    assert store.process is not None
    main = store.process.pid
    found = list[int]()
    for thread in Path(f"/proc/{main}/task").iterdir():
        if (int(thread.name) == main) is of_main:
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, (thread / "children").read_text().split())
    return found


def wait_for(found: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not found():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def replaced(store: RunningStore, dead: int) -> bool:
    found = children(store, of_main=True)
    return dead not in found and len(found) == WORKERS


def insist(store: RunningStore, number: int) -> None:
    """Publish, again where the line broke: the worker at its other end may be the one that was killed."""
    image = b"image %d" % number
    software = next_software(store.world, image, number)
    for _ in range(20):
        with contextlib.suppress(OSError, http.client.HTTPException):
            publish(store.url, software, [image])
            return
        time.sleep(0.1)
    publish(store.url, software, [image])


def test_each_worker_that_dies_is_followed_by_one_that_reads_and_writes(store: RunningStore) -> None:
    """PB-3: also one forked while others write; what was acknowledged is there, and the server never ends."""
    for number, victim in enumerate(children(store, of_main=True), 2):
        os.kill(victim, signal.SIGKILL)
        insist(store, number)
        wait_for(partial(replaced, store, victim))
    for number in range(WORKERS + 2, WORKERS + 8):
        insist(store, number)
    assert store.process is not None
    assert store.process.poll() is None
    assert check_store(store.folder).heads["release", "acme/tool/latest/stable"] == WORKERS + 7


def test_who_signs_what_falls_due_is_followed_by_another(store: RunningStore) -> None:
    """TF-10: and a worker that is forked after that still writes."""
    wait_for(lambda: len(children(store, of_main=False)) == 1)
    (keeper,) = children(store, of_main=False)
    os.kill(keeper, signal.SIGKILL)
    wait_for(lambda: children(store, of_main=False) not in ([], [keeper]))
    insist(store, 2)
    assert store.stop() == 0
    assert not Path(f"/proc/{keeper}").exists()
