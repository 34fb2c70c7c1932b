"""What a store takes in (SPEC PB-1, PB-4, PB-5, PB-6): exactly what a device would accept."""

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from sealring.catalogue.sparse import SequenceFell
from sealring.envelope import Envelope, parse_envelope, seal
from sealring.errors import TrustError
from sealring.keys import FamilyThreshold, KeySet, PublicKey
from sealring.names import KeyId
from sealring.statement import Common, parse_statement
from sealring.statement.authorities import RootRoles
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from sealring_server.held import Held
from sealring_server.publication import commit_publication, open_publication
from sealring_server.terms import Terms
from sealring_server.views import compute_views
from tests.unit.server.conftest import Shop, bundle
from tests.world import DAY, World, key_set, sign

CUT = Terms(cut=True)


def held(shop: Shop, kind: str, subject: str) -> Envelope:
    """The store's head of a subject."""
    with shop.here.database.reading() as connection:
        raw = Held(connection).current(kind, subject)
    assert raw is not None
    return parse_envelope(raw)


def refused(shop: Shop, *statements: Envelope, images: tuple[bytes, ...] = ()) -> str:
    """The rule that refused this publication; the store's content is as it was."""
    before = shop.check(lapsed=True)
    with pytest.raises(TrustError) as caught:
        shop.publish(statements, images)
    assert shop.check(lapsed=True) == before
    return caught.value.rule


def test_what_a_device_needs_is_published_as_one_entry(shop: Shop) -> None:
    """PB-3: six statements and an image are one new entry, and the oracle agrees with all of it."""
    shop.first()
    found = shop.check()
    assert found.entry == 2
    assert {kind for kind, _ in found.heads} == {"root", "brand", "model", "store", "revision", "release"}


REFUSALS: dict[str, tuple[Callable[[World], Envelope], str]] = {
    "a stranger's keys": (lambda w: sign(w.model("gate"), w.key("mallory"), w.key("eve")), "TH-1"),
    "one key below threshold": (lambda w: sign(w.model("gate"), w.brand_keys("acme")[0]), "TH-1"),
    "a brand that nobody certified": (lambda w: w.signed(w.model("gate", "evil")), "BR-1"),
    "another root's statement": (lambda w: w.signed(w.model("gate", root="ab" * 32)), "ST-4"),
    "an expired one": (lambda w: w.signed(w.model("gate", issued=w.at - 400 * DAY)), "TM-1"),
    "one from the future": (lambda w: w.signed(w.model("gate", issued=w.at + DAY)), "TM-2"),
    "one that must wait": (lambda w: w.signed(w.model("gate", not_before=w.at + DAY)), "TM-3"),
    "an old sequence": (lambda w: w.signed(w.model(sequence=1, offline_age=5)), "FL-3"),
    "a release below the minimum": (
        lambda w: w.signed(w.release(sequence=3, targets=[Target("amd64", 1, 1)])),
        "RL-4",
    ),
    "a release whose minimum falls": (
        lambda w: w.signed(w.release(sequence=3, targets=[Target("amd64", 2, 1)])),
        "RL-4",
    ),
    "a release of what is not there": (
        lambda w: w.signed(w.release(sequence=7, targets=[Target("amd64", 7, 2)])),
        "PB-6",
    ),
    "a release whose previous is not there": (
        lambda w: w.signed(w.release(sequence=9, targets=[Target("amd64", 2, 2, 6)])),
        "PB-6",
    ),
    "a second image for a revision": (lambda w: w.signed(w.revision(2, b"other", sequence=3)), "FL-3"),
    "a root that skips a version": (
        lambda w: w.signed(w.root_statement(sequence=3, root=w.root_id)),
        "RT-2",
    ),
    "a root by strangers": (
        lambda w: sign(w.root_statement(sequence=2, root=w.root_id), w.key("mallory"), w.key("eve")),
        "TH-1",
    ),
    "a brand without the root": (lambda w: sign(w.brand("evil"), *w.brand_keys("evil")), "TH-1"),
    "a brand taken over by the role brand alone": (
        lambda w: sign(w.brand(sequence=2, keys=key_set(1, w.key("thief"))), *w.brand_role, w.key("thief")),
        "TH-1",
    ),
}


@pytest.mark.parametrize(("make", "rule"), REFUSALS.values(), ids=list(REFUSALS))
def test_what_a_device_would_refuse_is_refused_and_takes_the_good_with_it(
    shop: Shop, make: Callable[[World], Envelope], rule: str
) -> None:
    """PB-1, PB-3: the same rule as on a device, and not one statement of that publication becomes visible."""
    world = shop.world
    shop.first()
    second = world.release(2, targets=[Target("amd64", 2, 2)])
    shop.publish([world.signed(world.revision(2, b"image 2")), world.signed(second)], [b"image 2"])
    good, bad = world.signed(world.model("window")), make(world)
    assert refused(shop, good, bad, images=(b"other",)) == rule


def test_an_older_release_replayed_to_the_store_is_refused(shop: Shop) -> None:
    """FL-1: whoever replays genuine old signatures to the store changes nothing."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.revision(2, b"2")), world.signed(world.release(2))], [b"2"])
    assert refused(shop, world.signed(world.release(1))) == "FL-1"


def test_publishing_the_same_again_makes_no_entry(shop: Shop) -> None:
    """PB-3: a repeat succeeds and changes nothing, so a stranger can't make the fleet fetch by replaying."""
    shop.first()
    before = shop.check()
    shop.first()
    assert shop.check() == before


def test_a_counter_signature_is_added_and_none_is_lost(shop: Shop) -> None:
    """PB-4: the third key alone is below threshold, and still counts together with what is held."""
    world = shop.world
    a, b, c = world.brand_keys("acme")
    shop.first()
    shop.publish([sign(world.model(), c)])
    found = held(shop, "model", "acme/door-1")
    assert set(found.signatures) == {a.id, b.id, c.id}
    shop.publish([sign(world.model(), a, c)])
    assert held(shop, "model", "acme/door-1").raw == found.raw
    assert shop.check().entry == 3


def test_worthless_signatures_are_not_kept(shop: Shop) -> None:
    """PB-4: a stranger fills a public envelope with rubbish, so that no room is left for the next key's signature."""
    world = shop.world
    shop.first()
    good = held(shop, "model", "acme/door-1")
    third = world.brand_keys("acme")[2]
    rubbish = {KeyId(f"{n:064x}"): b"rubbish" for n in range(29)}
    full = seal(good.payload, {**good.signatures, **rubbish, third.id: b"x" * 64})
    shop.publish([full])
    assert held(shop, "model", "acme/door-1").raw == good.raw
    assert shop.check().entry == 2


def test_a_rotation_with_its_counter_signatures_is_one_publication(shop: Shop) -> None:
    """PB-4: the brand's new keys and what they sign again become visible together."""
    world = shop.world
    shop.first()
    old, new = world.brand_keys("acme"), world.brand_keys("acme", 2)
    brand = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_role, *old[:2])
    again = [sign(s, *new[:2]) for s in (world.model(), world.release(1), world.revision(1, b"image 1"))]
    store = sign(shop.store_statement(), *new[:2])
    shop.publish([brand, store, *again])
    assert shop.check().entry == 3
    found = held(shop, "model", "acme/door-1")
    assert set(found.signatures) == {k.id for k in (*old[:2], *new[:2])}


def test_brands_are_walked_and_only_the_last_must_be_current(shop: Shop) -> None:
    """BR-2: two rotations in one publication; the one between is expired and still shows the way."""
    world = shop.world
    shop.first()
    first, second, third = (world.brand_keys("acme", n) for n in (1, 2, 3))
    between = world.brand(sequence=2, keys=key_set(2, *second), issued=world.at - 400 * DAY)
    last = world.brand(sequence=3, keys=key_set(2, *third))
    shop.publish([sign(last, *world.brand_role, *second[:2]), sign(between, *world.brand_role, *first[:2])], terms=CUT)
    assert shop.check(lapsed=True).heads["brand", "acme"] == 3
    assert refused(shop, world.signed(world.model(sequence=2))) == "TH-1"  # the keys of sequence 1 count no more
    with shop.here.database.reading() as connection:
        assert Held(connection).version("brand", "acme", 2) is not None


def test_roots_are_walked(shop: Shop) -> None:
    """RT-1, RT-2: two versions in one publication, and a brand that the new role certifies."""
    world = shop.world
    shop.first()
    role = key_set(1, world.key("brands-2"))
    roles = RootRoles(key_set(2, *world.root_keys), role)
    second = world.root_statement(sequence=2, root=world.root_id)
    third = world.root_statement(sequence=3, root=world.root_id, roles=roles)
    shop.publish([world.signed(third), world.signed(second)], terms=CUT)
    assert shop.check(lapsed=True).heads["root", "3"] == 3
    # The brand is no longer certified: nothing that it signs counts until the new role has signed it.
    assert refused(shop, world.signed(world.model("gate"))) == "BR-1"
    shop.publish([sign(world.brand(), world.key("brands-2")), world.signed(world.model("gate"))])
    assert shop.check().heads["model", "acme/gate"] == 1


def test_a_sequence_in_the_map_never_falls_whatever_keys_say(shop: Shop) -> None:
    """MP-5: after a thief's fast-forward and a rotation devices would go back; a store's map never does."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.model(sequence=1000))])
    new = world.brand_keys("acme", 2)
    rotated = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_role, *world.brand_keys("acme")[:2])
    shop.publish([rotated], terms=CUT)
    with pytest.raises(SequenceFell):
        shop.publish([sign(world.model(sequence=2), *new[:2])])
    shop.publish([sign(world.model(sequence=1001), *new[:2])])
    assert shop.check(lapsed=True).heads["model", "acme/door-1"] == 1001


def test_a_revision_keeps_its_image_even_when_the_first_one_no_longer_counts(shop: Shop) -> None:
    """PB-5: devices of the old keys have installed it; under one number there are never two softwares."""
    world = shop.world
    shop.first()
    new = world.brand_keys("acme", 2)
    rotated = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_role, *world.brand_keys("acme")[:2])
    shop.publish([rotated], terms=CUT)
    assert refused(shop, sign(world.revision(1, b"other", sequence=2), *new[:2]), images=(b"other",)) == "PB-5"


def test_signatures_by_keys_of_a_later_edition_are_kept(shop: Shop) -> None:
    """PB-4, KY-4: a key type that this store can't verify may count on a newer device."""
    world = shop.world
    later = PublicKey("later", "hash-tree-9", b"m" * 64)
    now_known = key_set(2, *world.brand_keys("acme"))
    keys = KeySet([*now_known.keys, later], [*now_known.thresholds, FamilyThreshold("hashes", 1, "if_known")])
    shop.publish([world.signed(world.brand(keys=keys))])
    model = world.signed(world.model())
    shop.publish([seal(model.payload, {**model.signatures, later.id: b"s" * 3309})])
    assert later.id in held(shop, "model", "acme/door-1").signatures


def test_another_brands_statements_stand_beside(shop: Shop) -> None:
    """A view lists the brand of each package's publisher, and a hostile one changes only its own."""
    world = shop.world
    shop.first()
    before = shop.check()
    shop.publish([world.signed(world.brand("other")), world.signed(world.model("gate", "other"))])
    found = shop.check()
    assert found.heads["model", "other/gate"] == 1
    assert refused(shop, sign(world.model(sequence=2), *world.brand_keys("other")[:2])) == "TH-1"
    assert {k: v for k, v in found.heads.items() if "other" not in k[1]} == before.heads


def test_a_view_changes_only_with_what_its_model_uses(shop: Shop) -> None:
    """VW-3: devices of one model fetch nothing because another model's software moved."""
    world = shop.world
    shop.first()

    def leaves() -> int:
        with shop.here.database.reading() as connection:
            return connection.exec_driver_sql("SELECT count(*) FROM views").scalar_one()  # type: ignore[no-any-return]

    before = leaves()
    shop.publish([world.signed(world.brand("other"))])
    assert leaves() == before
    shop.publish([world.signed(world.revision(2, b"2"))], [b"2"])
    assert leaves() == before  # not released yet
    shop.publish([world.signed(world.release(2))])
    assert leaves() == before + 1
    shop.check()


def test_a_view_lists_what_its_model_needs_and_nothing_else(shop: Shop) -> None:
    """VW-2: the publisher's brand of every package, and the revision before the released one."""
    world = shop.world
    shop.first()
    packages = [Wanted(f"{brand}/tool", "latest/stable", "app", "required") for brand in ("acme", "none", "other")]
    others: list[Common] = [world.brand("other"), world.brand("third"), world.model("gate", "third")]
    software: list[Common] = [
        world.revision(2, b"2"),
        world.release(2, targets=[Target("amd64", 2, 1, 1), Target("arm64", 2, 1)]),
    ]
    software += [world.revision(2, b"a", architecture="arm64"), world.revision(1, b"o", "other")]
    statements = [
        world.signed(s)
        for s in (*others, world.model(sequence=2, packages=packages), *software, world.release(1, "other"))
    ]
    shop.publish(statements, [b"2", b"a", b"o"])
    with shop.here.database.reading() as connection:
        views = {view.model: view for view in compute_views(Held(connection))}
    assert [f"{kind} {subject}" for kind, _, subject in views["acme/door-1"].heads] == [
        "brand acme",
        "brand other",
        "model acme/door-1",
        "release acme/tool/latest/stable",
        "release other/tool/latest/stable",
        "revision acme/tool/1/amd64",
        "revision acme/tool/2/amd64",
        "revision other/tool/1/amd64",
        "root 1",
        "store acme/main",
    ]
    shop.check()


def test_expiry_is_judged_when_it_is_committed(shop: Shop) -> None:
    """PB-1: what was good when it was opened is judged again by the clock of the commit."""
    world = shop.world
    shop.first()
    short = world.model("gate", issued=world.at - 365 * DAY + timedelta(hours=1))
    opened = open_publication(shop.here, bundle([world.signed(short)]))
    shop.later(hours=2)
    with pytest.raises(TrustError) as caught:
        commit_publication(shop.here, opened.token)
    assert caught.value.rule == "TM-1"
    assert shop.check().entry == 2


def test_the_statement_kept_is_the_statement_sent(shop: Shop) -> None:
    """PB-4: merging never touches the signed bytes."""
    shop.first()
    sent = shop.world.model()
    assert parse_statement(held(shop, "model", "acme/door-1").payload) == sent
    assert msgspec.json.encode(sent) == held(shop, "model", "acme/door-1").payload
