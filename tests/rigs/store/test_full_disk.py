"""A store's disk that is really full: a small file system of its own, filled by somebody else (SPEC PB-3, TF-10)."""

import contextlib
import io
import json
import os
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from sqlalchemy.exc import SQLAlchemyError

from sealring.command.main import run
from sealring.command.outside import Outside
from sealring_server.disk import DiskFull
from sealring_server.fsck.run import check_folder
from sealring_server.here import open_store
from sealring_server.images.folder import RESERVE
from sealring_server.schedule import sign_due
from tests.oracle import check_store
from tests.rigs.components import path_of
from tests.rigs.store.reader import Reader
from tests.stores import RunningStore, begin, commit, first_software, next_software, now, patch, running_store
from tests.world import World

MEGABYTE = 2**20
SIZE = RESERVE + 48 * MEGABYTE
IMAGE = 4 * MEGABYTE
TESTS_OWN = 8192  # bytes; this rig's own files beside the store: two pages


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system in memory, as root."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run([path_of("mount"), "-t", "tmpfs", "-o", f"size={SIZE}", "none", place], check=True)
    yield place
    subprocess.run([path_of("umount"), "--lazy", place], check=True)


@pytest.fixture
def at() -> datetime:
    return now()


@pytest.fixture
def store(disk: Path, at: datetime) -> Iterator[RunningStore]:
    """A store on that disk, with one installation's worth; its clock stands still until it is moved."""
    with running_store(World(at=at), disk / "store", clock=at) as running:
        running.publish(first_software(running.world, running, b"image 1"), [b"image 1"])
        yield running


def fill(disk: Path, free: int = TESTS_OWN) -> None:
    """Take all room but so many bytes."""
    with (disk / "filler").open("ab", buffering=0) as filler, contextlib.suppress(OSError):
        while (left := os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize - free) > 0:
            filler.write(b"x" * min(left, MEGABYTE))
    assert os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize <= free + 4096


def make_room(disk: Path) -> None:
    (disk / "filler").unlink()


def sealring_publish(store: RunningStore, folder: Path, number: int) -> tuple[int, dict[str, object]]:
    """The publisher's command for one more revision and its release: exit code, and what it said."""
    data = b"%032d" % number * (IMAGE // 32)
    paths = [folder / f"{number}.{end}" for end in ("revision", "release", "squashfs")]
    revision, release = store.world.revision(number, data), store.world.release(number)
    raws = (store.world.signed(revision).raw, store.world.signed(release).raw, data)
    for path, raw in zip(paths, raws, strict=True):
        path.write_bytes(raw)
    out, err = io.StringIO(), io.StringIO()
    outside = Outside(now, out, err, False, False, folder / "publisher", lambda _: None, lambda: 0.5)
    words = ["publish", store.url, str(paths[0]), str(paths[1]), "--image", str(paths[2]), "--json"]
    code = run([*words, "--tuf-root", str(store.folder / "1.root.json")], outside)
    found = json.loads(out.getvalue() or err.getvalue())
    assert isinstance(found, dict)
    return code, found


def reader_of(store: RunningStore, at: datetime) -> Reader:
    pinned = (store.folder / "1.root.json").read_bytes()
    return Reader(store.url, pinned, store.world.root.raw, ("acme/door-1",), lambda: at)


def check_whole(store: RunningStore, at: datetime, entry: int) -> None:
    report, found = check_folder(store.folder, at, quick=False)
    assert (report.as_object("store", found)["wrong"], found) == ([], entry)
    assert check_store(store.folder).entry == entry


def test_an_image_that_would_take_the_databases_room_is_refused_with_words(
    store: RunningStore, disk: Path, tmp_path: Path, at: datetime
) -> None:
    """PB-3: refused before its first byte; the rest of the room is for the database, so statements still come in."""
    fill(disk, RESERVE + IMAGE // 2)
    code, said = sealring_publish(store, tmp_path, 2)
    assert (code, "bytes needed on the store's disk" in str(said["message"])) == (12, True)
    store.publish([store.world.signed(store.world.model("gate"))])
    assert reader_of(store, at).look().entry.sequence == 3
    make_room(disk)
    assert sealring_publish(store, tmp_path, 2)[0] == 0
    check_whole(store, at, 4)


@pytest.mark.timeout(120)
def test_a_disk_without_room_stops_publications_and_nothing_else(
    store: RunningStore, disk: Path, tmp_path: Path, at: datetime
) -> None:
    """PB-3: full for images and database; reads go on, the same command works once there is room."""
    reader = reader_of(store, at)
    before = reader.look()
    fill(disk)
    for _ in range(3):
        code, said = sealring_publish(store, tmp_path, 2)
        assert (code, bool(said["message"]), bool(said["hint"])) == (12, True, True), said
        assert reader.look() == before
        assert store.get("/v1/answers/acme/door-1").status == 200
    # It is even started again: what it holds is served, whoever took the room.
    store.kill()
    store.start(port=store.port)
    assert reader.look() == before
    make_room(disk)
    assert sealring_publish(store, tmp_path, 2)[0] == 0
    assert reader.look().entry.sequence == before.entry.sequence + 1
    check_whole(store, at, before.entry.sequence + 1)


@pytest.mark.timeout(120)
def test_a_disk_that_fills_up_during_an_upload_keeps_what_came(store: RunningStore, disk: Path, at: datetime) -> None:
    """PB-11: another program takes the room while an image comes: no room is said, and the rest is sent later."""
    image = b"%032d" % 2 * (IMAGE // 32)
    software = next_software(store.world, image, 2)
    opened, digest = begin(store.url, software), sha256(image).hexdigest()
    half = patch(store.url, opened.token, image[: IMAGE // 2], digest=digest)
    assert half.status == 204
    fill(disk)
    refused = patch(store.url, opened.token, image[IMAGE // 2 :], IMAGE // 2, digest)
    assert (refused.status, refused.problem()["hint"] != "") == (507, True)
    told = patch(store.url, opened.token, b"", digest=digest, method="HEAD")
    there = int(told.headers["upload-offset"])
    assert IMAGE // 2 <= there < IMAGE
    assert reader_of(store, at).look().entry.sequence == 2
    make_room(disk)
    assert patch(store.url, opened.token, image[there:], there, digest).status == 204
    commit(store.url, opened.token)
    assert sha256(store.get(f"/v1/blobs/{digest}").body).hexdigest() == digest
    check_whole(store, at, 3)


@pytest.mark.timeout(120)
def test_what_fell_due_on_a_full_disk_is_signed_once_there_is_room(
    store: RunningStore, disk: Path, at: datetime
) -> None:
    """TF-10: what the store's own rounds do: nothing half signed while it is full, and the next round signs."""
    reader, later = reader_of(store, at), at + timedelta(days=2)
    before = reader.look()
    here = open_store(store.folder, lambda: later)
    fill(disk)
    for _ in range(2):
        with pytest.raises((SQLAlchemyError, DiskFull)):
            sign_due(here)
        assert reader.look() == before
    make_room(disk)
    assert sign_due(here) == "entry"
    here.database.close()
    assert reader_of(store, later).look().entry.time == later
    check_whole(store, later, before.entry.sequence + 1)
