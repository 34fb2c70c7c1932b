"""Revocation lists where issuers, numbers and names lie close together (SPEC RK, RC-1, AU-3, AU-5)."""

from itertools import permutations
from typing import Any

import pytest

from sealring.chain import Chain, begin_with_root
from sealring.delegation import NotDelegated
from sealring.envelope import parse_envelope
from sealring.furnished import furnished
from sealring.installed import reached
from sealring.moment import Moment
from sealring.revocation import Revoked
from sealring.statement import Common, Release, Revocations
from sealring.statement.authorities import RootRoles
from tests.world import NOW, Key, World, key_set, sign

WORLD = World()
OWN, NEW = WORLD.brand_keys("acme")[:2], WORLD.brand_keys("acme", 2)[:2]
BARE = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
ROTATED = BARE.with_brand(
    [sign(WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2))), *WORLD.brand_role, *OWN).raw]
)
TOOL, GEAR = "release acme/tool/latest/stable", "release acme/gear/latest/stable"
ANY_ID = "0" * 64


def listed(sequence: int, *lines: tuple[str, str], by: list[Key] = OWN, **more: Any) -> bytes:
    return sign(WORLD.revocations(sequence, *lines, **more), *by).raw


def given(name: str = "partner", **more: Any) -> bytes:
    return sign(WORLD.delegation(name, **{"roles": ["release", "revocations"], **more}), *OWN).raw


def theirs(sequence: int, *lines: tuple[str, str], name: str = "partner", version: int = 1) -> bytes:
    return listed(sequence, *lines, by=WORLD.delegate_keys(name, version)[:1], issuer=name)


def action(chain: Chain, statement: Common) -> str | None:
    found = chain.revocations.strongest(statement, "")
    return None if found is None else found.action


def held(chain: Chain, *raws: bytes) -> Chain:
    """The chain of a device that had verified all of these when they came."""
    return furnished(chain, raws, once_verified=True)


@pytest.mark.parametrize("name", ["aaa", "partner"])
def test_a_delegates_number_is_not_the_brands(name: str) -> None:
    """RC-1: or a publisher's list 9 would pass for the brand's, which a store then withholds."""
    chain = furnished(BARE, [given(name), theirs(9, (TOOL, "keep"), name=name), listed(2)])
    assert {one.statement.issuer for one in chain.revocations.lists} == {"acme", name}
    assert chain.revocations.sequence("acme") == 2


@pytest.mark.parametrize("name", ["acme", "zeta"])
def test_a_brand_of_any_name_takes_back_what_is_its_own(name: str) -> None:
    """RK-1, RK-5: only the root's own versions can't be taken back, not what comes after it in the alphabet."""
    chain = BARE.with_brand([WORLD.signed(WORLD.brand(name)).raw])
    line = (f"release {name}/tool/latest/stable", "keep")
    chain = furnished(chain, [sign(WORLD.revocations(1, line, brand=name), *WORLD.brand_keys(name)[:2]).raw])
    found = chain.authenticate(WORLD.signed(WORLD.release(1, name)).raw, Release, name)
    with pytest.raises(Revoked):
        chain.verify(found, Moment(NOW), None)


def test_the_root_takes_back_no_root() -> None:
    """RK-1: its list takes back brands; a root ends by the next one."""
    chain = furnished(BARE, [WORLD.signed(WORLD.revocations(1, (BARE.root_id, "stop"), brand="root")).raw])
    assert len(chain.revocations.lists) == 1
    assert chain.revocations.strongest(chain.root.statement, chain.root.envelope.id) is None


def test_of_lists_that_no_longer_count_the_highest_speaks_whenever_it_came() -> None:
    """RK-2, RK-3: one number apart is apart; none of them is lost where two have one number."""
    low, high = listed(4, (TOOL, "keep")), listed(5, (GEAR, "keep"))
    for raws in ((low, high), (high, low)):
        (found,) = held(ROTATED, *raws).revocations.lists
        assert (found.statement.sequence, found.counts) == (5, False)
    other = listed(5, (TOOL, "keep"))
    for several in ((low, high, other), (high, other, low), (high, low, other)):
        lines = {one.statement.revoked[0].what for one in held(ROTATED, *several).revocations.lists}
        assert lines == {TOOL, GEAR}


def test_a_list_of_the_same_number_by_other_keys_lifts_nothing() -> None:
    """RK-3: only a higher one does, or the number that the brand names; here it names none."""
    chain = held(ROTATED, listed(3, (TOOL, "stop")), listed(3, (GEAR, "keep"), by=NEW))
    assert action(chain, WORLD.release()) == "keep"
    assert action(held(ROTATED, listed(3, (TOOL, "stop")), listed(4, by=NEW)), WORLD.release()) is None


@pytest.mark.parametrize("name", ["aaa", "partner"])
def test_any_list_of_a_delegates_new_keys_ends_a_thiefs(name: str) -> None:
    """RK-3: whatever his name, and although the thief took the highest number."""
    anew = given(name, sequence=2, keys=key_set(1, *WORLD.delegate_keys(name, 2)))
    thief, word = theirs(2**53 - 1, (TOOL, "keep"), name=name), theirs(1, name=name, version=2)
    assert action(held(BARE, given(name), anew, thief), WORLD.release()) == "keep"
    assert action(held(BARE, given(name), anew, thief, word), WORLD.release()) is None


def test_of_the_roots_lists_only_a_higher_one_lifts_another() -> None:
    """RK-3: no brand's statement names a number of the root's."""
    keys = [Key(f"root-later-{n}") for n in range(3)]
    said = WORLD.root_statement(
        sequence=2, roles=RootRoles(key_set(2, *keys), BARE.root.statement.roles.brand), root=BARE.root_id
    )
    chain = BARE.with_root(sign(said, *WORLD.root_keys[:2], *keys[:2]).raw)
    old = sign(WORLD.revocations(7, ("brand acme", "stop"), brand="root"), *WORLD.root_keys[:2]).raw
    for number, left in ((6, "keep"), (8, None)):
        new = sign(WORLD.revocations(number, brand="root"), *keys[:2]).raw
        assert action(held(chain, old, new), chain.brands["acme"].statement) == left


@pytest.mark.parametrize(
    "lines",
    [
        pytest.param([(ANY_ID, "keep"), (GEAR, "keep")], id="a package, after a line by id"),
        pytest.param([("model acme/door-2", "keep")], id="a model"),
        pytest.param([("serial acme/door-2/SN-1", "keep")], id="a device"),
        pytest.param([("delegation acme/partner", "keep")], id="his own delegation"),
        pytest.param([("store acme/main", "keep")], id="a store"),
    ],
)
def test_a_delegates_list_names_nothing_that_he_was_not_given(lines: list[tuple[str, str]]) -> None:
    """AU-3, RK-4: by subject it is refused whole, whatever stands before."""
    chain = furnished(BARE, [given(models=["acme/door-1"])])
    with pytest.raises(NotDelegated):
        chain.authenticate(theirs(1, *lines), Revocations, "acme")
    inside = [(ANY_ID, "keep"), ("model acme/door-1", "keep"), (TOOL, "keep"), ("store acme/partner-2", "keep")]
    chain.authenticate(theirs(1, *inside), Revocations, "acme")


def test_a_list_that_nobody_bounds_takes_no_other_with_it() -> None:
    """RK-4: what a thief signed without any delegation is passed over, and what is remembered after it is not."""
    orphan = theirs(1, (GEAR, "keep"), name="builder")
    for raws in ((orphan, theirs(1, (TOOL, "keep")), given()), (theirs(1, (TOOL, "keep")), orphan, given())):
        assert {one.statement.subject for one in held(BARE, *raws).revocations.lists} == {"acme/partner"}


def test_of_two_versions_with_one_number_that_no_longer_count_the_lower_id_bounds() -> None:
    """RK-3: the order in which they came is forgotten at a restart, so that it may decide nothing."""
    versions = {name: given(packages=[f"acme/{name}"]) for name in ("tool", "gear", "toy")}
    lowest = min(versions, key=lambda name: parse_envelope(versions[name]).id)
    for order in permutations(versions.values()):
        (found,) = held(ROTATED, *order, theirs(1, (TOOL, "keep"))).revocations.lists
        assert found.scope is not None
        assert found.scope.packages == [f"acme/{lowest}"]


def test_a_brand_that_was_taken_back_stays_so_when_the_role_brand_has_other_keys() -> None:
    """RK-6, BR-3: its certificate no longer counts, and what it let in is stopped all the same."""
    back = WORLD.signed(WORLD.revocations(1, ("brand acme", "stop"), brand="root")).raw
    roles = RootRoles(key_set(2, *WORLD.root_keys), key_set(1, WORLD.key("brands-2")))
    chain = BARE.with_root(
        sign(WORLD.root_statement(sequence=2, roles=roles, root=BARE.root_id), *WORLD.root_keys[:2]).raw
    )
    assert not chain.brands
    found = reached(furnished(chain, [back]), [], sign(WORLD.revision(), *OWN))
    assert found is not None
    assert found.action == "stop"


def test_what_else_was_taken_back_is_looked_at_and_reaches_nothing() -> None:
    """RK-6: of all that is remembered only a delegation can have let in what nobody vouches for any more."""
    lines = [("model acme/door-1", "stop"), (TOOL, "stop"), ("store acme/main", "stop")]
    known = [sign(one, *OWN).raw for one in (WORLD.model(), WORLD.release(), WORLD.store())]
    chain = furnished(BARE, [listed(1, *lines), *known])
    assert reached(chain, known, sign(WORLD.revision(), WORLD.delegate_keys()[0])) is None


def test_who_was_given_no_model_is_told_so() -> None:
    """AU-3."""
    chain = furnished(BARE, [given(roles=["model"])])
    with pytest.raises(NotDelegated) as refused:
        chain.authenticate(sign(WORLD.model(), WORLD.delegate_keys()[0]).raw, type(WORLD.model()), "acme")
    assert str(refused.value).endswith("covers no model")
