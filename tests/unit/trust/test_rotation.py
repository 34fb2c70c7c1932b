"""Roots and brands as they change (SPEC RT, BR): what holds after each step, and what a thief gets."""

import itertools
from typing import Any

import pytest

from sealring.chain import Chain, Conflict, Rollback, WrongStatement, begin_with_root
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.moment import Expired, Moment
from sealring.statement import RevisionStatement, Root
from sealring.statement.authorities import RootRoles
from sealring.threshold import TooFewSigners
from tests.world import DAY, NOW, Key, World, key_set, merge, sign

WORLD = World()
ROLE = WORLD.brand_role
KEYS = {name: Key(f"key-{name}") for name in "abcdefxyz"}
KEYS |= {name: Key(f"root-key-{name.lower()}") for name in "ABCDEF"}


def keys(names: str) -> list[Key]:
    return [KEYS[name] for name in names]


def root(
    version: int, names: str, by: str, *, threshold: int = 2, role: list[Key] = ROLE, days: float = 365
) -> Envelope:
    """Version n with these keys, signed by those."""
    roles = RootRoles(key_set(threshold, *keys(names)), key_set(1, *role))
    statement = Root(roles=roles, **_common(version, days))
    return sign(statement, *keys(by))


def _common(version: int, days: float) -> dict[str, Any]:
    return WORLD.common("root", days, sequence=version, root="0" * 64 if version == 1 else FIRST_ID)


FIRST_ID = ""
FIRST = root(1, "ABC", "AB")
FIRST_ID = FIRST.id


def chain() -> Chain:
    return Chain(begin_with_root(FIRST.raw))


def brand(sequence: int, names: str, *signers: Key) -> bytes:
    statement = WORLD.brand(sequence=sequence, keys=key_set(2, *keys(names)), root=FIRST_ID)
    return sign(statement, *signers).raw


@pytest.mark.parametrize("by", ["".join(c) for n in range(7) for c in itertools.combinations("ABCDEF", n)])
def test_every_set_of_signers_of_a_root_with_overlapping_keys(by: str) -> None:
    """RT-1: from {A, B, C} to {C, D, E}, 2 each: taken exactly if two of each have signed, whoever else did."""
    envelope = root(2, "CDE", by)
    enough = len(set(by) & set("ABC")) >= 2 and len(set(by) & set("CDE")) >= 2
    if enough:
        assert chain().with_root(envelope.raw).root.statement.sequence == 2
        return
    with pytest.raises(TooFewSigners):
        chain().with_root(envelope.raw)


def test_a_device_that_was_off_walks_over_expired_roots() -> None:
    """RT-5: expired ones serve for the walk; only the last must be current."""
    late = Moment(NOW + 900 * DAY)
    walked = chain()
    for n, (names, by) in enumerate([("ABD", "ABD"), ("ADE", "ABDE"), ("DEF", "ADEF")], start=2):
        walked = walked.with_root(root(n, names, by, days=30).raw)
    with pytest.raises(Expired):
        walked.verify(walked.root, late, None)
    last = walked.with_root(root(5, "DEF", "DE", days=1800).raw)
    assert last.verify(last.root, late, None).statement.sequence == 5
    assert last.root_id == FIRST.id


def test_a_refused_root_leaves_the_chain_as_it_was() -> None:
    """RT-2: no part of a refused step stays behind."""
    before = chain()
    with pytest.raises(WrongStatement):
        before.with_root(root(3, "ABC", "AB").raw)
    assert before.root.envelope.id == FIRST.id


@pytest.mark.parametrize(
    ("sequence", "names", "by", "refusal"),
    [
        pytest.param(2, "def", "ab", None, id="by its previous keys"),
        pytest.param(2, "def", "abc", None, id="by all of them"),
        pytest.param(2, "xyz", "", TooFewSigners, id="by a thief of the role brand alone"),
        pytest.param(2, "xyz", "xyz", TooFewSigners, id="who signs with keys of his own"),
        pytest.param(2, "xyz", "axy", TooFewSigners, id="and one stolen key"),
        pytest.param(3, "def", "ab", WrongStatement, id="jumped"),
        pytest.param(1, "def", "ab", Conflict, id="a second of the same sequence"),
    ],
)
def test_who_may_name_a_brands_successor(sequence: int, names: str, by: str, refusal: type[TrustError] | None) -> None:
    """BR-2, with the role `brand` always in the thief's hands."""
    held = chain().with_brand([brand(1, "abc", *ROLE)])
    raw = brand(sequence, names, *ROLE, *keys(by))
    if refusal is None:
        assert held.with_brand([raw]).brands["acme"].statement.sequence == sequence
        return
    with pytest.raises(refusal):
        held.with_brand([raw])


@pytest.mark.parametrize("sequence", [2, 3, 2**53 - 1])
def test_the_role_root_stands_in_for_lost_keys_at_any_higher_sequence(sequence: int) -> None:
    """BR-2: a brand that lost its keys begins again, and the device can't be stuck between."""
    held = chain().with_brand([brand(1, "def", *ROLE)])
    raw = brand(sequence, "xyz", *ROLE, *keys("AB"))
    assert held.with_brand([raw]).brands["acme"].statement.sequence == sequence


def test_the_role_root_may_jump_even_where_the_previous_keys_signed_too() -> None:
    """BR-2: more signatures never make less."""
    held = chain().with_brand([brand(1, "def", *ROLE)])
    raw = brand(5, "xyz", *ROLE, *keys("AB"), *keys("de"))
    assert held.with_brand([raw]).brands["acme"].statement.sequence == 5


def test_retired_keys_never_come_back_by_a_step_back() -> None:
    """BR-2: c was stolen and replaced, and what a and b signed with it still counts by their keys.

    A thief of c, a and the role brand walks back to version 1, and on by c and a to keys of his own.
    """
    first, second = brand(1, "abc", *ROLE, *keys("ab")), brand(2, "abd", *ROLE, *keys("ab"))
    held = chain().with_brand([first]).with_brand([second])
    stolen = brand(2, "xyz", *keys("ac"))
    with pytest.raises(Rollback):
        held.with_brand([first, stolen, brand(3, "xyz", *ROLE, *keys("xy"))])
    assert held.brands["acme"].statement.sequence == 2


def test_a_brand_counts_only_while_todays_root_vouches_for_it() -> None:
    """BR-1, BR-3: when the role brand is rotated, its brands are silent until they are certified again."""
    new_role = [Key("new-role")]
    first = brand(1, "def", *ROLE)
    held = chain().with_brand([first])
    signed = sign(WORLD.revision(root=FIRST_ID), *keys("de")).raw
    assert held.authenticate(signed, RevisionStatement, "acme").statement.revision == 1
    rotated = held.with_root(root(2, "ABC", "AB", role=new_role).raw)
    assert "acme" in rotated.former
    with pytest.raises(WrongStatement) as refused:
        rotated.authenticate(signed, RevisionStatement, "acme")
    assert refused.value.rule == "BR-1"
    with pytest.raises(TooFewSigners):
        rotated.with_brand([brand(2, "xyz", *new_role, *keys("xyz"))])
    again = sign(WORLD.brand(keys=key_set(2, *keys("def")), root=FIRST_ID), *new_role)
    certified = rotated.with_brand([merge([held.brands["acme"].envelope, again]).raw])
    assert certified.authenticate(signed, RevisionStatement, "acme").statement.revision == 1
    assert not certified.former


def test_a_root_that_keeps_the_role_brand_keeps_its_brands() -> None:
    """BR-1: a rotation of the role `root` costs no brand anything."""
    held = chain().with_brand([brand(1, "def", *ROLE)])
    assert held.with_root(root(2, "ABD", "AB").raw).brands.keys() == {"acme"}


def test_no_versions_of_a_brand_change_nothing() -> None:
    """An empty answer is no statement."""
    assert chain().with_brand([]) == chain()


def test_a_brand_is_known_with_all_who_vouch_for_it() -> None:
    """BR-1, BR-2: the role `brand`, and the keys of the version before."""
    world = World()
    first, role, keys = world.signed(world.brand()), world.brand_role, world.brand_keys("acme")[:2]
    following = world.brand(sequence=2, keys=key_set(2, *world.brand_keys("acme", 2)))
    second = sign(following, *role, *keys, *world.brand_keys("acme", 2)[:2])
    found = Chain(begin_with_root(world.root.raw)).with_brand([first.raw, second.raw]).brands["acme"]
    assert found.signers == {key.id for key in (*role, *keys)}
