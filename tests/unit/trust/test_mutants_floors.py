"""What is remembered, until when, and for whom, to the very last (SPEC FL-4, TM-4, RO-1)."""

import hmac
from datetime import timedelta
from hashlib import sha256
from typing import Any

import msgspec
import pytest

from sealring.authentic import Authentic, Verified
from sealring.chain import Chain, begin_with_root
from sealring.floors import kept
from sealring.moment import Moment
from sealring.names import KeyId
from sealring.rollout import is_chosen
from sealring.statement import Common, Release
from sealring.statement.software import Rollout
from sealring.time_floors import TimeFloors
from tests.world import DAY, NOW, World, sign

WORLD = World()
OWN = WORLD.brand_keys("acme")[:2]
CHAIN = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
AT = Moment(NOW)


def seen(sequence: int, signers: str, *ids: str, **more: Any) -> Authentic[Common]:
    """A statement with these signers, and these ids beside them that nobody has checked."""
    said = WORLD.release(1, sequence=sequence, **more)
    return Authentic(said, sign(said, *(WORLD.key(one) for one in ids)), frozenset(KeyId(name) for name in signers))


def sequences(*found: Authentic[Common]) -> list[int]:
    return [one.statement.sequence for one in kept(found)]


def test_eight_of_one_subject_are_remembered() -> None:
    """FL-4: the highest, where each has a signer of its own."""
    assert sequences(*(seen(n, name) for n, name in enumerate("abcdefghij", 1))) == [10, 9, 8, 7, 6, 5, 4, 3]


def test_up_to_the_fourth_one_stays_for_a_signature_that_does_not_count_today() -> None:
    """FL-4."""
    assert sequences(*(seen(n, "a", f"stranger-{n}") for n in range(1, 8))) == [7, 6, 5, 4]


def test_who_has_signed_what_lies_above_brings_no_signer_of_his_own() -> None:
    """FL-4: two keys together are no third, and take no place from one that is."""
    found = [seen(20, "a"), seen(19, "b"), seen(18, "ab"), *(seen(n, name) for n, name in enumerate("hgfedc", 1))]
    assert sequences(*found) == [20, 19, 6, 5, 4, 3, 2, 1]


def test_two_of_one_sequence_by_the_same_keys_are_both_remembered() -> None:
    """FL-4, FL-5: either may be taken back by its id."""
    both = [seen(3, "ab"), seen(3, "ab", revocations=1), seen(2, "ab")]
    assert {one.envelope.id for one in kept(both)} == {one.envelope.id for one in both[:2]}


def test_what_was_verified_stays_as_it_was_verified() -> None:
    """FL-1, TM-1: whoever is handed it can't put another statement, floor or instant in its place."""
    found = CHAIN.authenticate(sign(WORLD.release(), *OWN).raw, Release, "acme")
    verified: Verified[Release] = CHAIN.verify(found, AT, None)
    for held in (found, verified, found.envelope):
        for one in msgspec.structs.fields(held):
            with pytest.raises(AttributeError):
                setattr(held, one.name, getattr(held, one.name))


def test_of_two_delegates_one_without_a_floor_leaves_the_statement_to_the_brands() -> None:
    """TM-4: one of them must not end, by a date that he signed, what the other vouches for."""
    late, later = NOW + 40 * DAY, NOW + 50 * DAY
    partner, builder = (Authentic(WORLD.delegation(name), WORLD.root, frozenset()) for name in ("partner", "builder"))

    def by(*under: Authentic[Any], **more: Any) -> Authentic[Common]:
        return Authentic(WORLD.release(**more), WORLD.root, frozenset(), under)

    alone = TimeFloors.of(AT, [by(partner, issued=late)])
    assert alone.moment_of(by(partner)).at == late
    assert (
        alone.moment_of(by(partner, builder)).at == alone.moment_of(by(builder)).at == alone.moment_of(by()).at == NOW
    )
    both = TimeFloors.of(AT, [by(partner, issued=late), by(builder, issued=later)])
    assert both.moment_of(by(partner, builder)).at == both.moment_of(by(builder, partner)).at == late


def test_the_latest_instant_counts_in_whatever_order_statements_are_held() -> None:
    """TM-4: of one source."""
    held = [Authentic(WORLD.model(issued=NOW + n * DAY), WORLD.root, frozenset()) for n in (1, 3, 2)]
    for order in (held, held[::-1], sorted(held, key=lambda one: one.statement.issued)):
        assert TimeFloors.of(AT, order).moment("acme").at == NOW + 3 * DAY


def test_a_device_is_chosen_from_the_very_share_that_reaches_it() -> None:
    """RO-1: 10,000 places, computed here by the rule's own words; the start itself is not too early."""
    for n in range(40):
        secret, seed = sha256(bytes([n])).digest(), sha256(b"seed").digest()
        place = int.from_bytes(hmac.digest(secret, seed, "sha256")[:8], "big") * 10_000 // 2**64
        for share, chosen in ((place, False), (place + 1, True)):
            plan = Rollout(seed.hex(), share, [], NOW, 100, 3600, 3600)
            assert is_chosen(plan, secret, (), NOW) is chosen
            assert not is_chosen(plan, secret, (), NOW - timedelta(seconds=1))
