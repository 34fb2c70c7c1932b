"""Processes of one store write in turn (SPEC PB-10).

SQLite keeps them apart, but a process that waits for its lock sleeps longer and longer between two looks, while the
one that has just written is back at once: under load some publishers waited for seconds. So whoever wants to write
first stands at a door that only one may pass, and stays in it until the one who writes is done; who has written goes
to the door again. Fairness only: who could not have his turn in time goes on to SQLite's own lock.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

LOOK_SECONDS = 0.0005  # between two looks, while another process writes
DOOR, TURN = "next.lock", "turn.lock"


@contextmanager
def turn_of(folder: Path, seconds: float) -> Iterator[None]:
    """While it lasts no other process has its turn, unless it waited so many seconds."""
    deadline = time.monotonic() + seconds
    with ExitStack() as turn:
        with _locked(os.path.join(folder, DOOR), deadline):
            turn.enter_context(_locked(os.path.join(folder, TURN), deadline))
        yield


@contextmanager
def _locked(file: str, deadline: float) -> Iterator[None]:
    """The kernel lets go of it when this process dies."""
    try:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError:
        yield  # nobody may write here, and SQLite says so, or says why not
        return
    try:
        while not _try_lock(handle) and time.monotonic() < deadline:
            time.sleep(LOOK_SECONDS)
        yield
    finally:
        fcntl.flock(handle, fcntl.LOCK_UN)  # not left to the closing: a child may have been forked meanwhile
        os.close(handle)


def _try_lock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
