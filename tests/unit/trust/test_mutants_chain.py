"""What the chain says where several sets, brands or lists meet (SPEC AU, BR, FL, RK), each in both orders."""

from typing import Any

import pytest

from sealring.chain import Chain, Rollback, begin_with_root, read_claim
from sealring.delegation import NotDelegated
from sealring.errors import TrustError
from sealring.floors import Floors
from sealring.furnished import furnished
from sealring.moment import Expired, Moment, TooEarly
from sealring.revocation import Revoked
from sealring.statement import Delegation, Release
from sealring.statement.authorities import RootRoles
from sealring.threshold import TooFewSigners
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
OWN, NEW = WORLD.brand_keys("acme")[:2], WORLD.brand_keys("acme", 2)[:2]
BARE = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
ROTATED = WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2)))
LATER = BARE.with_brand([sign(ROTATED, *WORLD.brand_role, *OWN).raw])
AT = Moment(NOW)
TOOL, GEAR = "release acme/tool/latest/stable", "release acme/gear/latest/stable"


def given(name: str, *by: Key, **more: Any) -> bytes:
    return sign(WORLD.delegation(name, **more), *(by or OWN)).raw


def test_who_signed_a_brand_is_its_predecessors_keys_and_the_role() -> None:
    """BR-1, BR-2: both were asked, so both are told."""
    assert LATER.brands["acme"].signers == {key.id for key in (*WORLD.brand_role, *OWN)}


def test_keys_of_nobody_who_may_are_told_the_last_that_could() -> None:
    """BR-2: neither the keys before nor the role `root` have signed, so the way that is left is named."""
    with pytest.raises(TooFewSigners) as refused:
        BARE.with_brand([sign(ROTATED, *WORLD.brand_role).raw])
    assert refused.value.what == "brand acme without its previous keys, by the role root"


def test_one_brand_certified_anew_leaves_the_others_former() -> None:
    """BR-3: whether their names come before or after its own."""
    names, role = ("acme", "beta", "zeta"), WORLD.key("brands-2")
    chain = Chain(begin_with_root(WORLD.root.raw))
    for name in names:
        chain = chain.with_brand([WORLD.signed(WORLD.brand(name)).raw])
    roles = RootRoles(key_set(2, *WORLD.root_keys), key_set(1, role))
    chain = chain.with_root(sign(WORLD.root_statement(sequence=2, roles=roles), *WORLD.root_keys[:2]).raw)
    chain = chain.with_brand([sign(WORLD.brand("beta"), role).raw])
    assert (set(chain.brands), set(chain.former)) == ({"beta"}, {"acme", "zeta"})


@pytest.mark.parametrize("name", ["acme", "zeta"])
def test_a_brand_of_any_name_speaks_for_itself(name: str) -> None:
    """AU-2: only `root` is kept to revocations, not what comes after it."""
    chain = BARE.with_brand([WORLD.signed(WORLD.brand(name)).raw])
    chain.authenticate(WORLD.signed(WORLD.release(1, name)).raw, Release, name)


def test_what_lies_below_its_floor_is_not_acted_upon() -> None:
    """FL-1: also where nobody asked the floors before."""
    old, new = (BARE.authenticate(WORLD.signed(WORLD.release(n)).raw, Release, "acme") for n in (1, 2))
    with pytest.raises(Rollback):
        BARE.verify(old, AT, new)


def test_an_unsigned_statement_is_told_the_authoritys_own_keys() -> None:
    """TH-1: a delegate's keys would be the wrong ones to ask for."""
    chain = furnished(BARE, [given("partner"), given("builder")])
    with pytest.raises(TooFewSigners) as refused:
        chain.authenticate(sign(WORLD.release()).raw, Release, "acme")
    assert refused.value.missing == tuple(key.name for key in WORLD.brand_keys("acme"))


def test_of_several_delegates_that_may_not_the_first_is_told() -> None:
    """AU-3: and where one of them may, he is enough, whatever his place."""
    narrow = {"packages": ["acme/gear"]}
    chain = furnished(BARE, [given("builder", **narrow), given("partner", **narrow)])
    both = sign(WORLD.release(), WORLD.delegate_keys("builder")[0], WORLD.delegate_keys()[0]).raw
    with pytest.raises(NotDelegated) as refused:
        chain.authenticate(both, Release, "acme")
    assert refused.value.delegation == "delegation acme/builder"
    chain = furnished(BARE, [given("builder", **narrow), given("partner")])
    assert [one.statement.delegation for one in chain.authenticate(both, Release, "acme").under] == ["partner"]


@pytest.mark.parametrize(("first", "error"), [("builder", Expired), ("partner", TooEarly)])
def test_of_several_delegations_that_are_not_current_the_first_is_told(first: str, error: type[TrustError]) -> None:
    """AU-6."""
    over = given("builder", issued=NOW - 9 * DAY, expires=NOW - DAY)
    early = given("partner", not_before=NOW + DAY)
    chain = furnished(BARE, [over, early] if first == "builder" else [early, over])
    both = sign(WORLD.release(), WORLD.delegate_keys("builder")[0], WORLD.delegate_keys()[0]).raw
    with pytest.raises(error):
        chain.verify(chain.authenticate(both, Release, "acme"), AT, None)


def test_a_delegates_list_that_the_brand_signed_outlives_his_delegation() -> None:
    """RK-3: it counts by keys of today."""
    theirs = sign(WORLD.revocations(1, (TOOL, "keep"), issuer="partner"), *OWN).raw
    back = sign(WORLD.revocations(1, ("delegation acme/partner", "keep")), *OWN).raw
    lists = furnished(BARE, [given("partner"), theirs, back]).revocations.lists
    assert {one.statement.issuer for one in lists} == {"acme", "partner"}


@pytest.mark.parametrize("name", ["aaa", "partner"])
def test_a_delegate_of_any_name_has_his_list_and_none_without_his_delegation(name: str) -> None:
    """RK-4: also one whose name comes before the brand's."""
    roles = {"roles": ["release", "revocations"]}
    keys = WORLD.delegate_keys(name)
    theirs = sign(WORLD.revocations(1, (TOOL, "keep"), issuer=name), keys[0]).raw
    assert [one.counts for one in furnished(BARE, [given(name, **roles), theirs]).revocations.lists] == [True]
    assert Floors.of(BARE, [theirs]).chain.revocations.lists == ()


@pytest.mark.parametrize("evil", [1, 2, 3, 4])
def test_a_conflict_ends_by_id_whichever_id_is_the_lower(evil: int) -> None:
    """FL-5."""
    first, second = (sign(WORLD.release(1, revocations=n), *OWN).raw for n in (evil, evil + 1))
    back = sign(WORLD.revocations(1, (read_claim(first).envelope.id, "keep")), *OWN).raw
    floors = Floors.of(BARE, [back, first, second])
    found = floors.get(Release, "acme/tool/latest/stable")
    assert found is not None
    assert found.envelope.raw == second
    # The other line names a subject: it takes both back, and decides nothing between them.
    whole = sign(WORLD.revocations(1, (TOOL, "keep")), *OWN).raw
    kept = Floors.of(BARE, [whole, first, second]).get(Release, "acme/tool/latest/stable")
    assert kept is not None
    assert kept.envelope.raw == first


@pytest.mark.parametrize("turned", [False, True])
def test_a_list_whose_delegation_ended_is_bound_by_the_highest_that_is_remembered(turned: bool) -> None:
    """RK-4: in whatever order they are remembered."""
    roles = ["release", "revocations"]
    low = given("partner", packages=["acme/gear"], roles=roles)
    high = given("partner", packages=["acme/tool"], roles=roles, sequence=2)
    theirs = sign(WORLD.revocations(1, (TOOL, "keep"), issuer="partner"), WORLD.delegate_keys()[0]).raw
    (found,) = Floors.of(LATER, [high, low, theirs] if turned else [low, high, theirs]).chain.revocations.lists
    assert found.scope is not None
    assert found.scope.packages == ["acme/tool"]


def test_of_two_lists_with_one_number_that_both_count_the_first_stays() -> None:
    """FL-3: as of all else."""
    one, other = (sign(WORLD.revocations(3, (what, "keep")), *OWN).raw for what in (TOOL, GEAR))
    for raws in ((one, other), (other, one)):
        (found,) = Floors.of(BARE, raws).chain.revocations.lists
        assert found.statement == read_claim(raws[0]).statement


@pytest.mark.parametrize(("weak", "strong"), [("keep", "replace"), ("replace", "stop"), ("keep", "stop")])
@pytest.mark.parametrize("turned", [False, True])
def test_of_two_lines_the_stronger_is_told_in_either_order(weak: str, strong: str, turned: bool) -> None:
    """RK-1."""
    raw = sign(WORLD.release(), *OWN).raw
    by_id, by_subject = (strong, weak) if turned else (weak, strong)
    lines = ((read_claim(raw).envelope.id, by_id), (TOOL, by_subject))
    chain = furnished(BARE, [sign(WORLD.revocations(1, *lines), *OWN).raw])
    with pytest.raises(Revoked) as refused:
        chain.verify(chain.authenticate(raw, Release, "acme"), AT, None)
    assert refused.value.action == strong


def test_of_two_delegations_with_one_number_the_first_counts() -> None:
    """FL-3: unless it is taken back by its id."""
    one, other = given("partner"), given("partner", packages=["acme/gear"])
    for raws in ((one, other), (other, one)):
        found = furnished(BARE, raws).delegations["acme/partner"]
        assert found.envelope.raw == raws[0]
        assert Floors.of(BARE, raws).get(Delegation, "acme/partner") == found
