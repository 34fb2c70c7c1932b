"""The views that a store keeps: at every entry what VW-2 says, whatever was published (SPEC VW-2, VW-3, MP-6)."""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise

import pytest
from sqlalchemy import Connection, func, select

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import View, parse_view, view_key
from sealring.catalogue.view_difference import apply_difference
from sealring.statement import Common
from sealring_server import held as product
from sealring_server.schema import view_past, view_rows, views
from sealring_server.views import (
    DamagedView,
    collect,
    compute_views,
    current_view,
    difference,
    rows_added,
    update_views,
    view_bytes,
)
from sealring_server.views.listing import Documents
from tests.unit.server.view_world import Chance, Held, empty_store, expected

STEPS = 25


@dataclass
class History:
    """What the views were after each entry, as the test computed them."""

    chance: Chance
    held: Held = field(default_factory=Held)
    shown: list[dict[str, View]] = field(default_factory=list)
    """By entry, from 1 on; by model."""
    known: Documents | None = None
    """What the store's process remembers; it is never asked to forget what was rolled back."""

    @property
    def sequence(self) -> int:
        return len(self.shown) + 1

    def publish(self, connection: Connection, *parts: list[Common]) -> None:
        """One entry with these publications; its leaves and rows must be those of VW-2 and VW-3."""
        root, before = bytes.fromhex(self.chance.world.root_id), self.shown[-1] if self.shown else {}
        leaves: dict[bytes, Head] = {}
        for news in parts:
            self.held.put(connection, news, self.sequence)
            leaves |= update_views(product.Held(connection), root, self.sequence, news, self.known)
        now = expected(self.chance.world, self.held)
        changed = {view_key(root, name): view for name, view in now.items() if before.get(name) != view}
        assert leaves.keys() >= changed.keys()
        assert all(leaves[key] == view.leaf(self.sequence) for key, view in changed.items())
        # Nothing else changed, unless it changed and came back within this entry.
        assert len(parts) > 1 or leaves.keys() == changed.keys()
        self.shown.append(now)
        assert {view.model: view for view in compute_views(product.Held(connection))} == now
        for name, view in now.items():
            assert current_view(connection, name) == view

    def check_kept(self, connection: Connection, first: int = 1) -> None:
        """Each view from entry `first` on is there, and leads to every later one."""
        kept = self.shown[first - 1 :]
        for name in {name for at in kept for name in at}:
            one_after_another = [at[name] for at in kept if name in at]
            assert {view_bytes(connection, view.digest.hex()) for view in one_after_another} == {
                view.raw for view in one_after_another
            }
            new = one_after_another[-1]
            for old in one_after_another:
                _check_difference(connection, old, new)
            for old, new in pairwise(one_after_another):
                _check_difference(connection, old, new)


def _check_difference(connection: Connection, old: View, new: View) -> None:
    found = difference(connection, old.digest.hex(), new.digest.hex())
    assert found is not None
    assert apply_difference(old, found, new.digest) == new
    added = rows_added(connection, old.digest.hex(), new.digest.hex())
    had = {head.envelope for head in old.heads.values()}
    assert [row[4] for row in added] == [head.envelope.hex() for head in new.heads.values() if head.envelope not in had]


@pytest.mark.parametrize("seed", range(14))
def test_after_any_publications_every_view_is_what_its_rule_says(seed: int) -> None:
    """VW-2, VW-3, ST-8: all ten types in two formats, in any order, names before what they name among them."""
    _check_any(Chance(seed), None)


@pytest.mark.parametrize("seed", range(200, 212))
@pytest.mark.parametrize("most", [8_000, 1_000_000])
def test_what_is_remembered_changes_no_view(seed: int, most: int) -> None:
    """VW-1, VW-3: neither what was forgotten meanwhile, nor what was rolled back, nor a second change in one entry."""
    known = Documents(most)
    _check_any(Chance(seed), known)
    assert 0 < len(known) <= most


def _check_any(chance: Chance, known: Documents | None) -> None:
    history, engine = History(chance, known=known), empty_store(chance.world)
    with engine.connect() as connection:
        with connection.begin():
            history.publish(connection, chance.first())
        for _ in range(STEPS):
            if chance.random.random() < 0.2:
                _roll_back(connection, history)
            with connection.begin():
                parts = [chance.publication() for _ in range(2 if chance.random.random() < 0.2 else 1)]
                history.publish(connection, *parts)
        with connection.begin():
            history.check_kept(connection)
    engine.dispose()


def _roll_back(connection: Connection, history: History) -> None:
    """An entry that never became visible: the next one has its number, and must not see anything of it."""
    draft = History(history.chance, history.held.copy(), list(history.shown), history.known)
    with connection.begin() as transaction:
        draft.publish(connection, history.chance.publication())
        transaction.rollback()


@pytest.mark.parametrize("seed", range(100, 103))
def test_collection_takes_what_only_old_maps_need_and_nothing_else(seed: int) -> None:
    """MP-6: a view of a map that is kept stays, also where it is older than that map; others are gone for good."""
    chance = Chance(seed)
    history, engine = History(chance), empty_store(chance.world)
    with engine.begin() as connection:
        history.publish(connection, chance.first())
        for _ in range(STEPS):
            history.publish(connection, chance.publication())
        first = chance.random.randint(STEPS // 2, STEPS)
        assert collect(connection, first) > 0
        assert collect(connection, first) == 0
        history.check_kept(connection, first)
        kept = {view.digest for at in history.shown[first - 1 :] for view in at.values()}
        gone = {view.digest for at in history.shown for view in at.values()} - kept
        assert gone
        assert all(view_bytes(connection, digest.hex()) is None for digest in gone)
        new = next(iter(history.shown[-1].values()))
        old = [digest.hex() for digest in gone]
        assert difference(connection, old[0], new.digest.hex()) is None
        assert [row[:3] for row in rows_added(connection, old[0], new.digest.hex())] == list(new.heads)
        # Only what the newest map needs is left at the end.
        collect(connection, history.sequence - 1)
        assert connection.scalar(select(func.count()).select_from(view_past)) == 0
        assert connection.scalar(select(func.count()).select_from(views)) == len(history.shown[-1])
    engine.dispose()


def test_a_view_that_came_back_is_one_view() -> None:
    """VW-3: its digest stands for the old entry and the new one, and outlives the collection of the old one."""
    chance = Chance(1)
    world, history, engine = chance.world, History(chance), empty_store(chance.world)
    first, second = world.revision(1), world.revision(2)
    with engine.begin() as connection:
        history.publish(connection, [*chance.first(), world.model(), first, second, world.release(1)])
        one = history.shown[-1]["acme/door-1"]
        history.publish(connection, [world.release(2)])
        # No honest publication goes back; whoever restores a row by hand must not get another document for it.
        history.publish(connection, [world.release(1)])
        assert history.shown[-1]["acme/door-1"] == one
        collect(connection, 2)
        assert view_bytes(connection, one.digest.hex()) == one.raw
        history.check_kept(connection, 2)
    engine.dispose()


def test_nothing_is_known_of_what_was_never_published() -> None:
    """HT-1: no digest, no model, and no difference between models."""
    chance = Chance(2)
    world, history, engine = chance.world, History(chance), empty_store(chance.world)
    with engine.begin() as connection:
        history.publish(connection, [*chance.first(), world.model(), world.model("gate")])
        door, gate = (history.shown[-1][f"acme/{name}"].digest.hex() for name in ("door-1", "gate"))
        for strange in ("00" * 32, "", "'", door.upper()):
            assert view_bytes(connection, strange) is None
            assert difference(connection, strange, door) is None
            assert difference(connection, door, strange) is None
            assert rows_added(connection, door, strange) == []
        assert difference(connection, door, gate) is None
        assert len(rows_added(connection, None, door)) == len(rows_added(connection, gate, door)) == 2
        assert current_view(connection, "acme/none") is None
    engine.dispose()


def test_rows_that_no_longer_make_a_view_are_not_shown() -> None:
    """VW-3: the attack is on the store's disk; caches would keep the wrong bytes under that name for ever."""
    chance = Chance(3)
    world, history, engine = chance.world, History(chance), empty_store(chance.world)
    with engine.begin() as connection:
        history.publish(connection, [*chance.first(), world.model()])
        view = history.shown[-1]["acme/door-1"]
        value = bytes([1]) + connection.scalars(select(view_rows.c.value)).all()[0][1:]
        connection.execute(view_rows.update().values(value=value))
        with pytest.raises(DamagedView) as caught:
            view_bytes(connection, view.digest.hex())
        assert caught.value.digest == view.digest.hex() != caught.value.found
        with pytest.raises(DamagedView):
            current_view(connection, "acme/door-1")
    engine.dispose()


def test_a_document_is_spelt_as_the_rule_spells_it() -> None:
    """VW-1: the store writes views without parsing them; the strict parser reads each of these bytes."""
    chance = Chance(4)
    history, engine = History(chance), empty_store(chance.world)
    with engine.begin() as connection:
        history.publish(connection, chance.first())
        for _ in range(5):
            history.publish(connection, chance.publication())
        for digest in connection.scalars(select(views.c.digest)):
            raw = view_bytes(connection, digest)
            assert raw is not None
            assert sha256(raw).hexdigest() == digest
            assert parse_view(raw).raw == raw
    engine.dispose()
