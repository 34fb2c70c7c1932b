"""Judges for what keys sign: envelopes, statements, and the files of keys."""

import re
from binascii import a2b_base64
from hashlib import sha256
from itertools import pairwise
from typing import Any

from sealring.envelope import parse_envelope, seal
from sealring.halt import halt_bytes, parse_halt
from sealring.keyfile import parse_key_file, parse_public_file, public_file
from sealring.report import open_report
from sealring.request.form import parse_request
from sealring.statement import parse_statement
from sealring.strict import encode
from tests.fuzz.harness import check_plain_json

_INSTANT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_TYPE = b"application/vnd.sealring.assertion+json"


def envelope(raw: bytes) -> bool:
    """EN-1 to EN-5: what is accepted is bounded, ordered, and what its own members make again."""
    found = parse_envelope(raw)
    check_plain_json(raw)
    assert len(raw) <= 262_144
    assert len(found.payload) <= 65_536
    assert len(found.signatures) <= 32
    assert all(re.fullmatch("[0-9a-f]{64}", keyid) for keyid in found.signatures)
    assert all(a < b for a, b in pairwise(found.signatures))
    assert all(1 <= len(signature) <= 4096 for signature in found.signatures.values())
    assert seal(found.payload, dict(sorted(found.signatures.items(), reverse=True))).raw == raw
    signed = b"DSSEv1 %d %s %d %s" % (len(_TYPE), _TYPE, len(found.payload), found.payload)
    assert (found.id, found.digest) == (sha256(signed).hexdigest(), sha256(raw).hexdigest())
    return True


def statement(raw: bytes) -> bool:
    """ST-1 to ST-7: one spelling for every reader of JSON, in bounds that hold without the parser's word."""
    found = parse_statement(raw)
    members = check_plain_json(raw)
    assert encode(found) == raw
    assert len(raw) <= 65_536
    assert (members["type"], members["format"]) == (found.type, 1)
    assert re.fullmatch(r"[!#-\[\]-~]{1,512}", found.subject), found.subject  # MP-1: it has a key in the map
    assert members["issued"] < members["expires"]
    for name in ("issued", "expires", "not_before", "end_of_support"):
        assert _INSTANT.fullmatch(members.get(name, "0001-01-01T00:00:00Z")), name
    _check_bounds(members)
    return True


def report(raw: bytes) -> bool:
    """RP-1: what a stranger posts to a store is one document in one spelling, within the widest bounds."""
    found = open_report(raw)
    check_plain_json(raw)
    members = check_plain_json(found.payload)
    assert encode(found.report) == found.payload
    assert len(raw) <= 8192
    assert len(found.payload) <= 4096
    assert len(found.signatures) <= (1 if "serial" in members else 0)
    assert _INSTANT.fullmatch(members["at"])
    assert found.digest == sha256(found.payload).hexdigest()
    _check_bounds(members)
    return True


def halt(raw: bytes) -> bool:
    """HL-1: what a store says to a device, in the one spelling that its leaf commits to."""
    found = parse_halt(raw)
    members = check_plain_json(raw)
    assert halt_bytes(found) == raw
    assert len(raw) <= 1024
    assert _INSTANT.fullmatch(members["time"])
    _check_bounds(members)
    return True


def request(raw: bytes) -> bool:
    """EN-2, ST-1: what holders are asked to sign is the same for every one of them."""
    found = parse_request(raw)
    members = check_plain_json(raw)
    assert found.raw == raw
    assert [claim.envelope.raw for claim in found.drafts] == [encode(draft) for draft in members["drafts"]]
    assert 1 <= len(found.drafts) <= 64
    assert len(found.context) <= 4096
    assert re.fullmatch("[0-9a-f]{64}", found.id)
    return True


def key_file(raw: bytes) -> bool:
    """KY-5: a planted file can't ask for more memory than is bounded."""
    found = parse_key_file(raw, "alice.key")
    members = check_plain_json(raw)
    assert encode(found) == raw
    assert members["kdf"]["memory"] <= 2**30
    assert members["kdf"]["operations"] <= 16
    return True


def public_key_file(raw: bytes) -> bool:
    """KY-1: what is handed around has the fingerprint of its own key."""
    found = parse_public_file(raw)
    check_plain_json(raw)
    assert public_file(found) == raw
    return True


def mend_public_key_file(raw: bytes) -> bytes:
    """The file with the fingerprint of the key that stands in it, as a forger would write it."""
    found = re.search(rb'"type":"([^"]*)","public":"([A-Za-z0-9+/=]*)"', raw)
    if found is None:
        return raw
    try:
        material = a2b_base64(found[2])
    except ValueError:
        return raw
    digest = sha256(b"sealring key v1\0" + found[1] + b"\0" + material).hexdigest().encode()
    return re.sub(rb'"fingerprint":"[0-9a-f]{64}"', b'"fingerprint":"' + digest + b'"', raw)


def _check_bounds(value: Any) -> None:
    """ST-3: no string, number or list of an accepted statement is beyond the widest bound that there is."""
    if isinstance(value, dict):
        for name, member in value.items():
            assert re.fullmatch("[a-z0-9_-]{1,40}", name), name
            _check_bounds(member)
    elif isinstance(value, list):
        assert len(value) <= 256
        for item in value:
            _check_bounds(item)
    elif isinstance(value, str):
        assert len(value) <= 5464, "longer than the longest key in base64"
        assert value.isprintable()
    else:
        assert isinstance(value, int)
        assert 0 <= value < 2**53
