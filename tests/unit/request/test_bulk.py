"""What a key signs unread, and what it never does (SPEC CE-7)."""

from base64 import b64encode

import pytest

from sealring.envelope import MAX_SIGNATURES, Envelope, parse_envelope, seal
from sealring.errors import TrustError
from sealring.request.bulk import Bulk, Prepared
from sealring.request.standing import Standing
from sealring.statement import Brand, Root
from sealring.statement.software import Final
from tests.unit.request.ceremonies import BRAND, NEW, OLD, RELEASE, WORLD, delegation, next_brand, next_root, signed
from tests.world import DAY, NOW, Key, key_set, sign

DAVE = NEW[2]
ROOT = WORLD.root_statement()
BEFORE = Standing(ROOT, {"acme": WORLD.brand(), "evil": WORLD.brand("evil")})
AFTER = Standing(ROOT, {"acme": next_brand(), "evil": WORLD.brand("evil")})
WORK = Bulk(DAVE.public, BEFORE, AFTER, NOW)


def finished(one: Prepared, key: Key) -> Envelope:
    """The envelope with the signature that waits."""
    raw = bytearray(one.envelope)
    spelt = b64encode(key.sign(one.pae))
    raw[one.begin : one.begin + len(spelt)] = spelt
    return parse_envelope(bytes(raw))


def test_what_the_keys_in_force_vouch_for_is_signed() -> None:
    """SPEC EN-5: and it stays the same statement, in its one spelling."""
    one = WORK.prepare(RELEASE.envelope.raw)
    assert one.verdict == "sign"
    assert finished(one, DAVE).raw == sign(RELEASE.statement, OLD[0], OLD[2], DAVE).raw


@pytest.mark.parametrize("name", [f"k{n}" for n in range(12)])
def test_the_signature_finds_its_place_among_others(name: str) -> None:
    """SPEC EN-2, EN-4: ascending key ids, so first, between or last."""
    key = Key(name)
    work = Bulk(key.public, None, Standing(), NOW)
    one = work.prepare(RELEASE.envelope.raw)
    assert finished(one, key).raw == sign(RELEASE.statement, OLD[0], OLD[2], key).raw
    draft = work.prepare(signed(RELEASE.statement).envelope.raw)
    assert finished(draft, key).raw == sign(RELEASE.statement, key).raw


def test_a_signature_that_is_there_is_not_made_again_and_a_bad_one_is_mended() -> None:
    done = sign(RELEASE.statement, OLD[0], OLD[2], DAVE)
    assert WORK.prepare(done.raw) == Prepared("signed", done.raw)
    bad = seal(done.payload, {**done.signatures, DAVE.id: bytes(64)})
    assert finished(WORK.prepare(bad.raw), DAVE).raw == done.raw


@pytest.mark.parametrize(
    ("raw", "verdict"),
    [
        pytest.param(signed(WORLD.release(9), OLD[0]), "not vouched for", id="below threshold"),
        pytest.param(signed(WORLD.release(9), Key("x"), Key("y")), "not vouched for", id="forged"),
        pytest.param(signed(WORLD.release(9), DAVE, NEW[1]), "not vouched for", id="by new keys alone"),
        pytest.param(signed(WORLD.release(brand="evil"), *OLD[:2]), "not asked", id="another brand"),
        pytest.param(signed(WORLD.release(brand="lost"), *OLD[:2]), "not asked", id="a brand that nobody certified"),
        pytest.param(signed(WORLD.release(issued=NOW - DAY, expires=NOW), *OLD[:2]), "expired", id="expired"),
        pytest.param(BRAND, "authority", id="a brand"),
        pytest.param(signed(next_root(), *WORLD.root_keys[:2]), "authority", id="a root"),
        pytest.param(signed(delegation(Key("b")), *OLD[:2]), "authority", id="a delegation"),
    ],
)
def test_what_is_slipped_into_the_bundle_is_not_signed(raw: object, verdict: str) -> None:
    """The attack: a forgery among a hundred thousand, signed unread by every holder; or a key set (SPEC CE-7)."""
    assert WORK.prepare(raw.envelope.raw) == Prepared(verdict)  # type: ignore[attr-defined, arg-type]


def test_even_unverified_nothing_that_says_who_may_sign_is_signed() -> None:
    work = Bulk(DAVE.public, None, Standing(), NOW)
    for one in (BRAND, signed(next_root()), signed(delegation(Key("b")))):
        assert isinstance(one.statement, Brand | Root) or one.statement.type == "delegation"
        assert work.prepare(one.envelope.raw).verdict == "authority"


def test_a_delegate_signs_what_is_delegated() -> None:
    builder = Key("builder")
    given = delegation(builder)
    work = Bulk(builder.public, BEFORE, Standing(ROOT, BEFORE.brands, {given.subject: given}), NOW)
    assert work.prepare(RELEASE.envelope.raw).verdict == "sign"
    assert work.prepare(signed(WORLD.model(), *OLD[:2]).envelope.raw).verdict == "not asked"


def test_the_next_role_brand_signs_last_releases_again_and_nothing_else() -> None:
    """SPEC CE-7, EL-1: when that role changes hands."""
    bea, roles = Key("bea"), ROOT.roles
    after = WORLD.root_statement(sequence=2, roles=type(roles)(roles.root, key_set(1, bea)))
    work = Bulk(bea.public, BEFORE, Standing(after, BEFORE.brands), NOW)
    last = WORLD.release(2, final=Final("1" * 64, ["2" * 64], ["3" * 64]))
    assert work.prepare(signed(last, *OLD[:2], *WORLD.brand_role).envelope.raw).verdict == "sign"
    assert work.prepare(signed(last, *OLD[:2]).envelope.raw).verdict == "not vouched for"
    assert work.prepare(RELEASE.envelope.raw).verdict == "not asked"


def test_what_is_no_statement_or_has_no_room_is_refused() -> None:
    full = seal(RELEASE.envelope.payload, {Key(f"f{n}").id: b"x" for n in range(MAX_SIGNATURES)})
    work = Bulk(DAVE.public, None, Standing(), NOW)
    for raw in (b"", b"{}", full.raw, RELEASE.envelope.raw + b" "):
        with pytest.raises(TrustError):
            work.prepare(raw)


def test_a_life_that_is_left_is_enough() -> None:
    late = Bulk(DAVE.public, BEFORE, AFTER, NOW + 89 * DAY)
    assert late.prepare(RELEASE.envelope.raw).verdict == "sign"
