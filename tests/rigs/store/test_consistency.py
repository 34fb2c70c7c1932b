"""What a reader is shown always verifies; the everyday edition of `make sweep-consistency` (SPEC PB-3, TF-2, TF-9)."""

from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Timestamp

from tests.oracle import check_store
from tests.rigs.store.reader import Reader
from tests.rigs.store.storm import MODELS, prepare, storm
from tests.stores import RunningStore, now, running_store
from tests.world import World


def reader_of(store: RunningStore) -> Reader:
    root = (store.folder / "1.root.json").read_bytes()
    return Reader(store.url, root, store.world.root.raw, MODELS, now)


def test_a_reader_in_a_loop_never_sees_a_set_that_does_not_verify(tmp_path: Path) -> None:
    """TF-2, TF-9, PB-10: publishers at once, two rotations of keys, two worker processes, and a reader all the time."""
    world = World(at=now())
    with running_store(world, tmp_path / "store", workers=2) as store:
        prepare(store)
        counts = storm(store, 96, 2, first=2)
        found = reader_of(store).look()
    assert (counts.publications, counts.rotations) == (96, 2)
    assert counts.looks > 2
    assert found.statements["model", "acme/m-1"] == 13
    assert check_store(store.folder).entry == found.entry.sequence


@pytest.mark.parametrize("what", ["statement", "view", "timestamp"])
def test_the_reader_sees_what_is_wrong(tmp_path: Path, what: str) -> None:
    """PB-3: the rig itself: a store that lost a statement or a view, or signs by a key that no root names."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store:
        prepare(store)
        reader = reader_of(store)
        reader.look()
        _break(store, what)
        with pytest.raises(AssertionError):
            reader_of(store).look()


def _break(store: RunningStore, what: str) -> None:
    import sqlite3

    with sqlite3.connect(store.folder / "store.db") as database:
        database.execute("PRAGMA foreign_keys=OFF")
        if what == "statement":
            database.execute("DELETE FROM statements WHERE type = 'model'")
        elif what == "view":
            database.execute("DELETE FROM views")
        else:
            ((raw,),) = database.execute("SELECT raw FROM tuf WHERE role = 'timestamp'")
            metadata = Metadata[Timestamp].from_bytes(raw)
            for signature in metadata.signatures.values():
                signature.signature = "00" * 64
            database.execute("UPDATE tuf SET raw = ? WHERE role = 'timestamp'", (metadata.to_bytes(),))
    database.close()
