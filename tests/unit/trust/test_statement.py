"""Every type, every member, and nothing else (SPEC ST, EN)."""

import base64
import re

import msgspec
import pytest

from sealring.chain import read_claim
from sealring.envelope import BadEnvelope, parse_envelope, seal
from sealring.names import covers
from sealring.statement import TYPES, Common, UnknownFormat, parse_statement
from sealring.strict import Malformed, TooLarge, encode
from tests.samples import EVERY_TYPE
from tests.world import Key, World, merge, sign

WORLD = World()
SAMPLES = [pytest.param(statement, id=name) for name, statement in EVERY_TYPE.items()]


def test_there_is_a_sample_of_every_type() -> None:
    """ST-2: ten types, in format 1."""
    assert {statement.type for statement in EVERY_TYPE.values()} == set(TYPES)
    assert len(TYPES) == 10


def test_the_samples_have_every_member_of_every_type() -> None:
    """What is parsed and never tried may parse anything."""
    for kind in TYPES.values():
        names = {f.encode_name for f in msgspec.structs.fields(kind)} - {"not_before", "x"}
        found = {name for s in EVERY_TYPE.values() if s.type == kind.__struct_config__.tag for name in _members(s)}
        assert names <= found


def _members(statement: Common) -> set[str]:
    decoded: dict[str, object] = msgspec.json.decode(encode(statement))
    return set(decoded)


@pytest.mark.parametrize("statement", SAMPLES)
def test_what_was_spelt_is_what_is_read(statement: Common) -> None:
    """ST-1: encode and parse are each other's inverse, through an envelope too."""
    raw = encode(statement)
    assert parse_statement(raw) == statement
    assert encode(parse_statement(raw)) == raw
    assert read_claim(sign(statement, Key("any")).raw).statement == statement


@pytest.mark.parametrize("statement", SAMPLES)
def test_a_payload_is_printable_ascii_and_begins_as_every_other(statement: Common) -> None:
    """ST-1: a person can read it, and a reader finds type and format first."""
    raw = encode(statement)
    assert re.fullmatch(rb"[ -~]+", raw)
    assert b"\\" not in raw
    assert raw.startswith(b'{"type":"%s","format":1,"root":"' % statement.type.encode())


@pytest.mark.parametrize("statement", SAMPLES)
def test_no_member_may_be_missing_doubled_or_unknown(statement: Common) -> None:
    """ST-1, ST-3: each member of each type, one at a time."""
    text = encode(statement)
    members: dict[str, msgspec.Raw] = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    optional = {f.encode_name for f in msgspec.structs.fields(type(statement)) if not f.required}
    for name, value in members.items():
        rest = {known: other for known, other in members.items() if known != name}
        if name not in optional:
            with pytest.raises(Malformed):
                parse_statement(msgspec.json.encode(rest))
        doubled = b'{"%s":%s,%s' % (name.encode(), bytes(value), text[1:])
        with pytest.raises(Malformed):
            parse_statement(doubled)
    with pytest.raises(Malformed):
        parse_statement(text[:-1] + b',"unknown":1}')


@pytest.mark.parametrize("kind", sorted(TYPES))
def test_a_newer_format_of_every_type_is_told_apart(kind: str) -> None:
    """ST-2: so that an old device skips it and finds the one that is for it."""
    with pytest.raises(UnknownFormat) as refused:
        parse_statement(b'{"type":"%s","format":2,"anything":{"at":[null,1.5,"\xc3\xa9"]}}' % kind.encode())
    assert (refused.value.type, refused.value.format) == (kind, 2)


@pytest.mark.parametrize(
    "payload",
    [b'{"type":"\\u001b[2J","format":1}', b'{"type":"' + b"x" * 60_000 + b'","format":9007199254740991}'],
)
def test_a_strangers_words_never_reach_the_terminal_as_they_are(payload: bytes) -> None:
    """ST-2: a message is short and printable, whatever was sent."""
    with pytest.raises(UnknownFormat) as refused:
        parse_statement(payload)
    assert str(refused.value).isprintable()
    assert len(str(refused.value)) < 300


def test_the_name_of_an_unknown_member_can_not_move_the_cursor() -> None:
    """ST-3: the decoder quotes it; what it quotes is cleaned."""
    with pytest.raises(Malformed) as refused:
        parse_statement(encode(WORLD.release()).replace(b'"package"', rb'"\u001b[31m\u202e"', 1))
    assert str(refused.value).isprintable()
    assert str(refused.value).isascii()


def test_size_comes_before_parsing() -> None:
    """ST-7, EN-1: with the rule of what was too large."""
    with pytest.raises(TooLarge) as refused:
        parse_statement(b"[" * 65_537)
    assert (refused.value.rule, refused.value.size, refused.value.limit) == ("ST-7", 65_537, 65_536)
    with pytest.raises(TooLarge) as refused:
        parse_envelope(b"[" * 262_145)
    assert refused.value.rule == "EN-1"


def test_counter_signing_keeps_the_id_and_changes_the_digest() -> None:
    """EN-5."""
    one, two = sign(WORLD.release(), Key("one")), sign(WORLD.release(), Key("two"))
    both = merge([one, two])
    assert both.id == one.id == two.id
    assert len({both.digest, one.digest, two.digest}) == 3
    assert both.signatures == {**one.signatures, **two.signatures}
    assert merge([both, one]).raw == both.raw


def test_signatures_stop_at_the_limit() -> None:
    """EN-4: 33 good signatures of 33 people make no envelope."""
    envelopes = [sign(b"{}", Key(f"person-{n}")) for n in range(33)]
    assert len(merge(envelopes[:32]).signatures) == 32
    with pytest.raises(BadEnvelope) as refused:
        merge(envelopes)
    assert refused.value.rule == "EN-4"


def test_every_signature_is_over_the_bytes_that_are_parsed() -> None:
    """EN-5: the payload comes out of the envelope as it went in, and DSSE's encoding frames it."""
    for payload in (b"", b"\0\xff", b"{}", b"x" * 65_536):
        envelope = seal(payload, {})
        assert envelope.payload == payload
        assert envelope.pae.endswith(b" %d %s" % (len(payload), payload))
        assert base64.b64encode(payload) in envelope.raw


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("acme/*", "acme/tool", True),
        ("acme/tool", "acme/tool", True),
        ("acme/tool", "acme/tool-2", False),
        ("acme/*", "acme-2/tool", False),
        ("acme/*", "acm/tool", False),
    ],
)
def test_what_a_pattern_covers(pattern: str, name: str, covered: bool) -> None:
    """SR-2, AU-2: whole names only."""
    assert covers(pattern, name) is covered
