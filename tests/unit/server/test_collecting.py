"""What a store collects by itself (SPEC MP-6): old maps and views a month after another entry followed."""

import pytest

from sealring.catalogue.leaf import map_key
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import view_key
from sealring_server.app import create_app
from sealring_server.catalogue import last_entry
from sealring_server.collecting import collect_old
from tests.stores import next_software
from tests.unit.server.conftest import Shop


def ask(shop: Shop, root: bytes, key: bytes) -> tuple[int, bytes]:
    """A proof over HTTP: status and body."""
    answer = create_app(shop.here).test_client().get(f"/v1/proofs/{root.hex()}/{key.hex()}")
    return answer.status_code, answer.data


def newest(shop: Shop) -> bytes:
    """The newest map's root."""
    with shop.here.database.reading() as connection:
        return last_entry(connection).map


def test_a_map_answers_for_30_days_after_the_next_one_and_then_no_more(shop: Shop) -> None:
    """MP-6: to the second; the newest answers for ever, however old it is."""
    shop.first()
    root = bytes.fromhex(shop.world.root_id)
    key, first = view_key(root, "acme/door-1"), newest(shop)
    shop.later(days=50)
    collect_old(shop.here)
    assert ask(shop, first, key)[0] == 200
    shop.publish(next_software(shop.world, b"image 2", 2), [b"image 2"])
    second = newest(shop)
    shop.later(days=30)
    collect_old(shop.here)
    assert [ask(shop, one, key)[0] for one in (first, second)] == [200, 200]
    shop.later(seconds=1)
    collect_old(shop.here)
    assert [ask(shop, one, key)[0] for one in (first, second)] == [404, 200]
    assert key in verify_proof(ask(shop, second, key)[1], second, [key]).present


@pytest.mark.parametrize("days", [0, 31])
def test_what_was_collected_is_published_on(shop: Shop, days: int) -> None:
    """MP-6: entries, their log and their changes stay; the store goes on from its newest map."""
    root = bytes.fromhex(shop.world.root_id)
    shop.first()
    for number in (2, 3):
        shop.publish(next_software(shop.world, b"image %d" % number, number), [b"image %d" % number])
        shop.later(days=days)
    collect_old(shop.here)
    shop.publish(next_software(shop.world, b"image 5", 5), [b"image 5"])
    shop.check(lapsed=bool(days))
    release = map_key(root, "release", 1, "acme/tool/stable")
    status, proof = ask(shop, newest(shop), release)
    assert status == 200
    assert verify_proof(proof, newest(shop), [release]).root == newest(shop)
