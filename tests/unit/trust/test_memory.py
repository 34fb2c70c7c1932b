"""What is forgotten changes no answer (SPEC FL-4, FL-5, RK-3)."""

from sealring.chain import Authentic, Chain, begin_with_root, read_claim
from sealring.floors import MAX_KEPT, Floors, kept, reauthenticate
from sealring.statement import Common, Release
from tests.world import Key, World, key_set, sign

WORLD = World()
OLD, NEW, LAST = (WORLD.brand_keys("acme", n) for n in (1, 2, 3))
PARTNER = WORLD.delegate_keys()[0]
TOOL, GEAR = "release acme/tool/latest/stable", "release acme/gear/latest/stable"
FIRST = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
SECOND = FIRST.with_brand([sign(WORLD.brand(sequence=2, keys=key_set(2, *NEW)), *WORLD.brand_role, *OLD[:2]).raw])
THIRD = SECOND.with_brand([sign(WORLD.brand(sequence=3, keys=key_set(2, *LAST)), *WORLD.brand_role, *NEW[:2]).raw])


def release(sequence: int, *by: Key, revocations: int = 0) -> bytes:
    return sign(WORLD.release(1, sequence=sequence, revocations=revocations), *by).raw


def remembered(chain: Chain, *raws: bytes) -> list[bytes]:
    """What a device keeps of one subject."""
    chain = Floors.of(chain, raws).chain
    found: list[Authentic[Common]] = [reauthenticate(chain, raw) for raw in raws]
    return [one.envelope.raw for one in kept(found)]


def floor_of(chain: Chain, *raws: bytes) -> Authentic[Release] | None:
    return Floors.of(chain, raws).get(Release, "acme/tool/latest/stable")


def test_what_was_signed_ahead_of_a_rotation_outlives_a_later_release_that_was_not() -> None:
    """FL-4: PB-9 has new signatures come first; a release signed by the old keys alone must not push them out."""
    ahead, later = release(3, *OLD[:2], *NEW[:2]), release(4, *OLD[:2])
    found = floor_of(SECOND, *remembered(FIRST, ahead, later))
    assert found is not None
    assert found.statement.sequence == 3


def test_what_a_delegate_signed_beside_the_brand_stays_while_no_higher_one_has_his_signature() -> None:
    """FL-4: the brand's word alone is counted while it has one, and his counts when that ends."""
    given = sign(WORLD.delegation(), *OLD[:2], *NEW[:2]).raw
    both, later = release(3, *OLD[:2], PARTNER), release(4, *OLD[:2])
    found = floor_of(SECOND, given, *remembered(FIRST, both, later))
    assert found is not None
    assert found.statement.sequence == 3


def test_signatures_that_nobody_checked_push_nothing_out() -> None:
    """FL-4: a thief may write any key's id beside his own signature, as often as he likes."""
    strangers = [release(100 + n, *OLD[:2], WORLD.key(f"stranger-{n}")) for n in range(20)]
    honest = release(3, OLD[0], OLD[2])
    assert honest in remembered(FIRST, honest, *strangers)
    assert len(remembered(FIRST, honest, *strangers)) <= MAX_KEPT // 2


def test_of_two_with_one_sequence_neither_is_forgotten() -> None:
    """FL-5: one of them is taken back by its id, and the other is the floor, also after a restart."""
    good, evil = release(3, *OLD[:2]), release(3, *OLD[:2], revocations=9)
    back = sign(WORLD.revocations(1, (read_claim(evil).envelope.id, "stop")), *OLD[:2]).raw
    found = floor_of(FIRST, back, *remembered(FIRST, evil, good))
    assert found is not None
    assert found.envelope.raw == good


def test_a_line_by_subject_hides_no_line_by_id() -> None:
    """FL-5: the list that names the wrong one by its id lets the right one in, whatever it says of the subject."""
    good, evil = release(3, *OLD[:2]), release(3, *OLD[:2], revocations=9)
    back = sign(WORLD.revocations(1, (read_claim(evil).envelope.id, "keep"), (TOOL, "stop")), *OLD[:2]).raw
    floors = Floors.of(FIRST, [back, evil])
    floors.check(floors.chain.authenticate(good, Release, "acme"))


def test_of_two_lists_with_one_number_that_no_longer_count_both_stay() -> None:
    """RK-3: each was signed by keys since replaced; the order in which they are remembered decides nothing."""
    tool = sign(WORLD.revocations(3, (TOOL, "stop")), *OLD[:2]).raw
    gear = sign(WORLD.revocations(3, (GEAR, "stop")), *NEW[:2]).raw
    for raws in ((tool, gear), (gear, tool)):
        lists = Floors.of(THIRD, raws).chain.revocations.lists
        assert {one.statement.revoked[0].what for one in lists} == {TOOL, GEAR}
        assert not any(one.counts for one in lists)
