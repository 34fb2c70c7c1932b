"""Signed copies become one: nothing that counts is lost, and nothing that does not count gets in (SPEC CE-5)."""

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.chain import Claim
from sealring.envelope import seal
from sealring.request.form import Request
from sealring.request.judge import judge
from sealring.request.merge import Dropped, OtherRequest, check_same, merge_copies
from tests.unit.request.ceremonies import (
    BRAND,
    NEW,
    OLD,
    RELEASE,
    WORLD,
    altered,
    next_brand,
    request,
    signed,
    signed_by,
)
from tests.world import Key

ASKED = request([next_brand(), WORLD.release(2)], BRAND, RELEASE)
BERT = WORLD.brand_role[0]


def merged(*copies: Request) -> Request:
    """The copies, put together."""
    return merge_copies(judge(copies[0], [WORLD.root.raw]), copies).request


def rubbish(found: Request, key: Key) -> Request:
    """A copy with a signature under this key's id that it never made."""
    drafts = [
        Claim(c.statement, seal(c.envelope.payload, {**c.envelope.signatures, key.id: bytes(64)})) for c in found.drafts
    ]
    return replace(found, drafts=tuple(drafts))


@given(st.permutations([BERT, *OLD[:2], *NEW[1:]]), st.integers(0, 4))
def test_any_order_and_any_duplicates_give_the_same(order: list[Key], again: int) -> None:
    """SPEC EN-2: there is one spelling, however the copies travelled."""
    copies = [signed_by(ASKED, key) for key in order]
    assert merged(*copies, copies[again]).raw == merged(signed_by(ASKED, BERT, *OLD[:2], *NEW[1:])).raw


@pytest.mark.parametrize("first", [True, False])
def test_a_bad_signature_never_displaces_a_good_one(first: bool) -> None:
    """The attack: a holder's machine hands in rubbish under another's key id (SPEC CE-5)."""
    good, bad = signed_by(ASKED, OLD[0]), rubbish(ASKED, OLD[0])
    found = merge_copies(judge(ASKED, [WORLD.root.raw]), [bad, good] if first else [good, bad])
    assert OLD[0].id in found.request.drafts[0].envelope.signatures
    assert found.request.raw == good.raw
    assert not found.dropped


def test_what_counts_for_nothing_is_dropped_and_named() -> None:
    """SPEC TH-1: a signature by a key that no set lists, by one of another role, and one that is none."""
    copies = [signed_by(ASKED, Key("mallory")), signed_by(ASKED, BERT), rubbish(ASKED, OLD[1])]
    found = merge_copies(judge(ASKED, [WORLD.root.raw]), copies)
    unlisted = "no key set that may sign this lists the key"
    brand, release = "brand acme", "release acme/tool/latest/stable"
    mallory = Key("mallory").id[:16]
    assert set(found.dropped) == {
        Dropped(brand, mallory, unlisted),
        Dropped(brand, "acme-b1", "the signature does not verify"),
        Dropped(release, mallory, unlisted),
        Dropped(release, "brands", unlisted),
        Dropped(release, "acme-b1", "the signature does not verify"),
    }
    assert list(found.request.drafts[0].envelope.signatures) == [BERT.id]


def test_a_draft_that_was_changed_after_the_review_has_no_signatures_that_count() -> None:
    """The attack: the courier changes what was signed. The signatures are of other bytes (SPEC CE-5)."""
    changed = altered(signed_by(ASKED, BERT, *OLD[:2]), 0, revocations=7)
    assert merged(changed).drafts[0].envelope.signatures == {}
    with pytest.raises(OtherRequest) as refusal:
        check_same([("alice", signed_by(ASKED, OLD[0])), ("bob", changed)])
    assert refusal.value.name == "bob"
    assert (refusal.value.exit_code, refusal.value.rule) == (24, "CE-5")


def test_a_copy_with_another_context_is_another_request() -> None:
    """The attack: one holder is shown another difference than the rest."""
    other = request([next_brand(), WORLD.release(2)], BRAND)
    with pytest.raises(OtherRequest):
        check_same([("a", ASKED), ("b", other)])
    assert check_same([("a", ASKED), ("b", signed_by(ASKED, OLD[0]))]) is ASKED


def test_what_counts_today_stays_when_new_keys_sign_it_too() -> None:
    """SPEC PB-4: a release in force keeps the signature of the key that is about to go."""
    asked = request([next_brand(), RELEASE], BRAND, RELEASE)
    found = merged(signed_by(asked, NEW[2], only=1))
    assert set(found.drafts[1].envelope.signatures) == {OLD[0].id, OLD[2].id, NEW[2].id}
    stripped = replace(asked, drafts=(asked.drafts[0], signed(RELEASE.statement)))
    assert merged(stripped).drafts[1].envelope.signatures == RELEASE.envelope.signatures, "also when a copy lost them"


def test_a_renewed_certificate_keeps_the_signature_of_the_role_before() -> None:
    """SPEC BR-1: until the new root is everywhere, devices ask for the old one."""
    roles = WORLD.root_statement().roles
    bea = Key("bea")
    fresh = msgspec.structs.replace(roles, brand=msgspec.structs.replace(roles.brand, keys=[bea.public]))
    asked = request([WORLD.root_statement(sequence=2, roles=fresh), BRAND], BRAND)
    assert set(merged(signed_by(asked, bea, only=1)).drafts[1].envelope.signatures) == {BERT.id, bea.id}
