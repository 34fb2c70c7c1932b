"""Worker processes of one store write in turn, and none waits for one that is gone (SPEC PB-10)."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sealring_server.turn import turn_of

LONG = 60.0


def test_one_at_a_time(tmp_path: Path) -> None:
    """PB-10: eight that write at once, each with handles of its own as processes have; never two of them together."""
    inside, most, done = [0], [0], [0]

    def write() -> None:
        for _ in range(20):
            with turn_of(tmp_path, LONG):
                inside[0] += 1
                most[0] = max(most[0], inside[0])
                done[0] += 1
                inside[0] -= 1

    threads = [threading.Thread(target=write) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LONG)
    assert (most[0], done[0]) == (1, 160)


def test_who_has_written_lets_the_one_at_the_door_pass(tmp_path: Path) -> None:
    """PB-10: the attack: a busy worker that takes its next turn at once, again and again, and starves the others."""
    order: list[str] = []
    at_door = threading.Event()

    def wait() -> None:
        at_door.set()
        with turn_of(tmp_path, LONG):
            order.append("waited")

    waiting = threading.Thread(target=wait)
    with turn_of(tmp_path, LONG):
        waiting.start()
        assert at_door.wait(LONG)
        while not _is_locked(tmp_path / "next.lock"):
            pass
    with turn_of(tmp_path, LONG):
        order.append("busy")
    waiting.join(LONG)
    assert order == ["waited", "busy"]


def test_a_process_that_dies_in_its_turn_blocks_nobody(tmp_path: Path) -> None:
    """PB-10: the kernel ends its turn with it."""
    words = "import sys, time; from pathlib import Path; from sealring_server.turn import turn_of\n"
    words += "with turn_of(Path(sys.argv[1]), 60):\n    print('mine', flush=True)\n    time.sleep(600)"
    with subprocess.Popen([sys.executable, "-c", words, str(tmp_path)], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"mine\n"
        assert _is_locked(tmp_path / "turn.lock")
        process.kill()
        process.wait(LONG)
    with turn_of(tmp_path, LONG):
        assert _is_locked(tmp_path / "turn.lock")
    assert not _is_locked(tmp_path / "turn.lock")


def test_who_waited_too_long_goes_on(tmp_path: Path) -> None:
    """PB-10: the turn is for fairness; a worker that hangs in it leaves the decision to the database's own lock."""
    with turn_of(tmp_path, LONG), turn_of(tmp_path, 0.01):
        pass


@pytest.mark.parametrize("name", ["next.lock", "turn.lock"])
def test_a_folder_in_which_nobody_may_write_is_no_hindrance(tmp_path: Path, name: str) -> None:
    """PB-10: what the disk has to say is said by the database."""
    (tmp_path / name).mkdir()
    with turn_of(tmp_path, LONG):
        pass


def _is_locked(file: Path) -> bool:
    """Whether somebody holds it; asked with a handle of its own, which is closed at once."""
    import fcntl

    handle = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False
