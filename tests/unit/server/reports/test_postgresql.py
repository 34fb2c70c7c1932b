"""The same reports and halts on PostgreSQL (SPEC RP-2, RP-3, HL-2): every question that SQLite is asked."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sealring_server.making import make_store
from sealring_server.settings import Database, Settings
from tests.rigs.postgres import PostgresServer
from tests.stores import tuf_root_signer
from tests.unit.server.conftest import Shop
from tests.unit.server.reports import test_halts, test_intake
from tests.unit.server.reports.conftest import Factory, make_factory
from tests.world import World


@pytest.fixture
def factory(postgres: PostgresServer, tmp_path: Path) -> Iterator[Factory]:
    """A store that may halt, whose rows are in PostgreSQL."""
    world, folder = World(), tmp_path / "store"
    folder.mkdir()
    settings = Settings(database=Database(url=postgres.database()))
    pin = make_store(folder, [world.root.raw], tuf_root_signer(world), lambda: world.at, settings=settings)
    shop = Shop(world, folder, (pin.version, pin.sha256), world.at)
    yield make_factory(shop)
    shop.here.database.close()


STORIES = [
    test_halts.test_two_failing_devices_of_ten_halt_the_release,
    test_halts.test_serials_that_ended_since_count_neither_as_failing_nor_as_begun,
    test_halts.test_the_next_release_is_not_halted_and_is_counted_anew,
    test_intake.test_the_newest_64_of_a_device_are_kept,
    test_intake.test_a_device_that_leaves_its_previous_away_is_in_no_line_of_the_fleet,
]


@pytest.mark.parametrize("story", STORIES)
def test_a_story_on_postgresql(story: Callable[[Factory], None], factory: Factory) -> None:
    """PB-3: a store is the same store on either database."""
    story(factory)
