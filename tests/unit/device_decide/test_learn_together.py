"""Many delegations and lists in one go lead where one by one they do (SPEC AU-6, RK-2, FL-1, FL-3)."""

from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import begin_with_root
from sealring.envelope import Envelope
from sealring.errors import TrustError
from sealring.statement import Delegation, Revocations
from sealring_client.decide.learn import MAX_DELEGATIONS, Learning, claims_in, in_order_of_power, is_of_use, learn_seed
from sealring_client.decide.trusted import Trusted
from tests.unit.device_decide.test_learn import SEED, Paper
from tests.world import World, key_set, sign

WORLD = World()
MODEL = "acme/door-1"
NAMES = ("ann", "bob", "cy")


def begin() -> Trusted:
    return learn_seed(Trusted.begin(begin_with_root(WORLD.root.raw), ()), [one.raw for one in SEED])


def one_by_one(trusted: Trusted, bundle: bytes) -> Trusted:
    """Each in force before the next is looked at: how it was done at first."""
    for claim in in_order_of_power(claims_in(bundle)):
        said = claim.statement
        with suppress(TrustError):
            kind = Revocations if isinstance(said, Revocations) else Delegation
            found = trusted.chain.authenticate(claim.envelope.raw, kind, "acme")
            if is_of_use(found.statement, trusted, MODEL):
                trusted = trusted.learn(found)
    return trusted


def delegation(name: str, sequence: int, keys: int, covered: bool) -> Envelope:
    packages = ["acme/tool"] if covered else ["acme/else"]
    key = key_set(1, *WORLD.delegate_keys(name, keys))
    return WORLD.signed(
        WORLD.delegation(name, sequence=sequence, keys=key, roles=["release", "revocations"], packages=packages)
    )


def own_list(sequence: int, *names: str) -> Envelope:
    lines = [(f"delegation acme/{name}", "keep") for name in sorted(set(names))]
    return WORLD.signed(WORLD.revocations(sequence, *lines))


def list_of(name: str, sequence: int, keys: int, revision: int) -> Envelope:
    said = WORLD.revocations(sequence, (f"revision acme/tool/{revision}/amd64", "keep"), issuer=name)
    return sign(said, *WORLD.delegate_keys(name, keys)[:1])


SAID = st.one_of(
    st.builds(delegation, st.sampled_from(NAMES), st.integers(1, 3), st.integers(1, 2), st.booleans()),
    st.builds(own_list, st.integers(1, 3), st.sampled_from(NAMES), st.sampled_from(NAMES)),
    st.builds(own_list, st.integers(1, 3)),
    st.builds(list_of, st.sampled_from(NAMES), st.integers(1, 3), st.integers(1, 2), st.integers(1, 2)),
)


def seen_in(trusted: Trusted) -> tuple[object, ...]:
    highest = {about: one.envelope.digest for about, one in trusted.floors.highest.items()}
    lists = {(one.statement.subject, one.statement.sequence, one.counts) for one in trusted.chain.revocations.lists}
    return highest, set(trusted.chain.delegations), lists, trusted.others, set(trusted.remembered(()))


@settings(max_examples=60, deadline=None)
@given(st.lists(SAID, max_size=7), st.lists(SAID, max_size=7))
def test_in_one_go_is_as_one_by_one(first: list[Envelope], second: list[Envelope]) -> None:
    """AU-6, RK-2, FL-3: what the first store shows, and then the second; conflicts and withdrawals among them."""
    alone, kept = begin(), list[Trusted]()
    learning = Learning(begin(), MODEL, kept.append, lambda *_: None)
    for shown in (first, second):
        bundle = write_bundle([StatementEntry(one.raw) for one in shown])
        alone = one_by_one(alone, bundle)
        learning.learn_from(Paper({"v1/authorities/acme": bundle}))
    assert seen_in(learning.trusted) == seen_in(alone)
    assert not kept or kept[-1] is learning.trusted


def test_seventy_delegations_are_weighed_once() -> None:
    """FL-4: each of them is judged, all are put in force at once, and that is written once."""
    found = [delegation(f"d{n:02}", 1, 1, covered=True) for n in range(MAX_DELEGATIONS + 6)]
    kept: list[Trusted] = []
    learning = Learning(begin(), MODEL, kept.append, lambda *_: None)
    files = {"v1/authorities/acme": write_bundle([StatementEntry(one.raw) for one in found])}
    refusals = learning.learn_from(Paper(files))
    assert [one.rule for one in refusals] == ["FL-4"] * 6
    assert len(learning.trusted.chain.delegations) == MAX_DELEGATIONS
    assert len(kept) == 1
