"""Real mirrors of real stores, in processes of their own, and devices that use them (SPEC MI-1, MI-2)."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealring_server.making import TufPinned
from tests.rigs.mirror_kills import kill_again_and_again
from tests.rotations import rotate
from tests.scenarios.devices import image_of, line, new_device, now
from tests.stores import REPOSITORY, RunningStore, first_software, next_software, running_store, tuf_root_signer
from tests.world import World

STORE = Path(sys.executable).with_name("sealring-store")


def mirrored(url: str, folder: Path, *more: str | Path, good: bool = True) -> dict[str, Any]:
    """One look by the command."""
    done = subprocess.run([STORE, "mirror", url, folder, "--json", *more], capture_output=True, text=True, timeout=100)
    if good:
        assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout if done.returncode == 0 else done.stderr)
    return found | {"exit": done.returncode}


@contextmanager
def served(world: World, folder: Path, store: RunningStore, *, port: int = 0) -> Iterator[RunningStore]:
    """A mirror that is served."""
    found = RunningStore(world, folder, TufPinned(*store.pin)).start(port=port)
    try:
        yield found
    finally:
        found.stop()
        found.kill()


pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def root(tmp_path: Path) -> tuple[World, Path]:
    """A world, and the file of its root assertion."""
    world = World(at=now())
    (tmp_path / "root.json").write_bytes(world.root.raw)
    return world, tmp_path / "root.json"


def test_a_device_lives_by_a_mirror(root: tuple[World, Path], tmp_path: Path) -> None:
    """MI-1, MI-2: one store by two addresses; the first is dead, then the second stands still, then its disk lies."""
    world, file = root
    with running_store(world, tmp_path / "store") as store, new_device(now()) as rig:
        images = [image_of(f"tool {number}") for number in range(4)]
        folder, first = tmp_path / "mirror", world.signed(world.store(store.url, store.pin))
        store.publish([world.signed(world.brand()), world.signed(world.model()), first])
        mirrored(store.url, folder, "--root", file)
        with served(world, folder, store) as mirror:
            both = sorted([store.url, mirror.url])
            second = world.signed(world.store(tuf=store.pin, urls=both, sequence=2))
            store.publish([second, *next_software(world, images[1], 1)], images[1:2])
            mirrored(store.url, folder)
            seed = [world.signed(world.brand()), world.signed(world.model()), second]
            rig.provision(world.root, seed)
            store.kill()  # the origin is dead
            assert rig.refresh().outcome == "installed"
            assert rig.says() == "tool 1"
            store.start(port=store.port)
            store.publish(next_software(world, images[2], 2), images[2:3])
            # The mirror stands still meanwhile: whichever address comes first, that is a delay and no harm.
            report = rig.refresh()
            assert (report.outcome, line(report, "acme/main").word) in (("installed", "fresh"), ("none", "fresh")), (
                report
            )
            mirrored(store.url, folder)
            rig.refresh()
            assert rig.says() == "tool 2"
            store.publish(next_software(world, images[3], 3), images[3:])
            mirrored(store.url, folder)
            spoil(folder, images[3])
            store.kill()
            report = rig.refresh()
            assert report.outcome != "installed"  # only a refusal
            assert rig.says() == "tool 2"
            mirror.kill()
            store.start(port=store.port)
            rig.at = now()
            refreshed = rig.refresh()
            assert (refreshed.outcome, line(refreshed, "acme/main").word) == ("installed", "fresh")
            assert rig.says() == "tool 3"


def spoil(folder: Path, image: bytes) -> None:
    """Change the image on the mirror's disk, and every release in its database."""
    digest = sha256(image).hexdigest()
    path = folder / "blobs" / digest[:2] / digest
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as database, database:
        rows = database.execute("SELECT envelope, raw FROM statements WHERE type = 'release'").fetchall()
        for envelope, raw in rows:
            middle = len(raw) // 2
            lie = raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]
            database.execute("UPDATE statements SET raw = ? WHERE envelope = ?", (lie, envelope))


def test_a_mirror_of_a_mirror_shows_the_store(root: tuple[World, Path], tmp_path: Path) -> None:
    """MI-1: what is verified needs no trust in who hands it on; and each says where publications go."""
    world, file = root
    image = image_of("one")
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, image), [image])
        mirrored(store.url, tmp_path / "first", "--root", file)
        with served(world, tmp_path / "first", store) as first:
            mirrored(first.url, tmp_path / "second", "--root", file)
            rotate(store.folder, tuf_root_signer(world), now())
            store.publish(next_software(world, b"image 2", 2), [b"image 2"])
            mirrored(store.url, tmp_path / "first")
            assert mirrored(first.url, tmp_path / "second")["lacking"] == []
            with served(world, tmp_path / "second", store) as second:
                for path in ("/tuf/timestamp.json", "/tuf/2.root.json", "/v1/entries/1", "/v1/news/3"):
                    assert second.get(path).body == store.get(path).body == first.get(path).body
    shown = [tmp_path / name / "mirror" / "witness" / "observation.bundle" for name in ("first", "second")]
    done = subprocess.run([STORE, "audit", "compare", *shown], capture_output=True, text=True, timeout=60)
    assert (done.returncode, "the same" in done.stdout) == (0, True), done.stderr


def test_a_mirror_that_is_served_follows_by_itself(root: tuple[World, Path], tmp_path: Path) -> None:
    """MI-1: without a timer beside it."""
    world, file = root
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        folder = tmp_path / "mirror"
        mirrored(store.url, folder, "--root", file)
        settings = (folder / "store.toml").read_text().replace("seconds = 300", "seconds = 1")
        (folder / "store.toml").write_text(settings)
        store.publish(next_software(world, b"image 2", 2), [b"image 2"])
        with served(world, folder, store) as mirror:
            deadline = time.monotonic() + 90
            while mirror.get("/v1/news/3").status != 200 and time.monotonic() < deadline:
                time.sleep(0.2)
            assert mirror.get("/tuf/timestamp.json").body == store.get("/tuf/timestamp.json").body


def test_a_mirror_that_is_killed_again_and_again_ends_like_one_that_never_was(tmp_path: Path) -> None:
    """MI-1: at any moment it serves one whole state of its store, and the next look goes on."""
    assert kill_again_and_again(tmp_path, 5, kills=2, releases=4).died > 0


def test_the_manual_s_commands_do_what_it_says(root: tuple[World, Path], tmp_path: Path) -> None:
    """docs/mirrors.md: each line of its shell blocks, in their order, with this store's address."""
    world, file = root
    text = (REPOSITORY / "docs" / "mirrors.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [each for block in blocks for each in block.splitlines()]
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        shutil.copy(store.folder / "1.root.json", tmp_path / "1.root.json")
        assert file.parent == tmp_path
        for words in map(shlex.split, lines):
            assert words[0] == "sealring-store"
            given = [store.url if word == "https://store.example" else word for word in words[1:]]
            if "serve" in given or "--follow" in given:
                assert ends_by_sigterm([str(STORE), *[w.replace(":8080", ":0") for w in given]], tmp_path), given
                continue
            done = subprocess.run([STORE, *given], capture_output=True, text=True, timeout=100, cwd=tmp_path)
            assert done.returncode == 0, (given, done.stderr)


def ends_by_sigterm(command: list[str], folder: Path) -> bool:
    """A command that goes on until it is told to end; whether it said something first."""
    running = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=folder, start_new_session=True)
    assert running.stdout is not None
    said = running.stdout.readline()
    os.killpg(running.pid, signal.SIGTERM)
    running.communicate(timeout=40)
    return bool(said)
