"""A mirror of a real store that is killed again and again, beside one that never was (SPEC MI-1)."""

import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from tests.rotations import rotate
from tests.stores import first_software, next_software, now, running_store, tuf_root_signer
from tests.world import World

STORE = Path(sys.executable).with_name("sealring-store")
_ALIKE = ("entries", "statements", "heads", "leaves", "log", "views", "view_rows", "blobs")


@dataclass(frozen=True)
class Killed:
    """What one round came to: kills that met a living process, what was shown after each, and how long a look lasts."""

    seed: int
    releases: int
    died: int
    shown: list[int]
    seconds: float


def kill_again_and_again(folder: Path, seed: int, *, kills: int, releases: int) -> Killed:
    """A round in an empty folder: at any moment the mirror shows one whole state, and ends like the other one.

    Args:
        kills: of looks at the store, in all; half of them before the store goes on.
        releases: entries of the store, beside its first one; a rotation of its TUF root is in the middle.
    """
    world, chance = World(at=now()), random.Random(seed)
    root, calm, killed = folder / "root.json", folder / "calm", folder / "killed"
    root.write_bytes(world.root.raw)
    with running_store(world, folder / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        for number in range(2, releases):
            store.publish(next_software(world, b"image %d" % number, number), [b"image %d" % number])
            if number == releases // 2:
                rotate(store.folder, tuf_root_signer(world), now())
        begun = time.monotonic()
        _look(store.url, calm, root)
        lasts, died, seen = time.monotonic() - begun, 0, []
        before = newest(calm)
        for number in range(kills):
            if number == kills // 2:
                store.publish(next_software(world, b"image 99", 99), [b"image 99"])
            died += _cut_off(store.url, killed, root, chance.uniform(0.2, 1.0) * lasts)
            seen.append(newest(killed))
            assert seen[-1] in (0, before, before + 1), seen
        for one in (killed, calm):
            _look(store.url, one, root)
        assert rows(killed) == rows(calm)
        done = subprocess.run([STORE, "fsck", killed], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
    return Killed(seed, releases, died, seen, round(lasts, 2))


def newest(folder: Path) -> int:
    """The newest entry that a mirror's database shows; 0 for none."""
    if not (folder / "store.db").exists():
        return 0
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as database:
        if not database.execute("SELECT 1 FROM sqlite_master WHERE name = 'entries'").fetchone():
            return 0
        return int(database.execute("SELECT max(sequence) FROM entries").fetchone()[0] or 0)


def rows(folder: Path) -> dict[str, list[str]]:
    """What two mirrors of one store must have alike, however often one was killed."""
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as database:
        return {name: sorted(map(repr, database.execute(f"SELECT * FROM {name}"))) for name in _ALIKE}


def _look(url: str, folder: Path, root: Path) -> None:
    done = subprocess.run(_command(url, folder, root), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def _command(url: str, folder: Path, root: Path) -> list[str]:
    """With every image: which ones are released differs between who looked earlier and who looked later."""
    return [str(STORE), "mirror", url, str(folder), "--root", str(root), "--images", "all"]


def _cut_off(url: str, folder: Path, root: Path, after: float) -> bool:
    running = subprocess.Popen(_command(url, folder, root), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after)
    running.send_signal(signal.SIGKILL)
    return running.wait(30) == -signal.SIGKILL
