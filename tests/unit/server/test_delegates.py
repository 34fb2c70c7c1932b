"""What delegates may publish, and what they may not (SPEC AU-2 to AU-6, PB-1, VW-2): each attack first."""

from collections.abc import Callable

import pytest

from sealring.errors import TrustError
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from sealring.statement.software import Requirement, Target
from sealring_server.held import Held
from sealring_server.here import Limits
from sealring_server.publication import commit_publication, open_publication
from sealring_server.quota import Crowded, Quota
from sealring_server.views import compute_views
from tests.unit.server.conftest import Shop, bundle
from tests.unit.server.test_admission import refused
from tests.world import DAY, Key, World, key_set, sign


def listed(shop: Shop, model: str = "acme/door-1") -> list[str]:
    """What the view of a model lists."""
    with shop.here.database.reading() as connection:
        views = {view.model: view for view in compute_views(Held(connection))}
    return [f"{kind} {subject}" for kind, _, subject in views[model].heads]


def test_a_delegation_comes_with_what_it_signs_and_the_view_shows_both(shop: Shop) -> None:
    """AU-2, VW-2: one publication gives the partner his keys, and what he built and released with them."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    built = [sign(world.revision(2, b"2"), partner), sign(world.release(2), partner)]
    shop.publish([*built, world.signed(world.delegation())], [b"2"])
    assert shop.check().heads["release", "acme/tool/latest/stable"] == 2
    assert "delegation acme/partner" in listed(shop)


BEYOND: dict[str, tuple[Callable[[World], Common], str]] = {
    "another package": (lambda w: w.revision(1, b"x", package="kernel"), "AU-3"),
    "what it requires": (
        lambda w: w.revision(9, b"x", requires=[Requirement("acme/kernel", 1)]),
        "AU-3",
    ),
    "another kind": (lambda w: w.revision(9, b"x", kind="kernel"), "AU-3"),
    "a role that he lacks": (lambda w: w.model("gate"), "AU-3"),
    "the brand's own store": (lambda w: w.store(), "AU-3"),
    "a wider delegation of his own": (
        lambda w: w.delegation(sequence=2, packages=["acme/*"], kinds=["app", "kernel"]),
        "AU-3",
    ),
    "a delegation for another": (lambda w: w.delegation("friend"), "AU-3"),
    "the brand's list": (lambda w: w.revocations(), "AU-3"),
    "the brand itself": (lambda w: w.brand(sequence=2, keys=key_set(1, *w.delegate_keys())), "TH-1"),
    "another brand's package": (lambda w: w.revision(1, b"x", "other"), "TH-1"),
}


@pytest.mark.parametrize(("make", "rule"), BEYOND.values(), ids=list(BEYOND))
def test_a_delegate_publishes_nothing_beyond_what_he_was_given(
    shop: Shop, make: Callable[[World], Common], rule: str
) -> None:
    """AU-3, PB-1: with his key at threshold he widens nothing, and the store's content stays as it was."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.delegation()), world.signed(world.brand("other"))])
    bad = sign(make(world), world.delegate_keys()[0])
    assert refused(shop, bad, images=(b"x",)) == rule


def test_the_view_lists_what_concerns_its_model_alone(shop: Shop) -> None:
    """VW-2: lists of root and brands, delegations that cover a package or the model, and their lists."""
    world = shop.world
    shop.first()
    roles = ["release", "revision", "revocations"]
    statements = [
        world.delegation(roles=roles),
        world.delegation("far", packages=["acme/lamp"]),
        world.delegation("fleet", packages=[], models=["acme/door-1"], roles=["model"]),
        world.revocations(1),
        world.revocations(1, brand="root", issuer="root"),
        world.brand("other"),
        world.revocations(1, brand="other"),
    ]
    own = sign(world.revocations(1, issuer="partner"), world.delegate_keys()[0])
    shop.publish([*(world.signed(s) for s in statements), own])
    assert [row for row in listed(shop) if row.split()[0] in ("delegation", "revocations")] == [
        "delegation acme/fleet",
        "delegation acme/partner",
        "revocations acme/acme",
        "revocations acme/partner",
        "revocations root/root",
    ]
    shop.check()


def test_a_stack_is_published_with_its_parts_and_shown(shop: Shop) -> None:
    """PB-6, VW-2: without a part it is refused; a model that names it lists it and the revision of each part."""
    world = shop.world
    shop.first()
    packages = [Wanted("acme/tool", "latest/stable", "app", "required")]
    model = world.signed(world.model(sequence=2, packages=packages, stack="acme/line"))
    assert refused(shop, model, world.signed(world.stack(("tool", 1), ("lamp", 3)))) == "PB-6"
    lamp = world.signed(world.revision(3, b"lamp", package="lamp"))
    shop.publish([model, world.signed(world.stack(("tool", 1), ("lamp", 3))), lamp], [b"lamp"])
    assert {"stack acme/line", "revision acme/lamp/3/amd64", "revision acme/tool/1/amd64"} < set(listed(shop))
    shop.check()


def test_a_forged_list_of_the_root_is_refused(shop: Shop) -> None:
    """AU-2: the role brand certifies brands and takes none back; nor does a brand by its own keys."""
    world = shop.world
    shop.first()
    said = world.revocations(1, ("brand acme", "stop"), brand="root", issuer="root")
    assert refused(shop, sign(said, *world.brand_role, *world.brand_keys("acme"))) == "TH-1"
    shop.publish([world.signed(said)])
    with pytest.raises(TrustError) as caught:
        shop.publish([world.signed(world.model("gate"))])
    assert caught.value.rule == "RK-1"
    shop.check()


def test_a_delegate_releases_no_kind_that_he_was_not_given(shop: Shop) -> None:
    """AU-3: a release does not say what it points at; a kernel that the brand has signed is not his to release."""
    world = shop.world
    shop.first()
    partner = world.delegate_keys()[0]
    shop.publish([world.signed(world.delegation()), world.signed(world.revision(2, b"2", kind="kernel"))], [b"2"])
    assert refused(shop, sign(world.release(2), partner)) == "AU-3"
    onward = world.release(2, targets=[Target("amd64", 1, 1, 2)])
    assert refused(shop, sign(onward, partner)) == "AU-3"
    line = world.stack(("tool", 2), stack="partner")
    assert refused(shop, sign(line, partner)) == "AU-3"
    shop.publish([sign(world.stack(("tool", 1), stack="partner"), partner)])
    assert refused(shop, sign(world.stack(("tool", 1)), partner)) == "AU-4"
    shop.check()


def test_a_delegation_that_has_ended_signs_nothing(shop: Shop) -> None:
    """AU-6, TM-1: by the clock of the store, though the delegation still counts as a floor."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.delegation(issued=world.at - 299 * DAY))])
    shop.later(days=2)
    assert refused(shop, sign(world.revision(2, b"2"), world.delegate_keys()[0]), images=(b"2",)) == "TM-1"
    shop.publish([world.signed(world.revision(2, b"2"))], [b"2"])


# --- PB-7


def test_serials_by_the_thousand_end_where_the_delegates_half_ends(shop: Shop) -> None:
    """PB-7: who may sign serials fills neither the store nor the brand's own part of it."""
    world = shop.world
    shop.first()  # model, store, revision and release
    factory = world.delegation("factory", roles=["serial"], packages=[], models=["acme/door-1"])
    shop.publish([world.signed(factory)])
    small = Shop(world, shop.folder, shop.pin, shop.at, Limits(subjects=20))
    key, device = world.delegate_keys("factory")[0], world.key("device").public
    serials = [world.serial(device, f"SN-{n}") for n in range(40)]
    small.publish([sign(one, key) for one in serials[:5]])
    assert refused(small, *(sign(one, key) for one in serials[5:12])) == "PB-7"
    assert refused(small, sign(serials[5], key)) == "PB-7"
    small.publish([sign(one, key) for one in serials[:5]])  # what is there may be sent again
    small.publish([sign(world.serial(device, "SN-1", sequence=2), key)])
    small.publish([world.signed(one) for one in serials[5:15]])  # the brand itself has the rest
    assert refused(small, world.signed(serials[16])) == "PB-7"
    assert small.check().heads["serial", "acme/door-1/SN-1"] == 2


def test_two_publications_that_fit_alone_do_not_fit_together(shop: Shop) -> None:
    """PB-7: the bound is judged again by what is there when it is committed."""
    world = shop.world
    shop.first()
    small = Shop(world, shop.folder, shop.pin, shop.at, Limits(subjects=5))
    one, two = (open_publication(small.here, bundle([world.signed(world.model(n))])) for n in ("gate", "window"))
    commit_publication(small.here, one.token)
    with pytest.raises(Crowded):
        commit_publication(small.here, two.token)


def test_delegations_are_bounded_so_that_a_view_is(shop: Shop) -> None:
    """PB-7, VW-1: a publisher whose software stands in another's model could fill that model's view."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.brand("other")), world.signed(world.revocations(1, brand="other"))])
    some = [world.signed(world.delegation(f"d-{n}", "other")) for n in range(65)]
    assert refused(shop, *some) == "PB-7"
    shop.publish(some[:64])
    assert refused(shop, some[64]) == "PB-7"
    shop.publish([world.signed(world.delegation("d-1", "other", sequence=2)), world.signed(world.delegation())])


def test_a_delegate_opens_half_as_much_and_never_the_brands_half(shop: Shop) -> None:
    """PB-7: he is charged to the brand, and the brand can always publish, were it to revoke him."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.delegation())])
    small = Shop(world, shop.folder, shop.pin, shop.at, Limits(open=4, pending_bytes=100))
    partner = world.delegate_keys()[0]

    def begin(number: int, image: bytes, key: Key) -> None:
        keys = [key] if key is partner else world.brand_keys("acme")[:2]
        open_publication(small.here, bundle([sign(world.revision(number, image), *keys)]))

    with pytest.raises(Quota):
        begin(2, b"x" * 51, partner)
    begin(2, b"x" * 20, partner)
    begin(3, b"x" * 20, partner)
    with pytest.raises(Quota) as caught:
        begin(4, b"x", partner)
    assert caught.value.authority == "delegates of acme"
    begin(5, b"x" * 50, world.key("acme"))
    begin(6, b"", world.key("acme"))
    with pytest.raises(Quota):
        begin(7, b"", world.key("acme"))


def test_lists_by_any_name_are_bounded_too(shop: Shop) -> None:
    """PB-7: a brand's own keys may sign lists of any issuer; all are judged again with every publication."""
    world = shop.world
    shop.first()
    lists = [world.signed(world.revocations(1, issuer=f"d-{n}")) for n in range(66)]
    assert refused(shop, *lists) == "PB-7"
    shop.publish(lists[:65])
    assert refused(shop, lists[65]) == "PB-7"
    shop.publish([world.signed(world.revocations(2, issuer="d-1"))])


def test_a_publication_about_all_brands_at_once_is_refused(shop: Shop) -> None:
    """PB-7: a stranger who sends something of everyone makes the store judge everyone's delegations."""
    world = shop.world
    shop.first()
    assert refused(shop, *(world.signed(world.brand(f"b-{n}")) for n in range(65))) == "PB-7"
    shop.publish([world.signed(world.brand(f"b-{n}")) for n in range(64)])


def test_the_root_says_nothing_but_roots_brands_and_lists(shop: Shop) -> None:
    """AU-2: whatever keys sign it; and it is refused, not passed over in silence."""
    world = shop.world
    shop.first()
    for said in (world.store(authority="root"), world.revision(1, b"x", authority="root")):
        assert refused(shop, sign(said, *world.root_keys, *world.brand_role), images=(b"x",)) == "BR-1"
    forged = world.revocations(1, ("brand acme", "keep"), brand="root")
    assert refused(shop, sign(forged, *world.brand_keys("acme"))) == "TH-1"
    other = world.revocations(1, ("brand acme", "keep"), brand="root", issuer="acme")
    assert refused(shop, sign(other, *world.root_keys)) == "AU-2"
