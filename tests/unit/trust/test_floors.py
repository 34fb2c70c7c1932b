"""What was seen before (SPEC FL)."""

from typing import Any

import pytest

from sealring.chain import Authentic, Chain, Conflict, Rollback, SecondImage, begin_with_root, check_floor
from sealring.envelope import Envelope
from sealring.floors import MAX_KEPT, Floors, kept
from sealring.names import KeyId
from sealring.statement import Common, Release, RevisionStatement
from tests.world import DAY, NOW, Key, World, key_set, sign

WORLD = World()
OLD, NEW = WORLD.brand_keys("acme"), WORLD.brand_keys("acme", 2)
SUBJECT = "acme/tool/latest/stable"
FIRST = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
SECOND = FIRST.with_brand([sign(WORLD.brand(sequence=2, keys=key_set(2, *NEW)), *WORLD.brand_role, *OLD[:2]).raw])


def release(sequence: int, *by: Key, **more: Any) -> bytes:
    return sign(WORLD.release(1, sequence=sequence, **more), *by).raw


def authentic(raw: bytes, chain: Chain = FIRST) -> Authentic[Release]:
    return chain.authenticate(raw, Release, "acme")


def floor_of(chain: Chain, *raws: bytes) -> int | None:
    found = Floors.of(chain, raws).get(Release, SUBJECT)
    return None if found is None else found.statement.sequence


def test_the_highest_counts_in_whatever_order_it_is_remembered() -> None:
    """FL-2."""
    three, four = release(3, *OLD[:2]), release(4, *OLD[:2])
    assert floor_of(FIRST, three, four) == floor_of(FIRST, four, three) == 4
    assert floor_of(FIRST) is None


def test_a_routine_rotation_opens_no_way_back() -> None:
    """FL-2: what the new keys counter-signed stands, so the old release below it stays refused."""
    both = (*OLD[:2], *NEW[:2])
    seen = release(4, *both)
    assert floor_of(SECOND, seen) == 4
    with pytest.raises(Rollback) as refused:
        check_floor(authentic(release(3, *both), SECOND), Floors.of(SECOND, [seen]).get(Release, SUBJECT))
    assert (refused.value.offered, refused.value.floor) == (3, 4)


def test_a_thiefs_fast_forward_ends_with_his_keys() -> None:
    """FL-2: the last sequence there is, signed by stolen keys, falls when they do; the honest floor is back."""
    ahead, honest = release(2**53 - 1, *OLD[:2]), release(4, *OLD[:2], *NEW[:2])
    assert floor_of(FIRST, honest, ahead) == 2**53 - 1
    assert floor_of(SECOND, honest, ahead) == 4


def test_expiry_ends_no_floor() -> None:
    """FL-2: or a device that was off would take what was withdrawn."""
    assert floor_of(FIRST, release(4, *OLD[:2], issued=NOW - 1000 * DAY)) == 4


def test_what_does_not_verify_is_passed_over() -> None:
    """FL-2: damaged, foreign and unsigned memory makes no floor and no error."""
    foreign = sign(WORLD.release(9, brand="evil"), *WORLD.brand_keys("evil")).raw
    assert floor_of(FIRST, b"", b"{}", foreign, release(9, OLD[0]), WORLD.root.raw, release(2, *OLD[:2])) == 2


def test_learning_raises_the_floor_of_its_own_subject_only() -> None:
    """FL-1: and a refused statement changes nothing."""
    floors = Floors(FIRST).learn(authentic(release(4, *OLD[:2])))
    other = authentic(release(2, *OLD[:2], channel="latest/edge"))
    floors = floors.learn(other)
    with pytest.raises(Rollback):
        floors.learn(authentic(release(3, *OLD[:2])))
    found = floors.get(Release, SUBJECT)
    assert found is not None
    assert found.statement.sequence == 4
    assert floors.get(RevisionStatement, SUBJECT) is None


def test_a_second_statement_of_one_sequence_is_a_conflict_and_the_next_ends_it() -> None:
    """FL-3: what was accepted first is kept; a counter-signature is no second statement."""
    held = authentic(release(4, *OLD[:2]))
    with pytest.raises(Conflict) as refused:
        check_floor(authentic(release(4, *OLD[:2], revocations=1)), held)
    assert refused.value.held == held.envelope.id
    check_floor(authentic(release(4, *OLD)), held)
    check_floor(authentic(release(5, *OLD[:2], revocations=1)), held)


def test_a_revision_never_gets_a_second_image() -> None:
    """FL-3: not at a higher sequence either, or every release of it would mean something else."""

    def build(image: bytes, sequence: int) -> Authentic[RevisionStatement]:
        raw = sign(WORLD.revision(1, image, sequence=sequence), *OLD[:2]).raw
        return FIRST.authenticate(raw, RevisionStatement, "acme")

    check_floor(build(b"good", 2), build(b"good", 1))
    with pytest.raises(SecondImage):
        check_floor(build(b"evil", 2), build(b"good", 1))


def seen(sequence: int, signers: str) -> Authentic[Common]:
    """A statement with these signers, as far as memory looks at it."""
    envelope: Envelope = sign(WORLD.release(sequence))
    return Authentic(WORLD.release(sequence), envelope, frozenset(KeyId(name) for name in signers))


@pytest.mark.parametrize(
    ("offered", "remembered"),
    [
        pytest.param(["1ab", "2ab"], ["2ab"], id="one set of signers, one statement"),
        pytest.param(["1ab", "2ac"], ["2ac", "1ab"], id="two sets, two statements"),
        pytest.param(["1ab", "2abc"], ["2abc"], id="whenever a lower one counts, the higher one does"),
        pytest.param(["2ab", "1abc"], ["2ab", "1abc"], id="a lower one with a signer more stays"),
        pytest.param([], [], id="nothing"),
    ],
)
def test_what_is_worth_remembering(offered: list[str], remembered: list[str]) -> None:
    """FL-4."""
    found = kept(seen(int(text[0]), text[1:]) for text in offered)
    assert [f"{one.statement.sequence}{''.join(sorted(one.signers))}" for one in found] == remembered


def test_a_thief_of_some_keys_pushes_nothing_out_that_another_key_signed() -> None:
    """FL-4: with five stolen keys he has ten pairs, each a set of signers; the honest release has a key he lacks."""
    pairs = [first + second for first in "abcde" for second in "abcde" if first < second]
    stolen = [seen(1000 + n, pair) for n, pair in enumerate(pairs)]
    honest = seen(7, "af")
    found = kept([honest, *stolen])
    assert len(found) == MAX_KEPT
    assert honest in found
    assert found[0].statement.sequence == 1009
