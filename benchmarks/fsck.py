"""`sealring-store fsck`, backup and its verification over a large store: CPU time and the most memory (SPEC BK-1)."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figure import Figure
from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring_server.admission import NO_TERMS
from sealring_server.here import StoreHere, open_store
from sealring_server.publication import commit_publication, open_publication
from tests.stores import make_folder, now
from tests.world import World

STATEMENTS = int(os.environ.get("FSCK_STATEMENTS", "100000"))
"""In the store, most of them serials, as in a fleet's; another number by the environment."""
AT_ONCE = 5000  # in one publication
COMMAND = [sys.executable, "-c", "import sys; from sealring_server.command.main import main; main(sys.argv[1:])"]


def run() -> Iterator[Figure]:
    """The figures of `fsck`."""
    world = World(at=now())
    with tempfile.TemporaryDirectory() as name:
        store, backup, root = Path(name) / "store", Path(name) / "backup", Path(name) / "root.json"
        root.write_bytes(world.root.raw)
        _fill(world, store)
        for what, words in (
            ("fsck", ["fsck", store]),
            ("fsck --quick", ["fsck", store, "--quick"]),
            ("backup, the first one", ["backup", store, backup]),
            ("backup, again", ["backup", store, backup]),
            ("backup verify", ["backup", "verify", backup, "--root", root]),
        ):
            seconds, mebibytes = _spent([str(word) for word in words])
            yield Figure("fsck", f"{what}: CPU", STATEMENTS, seconds, "s")
            yield Figure("fsck", f"{what}: most memory", STATEMENTS, mebibytes, "MiB")


def _fill(world: World, folder: Path) -> None:
    """A store with one model, its software, and a serial for each of many devices."""
    made = make_folder(world, folder)
    here = open_store(folder, lambda: world.at)
    _publish(here, [world.signed(world.brand()), world.signed(world.model()), world.signed(world.store(tuf=made.pin))])
    public = world.key("device").public
    for first in range(0, STATEMENTS, AT_ONCE):
        numbers = range(first, min(first + AT_ONCE, STATEMENTS))
        _publish(here, [world.signed(world.serial(public, f"SN-{number}")) for number in numbers])
    here.online.close()
    here.database.close()


def _publish(here: StoreHere, statements: list[Envelope]) -> None:
    opened = open_publication(here, write_bundle(StatementEntry(one.raw) for one in statements), NO_TERMS)
    commit_publication(here, opened.token, NO_TERMS)


def _spent(words: list[str]) -> tuple[float, float]:
    """CPU seconds and the most resident memory of one command in a process of its own."""
    measured = (
        "import resource,subprocess,sys; done=subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL);"
        "used=resource.getrusage(resource.RUSAGE_CHILDREN);"
        "print(done.returncode, used.ru_utime+used.ru_stime, used.ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", measured, *COMMAND, *words], capture_output=True, text=True, check=True
    )
    code, seconds, kilobytes = done.stdout.split()
    assert code == "0", done
    return float(seconds), int(kilobytes) / 1024
