"""Bytes that lie on a limit, or beside the one spelling (SPEC EN, ST-1, ST-3, ST-7)."""

import msgspec
import pytest

from sealring.envelope import PAYLOAD_TYPE, BadEnvelope, parse_envelope, seal
from sealring.errors import TrustError
from sealring.names import KeyId
from sealring.statement import parse_statement
from sealring.strict import Malformed, TooLarge, encode
from tests.world import Key, World, sign

WORLD = World()
ONE = sign(WORLD.release(), Key("one"))


def rule(raw: bytes) -> str | None:
    """By which rule these bytes are no envelope, if they are none."""
    try:
        parse_envelope(raw)
    except TrustError as err:
        return err.rule
    return None


def test_what_fills_its_limit_is_read_and_a_byte_more_is_not() -> None:
    """EN-1, ST-7: by its size alone, before anything is parsed."""
    for limit, read in ((256 * 1024, parse_envelope), (64 * 1024, parse_statement)):
        with pytest.raises(Malformed):
            read(b"[" * limit)
        with pytest.raises(TooLarge) as refused:
            read(b"[" * (limit + 1))
        assert refused.value.limit == limit


def test_payload_signatures_and_each_of_them_have_their_own_limits() -> None:
    """EN-4: what lies on the limit is taken, one more is not."""
    ids = [KeyId(f"{n:064x}") for n in range(33)]
    for payload, signatures in (
        (b"x" * 65_536, {}),
        (b"{}", {ids[0]: b"s" * 4096}),
        (b"{}", dict.fromkeys(ids[:32], b"s")),
        (b"x" * 65_536, dict.fromkeys(ids[:32], b"s" * 3309)),
    ):
        assert seal(payload, signatures).signatures == signatures
    for payload, signatures in (
        (b"x" * 65_537, {}),
        (b"{}", {ids[0]: b"s" * 4097}),
        (b"{}", dict.fromkeys(ids, b"s")),
    ):
        with pytest.raises(BadEnvelope) as refused:
            seal(payload, signatures)
        assert refused.value.rule == "EN-4"


def test_no_signature_stands_twice_nor_before_a_lower_id() -> None:
    """EN-4: a mirror can neither repeat one nor reorder them into another digest."""
    document = msgspec.json.decode(sign(WORLD.release(), Key("one"), Key("two")).raw)
    first, second = document["signatures"]
    assert rule(encode({**document, "signatures": [first, second]})) is None
    for signatures in ([second, first], [first, first], [first, second, second]):
        assert rule(encode({**document, "signatures": signatures})) == "EN-4"


@pytest.mark.parametrize("other", ["application/json", "text/plain", PAYLOAD_TYPE + "2", ""])
def test_what_was_signed_as_something_else_is_no_assertion(other: str) -> None:
    """EN-3: whichever name comes first."""
    document = msgspec.json.decode(ONE.raw)
    assert rule(encode(document)) is None
    assert rule(encode({**document, "payloadType": other})) == "EN-3"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(b'{"payload":', b'{ "payload":', id="a blank: it sorts before"),
        pytest.param(b',"payloadType"', b',"signatures":[],"payloadType"', id="a member twice: it sorts after"),
        pytest.param(b'"signatures":[{"keyid"', b'"signatures":[{"a":1,"keyid"', id="an unknown member within"),
    ],
)
def test_another_spelling_is_refused_wherever_it_would_sort(old: bytes, new: bytes) -> None:
    """EN-2: or one envelope would have two digests."""
    assert rule(ONE.raw.replace(old, new, 1)) == "EN-2"


def test_a_message_quotes_a_strangers_word_as_far_as_it_is_readable() -> None:
    """ST-3: blanks and all that is printable stay, so that its sender finds it; it is cut after 200 characters."""
    with pytest.raises(Malformed) as refused:
        parse_statement(encode(WORLD.release()).replace(b'"package"', b'"~a b!\xc3\xa9"', 1))
    assert "unknown field `~a b!?`" in refused.value.reason
    with pytest.raises(Malformed) as refused:
        parse_statement(encode(WORLD.release()).replace(b'"package"', b'"%s"' % (b"w" * 300), 1))
    assert len(refused.value.reason) == 200


def test_who_nests_too_deeply_is_told_so() -> None:
    """ST-1: in words, and without a trace of the reader's own depth."""
    with pytest.raises(Malformed) as refused:
        parse_statement(b'{"a":' + b"[" * 60_000)
    assert (refused.value.rule, refused.value.reason) == ("ST-1", "nested too deeply")
