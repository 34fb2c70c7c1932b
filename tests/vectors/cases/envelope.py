"""Envelopes: hand-made bytes that no encoder of ours would write (SPEC EN)."""

import base64
from hashlib import sha256

from sealring.envelope import PAYLOAD_TYPE, seal
from sealring.strict import encode
from tests.vectors.cases.common import ACCEPTED, WORLD, Case, Cases, case
from tests.world import merge, sign

STATEMENT = WORLD.revision()
KEYS = WORLD.brand_keys("acme")
GOOD = sign(STATEMENT, *KEYS[:2])
TYPE = PAYLOAD_TYPE.encode()


def _b64(data: bytes) -> bytes:
    return base64.b64encode(data)


def _whole(payload: bytes, signatures: bytes, kind: bytes = TYPE) -> bytes:
    return b'{"payload":"%s","payloadType":"%s","signatures":[%s]}' % (payload, kind, signatures)


def _signature(keyid: bytes, sig: bytes) -> bytes:
    return b'{"keyid":"%s","sig":"%s"}' % (keyid, sig)


SIGNATURES = b",".join(_signature(keyid.encode(), _b64(sig)) for keyid, sig in GOOD.signatures.items())
PAYLOAD = _b64(GOOD.payload)


def _case(name: str, rule: str, comment: str, raw: bytes, **facts: str) -> Case:
    return case(f"envelope/{name}", rule, comment, "envelope", ("envelope", raw), **facts)


def _facts(raw: bytes, payload: bytes) -> dict[str, str]:
    """The id and digest, computed here by DSSE's own words."""
    pae = b" ".join([b"DSSEv1", str(len(TYPE)).encode(), TYPE, str(len(payload)).encode(), payload])
    return {"id": sha256(pae).hexdigest(), "digest": sha256(raw).hexdigest()}


def _accepted() -> Cases:
    good = _whole(PAYLOAD, SIGNATURES)
    yield _case("good", ACCEPTED, "two signatures in the order of their key ids", good, **_facts(good, GOOD.payload))
    draft = seal(GOOD.payload, {}).raw
    yield _case(
        "draft", ACCEPTED, "no signatures: whole, and enough for no threshold", draft, **_facts(draft, GOOD.payload)
    )
    more = merge([GOOD, sign(STATEMENT, KEYS[2])])
    yield _case(
        "counter-signed",
        ACCEPTED,
        "a third signature: the id of good.vec, another digest",
        more.raw,
        **_facts(more.raw, GOOD.payload),
    )
    full = b"x" * 65_536
    raw = seal(full, {}).raw
    yield _case("largest-payload", ACCEPTED, "a payload of exactly 65,536 bytes", raw, **_facts(raw, full))
    many = b",".join(_signature(b"%064x" % n, _b64(bytes(64))) for n in range(32))
    raw = _whole(PAYLOAD, many)
    yield _case(
        "most-signatures", ACCEPTED, "32 signatures, of keys that nobody knows", raw, **_facts(raw, GOOD.payload)
    )


def _sizes() -> Cases:
    yield _case("too-large", "EN-1", "a store sends without end: refused by size, before parsing", b" " * 262_145)
    yield _case("payload-too-large", "EN-4", "one byte above 65,536", _whole(_b64(b"x" * 65_537), b""))
    many = b",".join(_signature(b"%064x" % n, _b64(bytes(64))) for n in range(33))
    yield _case("too-many-signatures", "EN-4", "33 signatures: a verifier's time is bounded", _whole(PAYLOAD, many))
    long = _signature(b"0" * 64, _b64(bytes(4097)))
    yield _case("signature-too-long", "EN-4", "a signature of 4,097 bytes", _whole(PAYLOAD, long))
    deep = b'{"payload":' + b"[" * 20_000 + b"]" * 20_000 + b"}"
    yield _case("deep-nesting", "EN-2", "20,000 brackets where the payload belongs: no reader's stack may care", deep)


def _order() -> Cases:
    low, high = sorted(GOOD.signatures)
    first = _signature(low.encode(), _b64(GOOD.signatures[low]))
    second = _signature(high.encode(), _b64(GOOD.signatures[high]))
    yield _case(
        "descending-key-ids",
        "EN-4",
        "a mirror swaps the signatures: a second spelling of one envelope",
        _whole(PAYLOAD, second + b"," + first),
    )
    yield _case(
        "one-key-twice",
        "EN-4",
        "one genuine signature twice, to look like two of two",
        _whole(PAYLOAD, first + b"," + first),
    )
    yield _case(
        "one-key-two-signatures",
        "EN-4",
        "two signatures under one key id: which one would count?",
        _whole(PAYLOAD, first + b"," + _signature(low.encode(), _b64(bytes(64)))),
    )


def _types() -> Cases:
    link = b"application/vnd.in-toto+json"
    yield _case("in-toto", "EN-3", "a genuine DSSE envelope of another protocol", _whole(PAYLOAD, SIGNATURES, link))
    yield _case("type-in-capitals", "EN-3", "the media type in another case", _whole(PAYLOAD, SIGNATURES, TYPE.upper()))
    yield _case(
        "type-not-ascii",
        "EN-3",
        "a look-alike letter in the media type",
        _whole(PAYLOAD, SIGNATURES, TYPE.replace(b"a", "\u0430".encode())),
    )


def _spelling() -> Cases:
    good = _whole(PAYLOAD, SIGNATURES)
    key = next(iter(GOOD.signatures)).encode()
    yield _case("empty", "EN-2", "no bytes at all", b"")
    yield _case("null", "EN-2", "JSON, and no envelope", b"null")
    yield _case("array", "EN-2", "members as an array", b'["%s","%s",[]]' % (PAYLOAD, TYPE))
    yield _case("truncated", "EN-2", "the last byte is missing", good[:-1])
    yield _case("byte-order-mark", "EN-2", "a byte order mark before it", b"\xef\xbb\xbf" + good)
    yield _case("newline-after", "EN-2", "a newline after it", good + b"\n")
    yield _case("second-object-after", "EN-2", "a second envelope behind the first", good + good)
    yield _case("zero-byte-after", "EN-2", "a zero byte behind it, where a C string would end", good + b"\0")
    yield _case("blank", "EN-2", "a blank after a colon", good.replace(b'":"', b'": "', 1))
    yield _case(
        "escape", "EN-2", "the media type with an escaped solidus", good.replace(b"application/", rb"application\/")
    )
    yield _case(
        "escaped-name", "EN-2", "a member's name written with an escape", good.replace(b'"payload"', rb'"p\u0061yload"')
    )
    yield _case(
        "duplicate-payload",
        "EN-2",
        "a second payload: two readers would see two statements",
        b'{"payload":"%s",' % _b64(b"{}") + good[1:],
    )
    yield _case(
        "members-in-another-order",
        "EN-2",
        "payloadType first, as other DSSE writers do",
        b'{"payloadType":"%s","payload":"%s","signatures":[%s]}' % (TYPE, PAYLOAD, SIGNATURES),
    )
    yield _case("unknown-member", "EN-2", "one member more", good[:-1] + b',"extra":1}')
    yield _case(
        "unknown-member-in-signature",
        "EN-2",
        "a certificate beside a signature",
        _whole(PAYLOAD, _signature(key, b"AA==")[:-1] + b',"cert":"x"}'),
    )
    yield _case(
        "no-signatures-member",
        "EN-2",
        "the list is missing, not empty",
        b'{"payload":"%s","payloadType":"%s"}' % (PAYLOAD, TYPE),
    )
    yield _case(
        "key-id-in-capitals",
        "EN-2",
        "a key id in upper case would be a second key",
        _whole(PAYLOAD, _signature(key.upper(), b"AA==")),
    )
    yield _case("key-id-too-short", "EN-2", "a shortened key id", _whole(PAYLOAD, _signature(key[:16], b"AA==")))
    yield _case("empty-signature", "EN-2", "a signature of no bytes", _whole(PAYLOAD, _signature(key, b"")))


def _base64() -> Cases:
    short = _b64(b"{}")  # e30=
    yield _case("base64-without-padding", "EN-2", "padding left out", _whole(short.rstrip(b"="), b""))
    yield _case(
        "base64-loose-bits",
        "EN-2",
        "bits behind the last byte are set: another text for the same payload",
        _whole(b"e31=", b""),
    )
    yield _case("base64-url", "EN-2", "the alphabet for URLs", _whole(b"Pz8_Pj4-", b""))
    yield _case("base64-with-newline", "EN-2", "a newline inside, as a mailer folds it", _whole(b"e30\\n=", b""))
    yield _case("base64-trailing", "EN-2", "characters behind the padding", _whole(short + b"AAAA", b""))
    yield _case("payload-not-base64", "EN-2", "the payload as text", _whole(b"hello world", b""))
    yield _case(
        "payload-as-object",
        "EN-2",
        "the statement itself where its base64 belongs",
        b'{"payload":%s,"payloadType":"%s","signatures":[]}' % (encode(STATEMENT), TYPE),
    )


def cases() -> Cases:
    for part in (_accepted, _sizes, _order, _types, _spelling, _base64):
        yield from part()
