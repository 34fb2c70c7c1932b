"""A mirror on PostgreSQL and S3 of a store that halts a release, and a device behind it (SPEC MI-1, HL-1, HL-3)."""

import subprocess
import sys
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from sealring.halt import halt_key
from sealring_server.making import TufPinned
from tests.rigs.postgres import PostgresServer, postgres_server
from tests.rigs.s3 import S3, s3_server
from tests.scenarios.devices import image_of, new_device, now
from tests.stores import RunningStore, make_folder
from tests.unit.server.conftest import Shop
from tests.unit.server.reports.conftest import Factory, make_factory
from tests.world import World

STORE = Path(sys.executable).with_name("sealring-store")
RELEASE = "acme/tool/latest/stable"
pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


def mirrored(url: str, folder: Path, root: Path) -> None:
    """One look by the command, which alone uses the bucket."""
    command = [str(STORE), "mirror", url, str(folder), "--root", str(root), "--images", "all"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr


def settle(folder: Path, database: str, s3: S3) -> None:
    """What the operator says before the first look."""
    images = s3.settings("mirror")
    folder.mkdir()
    (folder / "store.toml").write_text(
        f'[database]\nurl = "{database}"\n[images]\nurl = "{images.url}"\nendpoint = "{images.endpoint}"\n'
        f'region = "{images.region}"\ncredentials = "{images.credentials}"\n'
    )


def test_a_device_obeys_a_halt_that_only_a_mirror_on_postgres_and_s3_shows(
    postgres: PostgresServer, s3: S3, tmp_path: Path
) -> None:
    """HL-3, MI-1: the same leaf, the same document, and the images from the bucket; the origin is dead meanwhile."""
    world = World(at=now())
    (tmp_path / "root.json").write_bytes(world.root.raw)
    store = make_folder(world, tmp_path / "store").start()
    copy = tmp_path / "mirror"
    mirror = RunningStore(world, copy, TufPinned(*store.pin))
    shop = Shop(world, store.folder, store.pin, world.at)
    try:
        settle(copy, postgres.database(), s3)
        factory = make_factory(shop)
        store.publish([world.signed(world.revision(3, image_of("3"))), world.signed(world.release(3))], [image_of("3")])
        mirrored(store.url, copy, tmp_path / "root.json")
        mirror.start(workers=2)
        seed = [
            world.signed(world.brand()),
            world.signed(world.model()),
            world.signed(world.store(tuf=store.pin, urls=[mirror.url, store.url], sequence=2, may_halt=True)),
        ]
        store.publish(seed)
        mirrored(store.url, copy, tmp_path / "root.json")
        with new_device(now()) as rig:
            rig.provision(world.root, seed)
            assert rig.refresh().outcome == "installed"
            assert rig.says() == "3"
            halted = halt_release_four(factory)
            mirrored(store.url, copy, tmp_path / "root.json")
            check_same_halt(factory, store, mirror)
            store.kill()
            rig.at = now()
            (line,) = rig.refresh().packages
            assert (line.rollout, line.running, rig.says()) == ("halted", 3, "3")
            assert line.halted is not None
            assert line.halted.store == "acme/main"
            digest = sha256(image_of("4")).hexdigest()
            assert mirror.get(f"/v1/blobs/{digest}").body == image_of("4")
            assert halted == factory.ground
        done = subprocess.run([STORE, "fsck", copy], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout
    finally:
        shop.here.database.close()
        store.kill()
        mirror.kill()


def halt_release_four(factory: Factory) -> str:
    """A release with a plan goes out, and fails on two of three devices; its id."""
    world, image = factory.shop.world, image_of("4")  # one that a device could mount
    signed = world.signed(world.release(4, rollout=factory.plan))
    factory.shop.publish([world.signed(world.revision(4, image)), signed], [image])
    factory.ground = signed.id
    for device in factory.many(3):
        device.says("begun", "failed", revision=4, previous=3)
    assert factory.judge() == [RELEASE]
    return factory.ground


def check_same_halt(factory: Factory, store: RunningStore, mirror: RunningStore) -> None:
    """Leaf and document, byte for byte."""
    (halt,) = factory.halts()
    path = f"/v1/changes/{halt.entry}"
    changes = store.get(path).body
    assert changes == mirror.get(path).body
    key = halt_key(bytes.fromhex(factory.shop.world.root_id), RELEASE)
    at = changes.index(key)
    document = f"/v1/halts/{changes[at + 40 : at + 72].hex()}"
    assert store.get(document).body == mirror.get(document).body
    assert store.get(document).status == mirror.get(document).status == 200
