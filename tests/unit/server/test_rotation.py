"""Rotations at a store: new signatures come first, and a cut is no slip (SPEC PB-4, PB-9)."""

import pytest

from sealring.envelope import Envelope, seal
from sealring.errors import TrustError
from sealring.names import KeyId
from sealring.statement import Common
from sealring.statement.authorities import RootRoles
from sealring.statement.software import Final
from sealring_server.cut import WouldCut
from sealring_server.terms import Terms
from tests.stores import Refused, RunningStore, ask, begin, commit, publish
from tests.unit.server.conftest import Shop
from tests.unit.server.test_admission import CUT, held, refused
from tests.world import DAY, Key, World, key_set, sign


def released(shop: Shop) -> list[Common]:
    """What a rotation of acme's keys must sign again."""
    world = shop.world
    return [world.model(), world.release(1), world.revision(1, b"image 1"), shop.store_statement()]


def cut_by(shop: Shop, *statements: Envelope) -> set[str]:
    """What this publication would let fall; it is refused."""
    before = shop.check(lapsed=True)
    with pytest.raises(WouldCut) as caught:
        shop.publish(statements)
    assert shop.check(lapsed=True) == before
    return set(caught.value.fallen)


def next_brand(world: World, *keys: Key) -> Envelope:
    """The brand with other keys, signed by the role brand and today's keys."""
    return sign(world.brand(sequence=2, keys=key_set(2, *keys)), *world.brand_role, *world.brand_keys("acme")[:2])


# --- PB-9


def test_a_brand_with_other_keys_alone_would_cut_off_all_that_it_released(shop: Shop) -> None:
    """PB-9: a thief's or a hurried rotation names all that would fall; said to be meant, it is taken."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.revocations(1)), world.signed(world.delegation())])
    brand = next_brand(world, *world.brand_keys("acme", 2))
    assert cut_by(shop, brand) == {
        "delegation acme/partner",
        "model acme/door-1",
        "release acme/tool/latest/stable",
        "revision acme/tool/1/amd64",
        "revocations acme/acme",
        "store acme/main",
    }
    shop.publish([brand], terms=CUT)
    assert shop.check(lapsed=True).heads["brand", "acme"] == 2


def test_a_rotation_whose_revocations_are_forgotten_is_refused(shop: Shop) -> None:
    """PB-9: a list weakened by a slip would let what it stops go on; signed again, the rotation is taken."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.revocations(1))])
    new = world.brand_keys("acme", 2)
    again = [sign(s, *new[:2]) for s in released(shop)]
    assert cut_by(shop, next_brand(world, *new), *again) == {"revocations acme/acme"}
    shop.publish([next_brand(world, *new), *again, sign(world.revocations(1), *new[:2])])
    shop.check()


def test_what_has_expired_or_is_taken_back_does_not_hold_up_a_rotation(shop: Shop) -> None:
    """PB-9: only what stands today must be signed again."""
    world = shop.world
    shop.first()
    expiring = world.model("gate", issued=world.at - 365 * DAY + DAY)
    shop.publish([world.signed(expiring), world.signed(world.model("window"))])
    shop.later(days=2)
    new = world.brand_keys("acme", 2)
    lines = world.revocations(1, ("model acme/window", "keep"))
    again = [sign(s, *new[:2]) for s in (*released(shop), lines)]
    shop.publish([next_brand(world, *new), *again])
    assert shop.check(lapsed=True).heads["brand", "acme"] == 2


def test_a_delegation_with_other_keys_or_less_would_cut_off_its_delegate(shop: Shop) -> None:
    """PB-9: what only the delegate has signed falls with his keys, and with the package that he loses."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    built = [sign(world.revision(2, b"2"), partner), sign(world.release(2), partner)]
    shop.publish([world.signed(world.delegation()), *built], [b"2"])
    others = world.delegation(sequence=2, keys=key_set(1, *world.delegate_keys(generation=2)))
    less = world.delegation(sequence=2, packages=["acme/lamp"])
    fallen = {"release acme/tool/latest/stable", "revision acme/tool/2/amd64"}
    assert cut_by(shop, world.signed(others)) == fallen
    assert cut_by(shop, world.signed(less)) == fallen
    new = world.delegate_keys(generation=2)[0]
    shop.publish([world.signed(others), sign(world.revision(2, b"2"), new), sign(world.release(2), new)])
    shop.check()


def test_a_root_with_another_role_brand_would_cut_off_its_brands(shop: Shop) -> None:
    """PB-9: brands that the new role has not signed fall, and ends of life; certified again, the root is taken."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.brand("other"))])
    ids = [world.signed(s).id for s in (world.brand(), world.model(), world.revision(1, b"image 1"))]
    last = world.release(2, targets=world.release(1).targets, final=Final(ids[0], [ids[1]], [ids[2]]))
    shop.publish([sign(last, *world.brand_keys("acme")[:2], *world.brand_role)])
    role = world.key("brands-2")
    roles = RootRoles(key_set(2, *world.root_keys), key_set(1, role))
    root = world.signed(world.root_statement(sequence=2, root=world.root_id, roles=roles))
    both = {"brand acme", "brand other"}
    end = "the end of life in release acme/tool/latest/stable"
    assert cut_by(shop, root) == {*both, end}
    assert cut_by(shop, root, sign(world.brand(), role)) == {"brand other", end}
    again = [sign(world.brand(), role), sign(world.brand("other"), role), sign(last, role)]
    shop.publish([root, *again])
    shop.check()


def test_the_roots_own_list_falls_with_its_keys(shop: Shop) -> None:
    """PB-9: a root with other keys of the role root must bring its list signed by them."""
    world = shop.world
    shop.first()
    said = world.revocations(1, ("brand evil", "keep"), brand="root")
    shop.publish([world.signed(said)])
    new = [world.key(f"root-{n}2") for n in "abc"]
    roles = RootRoles(key_set(2, *new), key_set(1, *world.brand_role))
    root = sign(world.root_statement(sequence=2, root=world.root_id, roles=roles), *world.root_keys[:2], *new[:2])
    assert cut_by(shop, root) == {"revocations root/root"}
    shop.publish([root, sign(said, *new[:2])])
    shop.check()


# --- PB-4


def test_next_years_signatures_are_published_before_the_rotation(shop: Shop) -> None:
    """PB-4, PB-9: announced by today's keys they are kept; then the rotation alone cuts nothing off."""
    world = shop.world
    shop.first()
    new = world.brand_keys("acme", 2)
    draft = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_keys("acme")[:2])
    again = [sign(s, *new[:2]) for s in released(shop)]
    shop.publish([*again, draft], terms=Terms(frozenset([draft.id])))
    assert shop.check().heads["brand", "acme"] == 1  # announced, and not published
    assert {k.id for k in new[:2]} < set(held(shop, "model", "acme/door-1").signatures)
    shop.publish([next_brand(world, *new)])
    assert shop.check().heads["brand", "acme"] == 2


def test_a_delegates_next_keys_are_announced_by_his_brand(shop: Shop) -> None:
    """PB-4: for what the next delegation covers, and for nothing else."""
    world = shop.world
    shop.first()
    partner, new = world.delegate_keys()[0], world.delegate_keys(generation=2)[0]
    shop.publish([world.signed(world.delegation()), sign(world.revision(2, b"2"), partner)], [b"2"])
    following = world.signed(world.delegation(sequence=2, keys=key_set(1, new)))
    said = [sign(world.revision(2, b"2"), new), sign(world.model(), new), following]
    shop.publish(said, terms=Terms(frozenset([following.id])))
    assert new.id in held(shop, "revision", "acme/tool/2/amd64").signatures
    assert new.id not in held(shop, "model", "acme/door-1").signatures
    shop.publish([following])
    shop.check()


ANNOUNCERS = {
    "a stranger": lambda w: sign(w.brand(sequence=2, keys=key_set(1, w.key("thief"))), w.key("thief")),
    "one key below threshold": lambda w: sign(
        w.brand(sequence=2, keys=key_set(1, w.key("thief"))), w.brand_keys("acme")[0], w.key("thief")
    ),
    "the role brand": lambda w: sign(w.brand(sequence=2, keys=key_set(1, w.key("thief"))), *w.brand_role),
    "another brand": lambda w: sign(w.brand(sequence=2, keys=key_set(1, w.key("thief"))), *w.brand_keys("other")),
    "a delegate": lambda w: sign(w.delegation(sequence=2, keys=key_set(1, w.key("thief"))), *w.delegate_keys()),
    "role brand for the root": lambda w: sign(w.root_statement(sequence=2, root=w.root_id), *w.brand_role),
}


@pytest.mark.parametrize("who", list(ANNOUNCERS))
def test_nobody_else_announces_keys(shop: Shop, who: str) -> None:
    """PB-4: or a stranger would fill the 32 places of a published statement with good signatures of his own."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.brand("other")), world.signed(world.delegation())])
    draft = ANNOUNCERS[who](world)
    before = shop.check()
    with pytest.raises(TrustError) as caught:
        shop.publish([sign(world.model(), world.key("thief")), draft], terms=Terms(frozenset([draft.id])))
    assert caught.value.rule == "TH-1"
    assert shop.check() == before


def test_what_is_not_there_or_no_authority_is_not_announced(shop: Shop) -> None:
    """PB-4: a mistyped id must not publish what was only to be announced."""
    world = shop.world
    shop.first()
    brand = next_brand(world, *world.brand_keys("acme", 2))
    for statements, name in (([brand], "ab" * 32), ([world.signed(world.model())], world.signed(world.model()).id)):
        with pytest.raises(TrustError) as caught:
            shop.publish(statements, terms=Terms(frozenset([name])))
        assert caught.value.rule == "PB-4"
    old = world.signed(world.brand())
    with pytest.raises(TrustError) as caught:
        shop.publish([old], terms=Terms(frozenset([old.id])))
    assert caught.value.rule == "FL-1"
    assert shop.check().heads["brand", "acme"] == 1


def test_a_strangers_signatures_take_no_room(shop: Shop) -> None:
    """PB-4: 30 good signatures by keys that nobody announced, beside two that count: none of them is kept."""
    world = shop.world
    shop.first()
    mallory = [world.key(f"mallory-{n}") for n in range(30)]
    shop.publish([sign(world.model(), *world.brand_keys("acme")[:2], *mallory)])
    assert set(held(shop, "model", "acme/door-1").signatures) == {k.id for k in world.brand_keys("acme")[:2]}
    assert shop.check().entry == 2


def test_a_delegate_with_many_keys_leaves_room_for_the_others(shop: Shop) -> None:
    """PB-4: 8 of his 32 signatures are kept; the brand's, its next keys' and another delegate's find their place."""
    world = shop.world
    shop.first()
    many = [world.key(f"many-{n}") for n in range(32)]
    greedy = world.delegation("greedy", keys=key_set(1, *many))
    shop.publish([world.signed(greedy), world.signed(world.delegation())])
    shop.publish([sign(world.revision(1, b"image 1"), *many)])
    about = ("revision", "acme/tool/1/amd64")
    assert len(held(shop, *about).signatures) == 2 + 8
    shop.publish([sign(world.revision(1, b"image 1"), *many[8:])])  # nor a second time
    assert len(held(shop, *about).signatures) == 2 + 8
    new, third = world.brand_keys("acme", 2), world.brand_keys("acme")[2]
    draft = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_keys("acme")[:2])
    mine = [third, *new, *world.delegate_keys()]
    shop.publish([sign(world.revision(1, b"image 1"), *mine), draft], terms=Terms(frozenset([draft.id])))
    assert {k.id for k in (*mine, *world.brand_keys("acme"))} < set(held(shop, *about).signatures)


def test_announced_signatures_that_are_no_good_are_not_kept(shop: Shop) -> None:
    """PB-4: the key is announced, the signature under its name is rubbish."""
    world = shop.world
    shop.first()
    new = world.brand_keys("acme", 2)
    draft = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_keys("acme")[:2])
    good = held(shop, "model", "acme/door-1")
    bad = seal(good.payload, {**good.signatures, KeyId(new[0].id): b"x" * 64})
    shop.publish([bad, draft], terms=Terms(frozenset([draft.id])))
    assert held(shop, "model", "acme/door-1").raw == good.raw


def test_an_announcement_changes_nothing_about_who_may_sign(shop: Shop) -> None:
    """PB-4, TH-1: what only next year's keys have signed is refused this year."""
    world = shop.world
    shop.first()
    new = world.brand_keys("acme", 2)
    draft = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_keys("acme")[:2])
    with pytest.raises(TrustError) as caught:
        shop.publish([sign(world.model("gate"), *new[:2]), draft], terms=Terms(frozenset([draft.id])))
    assert caught.value.rule == "TH-1"
    assert refused(shop, sign(world.model("gate"), *new[:2])) == "TH-1"


# --- over HTTP


def test_over_http_a_cut_and_an_announcement_are_said_at_both_ends(served: RunningStore) -> None:
    """PB-4, PB-9, HT-3: the problem document names what would fall; `cut` at the opening alone is not enough."""
    world = served.world
    first, new = world.brand_keys("third"), world.brand_keys("third", 2)
    served.publish([world.signed(world.brand("third")), world.signed(world.model("gate", "third"))])
    brand = sign(world.brand("third", sequence=2, keys=key_set(2, *new)), *world.brand_role, *first[:2])
    with pytest.raises(Refused) as caught:
        served.publish([brand])
    assert (caught.value.status, caught.value.rule) == (403, "PB-9")
    assert caught.value.problem["fallen"] == ["model third/gate"]
    opened = begin(served.url, [brand], terms="cut=yes")
    with pytest.raises(Refused):
        commit(served.url, opened.token)
    publish(served.url, [sign(world.model("gate", "third"), *new[:2]), brand], terms=f"next={brand.id}")
    assert served.get("/v1/brands/third/2").status == 404
    publish(served.url, [brand])
    assert served.get("/v1/brands/third/2").status == 200
    for terms in ("next=x", "next=" + "A" * 64, "next=,", f"next={brand.id},"):
        answer = ask(served.url, f"/v1/publications?{terms}", "POST", b"")
        assert (answer.status, answer.problem()["rule"]) in ((403, "PB-4"), (400, "BN-1"))


def test_a_conflict_is_told_with_both_ids(served: RunningStore) -> None:
    """FL-3, HT-3: whoever must find out who signed the other needs both names whole."""
    world = served.world
    one, two = (world.signed(world.model("twins", offline_age=age)) for age in (1, 2))
    served.publish([one])
    with pytest.raises(Refused) as caught:
        served.publish([two])
    assert (caught.value.status, caught.value.rule) == (409, "FL-3")
    assert (caught.value.problem["offered"], caught.value.problem["held"]) == (two.id, one.id)
