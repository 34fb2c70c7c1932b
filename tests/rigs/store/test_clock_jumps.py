"""A store's clock that jumps by years while it works (SPEC CT-1, TF-10, PB-1)."""

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from sealring.errors import TrustError
from sealring_server.catalogue import last_entry
from sealring_server.fsck.run import check_folder
from sealring_server.schedule import due, sign_due
from sealring_server.tuf_repo import expiries, metadata_bytes
from tests.stores import maintain, make_folder, next_software
from tests.unit.server.conftest import Shop
from tests.world import World

YEAR = timedelta(days=365)


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    """A store with one installation's worth, whose clock is right."""
    made = make_folder(World(), tmp_path / "store")
    found = Shop(made.world, made.folder, made.pin, made.world.at)
    found.first()
    return found


def shown(shop: Shop) -> tuple[int, datetime, datetime]:
    """The newest entry's number and time, and when the timestamp over it ends; the oracle sees that no time falls."""
    shop.check()
    with shop.here.database.reading() as connection:
        newest = last_entry(connection)
        raw = metadata_bytes(connection, "timestamp") or b""
    return newest.sequence, newest.time, datetime.fromisoformat(json.loads(raw)["signed"]["expires"])


def all_is_well(shop: Shop, number: int) -> None:
    """A publication with an image goes through, all over it is good at this instant, and fsck finds nothing."""
    image = b"image %d" % number
    shop.publish(next_software(shop.world, image, number), [image])
    with shop.here.database.reading() as connection:
        ends = expiries(connection)
        assert due(connection, shop.at) == "nothing"
    assert shop.at < ends["timestamp"] <= shop.at + timedelta(days=7)
    assert all(shop.at < end for end in ends.values())
    report, entry = check_folder(shop.folder, shop.at, quick=False)
    assert report.as_object("store", entry)["wrong"] == []


def test_a_clock_that_goes_back_takes_nothing_back(shop: Shop) -> None:
    """PB-1, TF-10, CT-1: what is dated ahead is refused; nothing is due, nothing signed; good metadata stays."""
    before, right = shown(shop), shop.at
    shop.at = right - 5 * YEAR
    with pytest.raises(TrustError) as refused:
        shop.publish([shop.world.signed(shop.world.model("gate"))])
    assert refused.value.rule == "TM-2"
    assert sign_due(shop.here) == "nothing"
    maintain(shop.here)
    assert shown(shop) == before
    shop.at = right
    all_is_well(shop, 2)
    assert shown(shop)[1] >= before[1]


def test_an_entry_is_never_older_than_the_one_before(shop: Shop) -> None:
    """CT-1: a clock a little behind: what is signed is taken, and time stands still until it is right."""
    for back in (timedelta(minutes=2), timedelta(minutes=5)):
        before, right = shown(shop), shop.at
        shop.at = right - back
        shop.publish([shop.world.signed(shop.world.model(f"gate-{back.seconds}"))])
        assert shown(shop)[:2] == (before[0] + 1, before[1])
        shop.at = right
    all_is_well(shop, 2)


@pytest.mark.parametrize("jump", [3 * YEAR, 10 * YEAR], ids=lambda jump: f"{jump.days} days")
def test_a_clock_that_is_ahead_lets_nothing_expired_in(shop: Shop, jump: timedelta) -> None:
    """PB-1: by that clock what is offered has ended; nothing is published, and the same is taken at the right time."""
    before, right = shown(shop), shop.at
    shop.at = right + jump
    with pytest.raises(TrustError) as refused:
        shop.publish([shop.world.signed(shop.world.model("gate"))])
    assert refused.value.exit_code == 22
    assert shown(shop) == before
    shop.at = right
    all_is_well(shop, 2)


def test_a_store_that_signed_while_its_clock_was_ahead_goes_on_and_its_time_stands_still(shop: Shop) -> None:
    """CT-1, TF-10: it can't know. Its entries keep that date; what is signed from then on ends soon, as it should."""
    right = shop.at
    shop.at = right + 10 * YEAR
    assert sign_due(shop.here) == "entry"
    sequence, ahead, ends = shown(shop)
    assert (ahead, ends > ahead) == (shop.at, True)
    shop.at = right
    image = b"image 2"
    shop.publish(next_software(shop.world, image, 2), [image])
    assert shown(shop) == (sequence + 1, ahead, right + timedelta(days=7))
    shop.later(days=4)
    assert sign_due(shop.here) == "metadata"
    assert shown(shop)[2] == shop.at + timedelta(days=7)
