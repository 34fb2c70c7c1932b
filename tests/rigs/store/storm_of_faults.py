"""Publishers at a store of four workers, on PostgreSQL and S3, while all of it fails at random (SPEC PB-3, PB-11).

Publishers are processes (`sealring publish`), started again where they fail, as a build server does; some are killed.
Nothing else helps: a server that ended is started again, as its service manager would.
"""

import contextlib
import http.client
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import select

from sealring_server.fsck.run import check_folder
from sealring_server.here import open_store
from sealring_server.images.collecting import collect_images
from sealring_server.publication import expire
from sealring_server.schema import blobs
from tests.oracle import check_store
from tests.rigs.postgres import PostgresServer, postgres_server
from tests.rigs.s3 import S3, s3_server
from tests.rigs.store.points import workers_of
from tests.rigs.store.reader import Reader
from tests.rigs.toxiproxy import BadLine, toxiproxy
from tests.stores import Answer, RunningStore, ask, first_software, now, running_store
from tests.world import World

WORKERS = 4
BUCKET, PREFIX = "faults", "a/store"
LARGEST = 9_000_000  # bytes of an image: more than one piece of an upload to a bucket
END_SECONDS = 240  # for a publication to come to its end once nothing fails any more
EXITS = {0, 10, 12, 13, -signal.SIGKILL}
"""What `sealring publish` may end with here: not reached, no room, busy, killed. A refusal would be a loss."""


@dataclass
class Counts:
    """What happened."""

    faults: Counter[str] = field(default_factory=Counter)
    publications: int = 0
    acknowledged: dict[str, int] = field(default_factory=dict)
    """Subjects of releases, and the entry that the receipt proved."""
    tries: int = 0
    looks: int = 0
    bytes: int = 0


class Away(Exception):
    """The store did not answer a reader, or said that it can't now."""


class PatientReader(Reader):
    """A reader to whom a store may be away, but never wrong."""

    def _maybe(self, path: str) -> bytes | None:
        answer = self._answer(path)
        assert answer.status in (200, 404), (path, answer.status, answer.body[:200])
        return answer.body if answer.status == 200 else None

    def _status(self, path: str) -> int:
        return self._answer(path).status

    def _answer(self, path: str) -> Answer:
        try:
            answer = ask(self.url, path)
        except (OSError, http.client.HTTPException) as err:
            raise Away(path) from err
        if answer.status >= 500:
            raise Away(path)
        return answer


@dataclass
class Storm:
    """One store with all that it stands on."""

    folder: Path
    store: RunningStore
    postgres: PostgresServer
    s3: S3
    to_s3: BadLine
    to_store: BadLine
    chance: random.Random
    counts: Counts = field(default_factory=Counts)
    stop: threading.Event = field(default_factory=threading.Event)
    _running: set["subprocess.Popen[str]"] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _errors: list[BaseException] = field(default_factory=list)

    def blow(self, seconds: float, publishers: int) -> Counts:
        """Publish and fail for so long; then let everything heal, and look at what is there.

        Raises:
            AssertionError: something does not hold.
        """
        threads = [self._thread(self._publish_on, number) for number in range(publishers)]
        watching = [self._thread(self._read_on), self._thread(self._keep_up)]
        end = time.monotonic() + seconds
        while time.monotonic() < end and not self._errors:
            self._fault()
        self.stop.set()
        for thread in threads:
            thread.join(END_SECONDS)
            assert not thread.is_alive() or self._errors, "a publication does not end although nothing fails any more"
        self._done.set()
        for thread in watching:
            thread.join(END_SECONDS)
        if self._errors:
            raise self._errors[0]
        self._check()
        return self.counts

    # --- faults

    def _fault(self) -> None:
        name, inject, heal = self.chance.choice(self._faults())
        with self._lock:
            self.counts.faults[name] += 1
        inject()
        time.sleep(self.chance.uniform(0.1, 1.5))
        heal()
        time.sleep(self.chance.uniform(0.1, 1.0))

    def _faults(self) -> list[tuple[str, Callable[[], object], Callable[[], object]]]:
        nothing: Callable[[], object] = lambda: None  # noqa: E731 - the shortest way to say it
        found: list[tuple[str, Callable[[], object], Callable[[], object]]] = [
            ("a worker is killed", self._kill_worker, nothing),
            ("the whole server is killed", self.store.kill, nothing),
            ("a publisher is killed", self._kill_publisher, nothing),
            ("PostgreSQL crashes", lambda: self.postgres.stop(signal.SIGQUIT), self.postgres.start),
            ("S3 is killed", self.s3.kill, self.s3.start),
        ]
        for where, line in (("S3", self.to_s3), ("the store", self.to_store)):
            for what, spoil in _spoilers(line, self.chance):
                found.append((f"the line to {where} {what}", spoil, line.heal))
        return found

    def _kill_worker(self) -> None:
        assert self.store.process is not None
        with contextlib.suppress(OSError):
            if found := workers_of(self.store.process.pid):
                os.kill(self.chance.choice(found), signal.SIGKILL)

    def _kill_publisher(self) -> None:
        with self._lock:
            running = sorted(self._running, key=lambda process: process.pid)
        if running:
            self.chance.choice(running).kill()

    # --- what goes on meanwhile

    def _thread(self, work: Callable[..., None], *arguments: object) -> threading.Thread:
        def run() -> None:
            try:
                work(*arguments)
            except BaseException as err:  # noqa: BLE001 - raised where the storm is waited for
                self._errors.append(err)
                self.stop.set()
                self._done.set()

        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _keep_up(self) -> None:
        """A server that ended is started again, as its service manager would."""
        while not self._done.wait(0.2):
            assert self.store.process is not None
            if self.store.process.poll() is not None:
                self.store.kill()  # what is left of it
                with contextlib.suppress(RuntimeError):  # its database may just be away
                    self.store.start(port=self.store.port, workers=WORKERS)

    def _read_on(self) -> None:
        pinned = (self.store.folder / "1.root.json").read_bytes()
        url = self.store.url
        reader = PatientReader(url, pinned, self.store.world.root.raw, ("acme/door-1",), now)
        while not self._done.is_set():
            try:
                reader.look()
            except Away:
                time.sleep(0.1)
        reader.look()  # the last state too
        self.counts.looks += reader.looks

    def _publish_on(self, publisher: int) -> None:
        chance = random.Random(self.chance.random())
        number = 0
        while not self.stop.is_set():
            number += 1
            self._publish(publisher, number, chance.randbytes(chance.randrange(1000, LARGEST)))

    def _publish(self, publisher: int, number: int, image: bytes) -> None:
        """One publication, again and again until there is a receipt."""
        files, subject = self._written(publisher, number, image)
        with self._lock:
            self.counts.publications += 1
            self.counts.bytes += len(image)
        while True:
            code, out, err = self._run(files)
            assert code in EXITS, (code, err)
            if code == 0:
                break
            assert not self._done.is_set(), "given up"
            time.sleep(0.2)
        said = json.loads(out)
        assert said["signatures_checked"] is True
        with self._lock:
            self.counts.acknowledged[subject] = said["catalogue"]["sequence"]

    def _run(self, files: list[str]) -> tuple[int, str, str]:
        environment = {"XDG_STATE_HOME": str(self.folder / "state"), "PYTHONPATH": ":".join(sys.path)}
        command = [sys.executable, "-m", "sealring.command.main", "publish", f"http://127.0.0.1:{self.to_store.port}"]
        process = subprocess.Popen(
            [*command, *files], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        with self._lock:
            self._running.add(process)
            self.counts.tries += 1
        out, err = process.communicate()
        with self._lock:
            self._running.discard(process)
        return process.returncode, out, err

    def _written(self, publisher: int, number: int, image: bytes) -> tuple[list[str], str]:
        world, package = self.store.world, f"p{publisher}-{number}"
        base = self.folder / package
        raws = (
            world.signed(world.revision(1, image, package=package)).raw,
            world.signed(world.release(1, package=package)).raw,
            image,
        )
        paths = [base.with_suffix(end) for end in (".revision", ".release", ".squashfs")]
        for path, raw in zip(paths, raws, strict=True):
            path.write_bytes(raw)
        pinned = str(self.store.folder / "1.root.json")
        words = [str(paths[0]), str(paths[1]), "--image", str(paths[2]), "--tuf-root", pinned, "--json"]
        return words, f"acme/{package}/latest/stable"

    # --- what has to hold

    def _check(self) -> None:
        assert len(self.counts.acknowledged) == self.counts.publications
        report, entry = check_folder(self.store.folder, now(), quick=False)
        assert report.as_object("store", entry)["wrong"] == []
        bucket = self.s3.buckets / BUCKET / PREFIX
        found = check_store(self.store.folder, images=bucket / "images")
        assert max(self.counts.acknowledged.values()) <= found.entry == entry
        lost = [subject for subject in self.counts.acknowledged if found.heads.get(("release", subject)) != 1]
        assert lost == []
        for digest in sorted(found.blobs)[:5]:
            assert sha256(ask(self.store.url, f"/v1/blobs/{digest}").body).hexdigest() == digest
        self._check_no_garbage(bucket)

    def _check_no_garbage(self, bucket: Path) -> None:
        """PB-7: once what was left open has ended, and was collected, there is what rows name and nothing else."""
        here = open_store(self.store.folder, lambda: now() + timedelta(hours=25))
        expire(here)
        collect_images(here)
        with here.database.reading() as connection:
            named = set(connection.scalars(select(blobs.c.sha256)))
        here.database.close()
        assert {file.name for file in (bucket / "images").iterdir()} == named
        incoming = bucket / "incoming"
        assert not incoming.exists() or [file for file in incoming.rglob("*") if file.is_file()] == []

    def __post_init__(self) -> None:
        self._done = threading.Event()


def _spoilers(line: BadLine, chance: random.Random) -> list[tuple[str, Callable[[], None]]]:
    """Ways to spoil a line."""
    size = chance.randrange(1, 3_000_000)
    return [
        ("refuses", line.refuse),
        ("is slow to answer", lambda: line.add("latency", latency=400, jitter=300)),
        ("is narrow", lambda: line.add("bandwidth", stream="upstream", rate=300)),
        ("breaks after some bytes sent", lambda: line.add("limit_data", stream="upstream", bytes=size)),
        ("breaks after some bytes answered", lambda: line.add("limit_data", bytes=size % 20_000)),
        ("is reset", lambda: line.add("reset_peer", timeout=chance.randrange(300))),
        ("holds everything back", lambda: line.add("timeout", timeout=0)),
        ("holds all that is sent back, then ends", lambda: line.add("timeout", stream="upstream", timeout=700)),
    ]


@contextlib.contextmanager
def storm(seed: int) -> Iterator[Storm]:
    """A store with one installation's worth, and everything of its own that can fail."""
    folder = Path(tempfile.mkdtemp(prefix="sealring-storm-"))
    world = World(at=now())
    try:
        with postgres_server(durable=True) as postgres, s3_server(folder / "s3") as s3, toxiproxy() as proxy:
            to_s3 = proxy.line(s3.port)
            images = s3.settings(BUCKET, PREFIX, port=to_s3.port)
            database = postgres.database()
            with running_store(world, folder / "store", workers=WORKERS, database=database, images=images) as store:
                store.publish(first_software(world, store, b"image 1"), [b"image 1"])
                to_store = proxy.line(store.port)
                yield Storm(folder, store, postgres, s3, to_s3, to_store, random.Random(seed))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
