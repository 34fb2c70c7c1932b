"""What has been taken back is not taken in (SPEC RK, RC-1, FL-5), and the last release of a product is (SPEC EL)."""

import pytest

from sealring.errors import TrustError
from sealring.statement import Release
from sealring.statement.fleet import Revoked
from sealring.statement.software import Final, Target
from sealring.strict import encode
from tests.unit.server.conftest import Shop
from tests.unit.server.test_admission import held, refused
from tests.unit.server.test_rotation import released
from tests.world import DAY, key_set, sign


@pytest.mark.parametrize("by", ["id", "subject"])
def test_what_a_list_takes_back_is_refused_and_what_is_there_stays(shop: Shop, by: str) -> None:
    """RK-1, PB-1: a new statement that a line names is refused; the one that is there is no news and stays."""
    world = shop.world
    shop.first()
    gate, door = world.signed(world.model("gate")), world.signed(world.model())
    lines = [(gate.id, "keep"), (door.id, "stop")] if by == "id" else [("model acme/door-1", "stop")]
    lines += [] if by == "id" else [("model acme/gate", "keep")]
    shop.publish([world.signed(world.revocations(1, *lines))])
    assert refused(shop, gate) == "RK-1"
    assert refused(shop, gate, world.signed(world.model("window"))) == "RK-1"
    before = shop.check()
    shop.publish([sign(world.model(), *world.brand_keys("acme"))])  # not even a third signature is added
    assert shop.check() == before
    follower = world.signed(world.model(sequence=2))
    if by == "subject":
        assert refused(shop, follower) == "RK-1"
    else:
        shop.publish([follower])


def test_a_list_and_what_it_takes_back_in_one_publication(shop: Shop) -> None:
    """RK-1: the list counts before anything else of its brand is judged, whatever order it was sent in."""
    world = shop.world
    shop.first()
    gate = world.signed(world.model("gate"))
    assert refused(shop, gate, world.signed(world.revocations(1, (gate.id, "keep")))) == "RK-1"


def test_a_list_never_goes_back_and_may_drop_lines(shop: Shop) -> None:
    """FL-1, RK-2: an older list lifts nothing; a newer one without a line is the brand's word, and lifts it."""
    world = shop.world
    shop.first()
    gate = world.signed(world.model("gate"))
    first, second = world.revocations(1), world.revocations(2, (gate.id, "keep"))
    shop.publish([world.signed(first), world.signed(second)])
    assert refused(shop, world.signed(first)) == "FL-1"
    assert refused(shop, world.signed(world.revocations(2, ("model acme/x", "keep")))) == "FL-3"
    shop.publish([world.signed(world.revocations(3)), gate])
    assert shop.check().heads["revocations", "acme/acme"] == 3


def test_a_list_that_has_expired_is_still_taken(shop: Shop) -> None:
    """RC-1: a store that comes late gets the brand's word; what names it can be published then."""
    world = shop.world
    shop.first()
    old = world.revocations(1, issued=world.at - 320 * DAY)
    release = world.release(2, targets=[Target("amd64", 1, 1)], revocations=1)
    assert refused(shop, world.signed(release)) == "RC-1"
    shop.publish([world.signed(release), world.signed(old)])
    shop.check()


def test_what_names_a_list_that_nobody_can_have_is_refused(shop: Shop) -> None:
    """RC-1: devices would install nothing because of it; a brand too, or all that it has would stand still."""
    world = shop.world
    shop.first()
    lists = world.signed(world.revocations(1))
    for said in (
        world.model("gate", revocations=2),
        world.store(revocations=2, store="new"),
        world.brand(revocations=2),
    ):
        assert refused(shop, lists, world.signed(said)) in ("RC-1", "FL-3")
    assert refused(shop, lists, world.signed(world.brand(sequence=2, revocations=2))) == "RC-1"
    shop.publish([lists, world.signed(world.brand(sequence=2, revocations=1))])


def test_a_conflict_stays_until_one_of_the_two_is_taken_back_by_its_id(shop: Shop) -> None:
    """FL-3, FL-5: a thief was first; the brand's own statement of that sequence takes its place, and only then."""
    world = shop.world
    shop.first()
    thief, mine = world.signed(world.model(sequence=2, offline_age=1)), world.signed(world.model(sequence=2))
    shop.publish([thief])
    assert refused(shop, mine) == "FL-3"
    assert refused(shop, mine, world.signed(world.revocations(1, ("model acme/door-1", "keep")))) == "FL-3"
    shop.publish([mine, world.signed(world.revocations(1, (thief.id, "keep")))])
    assert held(shop, "model", "acme/door-1").id == mine.id
    shop.check()
    assert refused(shop, thief) == "FL-3"


def test_a_release_of_what_was_taken_back_is_refused_and_the_one_before_may_be_named(shop: Shop) -> None:
    """RK-1: nobody could install it; what runs keeps running, so it may stand as `previous`."""
    world = shop.world
    shop.first()
    lines = world.signed(world.revocations(1, ("revision acme/tool/1/amd64", "keep")))
    again = world.release(2, targets=[Target("amd64", 1, 1)])
    assert refused(shop, lines, world.signed(again)) == "RK-1"
    onward = world.release(2, targets=[Target("amd64", 2, 1, 1)])
    shop.publish([lines, world.signed(world.revision(2, b"2")), world.signed(onward)], [b"2"])
    shop.check()


def test_a_delegates_list_stops_nothing_and_reaches_no_further_than_he_does(shop: Shop) -> None:
    """RK-4, AU-5: `stop` is no word of his, nor is another issuer's list, nor a line beyond his patterns."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    given = world.delegation(roles=["release", "revision", "revocations"])
    shop.publish([world.signed(given)])
    harmless = world.revocations(1, ("release acme/tool/latest/stable", "keep"), issuer="partner")
    stop = encode(harmless).replace(b'"keep"', b'"stop"')
    assert refused(shop, sign(stop, partner)) == "RK-4"
    assert refused(shop, sign(world.revocations(1), partner)) == "AU-5"
    beyond = world.revocations(1, ("model acme/door-1", "keep"), issuer="partner")
    assert refused(shop, sign(beyond, partner)) == "AU-3"
    # An id says not what it names: the line is taken, and reaches what he could have signed, and nothing else.
    model = world.signed(world.model("gate"))
    by_id = world.revocations(1, (model.id, "replace"), (world.signed(world.release(2)).id, "keep"), issuer="partner")
    shop.publish([sign(by_id, partner)])
    shop.publish([model])
    assert (
        refused(shop, world.signed(world.revision(2, b"2")), world.signed(world.release(2)), images=(b"2",)) == "RK-1"
    )


def test_a_revoked_delegation_signs_nothing_more_and_its_list_ends(shop: Shop) -> None:
    """RK-1, AU-6: from the publication of the list on, and for a list that came before it."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    shop.publish([world.signed(world.delegation(roles=["release", "revision", "revocations"]))])
    gone = world.signed(world.revocations(1, ("delegation acme/partner", "replace")))
    late = sign(world.revision(2, b"2"), partner)
    assert refused(shop, gone, late, images=(b"2",)) == "TH-1"
    mine = sign(world.revocations(1, ("revision acme/tool/3/amd64", "keep"), issuer="partner"), partner)
    shop.publish([mine])
    assert refused(shop, world.signed(world.revision(3, b"3")), images=(b"3",)) == "RK-1"
    shop.publish([gone, world.signed(world.revision(3, b"3"))], [b"3"])
    assert refused(shop, world.signed(world.delegation(sequence=2))) == "RK-1"


def test_a_brand_that_the_root_takes_back_publishes_lists_alone(shop: Shop) -> None:
    """RK-1: neither software nor delegations; its own list still counts, and another certificate may follow."""
    world = shop.world
    shop.first()
    brand = world.signed(world.brand())
    shop.publish([world.signed(world.revocations(1, (brand.id, "replace"), brand="root"))])
    assert refused(shop, world.signed(world.model("gate"))) == "RK-1"
    assert refused(shop, world.signed(world.delegation())) == "RK-1"
    shop.publish([world.signed(world.revocations(1))])
    new = world.brand_keys("acme", 2)
    after = sign(world.brand(sequence=2, keys=key_set(2, *new)), *world.brand_role, *world.root_keys[:2])
    again = [sign(s, *new[:2]) for s in (*released(shop), world.revocations(1))]
    shop.publish([after, *again, sign(world.model("gate"), *new[:2])])
    shop.check()


def test_a_list_of_many_lines_is_bounded(shop: Shop) -> None:
    """ST-3: 256 lines and no more, so a device's memory has a bound."""
    world = shop.world
    shop.first()
    lines = [(f"model acme/m-{n:03}", "keep") for n in range(256)]
    shop.publish([world.signed(world.revocations(1, *lines))])
    over = encode(world.revocations(2, *lines))
    one = encode(Revoked("model acme/m-999", world.at, "", "keep"))
    assert refused(shop, sign(over.replace(b"]}", b"," + one + b"]}"), *world.brand_keys("acme")[:2])) == "ST-3"


# --- the end of life


def last_words(shop: Shop) -> Release:
    """The final release of acme/tool, resting on what `first` published."""
    world = shop.world
    brand, model = world.signed(world.brand()), world.signed(world.model())
    final = Final(brand.id, [model.id], [world.signed(world.revision(1, b"image 1")).id])
    return world.release(2, targets=[Target("amd64", 1, 1)], final=final)


def test_a_last_word_needs_the_roots_role_brand(shop: Shop) -> None:
    """EL-1, PB-1: no device would take it from the brand alone, nor from a delegate with anyone's help."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    shop.publish([world.signed(world.delegation())])
    assert refused(shop, world.signed(last_words(shop))) == "TH-1"
    assert refused(shop, sign(last_words(shop), partner, *world.brand_role)) == "AU-5"
    both = sign(last_words(shop), *world.brand_keys("acme")[:2], *world.brand_role)
    shop.publish([both])
    assert set(held(shop, "release", "acme/tool/latest/stable").signatures) == set(both.signatures)
    shop.check()


def test_a_product_past_its_end_can_still_be_published(shop: Shop) -> None:
    """EL-2: years later a new store gets the last release and all that it rests on; nothing else is lifted."""
    world = shop.world
    last = sign(last_words(shop), *world.brand_keys("acme")[:2], *world.brand_role)
    statements = [world.signed(s) for s in (world.brand(), world.model(), world.revision(1, b"image 1"))]
    shop.later(days=1000)
    with pytest.raises(TrustError) as caught:
        shop.publish(statements, [b"image 1"])
    assert caught.value.rule == "TM-1"
    with pytest.raises(TrustError) as caught:
        shop.publish([*statements, last, world.signed(world.model("gate"))], [b"image 1"])
    assert caught.value.rule == "TM-1"
    shop.publish([*statements, last], [b"image 1"])
    assert shop.check().heads["release", "acme/tool/latest/stable"] == 2
