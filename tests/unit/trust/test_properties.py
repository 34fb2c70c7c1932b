"""What holds whatever the bytes (SPEC EN, ST, TH; the promise of every verifier)."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from sealring.chain import Chain, begin_with_root, read_claim
from sealring.envelope import parse_envelope, seal
from sealring.errors import TrustError
from sealring.names import instant, spell
from sealring.statement import TYPES, RevisionStatement, parse_statement
from sealring.strict import encode
from tests.samples import EVERY_TYPE
from tests.vectors.form import files, read_vector
from tests.world import World, sign

WORLD = World()
CHAIN = Chain(begin_with_root(WORLD.root.raw)).with_brand([WORLD.signed(WORLD.brand()).raw])
KEYS = WORLD.brand_keys("acme")
GENUINE = sign(WORLD.revision(), *KEYS[:2])
SAMPLES = [encode(statement) for statement in EVERY_TYPE.values()]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


def texts(payload: bytes) -> st.SearchStrategy[bytes]:
    """A genuine payload with one member's value replaced by any JSON."""
    document: dict[str, Any] = json.loads(payload)

    def changed(name: str, value: Any) -> bytes:
        return json.dumps({**document, name: value}, separators=(",", ":")).encode()

    return st.builds(changed, st.sampled_from(sorted(document)), JSON)


def spliced(raw: bytes) -> st.SearchStrategy[bytes]:
    """Genuine bytes with a piece of them replaced by any others."""
    place = st.integers(0, len(raw))
    return st.builds(lambda a, b, new: raw[: min(a, b)] + new + raw[max(a, b) :], place, place, st.binary(max_size=40))


PAYLOADS = st.one_of(
    st.binary(max_size=200), *(texts(payload) for payload in SAMPLES), st.sampled_from(SAMPLES).flatmap(spliced)
)
ENVELOPES = st.one_of(
    st.binary(max_size=300),
    spliced(GENUINE.raw),
    st.builds(lambda payload: seal(payload, {}).raw, PAYLOADS),
    st.builds(lambda payload: sign(payload, *KEYS[:2]).raw, PAYLOADS),
    st.builds(lambda payload: sign(payload, *WORLD.root_keys, *WORLD.brand_role).raw, PAYLOADS),
)


def refusal_of(door: Callable[[bytes], object], raw: bytes) -> TrustError | None:
    """The refusal, or None where the bytes were taken; anything else escapes and fails the test."""
    try:
        door(raw)
    except TrustError as refusal:
        return refusal
    return None


@settings(max_examples=600, deadline=None)
@given(ENVELOPES, st.sampled_from(sorted(TYPES)))
def test_nothing_else_escapes(raw: bytes, kind: str) -> None:
    """Any bytes, signed or not: the typed object or a TrustError, from every door of the core."""
    for door in (
        parse_envelope,
        read_claim,
        begin_with_root,
        CHAIN.with_root,
        lambda data: CHAIN.with_brand([data]),
        lambda data: CHAIN.authenticate(data, TYPES[kind], "acme"),
    ):
        refusal = refusal_of(door, raw)
        assert refusal is None or (refusal.rule and f"{refusal}{refusal.hint()}".isprintable())


@settings(max_examples=600, deadline=None)
@given(PAYLOADS)
def test_a_payload_that_is_read_is_the_one_spelling_of_what_was_read(payload: bytes) -> None:
    """ST-1: two readers can never see two statements in the same bytes."""
    try:
        found = parse_statement(payload)
    except TrustError:
        return
    assert encode(found) == payload


@settings(max_examples=400, deadline=None)
@given(st.integers(0, len(GENUINE.raw) - 1), st.integers(0, 7))
@example(0, 0)
def test_a_flipped_bit_never_changes_what_is_accepted(byte: int, bit: int) -> None:
    """EN-2, TH-1: the same statement, or a refusal; never a third thing."""
    raw = bytearray(GENUINE.raw)
    raw[byte] ^= 1 << bit
    try:
        found = CHAIN.authenticate(bytes(raw), RevisionStatement, "acme")
    except TrustError:
        return
    assert found.statement == WORLD.revision()


def test_no_bit_of_a_genuine_envelope_is_without_effect() -> None:
    """EN-2: with no signature to spare, every byte counts; no two envelopes with one meaning exist beside it."""
    for byte in range(len(GENUINE.raw)):
        raw = bytearray(GENUINE.raw)
        raw[byte] ^= 1 << byte % 8
        try:
            CHAIN.authenticate(bytes(raw), RevisionStatement, "acme")
        except TrustError:
            continue
        raise AssertionError(f"byte {byte} may be anything")


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=300), st.dictionaries(st.integers(0, 2**256 - 1), st.binary(min_size=1, max_size=80), max_size=5)
)
def test_an_envelope_comes_out_as_it_went_in(payload: bytes, signatures: dict[int, bytes]) -> None:
    """EN-2: seal and parse are each other's inverse for any payload and any signatures."""
    given_ = {f"{key:064x}": sig for key, sig in signatures.items()}
    found = parse_envelope(seal(payload, given_).raw)  # type: ignore[arg-type]
    assert (found.payload, dict(found.signatures)) == (payload, given_)


@settings(max_examples=300, deadline=None)
@given(st.datetimes().map(lambda at: at.replace(microsecond=0)))
def test_every_instant_has_one_spelling(at: Any) -> None:
    """ST-1: of all years that there are."""
    text = at.isoformat() + "Z"
    assert spell(instant(text)) == text


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_no_vector_becomes_good_by_damage(data: st.DataObject) -> None:
    """Damage to the envelope of any vector that is refused for its bytes is refused too, or says the same."""
    path = data.draw(st.sampled_from([path for path in files() if path.parent.name == "envelope"]))
    raw = read_vector(path.read_text()).one("envelope")
    damaged = data.draw(spliced(raw[:3000]))
    try:
        found = parse_envelope(damaged)
    except TrustError:
        return
    assert seal(found.payload, found.signatures).raw == damaged
