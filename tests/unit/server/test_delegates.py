"""What delegates may publish, and what they may not (SPEC AU-2 to AU-6, PB-1, VW-2): each attack first."""

from collections.abc import Callable

import pytest

from sealring.errors import TrustError
from sealring.statement import Common
from sealring.statement.fleet import Wanted
from sealring.statement.software import Requirement
from sealring_server.held import Held
from sealring_server.views import compute_views
from tests.unit.server.conftest import Shop
from tests.unit.server.test_admission import refused
from tests.world import World, key_set, sign


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
