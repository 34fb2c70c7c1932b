"""Conflicts on the device's disk: bounded, durable, and ended by what SPEC says."""

from pathlib import Path

import pytest

from sealring.chain import begin_with_root
from sealring.envelope import Envelope
from sealring.statement import Release, Revocations
from sealring_client.decide.evidence import Disputed, Disputes, load_disputes, save_disputes
from sealring_client.decide.learn import learn_seed
from sealring_client.decide.trusted import Trusted
from tests.world import World, key_set, sign

WORLD = World()


def release(name: str, sequence: int, number: int) -> Envelope:
    return WORLD.signed(WORLD.release(number, package=name, sequence=sequence))


def begin(*learned: Envelope) -> Trusted:
    root = begin_with_root(WORLD.root.raw)
    trusted = learn_seed(Trusted.begin(root, ()), [WORLD.signed(WORLD.brand()).raw])
    for one in learned:
        kind = Revocations if b'"revocations",' in one.payload[:40] else Release
        trusted = trusted.learn(trusted.chain.authenticate(one.raw, kind, "acme"))
    return trusted


ONE, TWO = release("tool", 5, 1), release("tool", 5, 2)


def disputed(disputes: Disputes, trusted: Trusted, envelope: Envelope) -> bool:
    found = trusted.chain.authenticate(envelope.raw, Release, "acme")
    try:
        disputes.check(trusted, found)
    except Disputed:
        return True
    return False


def test_both_of_a_pair_are_disputed_and_nothing_else() -> None:
    """SPEC FL-6."""
    trusted = begin(ONE)
    disputes = Disputes().with_pair(ONE.raw, TWO.raw, trusted)
    assert [disputed(disputes, trusted, one) for one in (ONE, TWO, release("tool", 4, 1))] == [True, True, False]


def test_a_pair_survives_a_restart_and_rot_is_no_pair(tmp_path: Path) -> None:
    """SPEC FL-6: the same files, and no write for nothing."""
    disputes = Disputes().with_pair(ONE.raw, TWO.raw, begin(ONE))
    save_disputes(tmp_path, disputes)
    assert load_disputes(tmp_path).pairs == disputes.pairs
    [file] = (tmp_path / "evidence").iterdir()
    before = file.stat().st_mtime_ns
    save_disputes(tmp_path, load_disputes(tmp_path))
    assert file.stat().st_mtime_ns == before
    file.write_bytes(b"rot")
    assert load_disputes(tmp_path).pairs == ()


def test_without_conflicts_there_is_no_folder(tmp_path: Path) -> None:
    save_disputes(tmp_path, Disputes())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken_back", [ONE, TWO])
def test_a_revocation_by_id_settles_it(taken_back: Envelope) -> None:
    """SPEC FL-5: whichever of the two was wrong; a line by subject settles nothing."""
    disputes = Disputes().with_pair(ONE.raw, TWO.raw, begin(ONE))
    by_subject = WORLD.signed(WORLD.revocations(1, ("release acme/tool/latest/stable", "keep")))
    assert disputes.pairs[0].stands(begin(ONE, by_subject))
    by_id = WORLD.signed(WORLD.revocations(1, (taken_back.id, "keep")))
    assert not disputes.pairs[0].stands(begin(ONE, by_id))


def test_a_higher_sequence_or_new_keys_settle_it() -> None:
    """SPEC FL-3, FL-6: a thief's rival ends with his keys."""
    trusted = begin(ONE)
    [pair] = Disputes().with_pair(ONE.raw, TWO.raw, trusted).pairs
    assert not pair.stands(begin(release("tool", 6, 1)))
    brand = WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2)))
    assert not pair.stands(trusted.with_brand([sign(brand, *WORLD.brand_role, *WORLD.brand_keys("acme")[:2]).raw]))


def test_one_of_a_subject_and_eight_subjects() -> None:
    """SPEC FL-6: those that stand are not pushed out; those that are settled make room."""
    trusted = begin(release("p0", 6, 1))
    disputes = Disputes()
    for number in range(1, 10):
        name = f"p{number}"
        disputes = disputes.with_pair(release(name, 5, 1).raw, release(name, 5, 2).raw, trusted)
        disputes = disputes.with_pair(release(name, 5, 1).raw, release(name, 5, 3).raw, trusted)
    assert [pair.title.split("/")[1] for pair in disputes.pairs] == [f"p{n}" for n in range(1, 9)]
    assert all(pair.offered.envelope.id == release(f"p{n}", 5, 2).id for n, pair in enumerate(disputes.pairs, 1))
    settled = begin(release("p3", 6, 1))
    disputes = disputes.with_pair(release("p9", 5, 1).raw, release("p9", 5, 2).raw, settled)
    assert [pair.title.split("/")[1] for pair in disputes.pairs] == ["p1", "p2", "p4", "p5", "p6", "p7", "p8", "p9"]


def test_a_higher_conflict_of_the_same_subject_takes_the_place() -> None:
    """SPEC FL-6."""
    disputes = Disputes().with_pair(ONE.raw, TWO.raw, begin())
    disputes = disputes.with_pair(release("tool", 6, 1).raw, release("tool", 6, 2).raw, begin())
    assert [pair.sequence for pair in disputes.pairs] == [6]
