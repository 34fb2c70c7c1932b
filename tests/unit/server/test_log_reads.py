"""The log as a store serves it: entries and their changes (SPEC CT-4, LG-1, HT-1, HT-2)."""

from datetime import timedelta
from hashlib import sha256

import pytest
from flask.testing import FlaskClient

from sealring.bundle import StatementEntry, read_bundle
from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import root_of
from sealring.catalogue.sparse import SparseMap
from sealring.envelope import parse_envelope
from sealring.statement import parse_statement
from sealring_server.app import create_app
from sealring_server.log_reads import ENTRIES
from sealring_server.schedule import sign_again
from tests.unit.server.conftest import Shop


def client(shop: Shop) -> FlaskClient:
    """Asks this store without a network."""
    return create_app(shop.here).test_client()


def split(body: bytes) -> list[CatalogueEntry]:
    """The entries in one answer."""
    found = []
    while body:
        size = int.from_bytes(body[:2], "big")
        found.append(parse_entry(body[2 : 2 + size]))
        body = body[2 + size :]
    return found


def changes(raw: bytes) -> dict[bytes, Head]:
    """The changes in one answer."""
    return {raw[at : at + 32]: Head.from_bytes(raw[at + 32 : at + 104]) for at in range(0, len(raw), 104)}


def test_replayed_from_the_first_entry_on_the_changes_give_every_map(shop: Shop) -> None:
    """CT-4, MP-3, LG-1: from these two paths alone anybody can compute all that the store ever signed."""
    shop.first()
    shop.later(days=2)
    sign_again(shop.here)
    ask = client(shop)
    found = split(ask.get("/v1/entries/1").data)
    assert [one.sequence for one in found] == [1, 2, 3]
    map = SparseMap.empty()
    for index, entry in enumerate(found):
        raw = ask.get(f"/v1/changes/{entry.sequence}").data
        keys = list(changes(raw))
        assert keys == sorted(set(keys))
        map = map.with_updates(changes(raw))
        assert (map.root, len(map)) == (entry.map, entry.size)
        assert entry.log == root_of([one.leaf for one in found[:index]])
    assert ask.get("/v1/changes/3").data == b""  # signed again: a new entry over the same map


def test_entries_come_from_the_number_asked_for_and_none_where_there_is_none_yet(shop: Shop) -> None:
    """The next entry is asked for by its number; "none" is an answer, and it may change (HT-2)."""
    shop.first()
    ask = client(shop)
    assert [one.sequence for one in split(ask.get("/v1/entries/2").data)] == [2]
    answer = ask.get("/v1/entries/3")
    assert (answer.status_code, answer.data) == (200, b"")
    assert answer.headers["Cache-Control"] == "max-age=60"
    again = ask.get("/v1/entries/3", headers={"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    shop.later(days=2)
    sign_again(shop.here)
    assert ask.get("/v1/entries/3", headers={"If-None-Match": answer.headers["ETag"]}).status_code == 200


def test_one_answer_holds_at_most_a_thousand_entries(shop: Shop) -> None:
    """A follower far behind asks again; no answer grows with the store's age."""
    ask = client(shop)
    with shop.here.database.writing() as connection:
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 1500) "
            "INSERT INTO entries (sequence, raw, digest, map, tile) "
            "SELECT i, (SELECT raw FROM entries WHERE sequence = 1), i, x'00', 0 FROM n"
        )
    assert len(split(ask.get("/v1/entries/1").data)) == ENTRIES == 1000
    assert len(split(ask.get("/v1/entries/1001").data)) == 500


def test_changes_are_immutable_and_only_of_entries_that_are_there(shop: Shop) -> None:
    """HT-1: a cache keeps them for a year, so "none" must not be said of an entry to come."""
    shop.first()
    ask = client(shop)
    answer = ask.get("/v1/changes/2")
    assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    for path in ("/v1/changes/3", "/v1/changes/0", f"/v1/changes/{2**53}", "/v1/entries/0", f"/v1/entries/{2**70}"):
        refused = ask.get(path)
        assert (refused.status_code, refused.headers["Cache-Control"]) == (404, "no-store"), path


@pytest.mark.parametrize("days", [0, 3])
def test_the_changes_hold_the_views_too(shop: Shop, days: int) -> None:
    """VW-3: a view is a leaf like any other, with the number of the entry at which it changed."""
    shop.first()
    shop.at += timedelta(days=days)
    views = [head for head in changes(client(shop).get("/v1/changes/2").data).values() if head.id == head.envelope]
    assert [head.sequence for head in views] == [2]


def test_all_that_an_entry_brought_comes_in_one_answer(shop: Shop) -> None:
    """CT-4, HT-1: the statements that its leaves name, and the versions that the same entry replaced again."""
    shop.first()
    second, third = shop.world.brand(sequence=2), shop.world.brand(sequence=3)
    shop.publish([shop.world.signed(one) for one in (second, third)])
    ask = client(shop)
    answer = ask.get("/v1/news/3")
    assert "immutable" in answer.headers["Cache-Control"]
    found = [one for one in read_bundle(answer.data) if isinstance(one, StatementEntry)]
    said = [parse_statement(parse_envelope(one.envelope).payload) for one in found]
    assert sorted(one.sequence for one in said) == [2, 3]
    named = {head.envelope for head in changes(ask.get("/v1/changes/3").data).values()}
    assert len(named & {sha256(one.envelope).digest() for one in found}) == 1
    assert len(read_bundle(ask.get("/v1/news/2").data)) == 5
    assert [ask.get(f"/v1/news/{number}").status_code for number in (0, 4, 2**53)] == [404, 404, 404]
