"""What a publication would change is told before, and told right, and nothing changes by asking (SPEC PB-12)."""

import sqlite3
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View
from sealring.envelope import seal
from sealring.errors import TrustError
from sealring.statement import Common
from sealring.strict import encode
from sealring_server import held as product
from sealring_server.bulky import SMALL, Bulky, OthersAreLarge
from sealring_server.dry_run import MAX_MODELS, ModelChange, Target, changes, dry_run
from sealring_server.terms import Terms
from sealring_server.views import update_views
from sealring_server.work import Admitted
from tests.stores import RunningStore, ask, next_software
from tests.unit.server.conftest import Shop, bundle
from tests.unit.server.view_world import Chance, Held, empty_store, expected, one_format
from tests.world import World, key_set, sign

STEPS = 16


def shown(models: list[ModelChange]) -> dict[str, dict[Subjects, tuple[int | None, int | None]]]:
    """By model and row: the sequences before and after."""
    return {
        one.model: {(row.type, row.format, row.subject): (row.before, row.after) for row in one.rows} for one in models
    }


def differences(
    before: dict[str, View], after: dict[str, View]
) -> dict[str, dict[Subjects, tuple[int | None, int | None]]]:
    """The same of two states, from whole views."""
    found = {}
    for name in before.keys() | after.keys():
        old, new = (dict(views[name].heads) if name in views else {} for views in (before, after))
        rows = {
            about: (_sequence(old.get(about)), _sequence(new.get(about)))
            for about in old.keys() | new.keys()
            if old.get(about) != new.get(about)
        }
        if rows:
            found[name] = rows
    return found


def _sequence(head: Head | None) -> int | None:
    return None if head is None else head.sequence


@pytest.mark.parametrize("seed", range(300, 306))
def test_what_is_told_is_what_then_changes(seed: int) -> None:
    """SPEC PB-12, VW-2: all ten types in two formats, in any order; what the views are, the test computes itself."""
    chance, held = Chance(seed), Held()
    engine, root = empty_store(chance.world), bytes.fromhex(chance.world.root_id)
    with engine.connect() as connection:
        for entry in range(1, STEPS):
            news = chance.first() if entry == 1 else chance.publication()
            before = expected(chance.world, held) if entry > 1 else {}
            with connection.begin():
                told, others = changes(connection, [admitted(one) for one in news], entry - 1) if entry > 1 else ([], 0)
                held.put(connection, news, entry)
                update_views(product.Held(connection), root, entry, news)
            if entry > 1:
                assert (shown(told), others) == (differences(before, expected(chance.world, held)), 0)
    engine.dispose()


def admitted(one: Common) -> Admitted:
    """A statement as news, in the envelope that the test's store keeps of it."""
    return Admitted(one, seal(encode(one_format(one)), {}), True)


def dump(shop: Shop) -> list[str]:
    """Every row of the store's database."""
    with closing(sqlite3.connect(shop.folder / "store.db")) as database:
        return list(database.iterdump())


def test_a_release_is_told_with_its_revisions_and_nothing_is_written(shop: Shop) -> None:
    """SPEC PB-12: the attack: a stranger's question leaves something behind, or holds what a publisher needs."""
    shop.first()
    before, files = dump(shop), sorted(shop.folder.rglob("*"))
    asked = bundle(next_software(shop.world, b"image 2", 2))
    with shop.here.database.writing():  # a publication is under way, for as long as it likes
        found = dry_run(shop.here, asked)
    assert [(len(found.missing), found.missing[0].size), found.news, found.others] == [(1, 7), 2, 0]
    (model,) = found.models
    assert model.model == "acme/door-1"
    assert [(row.subject, row.before, row.after) for row in model.rows] == [
        ("acme/tool/latest/stable", 1, 2),
        ("acme/tool/1/amd64", 1, None),
        ("acme/tool/2/amd64", None, 1),
    ]
    assert model.rows[0].target == Target("amd64", 1, 2)
    assert dump(shop) == before
    assert sorted(path for path in shop.folder.rglob("*") if path.suffix not in (".db-wal", ".db-shm")) == [
        path for path in files if path.suffix not in (".db-wal", ".db-shm")
    ]


def test_what_would_be_refused_is_refused(shop: Shop) -> None:
    """SPEC PB-1, PB-12: judged as the publication itself would be, terms included."""
    shop.first()
    with pytest.raises(TrustError) as refused:
        dry_run(shop.here, bundle([shop.world.signed(shop.world.release(1, issued=shop.world.at - timedelta(1)))]))
    assert refused.value.exit_code == 23
    world, old, new = shop.world, shop.world.brand_keys("acme"), shop.world.brand_keys("acme", 2)
    brand = sign(world.brand("acme", sequence=2, keys=key_set(2, *new)), *world.brand_role, *old[:2])
    with pytest.raises(TrustError) as refused:
        dry_run(shop.here, bundle([brand]))
    assert refused.value.rule == "PB-9"
    found = dry_run(shop.here, bundle([brand]), Terms(cut=True))
    assert [(row.type, row.before, row.after) for row in found.models[0].rows] == [("brand", 1, 2)]


def test_what_is_there_already_changes_nothing(shop: Shop) -> None:
    """SPEC PB-12: who only sends again what others published makes no work: no view is looked at."""
    statements = next_software(shop.world, b"image 1", 1)
    shop.first()
    found = dry_run(shop.here, bundle(statements))
    assert (found.missing, found.news, found.models, found.others) == ([], 0, [], 0)


def test_an_answer_tells_of_so_many_models_and_counts_the_others(shop: Shop) -> None:
    """SPEC PB-12, HT-4: the attack: one brand's statement that touches every model there is."""
    shop.first()
    many = [Admitted(one, seal(encode(one), {}), True) for one in (shop.world.model(f"gate-{n}") for n in range(5))]
    with shop.here.database.reading() as connection:
        found, others = changes(connection, many, 2, most=3)
        assert (len(found), others) == (3, 2)
        assert changes(connection, many, 2)[1] == 0 < MAX_MODELS


def test_it_is_asked_by_the_same_path(served: RunningStore) -> None:
    """SPEC PB-12: one request, an object; nothing was opened, and no token is in it."""
    world: World = served.world
    asked = bundle([world.signed(world.model("asked"))])
    answer = ask(served.url, "/v1/publications?dry-run=yes", "POST", asked)
    assert answer.status == 200
    said = msgspec.json.decode(answer.body)
    assert set(said) == {"missing", "news", "models", "others"}
    assert [one["model"] for one in said["models"]] == ["acme/asked"]
    assert served.get("/v1/heads/model/1/acme/asked").status == 404


def test_large_bundles_take_turns_and_small_ones_never_wait() -> None:
    """SPEC HT-4: the attack: many bundles at once whose claims fill the memory, from who has no key at all."""
    bulky = Bulky(patience=0.05)
    with bulky.turn(SMALL + 1), bulky.turn(SMALL), pytest.raises(OthersAreLarge), bulky.turn(SMALL + 1):
        raise AssertionError("two at once")
    with bulky.turn(SMALL + 1):
        pass
    assert (OthersAreLarge.status, OthersAreLarge.retry_after > 0) == (503, True)


def test_the_folder_is_as_it_was_for_a_device(shop: Shop, tmp_path: Path) -> None:
    """SPEC PB-12: the oracle finds the store whole after any question."""
    shop.first()
    for number in (2, 3):
        dry_run(shop.here, bundle(next_software(shop.world, b"%d" % number, number)))
    shop.check()
    assert not list(tmp_path.glob("store/blobs/incoming/*"))
