"""Who may read an image, and when (SPEC RD-1)."""

from hashlib import sha256
from pathlib import Path

from sealring_server.images.errors import ImageGone
from tests.stores import RunningStore, first_software, now, running_store
from tests.unit.server.conftest import Shop
from tests.world import World

NEW = b"image 2"
PATH = f"/v1/blobs/{sha256(NEW).hexdigest()}"


def test_an_image_is_read_by_nobody_before_its_release(tmp_path: Path) -> None:
    """RD-1: its digest stands in a public statement, so knowing that opens nothing; `previous` counts as a release."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        store.publish([world.signed(world.revision(2, NEW))], [NEW])
        assert store.get(PATH).status == 404
        assert store.get(PATH, Range="bytes=0-1").status == 404
        assert "immutable" not in store.get(PATH).headers["cache-control"]
        store.publish([world.signed(world.release(2))])
        assert (store.get(PATH).status, store.get(PATH).body) == (200, NEW)
        store.publish([world.signed(world.revision(3, b"image 3")), world.signed(world.release(3))], [b"image 3"])
        assert store.get(PATH).body == NEW  # what once was released stays
        _lost(store)


def _lost(store: RunningStore) -> None:
    """PB-3: a file that went away is said as a fault that passes for no image, and no cache keeps that."""
    digest = sha256(NEW).hexdigest()
    (store.folder / "blobs" / digest[:2] / digest).unlink()
    answer = store.get(PATH)
    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    assert str(ImageGone(digest)) in answer.problem()["detail"]


def test_a_row_opens_each_image_that_is_released_and_no_other(shop: Shop) -> None:
    """RD-1: it is written with the entry that brings the release."""
    shop.first()
    world = shop.world
    shop.publish([world.signed(world.revision(2, NEW))], [NEW])
    digest = sha256(NEW).hexdigest()
    with shop.here.database.reading() as connection:
        found = connection.exec_driver_sql("SELECT sha256 FROM released").scalars().all()
    assert digest not in found
    assert sha256(b"image 1").hexdigest() in found
