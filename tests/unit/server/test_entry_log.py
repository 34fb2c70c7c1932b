"""The log of entries as rows (SPEC LG-1, LG-2)."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.catalogue.log import Frontier, NotInLog, inclusion_path, root_of, verify_inclusion
from sealring_server import entry_log
from sealring_server.catalogue import NoSuchThing, log_path
from sealring_server.damaged import DamagedStore
from tests.unit.server.tiles.samples import Process, catalogue

LEAVES = [sha256(bytes([n])).digest() for n in range(70)]


def fill(process: Process, count: int) -> None:
    """The log of the first so many leaves, one transaction each as a store does."""
    with process.database.writing() as connection:
        for size in range(count):
            entry_log.append_leaf(connection, entry_log.frontier(connection, size), LEAVES[size])


def test_roots_and_paths_of_every_size_are_those_of_rfc_6962() -> None:
    """LG-1, LG-2: each against the whole list of leaf hashes."""
    with catalogue() as (one,):
        fill(one, 70)
        with one.database.reading() as connection:
            for size in range(71):
                end = entry_log.frontier(connection, size)
                assert end.root == root_of(LEAVES[:size])
                for index in range(size):
                    path = entry_log.inclusion_path(connection, size, index)
                    assert path == inclusion_path(LEAVES[:size], index)
                    verify_inclusion(LEAVES[index], index, size, path, end.root)


def test_an_entry_adds_two_rows_on_average() -> None:
    """LG-1: one for itself, and one for each subtree that it makes whole."""
    with catalogue() as (one,):
        fill(one, 64)
        assert one.count("log") == 127


@given(st.integers(0, 40), st.integers(0, 2**40))
def test_every_subtree_has_a_number_of_its_own(level: int, place: int) -> None:
    """LG-1: as the nodes of a binary tree stand from left to right."""
    number = entry_log.node(level, place)
    assert (number ^ number + 1).bit_length() - 1 == level
    assert number >> level + 1 == place


@settings(max_examples=30)
@given(st.integers(-2, 2**60), st.integers(-2, 2**60))
def test_no_path_is_answered_for_what_is_not_in_the_log(size: int, index: int) -> None:
    """LG-2: a log that is not that long, or an index beyond it."""
    with catalogue() as (one,):
        for _ in range(3):
            one.append({})
        with one.database.reading() as connection:
            if 0 <= index < size <= 3:
                assert log_path(connection, size, index)[32 * size :] == b""
            else:
                with pytest.raises((NoSuchThing, NotInLog)):
                    log_path(connection, size, index)


def test_the_log_of_a_catalogue_is_what_its_entries_say() -> None:
    """CT-1, LG-1: each entry has the root over all before it; a path shows each of them."""
    with catalogue() as (one,):
        made = [one.append({}) for _ in range(12)]
        for size in range(12):
            assert made[size].log == root_of([entry.leaf for entry in made[:size]])
        with one.database.reading() as connection:
            verify_inclusion(made[4].leaf, 4, 11, log_path(connection, 11, 4), made[11].log)
            assert entry_log.frontier(connection, 0) == Frontier()


def test_a_gap_in_the_log_is_said() -> None:
    """LG-1: a damaged database is never answered from as if it were whole."""
    with catalogue() as (one,):
        fill(one, 9)
        with one.database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM log WHERE node = 3")
            with pytest.raises(DamagedStore, match="gap"):
                entry_log.inclusion_path(connection, 9, 5)
