"""`sealring verify` with delegations, revocation lists and ends of life (SPEC AU, RK, RC, EL)."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.statement import Common
from sealring.statement.software import Final
from tests.unit.command.creating import WORLD, Desk
from tests.world import NOW, Key, sign

DAY = timedelta(days=1)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A brand that delegates `tool` to a partner, who has built and released it."""
    found = Desk(tmp_path)
    found.fill()
    found.keep("acme.json", WORLD.brand())
    found.keep("partner.json", WORLD.delegation())
    by_partner(found, "tool.json", WORLD.revision(1))
    return found


def keep(desk: Desk, name: str, statement: Common, *keys: Key) -> None:
    """A statement signed by exactly these keys."""
    (desk.folder / name).write_bytes(sign(statement, *keys).raw)


def by_partner(desk: Desk, name: str, statement: Common) -> None:
    """A statement signed by the delegation's keys alone."""
    keep(desk, name, statement, WORLD.delegate_keys()[0])


def verify(desk: Desk, *words: str, brand: str = "acme.json") -> tuple[int, Any]:
    """The exit code, and the object on stdout or stderr; a word that ends in `.json` is a file in the desk."""
    paths = [f"{{desk}}/{word}" if word.endswith(".json") else word for word in words]
    standing = ["--root", "{desk}/root.json", "--brand", f"{{desk}}/{brand}"]
    code, out, err = desk.sealring("verify", *paths, *standing, "--json")
    return code, json.loads(out or err)


def test_a_delegations_word_counts_where_the_delegation_is_given(desk: Desk) -> None:
    """SPEC AU-2, AU-3."""
    code, said = verify(desk, "tool.json")
    assert (code, said["rule"]) == (21, "TH-1")
    code, said = verify(desk, "tool.json", "--delegation", "partner.json")
    assert code == 0
    assert [signer["name"] for signer in said["verified"][0]["signers"]] == [WORLD.delegate_keys()[0].name]


def test_a_delegation_vouches_for_nothing_beyond_it(desk: Desk) -> None:
    """SPEC AU-3: the partner signs a kernel, and a package that is not his."""
    by_partner(desk, "kernel.json", WORLD.revision(2, kind="kernel"))
    by_partner(desk, "base.json", WORLD.revision(2, package="base"))
    for name in ("kernel.json", "base.json"):
        code, said = verify(desk, name, "--delegation", "partner.json")
        assert (code, said["rule"]) == (24, "AU-3")


def test_an_expired_delegation_is_said_to_be_so(desk: Desk) -> None:
    """SPEC AU-6."""
    desk.keep("partner.json", WORLD.delegation(issued=NOW - 40 * DAY, expires=NOW - DAY))
    code, said = verify(desk, "tool.json", "--delegation", "partner.json")
    assert (code, said["rule"]) == (22, "TM-1")


def test_a_delegation_that_nobody_signed_is_refused_aloud(desk: Desk) -> None:
    """Passing over it would blame the revision for the delegation's fault."""
    desk.draft("partner.json", WORLD.delegation())
    code, said = verify(desk, "tool.json", "--delegation", "partner.json")
    assert (code, "delegation of acme" in said["message"]) == (21, True)
    code, said = verify(desk, "tool.json", "--delegation", "tool.json")
    assert (code, said["rule"]) == (24, "ST-6")


def test_what_a_list_names_is_refused(desk: Desk) -> None:
    """SPEC RK-1: by the brand's list, and by the delegation's own."""
    desk.keep("list.json", WORLD.revocations(1, ("delegation acme/partner", "keep")))
    own = WORLD.revocations(1, (WORLD.revision(1).title, "replace"), issuer="partner")
    by_partner(desk, "own.json", own)
    desk.keep("partner.json", WORLD.delegation(roles=["release", "revision", "revocations"]))
    code, said = verify(desk, "tool.json", "--delegation", "partner.json", "--revocations", "own.json")
    assert (code, said["rule"]) == (21, "RK-1")
    # A delegation that was taken back is none: the partner's keys are anybody's.
    code, said = verify(desk, "tool.json", "--delegation", "partner.json", "--revocations", "list.json")
    assert (code, said["rule"]) == (21, "TH-1")


def test_the_list_that_a_statement_names_must_be_brought(desk: Desk) -> None:
    """SPEC RC-1: a device without it installs nothing, so a check without it says no."""
    desk.keep("list.json", WORLD.revocations(2, ("store acme/old", "keep")))
    desk.keep("release.json", WORLD.release(revocations=2))
    desk.keep("named.json", WORLD.brand(revocations=2))
    desk.keep("plain.json", WORLD.revision(1))
    for words, brand in ((["release.json"], "acme.json"), (["plain.json"], "named.json")):
        code, said = verify(desk, *words, brand=brand)
        assert (code, said["rule"]) == (24, "RC-1"), said
        assert verify(desk, *words, "--revocations", "list.json", brand=brand)[0] == 0
    assert verify(desk, "list.json", "partner.json", brand="named.json")[0] == 0


def test_a_final_release_stands_beyond_its_end_with_the_role_brand(desk: Desk) -> None:
    """SPEC EL-1, EL-2: and not before whoever certifies brands has signed it too."""
    desk.keep("acme.json", WORLD.brand(expires=NOW + DAY))
    brand = WORLD.signed(WORLD.brand(expires=NOW + DAY)).id
    desk.keep("old.json", WORLD.revision(1, expires=NOW + DAY))
    rests = Final(brand, ["a" * 64], [WORLD.signed(WORLD.revision(1, expires=NOW + DAY)).id])
    last = WORLD.release(final=rests, expires=NOW + DAY)
    own = WORLD.brand_keys("acme")[:2]
    keep(desk, "alone.json", last, *own)
    keep(desk, "last.json", last, *own, *WORLD.brand_role)
    code, said = verify(desk, "alone.json")
    assert (code, "by the role brand" in said["message"]) == (21, True)
    later = f"{NOW + 300 * DAY:%Y-%m-%dT%H:%M:%SZ}"
    assert verify(desk, "last.json", "--at", later)[0] == 0
    assert verify(desk, "last.json", "old.json", "--at", later)[0] == 0
    code, said = verify(desk, "old.json", "--at", later)
    assert (code, said["rule"]) == (22, "TM-1")


def test_a_bundle_is_verified_assertion_by_assertion(desk: Desk) -> None:
    """SPEC BN-3: what `countersign` writes is a bundle, and it is trusted no more than its files."""
    desk.keep("release.json", WORLD.release(1))
    bundle = desk.folder / "both.bundle"
    names = ("tool.json", "release.json")
    bundle.write_bytes(write_bundle([StatementEntry((desk.folder / name).read_bytes()) for name in names]))
    code, said = verify(desk, str(bundle), "--delegation", "partner.json")
    assert code == 0
    assert [one["type"] for one in said["verified"]] == ["revision", "release"]
    code, said = verify(desk, str(bundle))
    assert (code, said["rule"]) == (21, "TH-1")
