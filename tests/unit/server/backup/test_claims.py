"""Somebody says that he saw a later entry than the store has: an alarm, and never a stop (SPEC AN-1, BK-2)."""

from sealring_server.app import create_app
from sealring_server.backup.stopped import find_stop
from tests.unit.server.conftest import Shop


def test_a_strangers_word_is_counted_and_stops_nothing(shop: Shop) -> None:
    """The attack: a stop by a word would let anybody silence a store."""
    shop.first()
    client = create_app(shop.here).test_client()
    assert client.get("/v1/answers/acme/door-1?entry=1").status_code == 200
    assert shop.here.failures.claimed == 0
    assert client.get("/v1/answers/acme/door-1?entry=999").status_code == 200
    assert shop.here.failures.claimed == 1
    with shop.here.database.reading() as connection:
        assert find_stop(connection) is None
