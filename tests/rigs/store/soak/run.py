"""Ten minutes of a fleet, publishers and killed workers at one store; writes docs/soak.md.

    make sweep-soak                                        PostgreSQL and a bucket, 4 workers
    make sweep-soak STORAGE=folder                         SQLite and a folder
    python -m tests.rigs.store.soak.run STORAGE [SECONDS]

The page has the newest run of each storage.
"""

import contextlib
import http.client
import json
import os
import platform
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import quantiles
from typing import Any

from sealring.bundle import StatementEntry, write_bundle
from sealring_client.provision import provision
from sealring_server.fsck.run import check_folder
from tests.rigs.postgres import postgres_server
from tests.rigs.s3 import s3_server
from tests.rigs.store.reader import Reader, Seen
from tests.rigs.store.soak.page import PAGE, write_page
from tests.rigs.store.soak.receipts import check_receipts
from tests.rigs.store.soak.scene import MODEL, PUBLISHERS, Scene, device_key, image_of, name_of, serial_name, software
from tests.rigs.store.soak.tally import Tally
from tests.rigs.store.soak.workers import Watch
from tests.stores import REPOSITORY, RunningStore, now, running_store
from tests.world import World

SECONDS = 600.0
WORKERS = 4
DEVICES = int(os.environ.get("SOAK_DEVICES", "200"))
FLEETS = 4  # processes for the devices
READER_PAUSE = 1.0
COMMAND_PAUSE = 5.0
AFTER = 180  # seconds for what was begun before the end


@dataclass(frozen=True)
class Looks:
    """A reader that verifies every state as it comes."""

    reader: Reader
    tally: Tally
    done: threading.Event

    def run(self) -> None:
        """Look again and again; where a line broke, begin again."""
        while not self.done.wait(READER_PAUSE):
            begin = time.perf_counter()
            try:
                self.reader.look()
            except (OSError, http.client.HTTPException):
                self.tally.failed("reader", "line broke")
            except AssertionError as err:
                status = err.args[0][1] if err.args and isinstance(err.args[0], tuple) else 0
                self.tally.failed("reader", f"status {status}" if status in (429, 503) else f"saw: {err}")
            else:
                self.tally.add("reader, all of it", time.perf_counter() - begin)


@dataclass(frozen=True)
class Command:
    """`sealring-device check`, a process each time, by a device of its own."""

    folder: Path
    tally: Tally
    done: threading.Event

    def run(self) -> None:
        """Check again and again; 10 says that no store answered."""
        words = [str(Path(sys.executable).parent / "sealring-device"), "check", "--state", str(self.folder), "--json"]
        while not self.done.wait(COMMAND_PAUSE):
            begin = time.perf_counter()
            found = subprocess.run(words, capture_output=True, text=True, check=False, timeout=AFTER)
            if found.returncode in (0, 3):  # 3: there is something new
                self.tally.add("`sealring-device check`, all of it", time.perf_counter() - begin)
            elif found.returncode == 10:
                self.tally.failed("sealring-device", "not reached")
            else:
                self.tally.failed("sealring-device", f"exit {found.returncode}: {found.stdout[-500:]}")


def command(scene: Scene, folder: Path, tally: Tally, done: threading.Event) -> Command:
    """One such device, provisioned."""
    seed = write_bundle([StatementEntry(one.raw) for one in scene.seed(scene.world)])
    provision(folder, scene.world.root.raw, MODEL, seed, "trusted", ())
    return Command(folder, tally, done)


@contextlib.contextmanager
def storage(kind: str, world: World, folder: Path) -> Iterator[RunningStore]:
    """A served store whose commits are on the disk."""
    if kind == "folder":
        with running_store(world, folder / "store", workers=WORKERS) as store:
            yield store
        return
    (folder / "s3").mkdir()
    with postgres_server(durable=True) as server, s3_server(folder / "s3") as s3:
        database, images = server.database(), s3.settings("soak")
        with running_store(world, folder / "store", workers=WORKERS, database=database, images=images) as store:
            yield store


def prepare(scene: Scene, store: RunningStore) -> None:
    """All serials, and the first revision of each package."""
    world = scene.world
    packages = [name_of(number) for number in range(PUBLISHERS)]
    first = [one for package in packages for one in software(world, package, 1)]
    store.publish([*scene.seed(world), *first], [image_of(package, 1) for package in packages])
    for some in range(0, DEVICES, 50):
        numbers = range(some, min(some + 50, DEVICES))
        store.publish([world.signed(world.serial(device_key(n).public, serial_name(n))) for n in numbers])


def soak(kind: str, seconds: float) -> dict[str, Any]:
    """One run; what it came to."""
    world, tally = World(at=now()), Tally()
    with tempfile.TemporaryDirectory() as name, storage(kind, world, Path(name)) as store:
        folder, load = Path(name), os.getloadavg()[0]
        prepare(Scene(store.url, store.pin, world.at, 0), store)
        scene = Scene(store.url, store.pin, world.at, time.time() + seconds)
        scene.save(folder / "scene.json")
        (folder / "1.root.json").write_bytes((store.folder / "1.root.json").read_bytes())
        reader = Reader(store.url, (store.folder / "1.root.json").read_bytes(), world.root.raw, (MODEL,), now)
        assert store.process is not None
        watch, done = Watch(store.process.pid, random.Random(int(seconds))), threading.Event()
        works = [Looks(reader, tally, done).run, watch.run, command(scene, folder / "device", tally, done).run]
        threads = [threading.Thread(target=work) for work in works]
        for thread in threads:
            thread.start()
        try:
            _others(folder, tally, seconds)
        finally:
            done.set()
            watch.done.set()
            for thread in threads:
                thread.join()
        assert store.process.poll() is None, "the server ended"
        newest, entry = _newest(reader), 0
        receipts, wrong = check_receipts(store, folder / "receipts", newest)
        store.stop()
        report, entry = check_folder(store.folder, now(), quick=False)
        wrong += [str(one) for one in report.as_object("store", entry)["wrong"]]
        assert entry >= newest.entry.sequence
    return {
        "storage": kind,
        "at": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} CPUs, {platform.machine()}, Python {platform.python_version()}",
        "load": [round(load, 1), round(os.getloadavg()[1], 1)],
        "seconds": seconds,
        "devices": DEVICES,
        "workers": WORKERS,
        "kills": watch.kills,
        "entries": entry,
        "receipts": receipts,
        "memory": [round(watch.memory[len(watch.memory) // 3][1], 1), round(watch.memory[-1][1], 1)],
        "slope": round(watch.slope, 2),
        "samples": [[round(t), round(m, 1)] for t, m in watch.memory],
        "times": {kind: _times(some) for kind, some in sorted(tally.seconds.items())},
        "errors": dict(sorted(tally.errors.items())),
        "wrong": [*tally.wrong, *wrong],
    }


def _others(folder: Path, tally: Tally, seconds: float) -> None:
    """The devices and publishers, in processes of their own, until they end."""
    words, results = [], [folder / f"result-{number}" for number in range(FLEETS + 1)]
    share = DEVICES // FLEETS
    for number in range(FLEETS):
        words.append(["devices", str(folder / "scene.json"), str(number * share), str(share), str(results[number])])
    words.append(["publishers", str(folder / "scene.json"), "2", str(folder / "receipts"), str(results[-1])])
    processes = [
        subprocess.Popen([sys.executable, "-m", f"tests.rigs.store.soak.{module}", *rest], cwd=REPOSITORY)
        for module, *rest in words
    ]
    try:
        deadline = time.monotonic() + seconds + AFTER
        codes = [process.wait(max(1.0, deadline - time.monotonic())) for process in processes]
    finally:
        for process in processes:
            process.kill()
    assert codes == [0] * len(processes), codes
    for result in results:
        tally.merge(json.loads(result.read_text()))


def _newest(reader: Reader) -> Seen:
    """The last state, once the last killed worker was followed by another."""
    for _ in range(20):
        with contextlib.suppress(OSError, http.client.HTTPException):
            return reader.look()
        time.sleep(0.5)
    return reader.look()


def _times(seconds: list[float]) -> dict[str, float]:
    parts = quantiles(seconds, n=100) if len(seconds) > 1 else [seconds[0]] * 99
    return {"n": len(seconds), "p50": parts[49] * 1e3, "p99": parts[98] * 1e3, "most": max(seconds) * 1e3}


def main() -> int:
    """One run, and the page."""
    kind = sys.argv[1] if len(sys.argv) > 1 else "postgres"
    found = soak(kind, float(sys.argv[2]) if len(sys.argv) > 2 else SECONDS)
    print(json.dumps({name: value for name, value in found.items() if name != "samples"}, indent=1), flush=True)
    if found["seconds"] >= SECONDS:
        write_page(found)
        print(f"{PAGE.name} is written")
    return 1 if found["wrong"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
