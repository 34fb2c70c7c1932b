"""A publication with an image, broken off at one system call of the store, and what has to hold afterwards (SPEC PB-3).

One store is published to again and again, each time with a fault; so it grows, its write-ahead log is put into its
database now and then, and whatever a fault had spoilt in secret would be met by the next one.
"""

import contextlib
import http.client
import io
import json
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlalchemy import func, select

from sealring.command.main import run
from sealring.command.outside import Outside
from sealring_server.database import FILE
from sealring_server.fsck.run import check_folder
from sealring_server.here import open_store
from sealring_server.images.collecting import collect_images
from sealring_server.publication import expire
from sealring_server.schema import blobs, publications, uploads
from tests.oracle import check_store
from tests.rigs.store.points import CALLS, Point, points_of, struck, thread_that_writes, traced, workers_of
from tests.rigs.store.reader import Reader
from tests.stores import RunningStore, ask, first_software, make_folder, now
from tests.world import World

RELEASE = ("release", "acme/tool/latest/stable")
PIECES = 3  # of 64 KiB, in which a store reads and writes an image
TRIES = 4  # for a fault to strike
PATIENCE = 60  # publications, until one is followed by a checkpoint
UP_SECONDS = 60
EXITS = {10, 12, 13}
"""What a publisher may say about a store that was broken off: not reached, no room, busy. Anything else is a bug."""


class NotStruck(Exception):
    """The fault did not come where it should: the run proves nothing."""


@dataclass(frozen=True)
class Left:
    """What readers were shown after the fault (`old` or `new`), where it struck, and the publisher's exit code."""

    found: str
    place: str
    code: int


@dataclass
class Breaking:
    """A served store of one thread, and its publisher."""

    strace: Path
    folder: Path
    world: World = field(default_factory=lambda: World(at=now()))
    number: int = 1
    """Of the newest revision and release that were acknowledged."""
    acknowledged: int = 0
    """The entry of the last receipt."""
    _thread: tuple[int, int] = (0, 0)
    """The worker and the thread of it that writes."""

    def __post_init__(self) -> None:
        self.store: RunningStore = make_folder(self.world, self.folder / "store")

    @contextlib.contextmanager
    def running(self) -> Iterator["Breaking"]:
        """The store is served until the block ends."""
        try:
            self.store.start(threads=1)
            first = first_software(self.world, self.store, b"image 1")
            self.store.publish(first, [b"image 1"])
            self.acknowledged = check_store(self.store.folder).entry
            self.reader = Reader(
                self.store.url, (self.store.folder / "1.root.json").read_bytes(), self.world.root.raw,
                ("acme/door-1",), now,
            )  # fmt: skip
            yield self
        finally:
            self.store.kill()

    def points(self) -> list[Point]:
        """Every point of a publication that nothing disturbs."""
        with traced(self.strace, self._target(), self._log, f"trace={','.join(CALLS)}"):
            self._publish_next()
        return points_of(self._log)

    def checkpoint_points(self) -> list[Point]:
        """Every point at which what was written ahead is put into the database: now and then, after a commit."""
        target = self._target()
        with traced(self.strace, target, self._log, f"trace={','.join(CALLS)}", only=self.store.folder / FILE):
            for _ in range(PATIENCE):
                self._publish_next()
                if found := points_of(self._log, FILE):
                    return found
        raise NotStruck("no checkpoint")

    def break_off(self, point: Point) -> Left:
        """One publication with this fault; the store is served again afterwards, and it is there.

        Raises:
            AssertionError: something does not hold.
            NotStruck: it never struck.
        """
        for _ in range(TRIES):
            with struck(self.strace, self._target(), self._log, point, self.store.folder) as told:
                files, digest = self._written(self.number + 1)
                code, receipt = self._publish(files)
                for _ in range(PATIENCE if point.file else 0):
                    if code or told.place:
                        break
                    self._acknowledge(receipt)
                    files, digest = self._written(self.number + 1)
                    code, receipt = self._publish(files)
            if told.place:
                return self._judge(files, digest, Left("", told.place, code), receipt, point)
            if code == 0:
                self._acknowledge(receipt)
                continue
            assert told.came, f"nothing struck, and it was not published: {receipt}"
            self.begin_again()
        raise NotStruck(str(point))

    def begin_again(self) -> None:
        """After something did not hold: the store as it is, with whatever was published."""
        self.store.kill()
        self.store.start(port=self.store.port, threads=1)
        found = check_store(self.store.folder)
        self.number, self.acknowledged = found.heads[RELEASE], found.entry

    def _judge(self, files: list[str], digest: str, left: Left, receipt: str, point: Point) -> Left:
        if point.fault == "KILL":
            self._check_folder()  # as the crash left it
            self._be_up()
        before, was = self.acknowledged, self.number
        entry, newest, is_shown = self._look(digest)
        found = "new" if newest == was + 1 else "old"
        assert (entry, newest, is_shown) == ((before + 1, was + 1, True) if found == "new" else (before, was, False))
        assert self._check_folder() == (entry, newest)
        if left.code == 0:
            assert found == "new", "it was acknowledged and is gone"
            assert json.loads(receipt)["catalogue"]["sequence"] == entry
        else:
            assert left.code in EXITS, (left.code, receipt)
        self._repeat(files, digest)
        assert self.acknowledged == before + 1, "the repeat made an entry of its own"
        return Left(found, left.place, left.code)

    def _repeat(self, files: list[str], digest: str) -> None:
        """The same command again, by nobody's help; then all is there, and nothing else."""
        code, receipt = self._publish(files)
        assert code == 0, (code, receipt)
        self._acknowledge(receipt)
        assert self._look(digest) == (self.acknowledged, self.number, True)
        self._check_no_garbage()
        assert self._check_folder() == (self.acknowledged, self.number)

    def _be_up(self) -> None:
        """Another worker follows the one that was killed; where two died within seconds, a service manager helps."""
        assert self.store.process is not None
        deadline = time.monotonic() + UP_SECONDS
        while workers_of(self._server) in ([], [self._thread[0]]) and self.store.process.poll() is None:
            assert time.monotonic() < deadline, "no worker follows the one that was killed"
            time.sleep(0.02)
        if self.store.process.poll() is not None:
            self.store.start(port=self.store.port, threads=1)
        while not self._answers():
            assert time.monotonic() < deadline, "nobody answers"
            time.sleep(0.02)

    def _answers(self) -> bool:
        with contextlib.suppress(OSError, http.client.HTTPException):
            return ask(self.store.url, "/tuf/timestamp.json").status == 200
        return False

    # --- publishing

    def _publish_next(self) -> None:
        files, _ = self._written(self.number + 1)
        code, receipt = self._publish(files)
        assert code == 0, receipt
        self._acknowledge(receipt)

    def _acknowledge(self, receipt: str) -> None:
        said = json.loads(receipt)
        assert said["signatures_checked"] is True
        self.number, self.acknowledged = self.number + 1, said["catalogue"]["sequence"]

    def _written(self, number: int) -> tuple[list[str], str]:
        """The publisher's files for this revision, and its image's digest."""
        image = b"%032d" % number * (PIECES * 65536 // 32)
        base = self.folder / "files"
        shutil.rmtree(base, ignore_errors=True)
        base.mkdir()
        (base / "revision").write_bytes(self.world.signed(self.world.revision(number, image)).raw)
        (base / "release").write_bytes(self.world.signed(self.world.release(number)).raw)
        (base / "image").write_bytes(image)
        pinned = str(self.store.folder / "1.root.json")
        files = [str(base / "revision"), str(base / "release"), "--image", str(base / "image")]
        return [*files, "--tuf-root", pinned, "--json"], sha256(image).hexdigest()

    def _publish(self, files: list[str]) -> tuple[int, str]:
        """`sealring publish`, which never really pauses: exit code, and what it said."""
        out, err = io.StringIO(), io.StringIO()
        outside = Outside(now, out, err, False, False, self.folder / "publisher", lambda _: None, lambda: 0.5)
        code = run(["publish", self.store.url, *files], outside)
        return code, out.getvalue() if code == 0 else err.getvalue()

    # --- what is seen

    def _look(self, digest: str) -> tuple[int, int, bool]:
        """As a reader: the entry, the release's sequence, and whether the next image is there, whole."""
        seen = self.reader.look()
        answer = ask(self.store.url, f"/v1/blobs/{digest}")
        assert answer.status in (200, 404), answer.status
        assert answer.status == 404 or sha256(answer.body).hexdigest() == digest
        head = ask(self.store.url, f"/v1/heads/{RELEASE[0]}/1/{RELEASE[1]}")
        assert head.status == 200
        newest = seen.statements[RELEASE]
        return seen.entry.sequence, newest, answer.status == 200

    def _check_folder(self) -> tuple[int, int]:
        """The newest entry and release; fsck and the oracle find nothing wrong."""
        report, entry = check_folder(self.store.folder, now(), quick=False)
        assert report.as_object("store", entry)["wrong"] == []
        found = check_store(self.store.folder)
        assert found.entry == entry
        return found.entry, found.heads[RELEASE]

    def _check_no_garbage(self) -> None:
        """PB-7: once what was left open has ended, and was collected, there is what rows name and nothing else."""
        here = open_store(self.store.folder, lambda: now() + timedelta(hours=25))
        expire(here)
        collect_images(here)
        with here.database.reading() as connection:
            named = set(connection.scalars(select(blobs.c.sha256)))
            for table in (publications, uploads):
                assert connection.scalar(select(func.count()).select_from(table)) == 0
        here.database.close()
        place = self.store.folder / "blobs"
        assert list((place / "incoming").iterdir()) == []
        assert {file.name for file in place.glob("??/*")} == named

    @property
    def _log(self) -> Path:
        return self.folder / "strace.log"

    @property
    def _server(self) -> int:
        assert self.store.process is not None
        return self.store.process.pid

    def _target(self) -> int:
        """The thread that is to be broken off; one publication shows which it is, after each start."""
        (worker,) = workers_of(self._server)
        if self._thread[0] != worker:
            with thread_that_writes(self.strace, worker, self._log) as found:
                self._publish_next()
            self._thread = (worker, found[0])
        return self._thread[1]


@contextlib.contextmanager
def breaking(strace: Path, folder: Path | None = None) -> Iterator[Breaking]:
    """A store to be broken off, in a folder of its own."""
    place = folder or Path(tempfile.mkdtemp(prefix="sealring-faults-"))
    place.mkdir(exist_ok=True)
    try:
        with Breaking(strace, place).running() as found:
            yield found
    finally:
        shutil.rmtree(place, ignore_errors=True)
