"""An image is there for a publication that is released, or was uploaded for its own authority (SPEC RD-1)."""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

import pytest
from sqlalchemy import select

from sealring.envelope import Envelope
from sealring_server.dry_run import dry_run
from sealring_server.images.collecting import collect_images
from sealring_server.images.errors import OtherBlob
from sealring_server.publication import Opened, commit_publication, open_publication, publish_at_once
from sealring_server.released import readable_size
from sealring_server.schema import image_owners
from sealring_server.uploading import add_to_upload
from sealring_server.uploads import BlobMissing
from tests.unit.server.conftest import Shop, bundle

SECRET = b"the next version, of which nobody outside has heard"
DIGEST = sha256(SECRET).hexdigest()
MISSING = ((DIGEST, len(SECRET)),)


@pytest.fixture
def waiting(shop: Shop) -> Shop:
    """A store with an image of acme's that waits for its release, and the certified publisher `evil`."""
    shop.first()
    world = shop.world
    shop.publish([world.signed(world.revision(2, SECRET))], [SECRET])
    shop.publish([world.signed(world.brand("evil"))])
    return shop


def theft(shop: Shop) -> list[Envelope]:
    """The digest stands in acme's public statement: evil names it in a revision and a release of its own."""
    world = shop.world
    return [world.signed(world.revision(1, SECRET, "evil")), world.signed(world.release(1, "evil"))]


def send(shop: Shop, opened: Opened, image: bytes = SECRET) -> None:
    add_to_upload(shop.here, opened.token, sha256(image).hexdigest(), 0, BytesIO(image))


def is_read(shop: Shop) -> bool:
    with shop.here.database.reading() as connection:
        return readable_size(connection, DIGEST) is not None


def owners(shop: Shop) -> set[str]:
    with shop.here.database.reading() as connection:
        return set(connection.scalars(select(image_owners.c.authority).where(image_owners.c.sha256 == DIGEST)))


@pytest.mark.parametrize("how", [open_publication, publish_at_once], ids=lambda one: one.__name__)
def test_a_hostile_publisher_reads_no_unreleased_image_by_its_digest(waiting: Shop, how: Callable[..., Opened]) -> None:
    """RD-1: he has to upload what he names, as if nobody else had it; without the bytes nothing of his is shown."""
    assert dry_run(waiting.here, bundle(theft(waiting))).missing[0].sha256 == DIGEST
    opened = how(waiting.here, bundle(theft(waiting)))
    assert opened.missing == MISSING
    with pytest.raises(BlobMissing):
        commit_publication(waiting.here, opened.token)
    with pytest.raises(OtherBlob):
        send(waiting, opened, SECRET[:-1] + b"X")
    assert not is_read(waiting)
    assert owners(waiting) == {"acme"}


def test_nor_beside_the_other_s_own_statement(waiting: Shop) -> None:
    """RD-1: acme's genuine revision in the same publication is no word of acme's for evil."""
    held = waiting.world.signed(waiting.world.revision(2, SECRET))
    assert open_publication(waiting.here, bundle([held, *theft(waiting)])).missing == MISSING
    assert open_publication(waiting.here, bundle([held])).missing == ()


def test_nor_in_a_publication_that_was_open_before(shop: Shop) -> None:
    """RD-1: what was missing when he opened it is not his because another one has brought it meanwhile."""
    shop.first()
    world = shop.world
    shop.publish([world.signed(world.brand("evil"))])
    opened = open_publication(shop.here, bundle(theft(shop)))
    shop.publish([world.signed(world.revision(2, SECRET))], [SECRET])
    with pytest.raises(BlobMissing):
        commit_publication(shop.here, opened.token)
    assert not is_read(shop)


def test_who_has_the_bytes_shares_the_one_image(waiting: Shop) -> None:
    """RD-1, PB-2: he that uploads it himself had it; it lies there once, and is both of theirs."""
    opened = open_publication(waiting.here, bundle(theft(waiting)))
    send(waiting, opened)
    commit_publication(waiting.here, opened.token)
    assert is_read(waiting)
    assert owners(waiting) == {"acme", "evil"}
    assert list(waiting.here.images.digests()).count(DIGEST) == 1
    waiting.check()


def test_its_own_brand_names_it_again_without_an_upload(waiting: Shop) -> None:
    """RD-1: for its authority, and so for all that this one lets speak for it, it is there."""
    world = waiting.world
    again = [world.signed(world.revision(3, SECRET)), world.signed(world.release(3))]
    assert isinstance(publish_at_once(waiting.here, bundle(again)), bytes)
    assert is_read(waiting)


def test_what_is_released_is_there_for_everybody(waiting: Shop) -> None:
    """RD-1: it is no secret, and is uploaded by nobody twice."""
    waiting.publish([waiting.world.signed(waiting.world.release(2))])
    assert dry_run(waiting.here, bundle(theft(waiting))).missing == []
    assert isinstance(publish_at_once(waiting.here, bundle(theft(waiting))), bytes)


def test_an_image_that_went_away_before_its_commit_is_published_by_nobody(shop: Shop) -> None:
    """PB-3, PB-6: the place of images is looked at before the lock; what is uploaded there is collected by nobody."""
    shop.first()
    opened = open_publication(shop.here, bundle([shop.world.signed(shop.world.revision(2, SECRET))]))
    send(shop, opened)
    collect_images(shop.here, before=shop.at.timestamp() + 10**9)
    shop.here.images.remove(DIGEST)
    with pytest.raises(OtherBlob):
        commit_publication(shop.here, opened.token)
    assert owners(shop) == set()
