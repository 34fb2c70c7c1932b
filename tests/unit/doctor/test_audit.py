"""Who could have shipped what, and what was signed: as it stood then, and as it is seen now (SPEC AU-2, RK-1)."""

from datetime import datetime

from sealring.doctor.audit import Power, Scope, powers
from sealring.doctor.hindsight import Hindsight
from sealring.doctor.signed import Signed, signed
from sealring.doctor.world import issued_by
from sealring.envelope import Envelope, seal
from sealring.statement.authorities import RootRoles
from sealring.statement.fleet import Revoked
from tests.unit.doctor.worlds import BRAND, WHOLE, WORLD, world_of
from tests.world import DAY, NOW, key_set, sign

TOOL = Scope(packages=("acme/tool",))
OLD, NEW = WORLD.brand_keys("acme"), WORLD.brand_keys("acme", 2)
ROTATED = sign(
    WORLD.brand(keys=key_set(2, *NEW), sequence=2, issued=NOW + 50 * DAY), *WORLD.brand_role, *OLD[:2], *NEW[:2]
)
PARTNER = WORLD.signed(WORLD.delegation(issued=NOW + 10 * DAY, expires=NOW + 40 * DAY))
BY_PARTNER = sign(WORLD.release(2, issued=NOW + 20 * DAY), WORLD.delegate_keys()[0])


def could(at: datetime, scope: Scope, *envelopes: Envelope) -> list[Power]:
    now = world_of(*envelopes)
    return list(powers(issued_by(now, at), Hindsight(now), at, scope))


def was(at: datetime, scope: Scope, *envelopes: Envelope) -> dict[str, Signed]:
    now = world_of(*envelopes)
    found = signed(issued_by(now, at), now, Hindsight(now), at, scope)
    return {f"{one.claim.statement.title} {one.claim.statement.sequence}": one for one in found}


def sets(found: list[Power], role: str) -> list[tuple[str, str]]:
    return [(one.signers.by, one.state) for one in found if one.role == role]


def test_the_keys_of_then_and_not_of_now() -> None:
    """SPEC BR-2: after a rotation the question is who held the keys on the day, not who holds them today."""
    for at, keys in ((NOW + DAY, OLD), (NOW + 51 * DAY, NEW)):
        (own,) = [one for one in could(at, TOOL, *WHOLE, ROTATED) if one.role == "release"]
        assert [key.id for key in own.signers.keys.keys] == [key.id for key in keys]


def test_a_delegation_counts_from_its_issue_to_its_end() -> None:
    """SPEC AU-6: before it was issued it could sign nothing; after its end nothing that it signs is acted upon."""
    when = {days: sets(could(NOW + days * DAY, TOOL, *WHOLE, PARTNER), "release") for days in (5, 15, 41)}
    assert when[5] == [("brand acme", "could")]
    assert when[15] == [("brand acme", "could"), ("delegation acme/partner", "could")]
    assert when[41] == [("brand acme", "could"), ("delegation acme/partner", "ended")]


def test_a_revocation_ends_it_at_once_and_since_reaches_back() -> None:
    """`since` is when the keys were lost: whoever signed between then and the list is not to be believed."""
    line = Revoked("delegation acme/partner", NOW + 12 * DAY, "stolen laptop", "keep")
    listed = WORLD.signed(WORLD.revocations(1, issued=NOW + 30 * DAY, revoked=[line]))
    when = {days: sets(could(NOW + days * DAY, TOOL, *WHOLE, PARTNER, listed), "release")[1:] for days in (11, 20, 31)}
    assert when[11] == [("delegation acme/partner", "could")]
    assert when[20] == [("delegation acme/partner", "suspect")]
    assert when[31] == [("delegation acme/partner", "revoked")]


def test_only_what_was_asked() -> None:
    """A delegation of other packages could not have shipped this one, and another brand never can (SPEC AU-1, AU-3)."""
    elsewhere = WORLD.signed(WORLD.delegation("kernels", packages=["acme/kernel"]))
    other = WORLD.signed(WORLD.brand("ham"))
    found = could(NOW, TOOL, *WHOLE, elsewhere, other)
    assert {one.signers.by for one in found} == {"root 1, role root", "root 1, role brand", "brand acme"}
    assert sets(could(NOW, Scope(), *WHOLE, elsewhere, other), "release") == [
        ("brand acme", "could"),
        ("delegation acme/kernels", "could"),
        ("brand ham", "could"),
    ]


def test_a_model_brings_its_packages_and_stores() -> None:
    """Who can ship to devices of a model: its brand by its model and stores, and whoever signs what it follows."""
    found = could(NOW, Scope(models=("acme/door-1",)), *WHOLE)
    assert {(one.role, one.over) for one in found if one.signers.by == "brand acme"} == {
        ("model", ("acme/door-1",)),
        ("release", ("acme/tool",)),
        ("revision", ("acme/tool",)),
        ("serial", ("acme/door-1",)),
        ("store", ("acme/main",)),
    }


def test_what_was_signed_and_by_whom() -> None:
    """Every good signature by the name and the role that it had then; what came later was not there."""
    found = was(NOW + 21 * DAY, TOOL, *WHOLE, PARTNER, BY_PARTNER, ROTATED)
    assert "brand acme 2" not in found
    assert found["release acme/tool/latest/stable 1"].state == "superseded"
    last = found["release acme/tool/latest/stable 2"]
    assert (last.state, last.under) == ("in force", ("delegation acme/partner",))
    assert [(s.key.name, s.roles) for s in last.signatures] == [("partner-a1", ("delegation acme/partner",))]
    assert "model acme/door-1 1" not in found


def test_what_did_not_count_is_told_with_its_signers() -> None:
    """One thief's signature below the threshold is just what an audit looks for (SPEC TH-1)."""
    lone = sign(WORLD.release(9, issued=NOW + DAY), OLD[2], WORLD.key("stranger"))
    found = was(NOW + 2 * DAY, TOOL, *WHOLE, lone)["release acme/tool/latest/stable 9"]
    assert found.state == "does not count"
    assert [s.key.name for s in found.signatures] == ["acme-c1"]
    assert found.unknown == (WORLD.key("stranger").id,)


def test_a_bad_signature_is_nobodys() -> None:
    """Bytes under somebody's key id must not put his name into an audit (SPEC KY-1)."""
    genuine = sign(WORLD.release(3), OLD[0])
    framed = seal(genuine.payload, {**genuine.signatures, OLD[1].id: b"\1" * 64})
    found = was(NOW, TOOL, *WHOLE, framed)["release acme/tool/latest/stable 3"]
    assert [s.key.name for s in found.signatures] == ["acme-a1"]


def test_earlier_roots_are_walked_from_the_first_one() -> None:
    """SPEC RT-3: version 1 is known by its id, so who trusts version 2 can still ask about version 1's days."""
    next_keys = [WORLD.key(f"next-{n}") for n in "abc"]
    roles = RootRoles(key_set(2, *next_keys), key_set(2, *WORLD.brand_role))
    second = sign(
        WORLD.root_statement(sequence=2, roles=roles, issued=NOW + 30 * DAY), *WORLD.root_keys[:2], *next_keys[:2]
    )
    now = world_of(*WHOLE, WORLD.root, root=second)
    assert now.chain.root.statement.sequence == 2
    then = issued_by(now, NOW + DAY)
    assert then.chain.root.statement.sequence == 1
    (root,) = [one for one in powers(then, Hindsight(now), NOW + DAY, TOOL) if one.role == "root"]
    assert [key.name for key in root.signers.keys.keys] == ["root-a", "root-b", "root-c"]
    assert BRAND.id in {one.envelope.id for one in then.held.values()}
