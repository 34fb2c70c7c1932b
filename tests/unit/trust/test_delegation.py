"""Who may sign what in a brand's name (SPEC AU-2 to AU-6)."""

from typing import Any

import pytest
from msgspec.structs import replace

from sealring.authentic import Authentic, Rollback, WrongStatement
from sealring.chain import Chain, begin_with_root
from sealring.delegation import NotDelegated, check_covered
from sealring.errors import TrustError
from sealring.floors import Floors
from sealring.furnished import furnished
from sealring.moment import Expired, Moment, TooEarly
from sealring.revocation import Revoked
from sealring.statement import Common, Release, RevisionStatement, parse_statement
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Requirement
from sealring.strict import encode
from sealring.threshold import TooFewSigners
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
OWN = WORLD.brand_keys("acme")[:2]
PARTNER = WORLD.delegate_keys()
BARE = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
AT = Moment(NOW)
WIDE: dict[str, Any] = {
    "roles": ["model", "release", "revision", "revocations", "serial", "store"],
    "packages": ["acme/*"],
    "models": ["acme/*"],
    "kinds": ["app", "base", "boot", "kernel", "os"],
}


def chain_with(*signed: bytes) -> Chain:
    return furnished(BARE, signed)


def delegated(*by: Key, **more: Any) -> bytes:
    return sign(WORLD.delegation(**more), *(by or OWN)).raw


def judged(chain: Chain, statement: Common, *by: Key) -> Authentic[Common]:
    return chain.authenticate(sign(statement, *(by or PARTNER[:1])).raw, type(statement), "acme")


def test_a_partner_signs_what_was_given_to_him() -> None:
    """AU-2: by his own threshold, and what vouches is told."""
    found = judged(chain_with(delegated()), WORLD.revision())
    assert [one.statement.subject for one in found.under] == ["acme/partner"]
    assert found.signers == {PARTNER[0].id}


def test_the_brands_own_keys_stand_before_any_delegation() -> None:
    """AU-2: what they vouch for does not end with a delegation."""
    assert judged(chain_with(delegated()), WORLD.revision(), *OWN, PARTNER[0]).under == ()


def test_signatures_of_two_sets_are_not_pooled() -> None:
    """TH-1, AU-2: one of the brand's two and one of the partner's two make neither threshold."""
    chain = chain_with(delegated(keys=key_set(2, *PARTNER)))
    with pytest.raises(TooFewSigners):
        judged(chain, WORLD.revision(), OWN[0], PARTNER[0])


OTHER_KIND = [Wanted("acme/tool", "latest/stable", "kernel", "required")]
FOREIGN = [Wanted("evil/tool", "latest/stable", "app", "required")]
FINAL = Final("0" * 64, ["0" * 64], ["0" * 64])


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        pytest.param(WORLD.revision(package="toy"), "AU-3", id="another package"),
        pytest.param(WORLD.revision(kind="kernel"), "AU-3", id="a kernel"),
        pytest.param(WORLD.revision(requires=[Requirement("acme/base", 1)]), "AU-3", id="what it needs"),
        pytest.param(WORLD.release(package="toy"), "AU-3", id="a release of another package"),
        pytest.param(WORLD.release(final=FINAL), "AU-5", id="the end of a product's life"),
        pytest.param(WORLD.stack(("tool", 1)), "AU-4", id="the brand's stack"),
        pytest.param(WORLD.stack(("toy", 1), stack="partner"), "AU-3", id="a stack with another package"),
        pytest.param(WORLD.model(), "AU-3", id="a model, without the role"),
        pytest.param(WORLD.store(), "AU-3", id="a store, without the role"),
        pytest.param(WORLD.serial(Key("d").public), "AU-3", id="a serial, without the role"),
        pytest.param(WORLD.revocations(), "AU-3", id="revocations, without the role"),
        pytest.param(WORLD.delegation("second"), "AU-3", id="a delegation of his own"),
        pytest.param(WORLD.delegation(sequence=2, **WIDE), "AU-3", id="his own delegation, wider"),
    ],
)
def test_a_partner_does_not_widen_what_he_was_given(statement: Common, rule: str) -> None:
    """AU-2, AU-3, AU-4, AU-5: not by subject, nor by what he names in passing, nor by signing a delegation."""
    with pytest.raises(NotDelegated) as refused:
        judged(chain_with(delegated()), statement)
    assert refused.value.rule == rule


@pytest.mark.parametrize(
    ("statement", "rule"),
    [
        pytest.param(WORLD.store(), "AU-4", id="another address for the brand's store"),
        pytest.param(WORLD.store(store="partnership"), "AU-4", id="a name that only begins alike"),
        pytest.param(WORLD.store(store="partner"), None, id="a store of his own name"),
        pytest.param(WORLD.store(store="partner-eu", packages=["acme/tool"]), None, id="or one that begins with it"),
        pytest.param(WORLD.stack(("tool", 1), stack="partner-line"), None, id="a stack of his own"),
        pytest.param(WORLD.revocations(), "AU-5", id="the brand's own list"),
        pytest.param(WORLD.revocations(issuer="other"), "AU-5", id="another delegate's list"),
        pytest.param(WORLD.revocations(1, ("store acme/main", "keep"), issuer="partner"), "AU-4", id="the main store"),
        pytest.param(
            WORLD.revocations(1, ("delegation acme/other", "keep"), issuer="partner"), "AU-4", id="a rival's delegation"
        ),
        pytest.param(WORLD.revocations(1, ("model acme/door-1", "keep"), issuer="partner"), None, id="a model of his"),
        pytest.param(WORLD.model(packages=FOREIGN), "AU-3", id="a model that runs a stranger's package"),
        pytest.param(WORLD.model(), None, id="a model"),
        pytest.param(WORLD.serial(Key("d").public), None, id="a serial"),
    ],
)
def test_names_outside_the_delegation(statement: Common, rule: str | None) -> None:
    """AU-3, AU-4, AU-5: with every role and every pattern of the brand there still is what only the brand says."""
    chain = chain_with(delegated(**WIDE))
    if rule is None:
        assert judged(chain, statement).under
        return
    with pytest.raises(NotDelegated) as refused:
        judged(chain, statement)
    assert refused.value.rule == rule


def test_a_model_lists_only_kinds_that_were_given() -> None:
    """AU-3: or who may name models of apps could make devices expect his kernel."""
    narrow = WORLD.delegation(**{**WIDE, "kinds": ["app"]})
    check_covered(narrow, WORLD.model())
    with pytest.raises(NotDelegated):
        check_covered(narrow, WORLD.model(packages=OTHER_KIND))


@pytest.mark.parametrize(
    ("delegation", "rule"),
    [
        pytest.param(WORLD.delegation(packages=["evil/tool"]), "AU-2", id="another brand's package"),
        pytest.param(WORLD.delegation(models=["evil/*"]), "AU-2", id="another brand's models"),
        pytest.param(WORLD.delegation("acme"), "AU-2", id="the name of the brand, whose list it would then sign"),
        pytest.param(WORLD.delegation(brand="root"), "AU-2", id="the root delegates nothing"),
        pytest.param(replace(WORLD.stack(("tool", 1)), authority="evil"), "AU-1", id="a stack of another's packages"),
    ],
)
def test_what_no_brand_can_give(delegation: Common, rule: str) -> None:
    """AU-1, AU-2: refused while it is read, whoever signed it."""
    with pytest.raises(TrustError) as refused:
        parse_statement(encode(delegation))
    assert refused.value.rule == rule


def test_an_expired_delegation_makes_floors_and_nothing_new() -> None:
    """AU-6: a device that was off must not fall back, and a partner whose time is over ships nothing."""
    floors = Floors.of(BARE, [delegated(), sign(WORLD.release(5), PARTNER[0]).raw])
    found = judged(floors.chain, WORLD.release(6))
    late = Moment(NOW + 301 * DAY)
    with pytest.raises(Expired) as refused:
        floors.chain.verify(judged(floors.chain, WORLD.release(6, issued=NOW + 300 * DAY)), late, None)
    assert refused.value.what == "delegation acme/partner"
    assert floors.chain.verify(found, AT, None).statement.sequence == 6
    with pytest.raises(Rollback):
        floors.check(judged(floors.chain, WORLD.release(4)))


def test_a_delegation_waits_for_its_day() -> None:
    """AU-6, TM-3."""
    chain = chain_with(delegated(not_before=NOW + DAY))
    with pytest.raises(TooEarly):
        chain.verify(judged(chain, WORLD.revision()), AT, None)


def test_one_of_two_delegations_is_enough() -> None:
    """AU-6: two partners who both vouch don't end each other."""
    key = PARTNER[0]
    ended = delegated(issued=NOW - 300 * DAY)
    other = sign(WORLD.delegation("other", keys=key_set(1, key)), *OWN).raw
    chain = chain_with(ended, other)
    found = judged(chain, WORLD.revision(), key)
    assert len(found.under) == 2
    assert chain.verify(found, AT, None).under == found.under


def test_the_newest_version_alone_counts() -> None:
    """AU-6: what a brand narrows stays narrow, in whatever order a store shows it."""
    narrow = delegated(sequence=2, roles=["release"])
    for order in ([delegated(), narrow], [narrow, delegated()]):
        with pytest.raises(NotDelegated):
            judged(chain_with(*order), WORLD.revision())


def test_rotated_keys_of_a_brand_end_its_delegations_until_they_are_signed_anew() -> None:
    """AU-6: current keys or nothing, for what a brand gives too."""
    new = WORLD.brand_keys("acme", 2)
    rotated = sign(WORLD.brand(sequence=2, keys=key_set(2, *new)), *WORLD.brand_role, *OWN).raw
    chain = BARE.with_brand([rotated])
    assert not furnished(chain, [delegated()]).delegations
    again = delegated(*OWN, *new[:2])
    assert judged(furnished(chain, [again]), WORLD.revision()).under


def test_a_revoked_delegation_vouches_for_nothing_and_its_floors_go() -> None:
    """AU-6, RK-1: a thief's jump ahead under a partner's keys ends when the brand takes the delegation back."""
    ahead = sign(WORLD.release(sequence=2**53 - 1), PARTNER[0]).raw
    taken = sign(WORLD.revocations(1, ("delegation acme/partner", "keep")), *OWN).raw
    before = Floors.of(BARE, [delegated(), ahead])
    assert before.get(Release, "acme/tool/latest/stable") is not None
    after = Floors.of(BARE, [delegated(), ahead, taken])
    assert after.get(Release, "acme/tool/latest/stable") is None
    with pytest.raises(TooFewSigners):
        judged(after.chain, WORLD.revision())
    with pytest.raises(Revoked):  # also where it was judged authentic a moment before
        after.chain.verify(judged(before.chain, WORLD.revision()), AT, None)


def test_a_delegation_that_was_revoked_by_its_id_can_be_given_again() -> None:
    """RK-1: a line by id ends one version, a line by subject every version there ever is."""
    first = sign(WORLD.delegation(), *OWN)
    by_id = sign(WORLD.revocations(1, (first.id, "keep")), *OWN).raw
    again = delegated(sequence=2)
    assert not chain_with(first.raw, by_id).delegations
    assert judged(chain_with(first.raw, by_id, again), WORLD.revision()).under
    by_subject = sign(WORLD.revocations(1, ("delegation acme/partner", "keep")), *OWN).raw
    assert not chain_with(first.raw, by_subject, again).delegations


def test_the_root_speaks_only_of_roots_brands_and_its_revocations() -> None:
    """AU-2, BR-1: its keys sign no software."""
    raw = sign(WORLD.revision(authority="root"), *WORLD.root_keys[:2]).raw
    with pytest.raises(WrongStatement) as refused:
        BARE.authenticate(raw, RevisionStatement, "root")
    assert refused.value.rule == "BR-1"
