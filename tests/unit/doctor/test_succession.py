"""What falls when keys change, before it has and after (SPEC BR-1, BR-3, AU-6, PB-9)."""

from sealring.envelope import Envelope
from sealring.statement.authorities import RootRoles
from tests.unit.doctor.worlds import BRAND, RELEASE, WHOLE, WORLD, look, of, without
from tests.world import NOW, key_set, sign

OWN, NEW = WORLD.brand_keys("acme"), WORLD.brand_keys("acme", 2)
NEW_ROLE = [WORLD.key(f"certifiers-{n}") for n in "abc"]
PARTNER = WORLD.signed(WORLD.delegation())
NEXT_PARTNER = WORLD.delegation(sequence=2, keys=key_set(1, *WORLD.delegate_keys("partner", 2)))
BY_PARTNER = sign(WORLD.release(), WORLD.delegate_keys()[0])


def root_2(*signers: int) -> Envelope:
    """The root's next version, with another role `brand`, signed by these of its keys."""
    roles = RootRoles(key_set(2, *WORLD.root_keys), key_set(2, *NEW_ROLE))
    return sign(WORLD.root_statement(sequence=2, roles=roles), *(WORLD.root_keys[number] for number in signers))


def about(found: list[Envelope], level: str) -> set[str]:
    return {one.about for one in of(look(*found), "not-countersigned") if one.level == level}


def test_a_drafted_root_tells_which_brands_would_fall() -> None:
    """SPEC BR-1: after a rotation of the role `brand`, a brand without its new signature is nobody."""
    assert about([*WHOLE, root_2()], "warning") == {"brand acme"}
    both = sign(BRAND.payload, *WORLD.brand_role, *NEW_ROLE)
    assert about([*without(BRAND), both, root_2()], "warning") == set()


def test_a_root_in_force_tells_which_brands_fell() -> None:
    """SPEC BR-3: devices take nothing of it until it is signed again; the doctor says so as gravely."""
    found = look(*WHOLE, root_2(0, 1))
    assert "brand acme" in about([*WHOLE, root_2(0, 1)], "problem")
    assert found.exit_code(strict=False) == 21
    again = sign(BRAND.payload, *NEW_ROLE[:2])
    assert about([*WHOLE, again, root_2(0, 1)], "problem") == set()


def test_a_drafted_brand_tells_which_of_its_statements_would_fall() -> None:
    """SPEC PB-9: new signatures come first, then the rotation."""
    draft = sign(WORLD.brand(sequence=2, keys=key_set(2, *NEW)))
    titles = {"model acme/door-1", "release acme/tool/latest/stable", "revision acme/tool/1/amd64", "store acme/main"}
    assert about([*WHOLE, draft], "warning") == titles
    signed = sign(RELEASE.payload, *NEW[:2])
    assert about([*WHOLE, signed, draft], "warning") == titles - {"release acme/tool/latest/stable"}


def test_a_drafted_delegation_tells_which_of_its_holders_statements_would_fall() -> None:
    """SPEC AU-6: a partner's new key vouches for nothing that only his old one has signed."""
    assert about([*without(RELEASE), BY_PARTNER, PARTNER, sign(NEXT_PARTNER)], "warning") == {
        "release acme/tool/latest/stable"
    }
    assert about([*WHOLE, PARTNER, sign(NEXT_PARTNER)], "warning") == set(), "the brand's own keys stand behind it"


def test_a_gap_in_the_roots_is_not_taken_for_missing_signatures() -> None:
    """SPEC RT-2: nobody can jump, however well version 3 is signed."""
    third = sign(WORLD.root_statement(sequence=3), *WORLD.root_keys[:2])
    (finding,) = of(look(*WHOLE, third), "missing-successor")
    assert finding.next == "add root 2 to 2"


def test_a_build_with_two_images_is_a_conflict_whatever_its_sequences() -> None:
    """SPEC FL-3: a second image under one revision changes what every release of it means."""
    second = WORLD.signed(WORLD.revision(1, b"another image", sequence=2))
    found = look(*WHOLE, second)
    assert [one.about for one in of(found, "conflict")] == ["revision acme/tool/1/amd64"]


def test_a_conflict_ends_with_a_line_that_names_one_of_the_two() -> None:
    """SPEC FL-5."""
    rival = WORLD.signed(WORLD.release(expires=RELEASE_ENDS))
    line = WORLD.signed(WORLD.revocations(1, (rival.id, "keep")))
    assert of(look(*WHOLE, rival), "conflict")
    assert of(look(*WHOLE, rival, line), "conflict") == []


RELEASE_ENDS = NOW + (WORLD.release().expires - NOW) / 2
