"""A rotation broken off at any step leaves a store that serves, and that a second try finishes (SPEC TF-9)."""

import shutil
import signal
import sys
from pathlib import Path

import pytest

from sealring_server.here import open_store
from sealring_server.key_folder import ONLINE_ROLES
from sealring_server.tuf_roots import Change, publish_root, request_root
from tests.oracle import check_store
from tests.rigs.components import path_of
from tests.rigs.device.strace import Point, points_of, strike
from tests.stores import maintain, make_folder, now
from tests.unit.server.conftest import Shop
from tests.unit.store_keys.ceremony import signed_by
from tests.world import World

CALLS = ("unlink", "unlinkat", "rename", "renameat", "renameat2", "pwrite64", "fdatasync")


def publish(folder: Path) -> list[str]:
    """The operator's command."""
    command = "import sys; from sealring_server.command.main import main; main(sys.argv[1:])"
    return [sys.executable, "-c", command, "tuf", "publish", str(folder), str(folder / "next.root.json")]


@pytest.fixture
def ready(tmp_path: Path) -> Path:
    """A store, and the root that gives each of its roles a new key, signed by its holder."""
    world = World(at=now())
    store = make_folder(world, tmp_path / "store")
    shop = Shop(world, store.folder, store.pin, world.at)
    raw = signed_by(request_root(shop.here, Change(dict.fromkeys(ONLINE_ROLES))), shop)
    (store.folder / "next.root.json").write_bytes(raw)
    shop.here.database.close()
    return store.folder


def secrets(folder: Path) -> set[str]:
    """Every secret file."""
    return {file.name for file in (folder / "keys").iterdir() if file.name != "keys.json"}


def chosen(points: list[Point]) -> list[Point]:
    """A kill at the first and the last write of the transaction, at each deletion but twins, and at each rename."""
    kills = [one for one in points if one.fault == "KILL" and one.call in CALLS and ".tmp" not in one.place]
    gone = [one for one in kills if one.call.startswith("unlink") and one.place.startswith("keys/")]
    named = [one for one in kills if one.call.startswith("rename")]
    written = [one for one in kills if one.call in ("pwrite64", "fdatasync")]
    assert (len(gone), len(named)) == (6, 2)
    return [written[0], written[-1], gone[0], gone[3], *named]


@pytest.mark.timeout(300)
def test_killed_at_any_step_it_serves_and_can_be_finished(ready: Path, tmp_path: Path) -> None:
    """TF-9: before the commit the old keys sign on; after it the new ones do, and no old secret outlives a retry."""
    strace, place, log = path_of("strace"), tmp_path / "played" / "store", tmp_path / "log"
    old = secrets(ready)
    shutil.copytree(ready, place)
    points = chosen(points_of(strace, publish(place), place, log))
    after = secrets(place)
    assert (len(old), len(after)) == (12, 6)
    for number, point in enumerate(points):
        shutil.rmtree(place)
        shutil.copytree(ready, place)
        assert strike(strace, publish(place), place, log, point).code == -signal.SIGKILL
        check_store(place)
        here = open_store(place, now)
        if number % 2:
            maintain(here)  # the server that was running all the while, or starts again
            check_store(place)
        # Whatever was done before the kill, the same command ends at the same state.
        publish_root(here, (place / "next.root.json").read_bytes())
        here.database.close()
        check_store(place)
        assert secrets(place) == after, str(point)
