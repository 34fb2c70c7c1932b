"""The request's form: bounded, one spelling, one meaning (SPEC CE-1, CE-2)."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.errors import TrustError
from sealring.request.form import MAX_DRAFTS, MAX_REQUEST, BadRequest, parse_request
from sealring.strict import Malformed, TooLarge
from tests.unit.request.ceremonies import BRAND, RELEASE, WORLD, claim, next_brand, request, signed, signed_by
from tests.world import Key, sign

GOOD = request([next_brand(), WORLD.release(2)], BRAND, RELEASE)


def test_what_is_written_is_read_again() -> None:
    assert parse_request(GOOD.raw) == GOOD


def test_its_id_stays_while_holders_sign_and_changes_with_anything_else() -> None:
    """SPEC CE-2: holders compare it to know that they were shown the same."""
    assert signed_by(GOOD, Key("any")).id == GOOD.id
    others = [
        request([next_brand()], BRAND, RELEASE),
        request([WORLD.release(2), next_brand()], BRAND, RELEASE),
        request([next_brand(), WORLD.release(2)], BRAND),
        request([next_brand(), WORLD.release(3)], BRAND, RELEASE),
    ]
    assert len({GOOD.id, *(other.id for other in others)}) == 5


def test_ten_thousand_drafts_are_refused_unread() -> None:
    """The attack: a holder who is worn out by a long list signs what he has not read."""
    one = signed(WORLD.release()).envelope.raw
    raw = b'{"request":1,"drafts":[' + b",".join([one] * 10_000) + b'],"context":[]}'
    with pytest.raises((Malformed, TooLarge)):
        parse_request(raw)
    few = [signed(WORLD.release(n + 1, package=f"tool-{n}")) for n in range(MAX_DRAFTS + 1)]
    with pytest.raises(Malformed) as refusal:
        request(few)
    assert refusal.value.rule == "CE-1"


def test_a_file_above_its_limit_is_refused_before_it_is_parsed() -> None:
    with pytest.raises(TooLarge) as refusal:
        parse_request(b"[" * (MAX_REQUEST + 1))
    assert refusal.value.rule == "CE-1"


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda raw: raw + b"\n", id="a byte more"),
        pytest.param(lambda raw: raw.replace(b'"drafts"', b' "drafts"', 1), id="a blank"),
        pytest.param(lambda raw: raw.replace(b'"request":1', b'"request":2', 1), id="another edition"),
        pytest.param(lambda raw: raw[:-1] + b',"note":1}', id="a member more"),
        pytest.param(lambda raw: raw.replace(b'"drafts":[', b'"drafts":[{},', 1), id="a draft that is none"),
        pytest.param(lambda raw: raw.replace(b'"payload"', b'"Payload"', 1), id="another spelling inside"),
        pytest.param(lambda raw: raw[:22] + b'[],"context":[]}', id="nothing to sign"),
    ],
)
def test_every_other_spelling_is_refused(change: object) -> None:
    assert callable(change)
    with pytest.raises(TrustError):
        parse_request(change(GOOD.raw))


def test_context_out_of_order_is_refused() -> None:
    found = json.loads(GOOD.raw)
    found["context"].reverse()
    with pytest.raises(BadRequest) as refusal:
        parse_request(json.dumps(found, separators=(",", ":")).encode())
    assert refusal.value.rule == "CE-1"


def test_two_drafts_of_one_subject_are_refused() -> None:
    """Whichever came second would be refused by every device, after all the signing."""
    with pytest.raises(BadRequest):
        request([WORLD.release(2), WORLD.release(3)])


@given(st.integers(0, len(GOOD.raw) - 1), st.integers(0, 7))
def test_a_flipped_bit_is_another_request_or_a_refusal(byte: int, bit: int) -> None:
    """Whatever the bytes, nothing else comes out; and what a holder would sign never changes under its id."""
    raw = bytearray(GOOD.raw)
    raw[byte] ^= 1 << bit
    try:
        found = parse_request(bytes(raw))
    except TrustError:
        return
    assert found.id != GOOD.id


@given(st.binary(max_size=300))
def test_nothing_else_escapes(raw: bytes) -> None:
    for begin in (b"", b'{"request":1,"drafts":['):
        with pytest.raises(TrustError):
            parse_request(begin + raw)


def test_of_context_that_is_there_twice_the_copy_with_more_signatures_travels() -> None:
    both = claim(sign(RELEASE.statement, *WORLD.brand_keys("acme")))
    assert both in request([next_brand()], BRAND, RELEASE, both).context
    assert both in request([next_brand()], BRAND, both, RELEASE).context
