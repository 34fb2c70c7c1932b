"""Where a delegation, a list or a clock ends by several rules at once (SPEC FL-5, RK-3, AU-3, TM-5)."""

from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from sealring.approve import approve
from sealring.authentic import Authentic, Verified
from sealring.chain import Chain, begin_with_root
from sealring.delegation import NotDelegated
from sealring.furnished import furnished
from sealring.moment import Moment
from sealring.statement import Brand, Common, Model, Release, RevisionStatement
from sealring.time_floors import TimeFloors
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
OWN, NEW = WORLD.brand_keys("acme")[:2], WORLD.brand_keys("acme", 2)[:2]
PARTNER = WORLD.delegate_keys()
BARE = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
AT = Moment(NOW)


def given(*by: Key, **more: Any) -> bytes:
    return sign(WORLD.delegation(**more), *(by or OWN)).raw


def test_of_two_delegations_with_one_sequence_the_one_not_taken_back_stands() -> None:
    """FL-5: by its id, in whatever order they came; with none taken back the first stands."""
    first, twin = sign(WORLD.delegation(), *OWN), sign(WORLD.delegation(x={"note": "twin"}), *OWN)
    taken = sign(WORLD.revocations(1, (first.id, "keep")), *OWN).raw
    for order in ([first.raw, twin.raw, taken], [taken, twin.raw, first.raw]):
        assert furnished(BARE, order).delegations["acme/partner"].envelope.id == twin.id
    assert furnished(BARE, [first.raw, twin.raw]).delegations["acme/partner"].envelope.id == first.id


def test_new_keys_end_a_delegates_list_by_taking_back_a_delegation_that_they_never_signed() -> None:
    """RK-3: a brand with new keys need not let a thief in again to be rid of his list."""
    brand = WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2)))
    chain = BARE.with_brand([sign(brand, *WORLD.brand_role, *OWN).raw])
    thief = sign(WORLD.revocations(9, ("revision acme/tool/1/amd64", "keep"), issuer="partner"), PARTNER[0]).raw
    held = [given(roles=["revision", "revocations"]), thief]
    assert furnished(chain, held, once_verified=True).revocations.strongest(WORLD.revision(), "") is not None
    taken = sign(WORLD.revocations(1, ("delegation acme/partner", "keep")), *NEW).raw
    assert furnished(chain, [*held, taken], once_verified=True).revocations.strongest(WORLD.revision(), "") is None


def test_a_delegation_whose_time_is_over_gives_its_kinds_to_no_other() -> None:
    """AU-3, AU-6: of two that vouch for a release, the one that is current says of what kind the revision may be."""
    ended = given(issued=NOW - 300 * DAY)
    current = sign(WORLD.delegation("other", keys=key_set(1, PARTNER[0]), kinds=["base"]), *OWN).raw

    def installed(*delegations: bytes) -> None:
        chain = furnished(BARE, delegations)

        def said(statement: Common, *by: Key) -> Verified[Any]:
            return chain.verify(chain.authenticate(sign(statement, *by).raw, type(statement), "acme"), AT, None)

        model: Verified[Model] = said(WORLD.model(), *OWN)
        brand: Verified[Brand] = chain.verify(chain.brands["acme"], AT, None)
        release: Verified[Release] = said(WORLD.release(), PARTNER[0])
        revision: Verified[RevisionStatement] = said(WORLD.revision(), *OWN)
        approve(chain, model, brand, model.statement.packages[0], release, revision, before=None)

    installed(given(), current)
    with pytest.raises(NotDelegated):
        installed(ended, current)


def test_a_clock_is_held_to_the_latest_floor_and_not_step_by_step() -> None:
    """TM-5: 16 minutes behind a brand are 16 minutes, also where the root lies in between."""
    minute = timedelta(minutes=1)
    root = replace(WORLD.root_statement(), issued=NOW + 8 * minute)
    held = [Authentic(one, WORLD.root, frozenset()) for one in (root, WORLD.model(issued=NOW + 16 * minute))]
    assert TimeFloors.of(AT, held).moment("acme") == Moment(NOW + 16 * minute, proven=False)
    assert TimeFloors.of(AT, held).moment("evil") == Moment(NOW + 8 * minute, proven=True)
