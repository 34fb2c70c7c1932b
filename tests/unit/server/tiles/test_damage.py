"""A database that a disk, or a hand, has changed: an error, and never a wrong proof (SPEC MP-3, MP-4)."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.catalogue.leaf import Head
from sealring_server.catalogue import NoSuchThing
from sealring_server.damaged import DamagedStore
from sealring_server.tiles.cache import Tiles
from sealring_server.tiles.tile import Slot, Tile
from tests.unit.catalogue.samples import head, numbered
from tests.unit.server.tiles.samples import Process, catalogue

HELD = numbered(120)
KEYS = list(HELD)


def change(process: Process, sql: str, *values: object) -> None:
    """One statement behind the store's back, whose memory is then empty, as after a start."""
    with process.database.writing() as connection:
        assert connection.exec_driver_sql(sql, values).rowcount > 0
    process.known = Tiles()


@settings(max_examples=150)
@given(st.data())
def test_any_altered_row_gives_the_right_proof_or_an_error(data: st.DataObject) -> None:
    """MP-3: each tile and leaf is held against the hash that led to it."""
    with catalogue() as (one,):
        entry = one.append(HELD)
        one.append({KEYS[3]: head(9999)}, days=1)
        asked = data.draw(
            st.lists(st.sampled_from([*KEYS, *(bytes([n]) * 32 for n in range(9))]), min_size=1, max_size=4)
        )
        right = one.prove(entry.map, asked)
        table, column = data.draw(st.sampled_from([("tiles", "raw"), ("leaves", "key"), ("leaves", "value")]))
        with one.database.reading() as connection:
            rows = connection.exec_driver_sql(f"SELECT {column} FROM {table} ORDER BY 1").scalars().all()
        raw = bytearray(data.draw(st.sampled_from(rows)))
        before = bytes(raw)
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        change(one, f"UPDATE {table} SET {column} = ? WHERE {column} = ?", bytes(raw), before)
        try:
            found = one.prove(entry.map, asked)
        except DamagedStore:
            return
        assert found == right


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        pytest.param("DELETE FROM leaves", "no one leaf", id="no leaves"),
        pytest.param("UPDATE leaves SET entry = entry + 100", "no one leaf", id="leaves of another entry"),
        pytest.param("UPDATE leaves SET value = x'00'", "no one leaf", id="a value cut short"),
        pytest.param("UPDATE leaves SET value = zeroblob(72)", "has hash", id="another value"),
        pytest.param("UPDATE tiles SET raw = x'00'", "do not fit", id="tiles cut short"),
        pytest.param("UPDATE tiles SET raw = (SELECT raw FROM tiles WHERE number = 1)", "hash", id="another tile"),
        pytest.param("DELETE FROM tiles WHERE number < (SELECT max(number) FROM tiles)", "missing", id="gone"),
        pytest.param("UPDATE entries SET map = zeroblob(32)", "has hash", id="another root"),
    ],
)
def test_damage_is_said_by_reads_and_stops_changes(sql: str, what: str) -> None:
    """MP-3: nothing is built on what is not what it should be; nothing of it is written."""
    with catalogue() as (one,):
        entry = one.append(HELD)
        change(one, sql)
        root = bytes(32) if "entries" in sql else entry.map
        with pytest.raises(DamagedStore, match=what):
            one.prove(root, KEYS[:64])
        with pytest.raises(DamagedStore, match=what) as refused:
            one.append({key: head(9999) for key in KEYS})
        assert refused.value.exit_code == 12
        assert "backup" in refused.value.hint()
        assert one.count("entries") == 1


def test_a_tile_that_leads_to_itself_ends_as_damage() -> None:
    """MP-3: a tile with one slot has the hash of what is below; one that is below itself could go on for ever."""
    keys = [bytes(32), bytes(31) + b"\1"]
    with catalogue() as (one,):
        entry = one.append({key: head(1) for key in keys})
        with one.database.reading() as connection:
            top = connection.exec_driver_sql("SELECT tile FROM entries").scalar_one()
        loop = Tile.of(0, {0: Slot(entry.map, top, True)}).to_bytes()
        change(one, "UPDATE tiles SET raw = ? WHERE number = ?", loop, top)
        with pytest.raises(DamagedStore):
            one.prove(entry.map, keys)


def test_a_map_whose_top_is_gone_is_not_here() -> None:
    """MP-6: as one that was collected; an entry that never was is not here either."""
    with catalogue() as (one,):
        entry = one.append({key: Head.tombstone(1) for key in KEYS})
        change(one, "DELETE FROM tiles WHERE number = (SELECT max(number) FROM tiles)")
        for root in (entry.map, bytes(32)):
            with pytest.raises(NoSuchThing):
                one.prove(root, KEYS[:2])
