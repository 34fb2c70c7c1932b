"""What a store signs by itself, and what it says when it could not (SPEC TF-10)."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from sealring_server.alarms import alarms
from sealring_server.here import open_store
from sealring_server.key_folder import KeyMissing
from sealring_server.schedule import LONGEST_PAUSE, TICK, pause, sign_due
from sealring_server.status import status_of_folder, status_of_url
from sealring_server.tuf_packages import turn_on
from sealring_server.tuf_repo import LIVES, expiries, metadata_bytes
from tests.stores import maintain, make_folder, running_store
from tests.unit.server.conftest import Shop, shop, template
from tests.world import DAY, World

__all__ = ["shop", "template"]  # fixtures


def versions(here: Shop) -> dict[str, int]:
    """The newest version of each role."""
    with here.here.database.reading() as connection:
        return {r: json.loads(metadata_bytes(connection, r) or b"")["signed"]["version"] for r in expiries(connection)}


def test_nothing_is_signed_for_nothing(shop: Shop) -> None:
    """TF-10: each changed timestamp costs every device a request; within a day none changes by itself."""
    before = versions(shop)
    for _ in range(23):
        shop.later(hours=1)
        maintain(shop.here)
    assert versions(shop) == before


def test_a_day_brings_one_entry_whoever_asks(shop: Shop) -> None:
    """TF-10: a new entry when the newest is a day old, by one of several processes."""
    other = open_store(shop.folder, lambda: shop.at)
    shop.later(days=1)
    assert [sign_due(shop.here), sign_due(other), sign_due(shop.here)] == ["entry", "nothing", "nothing"]
    assert shop.check().entry == 2


@pytest.mark.parametrize("packages", [False, True])
def test_no_role_ever_lives_past_its_half(shop: Shop, packages: bool) -> None:
    """TF-10: over two months of six-hourly looks, each role's metadata is younger than half of its life."""
    if packages:
        turn_on(shop.here)
    for _ in range(240):
        shop.later(hours=6)
        sign_due(shop.here)
        with shop.here.database.reading() as connection:
            for role, ends in expiries(connection).items():
                assert role not in LIVES or ends - shop.at > LIVES[role] / 2 - timedelta(hours=6)


def test_what_fell_due_while_it_was_off_is_signed_before_the_first_answer(tmp_path: Path) -> None:
    """TF-10: a store that was off for a month shows nothing expired, not even to its first asker."""
    world = World()
    store = make_folder(world, tmp_path / "store")
    store.set_clock(world.at + 40 * DAY)
    store.start()
    try:
        found = status_of_url(store.url, world.at + 40 * DAY)
        assert found["entry"]["sequence"] == 2
        assert found["alarms"] == []
    finally:
        store.stop()


def test_a_failure_is_said_counted_and_tried_again_soon(shop: Shop) -> None:
    """TF-10: with its key away the store counts, alarms after a while, and signs once the key is back."""
    shop.later(days=5)
    key = next((shop.folder / "keys").glob("snapshot-*.key"))
    key.rename(key.with_suffix(".away"))
    for _ in range(2):
        with pytest.raises(KeyMissing):
            maintain(shop.here)
    assert shop.here.failures.signing == 2
    said = status_of_folder(shop.folder, shop.at)["alarms"]
    assert any("timestamp" in one and "not being renewed" in one for one in said)
    assert any("newest entry" in one for one in said)
    key.with_suffix(".away").rename(key)
    maintain(shop.here)
    assert status_of_folder(shop.folder, shop.at)["alarms"] == []
    assert [pause(n) for n in (0, 1, 2, 3)] == [TICK, 10, 20, 40]
    assert pause(10_000) == LONGEST_PAUSE


def test_the_root_s_end_is_told_from_sixty_days_before(shop: Shop) -> None:
    """TF-10: the store can't renew its root by itself, so its operator hears of it in time."""
    with shop.here.database.reading() as connection:
        expires = dict(expiries(connection))
    ends = expires["root"]
    root = {"root": ends}
    assert not list(alarms(root, ends - 61 * DAY, ends - 61 * DAY))
    assert "renew it" in next(alarms(root, ends, ends - 60 * DAY))
    assert "expired" in next(alarms(root, ends, ends))


def test_an_entry_dated_ahead_is_told_from_the_instant_on_in_which_devices_refuse_it() -> None:
    """TF-10, TF-6: a clock that was wrong by years wedges a store silently otherwise."""
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    ahead = at + 10 * timedelta(minutes=1)
    assert not list(alarms({}, ahead, at))
    assert "the clock is or was wrong" in next(alarms({}, ahead + timedelta(seconds=1), at))


def test_status_from_outside_knows_every_role(tmp_path_factory: pytest.TempPathFactory) -> None:
    """TF-10: an operator elsewhere sees the end of the root, and that nobody signs."""
    world = World()
    with running_store(world, tmp_path_factory.mktemp("outside") / "store", clock=world.at) as store:
        found = status_of_url(store.url, world.at + 320 * DAY)
    assert set(found["tuf_expires"]) == {"root", "timestamp", "snapshot", "targets"}
    assert [one.split()[1] for one in found["alarms"][:4]] == ["root", "timestamp", "snapshot", "targets"]
