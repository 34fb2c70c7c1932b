"""The map in the database is the map in memory, whatever happened to it (SPEC MP-3 to MP-6)."""

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import EMPTY_ROOT, Head
from sealring.catalogue.log import root_of
from sealring.catalogue.proof import BadQuestion, verify_proof
from sealring.catalogue.sparse import SequenceFell, SparseMap, map_of
from sealring_server.catalogue import NoSuchThing, collect, entries_before, last_entry
from sealring_server.schema import entries, tiles
from sealring_server.tiles.tile import parse_tile
from tests.unit.catalogue.samples import KEYS, head, numbered
from tests.unit.server.tiles.samples import BEGAN, Broken, Process, catalogue

# Keys that agree in 0 to 63 half-bytes, as a publisher can grind his subjects' names to have.
GROUND = st.tuples(st.integers(0, 63), st.integers(1, 15)).map(
    lambda found: (found[1] << 4 * (63 - found[0])).to_bytes(32, "big")
)
ANY_KEYS = st.one_of(KEYS, GROUND)


@dataclass
class Step:
    """What one process does next."""

    process: int
    changes: dict[bytes, tuple[int, bool]]
    """By key: how much the sequence grows, and whether it is a removal."""
    days: int
    is_broken_off: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, 1),
        st.dictionaries(ANY_KEYS, st.tuples(st.integers(0, 2), st.booleans()), max_size=8),
        st.integers(0, 20),
        st.sampled_from([False, False, True]),
    ),
    min_size=1,
    max_size=12,
)
ASKED = st.lists(st.sets(ANY_KEYS, min_size=1, max_size=12), min_size=1, max_size=3)


@dataclass
class Model:
    """The same catalogue in memory: every entry with its map."""

    heads: dict[bytes, Head] = field(default_factory=dict)
    entries: list[tuple[CatalogueEntry, SparseMap]] = field(default_factory=list)

    def updates(self, step: Step) -> dict[bytes, Head]:
        """The changes of a step, as heads whose sequences do not fall."""
        return {key: self._next(key, *change) for key, change in step.changes.items()}

    def _next(self, key: bytes, growth: int, is_removal: bool) -> Head:
        before = self.heads.get(key)
        sequence = growth + (before.sequence if before else 1)
        return Head.tombstone(sequence) if is_removal else head(sequence, "ab"[growth == 1])

    def take(self, entry: CatalogueEntry, updates: dict[bytes, Head]) -> None:
        """Remember an entry that was committed."""
        self.heads |= updates
        self.entries.append((entry, map_of(self.heads.items())))


def play(steps: list[Step], processes: list[Process], asked: set[bytes]) -> Model:
    """Do all steps; those that are broken off have asked for proofs of what never came to be."""
    model = Model()
    model.take(processes[0].append({}), {})  # a store always has an entry
    for step in steps:
        one, updates = processes[step.process], model.updates(step)
        days = step.days + (model.entries[-1][0].time - BEGAN).days
        with suppress(Broken), one.database.writing() as connection:
            entry = one.append_in(connection, updates, days=days)
            if step.is_broken_off:
                one.prove_in(connection, entry.map, asked)
                raise Broken
        if not step.is_broken_off:
            model.take(entry, updates)
    return model


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, ASKED)
def test_any_sequence_of_changes_gives_the_map_of_a_rebuild(steps: list[Step], asked: list[set[bytes]]) -> None:
    """SPEC MP-3, MP-4, MP-6: after any changes, removals, broken transactions, by two processes in turns.

    Root, size, log, and the bytes of single and joint proofs, present and absent, are those of a map that is built anew
    from a dict; and those of every map before it too.
    """
    with catalogue(2) as processes:
        model = play(steps, processes, asked[0])
        leaves = [entry.leaf for entry, _ in model.entries]
        for number, (entry, rebuilt) in enumerate(model.entries):
            assert (entry.map, entry.size) == (rebuilt.root, len(rebuilt))
            assert (entry.sequence, entry.log) == (number + 1, root_of(leaves[:number]))
            for one in processes:
                for keys in asked:
                    assert one.prove(entry.map, keys) == rebuilt.prove(keys)
                    single = min(keys)
                    assert one.prove(entry.map, [single]) == rebuilt.prove([single])
        check_tiles(processes[0], [entry for entry, _ in model.entries])


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(STEPS, ASKED, st.lists(st.integers(0, 240), min_size=1, max_size=3))
def test_what_only_old_maps_need_goes_and_nothing_else(
    steps: list[Step], asked: list[set[bytes]], instants: list[int]
) -> None:
    """SPEC MP-6: a full sweep: each tile of a kept map is there, and no other; the newest map always answers."""
    with catalogue(2) as processes:
        model = play(steps, processes, asked[0])
        for days in sorted(instants):
            before = BEGAN + timedelta(days=days)
            collect_all(processes[0], before)
            kept = kept_entries(model, before)
            check_tiles(processes[0], [entry for entry, _ in kept])
            roots = {EMPTY_ROOT, *(entry.map for entry, _ in kept)}  # an empty map has nothing that could go
            for entry, rebuilt in model.entries:
                for one in processes:
                    if entry.map in roots:
                        assert one.prove(entry.map, asked[0]) == rebuilt.prove(asked[0])
                    else:
                        with pytest.raises(NoSuchThing):
                            one.prove(entry.map, asked[0])


def collect_all(process: Process, before: datetime) -> int:
    """Collect until nothing is left to collect; how many tiles went."""
    gone = 0
    while True:
        with process.database.writing() as connection:
            found = collect(connection, before)
        gone += found
        if not found:
            return gone


def kept_entries(model: Model, before: datetime) -> list[tuple[CatalogueEntry, SparseMap]]:
    """Those that no other entry had followed before that instant."""
    after = [entry.time >= before for entry, _ in model.entries[1:]]
    return [found for found, is_kept in zip(model.entries, [*after, True], strict=False) if is_kept]


def check_tiles(process: Process, kept: list[CatalogueEntry]) -> None:
    """Raise AssertionError unless the tiles are exactly those that these entries' maps lead to."""
    with process.database.reading() as connection:
        raws = {row.number: row.raw for row in connection.execute(select(tiles))}
        tops = connection.execute(
            select(entries.c.tile).where(entries.c.sequence.in_([entry.sequence for entry in kept]))
        ).scalars()
        todo = [(top, 0) for top in tops if top]
    reached = set()
    while todo:
        number, depth = todo.pop()
        reached.add(number)
        tile = parse_tile(raws[number], depth)
        slots = [slot for at in range(16) if (slot := tile.slot(at))]
        todo += [(slot.number, depth + 1) for slot in slots if slot.is_link]
    assert reached == set(raws)


def test_a_map_without_keys_answers_too() -> None:
    """SPEC MP-3, MP-4: the root of an empty map, before and after the first leaf."""
    with catalogue() as (one,):
        empty, entry = one.append({}), one.append({head(1).id: head(1)})
        assert one.prove(empty.map, [bytes(32)]) == SparseMap.empty().prove([bytes(32)])
        assert one.prove(entry.map, [bytes(32)]) == map_of([(head(1).id, head(1))]).prove([bytes(32)])
        collect_all(one, BEGAN + timedelta(days=1))
        # It has no tiles, so it costs nothing to go on answering.
        assert one.prove(empty.map, [bytes(32)]) == SparseMap.empty().prove([bytes(32)])


def test_an_entry_without_changes_writes_no_tile_and_ends_no_map() -> None:
    """SPEC MP-6, TF-2: a store that signs again each day grows by a row."""
    with catalogue() as (one,):
        first = one.append(numbered(50))
        count = one.count("tiles")
        again, same = one.append({}, days=40), one.append(dict(list(numbered(50).items())[:3]), days=80)
        assert first.map == again.map == same.map
        assert (one.count("tiles"), one.count("superseded"), one.count("leaves")) == (count, 0, 50)
        assert collect_all(one, BEGAN + timedelta(days=100)) == 0
        assert one.prove(first.map, list(numbered(50))[:5]) == map_of(numbered(50).items()).prove(
            list(numbered(50))[:5]
        )


def test_a_sequence_never_falls_and_nothing_is_written_then() -> None:
    """SPEC MP-5: neither by a statement nor by a removal, beside whatever good changes."""
    with catalogue() as (one,):
        key, other = head(1).id, head(2).id
        one.append({key: head(5)})
        for fallen in (head(4), Head.tombstone(4)):
            with pytest.raises(SequenceFell) as refused:
                one.append({other: head(1), key: fallen})
            assert (refused.value.key, refused.value.offered, refused.value.held) == (key, 4, 5)
        assert (one.count("entries"), one.count("leaves"), one.count("tiles")) == (1, 1, 1)
        removed = one.append({key: Head.tombstone(5)})
        with pytest.raises(SequenceFell):
            one.append({key: head(4)})
        proven = verify_proof(one.prove(removed.map, [key]), removed.map, [key])
        assert proven.removed == {key: 5}


def test_ground_keys_cost_a_chain_of_tiles_each_and_no_more() -> None:
    """SPEC MP-3: names whose keys agree in all but the last bit make a chain of 64 tiles, for these keys alone."""
    near, far = [bytes(32), bytes(31) + b"\1"], {key: head(1) for key in numbered(20)}
    with catalogue() as (one,):
        one.append(far)
        count = one.count("tiles")
        entry = one.append({key: head(1) for key in near})
        assert one.count("tiles") == count + 64
        rebuilt = map_of([*far.items(), *((key, head(1)) for key in near)])
        for keys in (near, near[:1], [bytes(31) + b"\2"], [b"\0" * 16 + b"\1" * 16], list(far)[:3]):
            assert one.prove(entry.map, keys) == rebuilt.prove(keys)


@pytest.mark.parametrize("keys", [[], [b"short"], list(numbered(65))])
def test_a_question_has_1_to_64_keys(keys: list[bytes]) -> None:
    """SPEC MP-4: refused before any row is read."""
    with catalogue() as (one,):
        entry = one.append(numbered(3))
        with pytest.raises(BadQuestion):
            one.prove(entry.map, keys)


def test_the_number_of_entries_before_an_instant() -> None:
    """SPEC MP-6: found among entries whose times never fall, some of them the same."""
    with catalogue() as (one,):
        for days in (0, 0, 1, 1, 1, 5):
            one.append({}, days=days)
        with one.database.reading() as connection:
            found = [entries_before(connection, BEGAN + timedelta(days=days)) for days in (0, 1, 2, 5, 6)]
            assert last_entry(connection).sequence == 6
        assert found == [0, 2, 5, 5, 6]


def test_a_map_of_many_leaves_at_once_and_large_changes_of_it() -> None:
    """SPEC MP-3: the way in which a store is filled is the way in which it is changed."""
    heads, more = numbered(3000), {key: head(n + 9000, "b") for n, key in enumerate(numbered(4000))}
    with catalogue() as (one,):
        first, second = one.append(heads), one.append(more)
        assert (first.map, second.map) == (map_of(heads.items()).root, map_of(more.items()).root)
        assert (first.size, second.size) == (3000, 4000)
        asked = list(more)[::80][:50]
        assert one.prove(first.map, asked) == map_of(heads.items()).prove(asked)
        assert one.prove(second.map, asked) == map_of(more.items()).prove(asked)
