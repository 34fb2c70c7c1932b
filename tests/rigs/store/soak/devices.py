"""Devices that poll, check, fetch images and report by the device's own code; a process for some of the fleet.

python -m tests.rigs.store.soak.devices SCENE FIRST NUMBER RESULT
"""

import json
import random
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from sealring.bundle import ReportEntry, StatementEntry, write_bundle
from sealring.errors import SealringError, TrustError, Unreachable
from sealring.report import Report as Said
from sealring.report import report_bytes, report_name
from sealring_client.apply.images import ImageStore
from sealring_client.device_file import load_device
from sealring_client.fetch.fetcher import Answer, Body, Fetcher, Limits, Stream
from sealring_client.fetch.link import StoreLink
from sealring_client.outside import Fetches, Outside, Sign
from sealring_client.poll import MAX_TIMESTAMP
from sealring_client.provision import provision
from sealring_client.refresh import refresh
from sealring_client.report import PackageLine, Report
from tests.rigs.store.soak.scene import MODEL, STORE, Scene, device_key, image_of, load_scene, serial_name
from tests.rigs.store.soak.tally import Tally
from tests.stores import now

PAUSE = (5.0, 15.0)  # seconds between two turns of a device
IMAGE_EVERY, REPORT_EVERY = 3, 2  # turns
LIMITS = Limits(read_seconds=15, total_seconds=30)


@dataclass
class Timed:
    """A device's own fetcher, each of whose requests is counted."""

    inner: Fetcher
    tally: Tally

    def fetch(self, path: str, *, limit: int) -> bytes:
        with self.tally.timed(kind_of(path), may_lack=True):
            return self.inner.fetch(path, limit=limit)

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> Answer:
        with self.tally.timed(kind_of(path)):
            return self.inner.fetch_if_changed(path, etag=etag, limit=limit)

    def fetch_answer(self, path: str, *, limit: int) -> Body:
        with self.tally.timed(kind_of(path)):
            return self.inner.fetch_answer(path, limit=limit)

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None, sign: Sign | None = None) -> Stream:
        return self.inner.stream(path, offset=offset, size=size, rate=rate, sign=sign)

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        with self.tally.timed("report"):
            return self.inner.post(path, body, seconds=seconds)

    def close(self) -> None:
        self.inner.close()


def kind_of(path: str) -> str:
    """What is asked for, in a word."""
    for kind in ("answers", "timestamp", "blobs"):
        if kind in path:
            return {"answers": "answer", "timestamp": "poll", "blobs": "image"}[kind]
    return "by its path"


@dataclass
class Device:
    """One device, whose disk is memory."""

    scene: Scene
    number: int
    folder: Path
    tally: Tally
    chance: random.Random
    count: int = 0
    turns: int = 0
    seen: dict[str, PackageLine] = field(default_factory=dict)
    etag: str | None = None

    def __post_init__(self) -> None:
        """Provision it."""
        world = self.scene.world
        seed = write_bundle([StatementEntry(one.raw) for one in self.scene.seed(world)])
        provision(self.folder, world.root.raw, MODEL, seed, "trusted", ())

    def connect(self, url: str) -> Fetches:
        """The network, counted."""
        return Timed(Fetcher(url, limits=LIMITS), self.tally)

    def live(self) -> None:
        """Turn after turn until the soak ends."""
        # What a device asks at once after its birth is spread, as its birth is.
        pause = self.chance.uniform(0, PAUSE[1])
        while time.time() + pause < self.scene.ends:
            time.sleep(pause)
            self.turn()
            pause = self.chance.uniform(*PAUSE)

    def turn(self) -> None:
        """One poll with what follows from it; now and then an image and a report."""
        self.turns += 1
        outside = Outside(self.connect, now, time.sleep, lambda *_: None)
        if self._is_news(outside):
            begin = time.perf_counter()
            try:
                self._judge(refresh(load_device(self.folder), outside, apply=False))
            except SealringError as err:
                self.tally.failed("check", f"{type(err).__name__}: {err}")
            self.tally.add("whole check", time.perf_counter() - begin)
        if self.turns % IMAGE_EVERY == 0 and self.seen:
            self._image(self.chance.choice(list(self.seen.values())))
        if self.turns % REPORT_EVERY == 0 and self.seen:
            self._report(self.chance.choice(list(self.seen.values())))

    def _is_news(self, outside: Outside) -> bool:
        """What `poll` asks, by the link that it asks through; these devices install nothing, so there is more to do."""
        link = StoreLink(STORE, [self.scene.url], outside.connect)
        try:
            answer = link.fetch_if_changed("tuf/timestamp.json", etag=self.etag, limit=MAX_TIMESTAMP)
        except Unreachable:
            return False
        finally:
            link.close()
        self.etag = answer.etag
        return answer.body is not None

    def _judge(self, report: Report) -> None:
        """Anything but the newest software, or a store that can't be reached, is a wrong answer."""
        refusals = [one for line in report.stores for one in line.refusals]
        refusals += [one for line in report.packages for one in line.refusals]
        words = {line.word for line in report.stores}
        if report.outcome == "unreachable" or words == {"unreachable"}:
            return
        if report.outcome not in ("available", "none") or refusals or words != {"fresh"} or report.evidence:
            self.tally.failed("check", f"{report.outcome} {words} {refusals} {report.problem} {report.evidence}")
            return
        for line in report.packages:
            before = self.seen.get(line.package)
            if before is not None and (line.sequence or 0) < (before.sequence or 0):
                self.tally.failed("check", f"{line.package} fell from {before.sequence} to {line.sequence}")
            if line.chosen is not None:
                self.seen[line.package] = line

    def _image(self, line: PackageLine) -> None:
        raw = image_of(line.package.partition("/")[2], line.chosen or 0)
        digest, images = sha256(raw).hexdigest(), ImageStore(self.folder / "soak-images")
        with suppress(Unreachable), self.tally.timed("image"):
            fetcher = Fetcher(self.scene.url, limits=LIMITS)
            try:
                with images.begin(digest, len(raw)) as incoming:
                    for piece in fetcher.stream(f"v1/blobs/{digest}", offset=incoming.held, size=len(raw)):
                        incoming.write(piece)
                    incoming.finish()
            except TrustError as err:
                if not isinstance(err, Unreachable):
                    self.tally.failed("image", f"{type(err).__name__}: {err}")
            finally:
                fetcher.close()
        images.remove(digest)

    def _report(self, line: PackageLine) -> None:
        """A report that the store keeps and counts, signed by the device's own key."""
        key, world = device_key(self.number), self.scene.world
        self.count = max(self.count + 1, int(datetime.now(UTC).timestamp()))
        said = Said(
            format=1,
            root=world.root_id,
            store=STORE,
            model=MODEL,
            serial=serial_name(self.number),
            device=report_name(bytes(key.secret), STORE).hex(),
            number=self.count,
            at=now(),
            package=line.package,
            ground=world.signed(world.release(line.chosen or 0, package=line.package)).id,
            revision=line.chosen or 0,
            event=self.chance.choice(("begun", "good")),
        )
        body = write_bundle([ReportEntry(report_bytes(said, key))])
        with suppress(Unreachable):
            status = self.connect(self.scene.url).post("v1/reports", body, seconds=20)
            if status >= 300:
                self.tally.failed("report", f"status {status}")


def fleet(scene: Scene, numbers: range, folder: Path) -> Tally:
    """These devices, each in a thread, until the soak ends."""
    tally = Tally()
    devices = list(_devices(scene, numbers, folder, tally))
    threads = [threading.Thread(target=_alive, args=(one, tally)) for one in devices]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return tally


def _devices(scene: Scene, numbers: range, folder: Path, tally: Tally) -> Iterator[Device]:
    for number in numbers:
        yield Device(scene, number, folder / str(number), tally, random.Random(number))


def _alive(device: Device, tally: Tally) -> None:
    try:
        device.live()
    except Exception as err:  # noqa: BLE001 - a device that stops is the worst that a store can do to it
        tally.failed("device", f"stopped: {type(err).__name__}: {err}")


def main(scene: str, first: str, number: str, result: str) -> None:
    """Some of the fleet."""
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with tempfile.TemporaryDirectory(dir=memory) as folder:
        numbers = range(int(first), int(first) + int(number))
        tally = fleet(load_scene(Path(scene)), numbers, Path(folder))
    Path(result).write_text(json.dumps(tally.as_json()))


if __name__ == "__main__":
    main(*sys.argv[1:])
