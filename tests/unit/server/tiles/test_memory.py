"""What a process remembers of the map: never what was rolled back, never more than its bound (SPEC MP-4, PB-3)."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sealring.catalogue.leaf import Head
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.sparse import map_of
from sealring_server.catalogue import last_entry
from sealring_server.database import after_commit
from tests.unit.catalogue.samples import head, numbered
from tests.unit.server.tiles.samples import Process, broken_off, catalogue

REPOSITORY = Path(__file__).resolve().parents[4]
HELD = numbered(300)
KEYS = list(HELD)


def proves(process: Process, root: bytes, heads: dict[bytes, Head], keys: list[bytes]) -> None:
    """Raise unless the process proves exactly what is there."""
    assert process.prove(root, keys) == map_of(heads.items()).prove(keys)


def test_a_number_that_was_given_again_after_a_rollback_is_never_taken_for_the_first() -> None:
    """PB-3: the tiles of a publication that failed have the numbers of the next one's.

    The worst case is tried: the same change as before, so with the same hashes, beside another one, so that what lies
    below has other numbers; and each state is proved, first within the transaction that fails.
    """
    again, beside = {KEYS[7]: head(1000)}, {key: head(2000) for key in KEYS[100:140]}
    with catalogue() as (one,):
        one.append(HELD)
        with broken_off(one) as connection:
            failed = one.append_in(connection, again)
            one.prove_in(connection, failed.map, KEYS[:20])
        entry = one.append(beside | again)
        proves(one, entry.map, HELD | beside | again, KEYS[:20])
        proves(one, entry.map, HELD | beside | again, KEYS[100:130])


@pytest.mark.parametrize("asks", [False, True])
def test_the_same_numbers_and_hashes_of_another_entry_are_not_mixed_up(asks: bool) -> None:
    """PB-3: a change fails at entry 2, and the same one succeeds at entry 3, by another process.

    Its tiles have the numbers and hashes of those that failed. Only what they say of where a leaf's key and value are
    found is different: a memory of the first ones would look for it under entry 2, where it is not.
    """
    change, others = {KEYS[7]: head(1000)}, [key for key in KEYS if key != KEYS[7]]
    with catalogue(2) as (one, other):
        one.append(HELD)
        with broken_off(one) as connection:
            failed = one.append_in(connection, change)
            for start in range(0, len(others) if asks else 0, 50):
                one.prove_in(connection, failed.map, others[start : start + 50])
        other.append({})
        entry = other.append(change)
        assert (failed.map, failed.sequence, entry.sequence) == (entry.map, 2, 3)
        proves(one, entry.map, HELD | change, KEYS[:20])


def test_what_an_entry_before_in_the_same_failed_transaction_read_is_forgotten_too() -> None:
    """PB-3: the second change of a transaction goes on from tiles that nobody else may ever see."""
    with catalogue() as (one,):
        one.append(HELD)
        with broken_off(one) as connection:
            one.append_in(connection, {KEYS[1]: head(1000)})
            second = one.append_in(connection, {KEYS[2]: head(1001)})
            one.prove_in(connection, second.map, KEYS[:9])
        entry = one.append({KEYS[2]: head(1001)})
        proves(one, entry.map, HELD | {KEYS[2]: head(1001)}, KEYS[:9])


def test_several_entries_in_one_transaction_are_all_there_after_it() -> None:
    """PB-3: each with its map."""
    with catalogue() as (one,):
        one.append(HELD)
        with one.database.writing() as connection:
            made = [one.append_in(connection, {KEYS[n]: head(1000 + n)}) for n in range(4)]
        for n, entry in enumerate(made):
            proves(one, entry.map, HELD | {KEYS[m]: head(1000 + m) for m in range(n + 1)}, KEYS[:9])


def test_a_savepoint_that_is_undone_leaves_nothing_behind() -> None:
    """PB-3: the transaction around it is committed, and with it nothing of what the savepoint held."""
    with catalogue() as (one,):
        one.append(HELD)
        with one.database.writing() as connection:
            undone = connection.begin_nested()
            failed = one.append_in(connection, {KEYS[1]: head(1000)})
            one.prove_in(connection, failed.map, KEYS[:9])
            undone.rollback()
            entry = one.append_in(connection, {KEYS[1]: head(1000), KEYS[5]: head(1005)})
        proves(one, entry.map, HELD | {KEYS[1]: head(1000), KEYS[5]: head(1005)}, KEYS[:9])


def test_what_waits_for_a_commit_is_done_after_it_and_never_after_a_rollback() -> None:
    """PB-3: nor for a savepoint, which may be undone alone."""
    done = []
    with catalogue() as (one,):
        with one.database.writing() as connection:
            after_commit(connection, lambda: done.append(1))
            assert done == []
        assert done == [1]
        with broken_off(one) as connection:
            after_commit(connection, lambda: done.append(2))
        with one.database.writing() as connection, connection.begin_nested():
            after_commit(connection, lambda: done.append(3))
        with one.database.writing() as connection:
            pass
        assert done == [1]


@pytest.mark.parametrize("most", [1, 7])
def test_a_small_memory_answers_all_the_same(most: int) -> None:
    """MP-4: what was forgotten is read again; more than its bound is never remembered."""
    with catalogue(tiles=most, leaves=most) as (one,):
        one.append(HELD)
        changes = {KEYS[n]: head(1000 + n) for n in range(0, 300, 7)}
        entry = one.append(changes)
        for start in range(0, 300, 50):
            proves(one, entry.map, HELD | changes, KEYS[start : start + 50])
            assert len(one.known.tiles) <= most
            assert len(one.known.leaves) <= most


def test_what_is_remembered_needs_no_row() -> None:
    """MP-4: the second proof of a key reads one row only, the one that says that the map is there."""
    with catalogue() as (one,):
        entry = one.append(HELD)
        proves(one, entry.map, HELD, KEYS[:3])
        with one.database.writing() as connection:
            connection.exec_driver_sql("DELETE FROM leaves")
            connection.exec_driver_sql("DELETE FROM tiles WHERE number < (SELECT max(tile) FROM entries)")
        proves(one, entry.map, HELD, KEYS[:3])


@pytest.mark.timeout(60)
def test_readers_never_see_anything_but_whole_maps_while_others_write() -> None:
    """PB-3, MP-4: threads that share one memory, a writer that breaks off every third time, and a process beside it."""
    with catalogue(2) as (one, other):
        heads = dict(HELD)
        entry = one.append(heads)
        errors: list[BaseException] = []
        stop = threading.Event()

        def read(process: Process) -> None:
            try:
                while not stop.is_set():
                    with process.database.reading() as connection:
                        entry = last_entry(connection)
                        keys = KEYS[entry.sequence % 50 :: 17]
                        verify_proof(process.prove_in(connection, entry.map, keys), entry.map, keys)
            except BaseException as err:  # noqa: BLE001 - it is looked at below
                errors.append(err)

        threads = [threading.Thread(target=read, args=(process,)) for process in (one, one, other)]
        for thread in threads:
            thread.start()
        for n in range(60):
            change = {KEYS[n * 3]: head(5000 + n), KEYS[n * 2 + 1]: head(5000 + n)}
            writer = (one, other)[n % 2]
            if n % 3 == 0:
                with broken_off(writer) as connection:
                    writer.append_in(connection, change)
            else:
                heads |= change
                entry = writer.append(change)
        stop.set()
        for thread in threads:
            thread.join()
        assert errors == []
        for process in (one, other):
            proves(process, entry.map, heads, KEYS[:60])


WRITER = """
import sys
from pathlib import Path
from tests.unit.catalogue.samples import head, numbered
from tests.unit.server.tiles.samples import Process

one, keys = Process(Path(sys.argv[1])), list(numbered(300))
for line in sys.stdin:
    n = int(line)
    print(one.append({keys[n]: head(9000 + n), keys[n + 1]: head(9000 + n)}).map.hex(), flush=True)
one.database.close()
"""


def test_two_processes_write_in_turns() -> None:
    """PB-3, MP-3: each goes on from what the other left, and their numbers never meet."""
    heads = dict(HELD)
    with catalogue() as (one,):
        entry = one.append(heads)
        command = [sys.executable, "-c", WRITER, str(one.file)]
        with subprocess.Popen(
            command, cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            for n in range(0, 40, 4):
                process.stdin.write(f"{n}\n")
                process.stdin.flush()
                heads |= {KEYS[n]: head(9000 + n), KEYS[n + 1]: head(9000 + n)}
                assert process.stdout.readline().strip() == map_of(heads.items()).root.hex()
                heads |= {KEYS[n + 1]: head(9500 + n), KEYS[n + 2]: head(9500 + n)}
                entry = one.append({KEYS[n + 1]: head(9500 + n), KEYS[n + 2]: head(9500 + n)})
                assert entry.map == map_of(heads.items()).root
            process.stdin.close()
        assert process.returncode == 0
        proves(one, entry.map, heads, KEYS[:60])
