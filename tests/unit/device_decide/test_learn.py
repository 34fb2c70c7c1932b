"""Pass one with stores of paper: what is taken, in which order, and what is passed over."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.chain import begin_with_root
from sealring.envelope import Envelope, seal
from sealring_client.decide.learn import Learning, claims_in, learn_seed
from sealring_client.decide.trusted import Trusted
from sealring_client.fetch.errors import NotThere, TooMuch
from tests.world import World, key_set, sign

WORLD = World()
SEED = [WORLD.signed(WORLD.brand()), WORLD.signed(WORLD.model()), WORLD.signed(WORLD.store())]
DELEGATION = WORLD.signed(WORLD.delegation())


@dataclass
class Paper:
    """Answers by path; all else is not there."""

    files: Mapping[str, bytes]
    asked: list[str] = field(default_factory=list)

    def fetch(self, path: str, *, limit: int) -> bytes:
        self.asked.append(path)
        if path not in self.files:
            raise NotThere("paper", path, 404)
        if len(self.files[path]) > limit:
            raise TooMuch("paper", path, limit)
        return self.files[path]


def authority(name: str, *found: Envelope) -> dict[str, bytes]:
    return {f"v1/authorities/{name}": write_bundle([StatementEntry(one.raw) for one in found])}


def begin(*more: Envelope) -> Trusted:
    return learn_seed(Trusted.begin(begin_with_root(WORLD.root.raw), ()), [one.raw for one in [*SEED, *more]])


class Class:
    """One device's learning."""

    def __init__(self, *held: Envelope) -> None:
        self.kept: list[Trusted] = []
        self.pairs: list[tuple[bytes, bytes]] = []
        self.learning = Learning(begin(*held), "acme/door-1", self.kept.append, self._pair)

    def _pair(self, held: bytes, offered: bytes) -> None:
        self.pairs.append((held, offered))

    def hear(self, files: Mapping[str, bytes]) -> list[str]:
        return [refusal.rule for refusal in self.learning.learn_from(Paper(files))]

    @property
    def trusted(self) -> Trusted:
        return self.learning.trusted


def delegations(trusted: Trusted) -> list[str]:
    return sorted(trusted.chain.delegations)


def lists(trusted: Trusted) -> dict[str, int]:
    return {one.statement.subject: one.statement.sequence for one in trusted.chain.revocations.lists}


def test_a_store_without_the_path_is_an_older_one() -> None:
    """SPEC DV-3: no more than a store that has nothing new."""
    assert Class().hear({}) == []


def test_a_seed_and_a_store_teach_the_same() -> None:
    """SPEC DV-3, DV-11: the brand's own list, then delegations, then their lists, in whatever order they come."""
    listed = WORLD.signed(WORLD.revocations(1, ("delegation acme/gone", "keep")))
    gone = WORLD.signed(WORLD.delegation("gone"))
    theirs = sign(WORLD.revocations(3, issuer="partner"), WORLD.delegate_keys()[0])
    wide = WORLD.signed(WORLD.delegation(roles=["release", "revision", "revocations"]))
    heard = Class()
    assert heard.hear(authority("acme", theirs, gone, wide, listed)) == []
    for trusted in (heard.trusted, begin(theirs, gone, wide, listed)):
        assert delegations(trusted) == ["acme/partner"]
        assert lists(trusted) == {"acme/acme": 1, "acme/partner": 3}
        assert trusted.floors.highest["revocations", "acme/acme"].envelope.id == listed.id


def test_each_step_is_kept_at_once() -> None:
    """SPEC DV-3: a device that is cut off has what came before."""
    heard = Class()
    heard.hear(authority("acme", DELEGATION))
    assert [delegations(one) for one in heard.kept] == [["acme/partner"]]
    assert heard.hear(authority("acme", DELEGATION)) == []
    assert len(heard.kept) == 1


def test_what_covers_nothing_here_is_not_taken() -> None:
    """SPEC VW-2: unless it is a newer version of what is held, by which it is narrowed."""
    narrow = WORLD.signed(WORLD.delegation(sequence=2, packages=["acme/other"]))
    heard = Class()
    heard.hear(authority("acme", narrow))
    assert delegations(heard.trusted) == []
    heard.hear(authority("acme", DELEGATION))
    heard.hear(authority("acme", narrow))
    assert heard.trusted.chain.delegations["acme/partner"].statement.sequence == 2


@pytest.mark.parametrize(
    ("name", "rule"),
    [("evil", []), ("acme", ["TH-1"])],
)
def test_a_stranger_delegates_nothing(name: str, rule: list[str]) -> None:
    """SPEC AU-2, TH-1: nor does he by another brand's path, which is never asked for."""
    forged = sign(WORLD.delegation(), *WORLD.brand_keys("evil")[:2])
    heard = Class()
    assert heard.hear(authority(name, forged)) == rule
    assert delegations(heard.trusted) == []


def test_one_bad_line_costs_no_other() -> None:
    """SPEC DV-6, ST-2: refused, passed over, or a newer edition's; the rest is taken."""
    forged = sign(WORLD.delegation("forged"), WORLD.key("stranger"))
    newer = seal(b'{"type":"delegation","format":2,"root":"0"}', {})
    heard = Class()
    assert heard.hear(authority("acme", forged, newer, DELEGATION)) == ["TH-1"]
    assert delegations(heard.trusted) == ["acme/partner"]


def test_a_newer_format_is_passed_over() -> None:
    """SPEC ST-2."""
    newer = seal(b'{"type":"revocations","format":2}', {})
    assert list(claims_in(write_bundle([StatementEntry(newer.raw)]))) == []


def test_a_bundle_of_rubbish_is_refused_and_the_next_step_goes_on() -> None:
    """SPEC BN-1, DV-6."""
    heard = Class()
    files = {"v1/authorities/acme": b"rubbish", **authority("root", WORLD.signed(WORLD.revocations(1, brand="root")))}
    assert heard.hear(files) == ["BN-1"]
    assert lists(heard.trusted) == {"root/root": 1}


def test_two_statements_for_one_place_are_told() -> None:
    """SPEC FL-6: of a delegation, and of a brand."""
    other = WORLD.signed(WORLD.delegation(packages=["acme/*"]))
    brand = WORLD.signed(WORLD.brand(revocations=1))
    heard = Class(DELEGATION)
    assert heard.hear({**authority("acme", other), "v1/heads/brand/1/acme": brand.raw}) == ["FL-3", "FL-3"]
    assert list(dict.fromkeys(heard.pairs)) == [(SEED[0].raw, brand.raw), (DELEGATION.raw, other.raw)]
    assert heard.trusted.chain.delegations["acme/partner"].envelope.id == DELEGATION.id


# --- what is remembered


def remembered(trusted: Trusted, keep: Iterable[str] = ()) -> Trusted:
    """The same device after a restart."""
    return Trusted.begin(begin_with_root(WORLD.root.raw), trusted.remembered(set(keep)).values())


def rotated(trusted: Trusted) -> Trusted:
    brand = WORLD.brand(sequence=2, keys=key_set(2, *WORLD.brand_keys("acme", 2)))
    return trusted.with_brand([sign(brand, *WORLD.brand_role, *WORLD.brand_keys("acme")[:2]).raw])


def test_a_list_survives_restarts_and_rotations() -> None:
    """SPEC RK-3: weakened, and of many the highest."""
    many = [WORLD.signed(WORLD.revocations(n, (f"revision acme/tool/{n}/amd64", "stop"))) for n in range(1, 12)]
    trusted = remembered(rotated(begin(*many)))
    [held] = trusted.chain.revocations.lists
    assert (held.statement.sequence, held.counts) == (11, False)


def test_a_thief_with_a_brands_keys_cannot_fill_the_memory() -> None:
    """SPEC FL-4: his delegations go with his keys, all but a bounded number."""
    many = [WORLD.signed(WORLD.delegation(f"d{n}")) for n in range(100)]
    trusted = remembered(rotated(begin(*many)))
    assert len(trusted.others) <= 64 + len(SEED)


def test_a_delegation_that_signed_what_runs_is_kept_beside_its_successor() -> None:
    """SPEC RK-6: or taking it back would no longer reach what it had signed."""
    revision = sign(WORLD.revision(), WORLD.delegate_keys()[0])
    newer = WORLD.signed(WORLD.delegation(sequence=2, keys=key_set(1, *WORLD.delegate_keys("partner", 2))))
    trusted = begin(DELEGATION)
    trusted = trusted.learn(trusted.chain.authenticate(revision.raw, type(WORLD.revision()), "acme"))
    trusted = trusted.learn(trusted.chain.authenticate(newer.raw, type(WORLD.delegation()), "acme"))
    assert DELEGATION.digest in trusted.remembered({revision.digest})
    assert DELEGATION.digest not in trusted.remembered(())
