"""What a device reports, and who says it (SPEC RP-1, RP-3)."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sealring.authentic import Authentic, Verified
from sealring.envelope import MAX_SIGNATURE, PAYLOAD_TYPE, BadEnvelope, envelope_bytes, pae_of, parse_envelope, seal
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring.report import (
    MAX_REPORT_ENVELOPE,
    REPORT_TYPE,
    BadReport,
    NotSigned,
    Report,
    check_signed,
    open_report,
    parse_report,
    report_bytes,
    report_name,
)
from sealring.signing import UselessSignature
from sealring.statement import SerialStatement
from sealring.strict import Malformed, TooLarge, encode
from tests.world import NOW, Key, World, sign

WORLD = World()
DEVICE = Key("device-1")
SECRET = bytes(32)


def report(**more: Any) -> Report:
    """The report of device SN-1, number 1: it has begun release ff..ff."""
    base: dict[str, Any] = {
        "format": 1,
        "root": WORLD.root_id,
        "store": "acme/main",
        "model": "acme/door-1",
        "serial": "SN-1",
        "device": report_name(SECRET, "acme/main").hex(),
        "number": 1,
        "at": NOW,
        "package": "acme/tool",
        "ground": "f" * 64,
        "revision": 2,
        "event": "begun",
    }
    return Report(**{**base, **more})


WHOLE = report(previous=1, event="rolled-back", reason="health check: exit 3")


def verified(**more: Any) -> Verified[SerialStatement]:
    """The serial of device SN-1, as a chain gives it."""
    envelope = WORLD.signed(statement := WORLD.serial(DEVICE.public, **more))
    found: Authentic[SerialStatement] = Authentic(statement, envelope, frozenset())
    return Verified(found.statement, found.envelope, found.signers, moment=Moment(NOW))


@pytest.mark.parametrize("said", [report(), WHOLE, report(serial=msgspec.UNSET)])
def test_what_was_spelt_is_what_is_read(said: Report) -> None:
    """RP-1: the document, and its envelope with one signature or none."""
    assert parse_report(encode(said)) == said
    assert open_report(report_bytes(said)).report == said
    if isinstance(said.serial, str):
        assert list(open_report(report_bytes(said, DEVICE)).signatures) == [DEVICE.id]


def test_members_stand_in_the_order_of_the_rule() -> None:
    """RP-1: one order, so one spelling."""
    order = "format root store model serial device number at package ground revision previous event reason"
    assert list(msgspec.json.decode(encode(WHOLE), type=dict[str, object])) == order.split()


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(encode(WHOLE).replace(b'{"format":1', b'{"format":2'), id="another format"),
        pytest.param(encode(WHOLE) + b" ", id="a blank"),
        pytest.param(encode(WHOLE).replace(b'"number":1', b'"number":0'), id="number zero"),
        pytest.param(encode(WHOLE).replace(b'"number":1', b'"number":9007199254740992'), id="number beyond 2^53"),
        pytest.param(encode(WHOLE).replace(b'"number":1', b'"number":1,"number":1'), id="a member twice"),
        pytest.param(encode(WHOLE).replace(b"rolled-back", b"exploded"), id="an unknown event"),
        pytest.param(encode(WHOLE).replace(b"T12:00:00Z", b"T12:00:00+00:00"), id="another offset"),
        pytest.param(encode(WHOLE).replace(b"T12:00:00Z", b"T12:00:00.5Z"), id="parts of a second"),
        pytest.param(encode(WHOLE).replace(b"SN-1", b"SN/1"), id="a serial with a slash"),
        pytest.param(encode(WHOLE).replace(b"exit 3", b"exit \\n3"), id="a reason with a line feed"),
        pytest.param(encode(WHOLE).replace(b"exit 3", b"e" * 200), id="a long reason"),
        pytest.param(encode(WHOLE)[:-1] + b',"x":{}}', id="an unknown member"),
        pytest.param(b"[" * 4000, id="deep"),
    ],
)
def test_any_other_spelling_is_refused(raw: bytes) -> None:
    """RP-1: a stranger's bytes, before anything is stored of them."""
    with pytest.raises((Malformed, BadReport)) as caught:
        parse_report(raw)
    assert caught.value.rule == "RP-1"


def test_a_report_is_refused_by_its_size_before_it_is_read() -> None:
    """RP-1, BN-2: 4,096 bytes of document, 8,192 of envelope."""
    with pytest.raises(TooLarge):
        parse_report(b" " * 4097)
    with pytest.raises(TooLarge):
        open_report(b" " * (MAX_REPORT_ENVELOPE + 1))
    with pytest.raises(BadEnvelope, match="4097"):
        open_report(envelope_bytes(REPORT_TYPE, b" " * 4097, {}))


@given(st.binary(max_size=300))
def test_nothing_else_escapes(raw: bytes) -> None:
    """RP-1: whatever the bytes."""
    for reading in (parse_report, open_report):
        with pytest.raises(TrustError):
            reading(raw)


def test_a_report_is_no_statement_and_a_statement_no_report() -> None:
    """EN-3: who can sign the one must not have signed the other."""
    with pytest.raises(BadEnvelope) as caught:
        parse_envelope(report_bytes(WHOLE, DEVICE))
    assert caught.value.rule == "EN-3"
    with pytest.raises(BadEnvelope) as caught:
        open_report(seal(encode(WHOLE), {DEVICE.id: DEVICE.sign(pae_of(PAYLOAD_TYPE, encode(WHOLE)))}).raw)
    assert caught.value.rule == "EN-3"


def test_a_signature_over_one_type_is_none_over_the_other() -> None:
    """EN-3, EN-5: an attacker moves the payload and its good signature into the other envelope."""
    as_statement = sign(encode(WHOLE), DEVICE)
    moved = envelope_bytes(REPORT_TYPE, as_statement.payload, as_statement.signatures)
    with pytest.raises(NotSigned):
        check_signed(open_report(moved), verified())
    shown = open_report(report_bytes(WHOLE, DEVICE))
    assert seal(shown.payload, shown.signatures).pae != pae_of(REPORT_TYPE, shown.payload)


def test_a_report_that_its_serial_has_signed_is_a_signed_report() -> None:
    """RP-3: the good case, and what it rests on."""
    found = check_signed(open_report(report_bytes(WHOLE, DEVICE)), verified())
    assert (found.report, found.serial.statement.serial) == (WHOLE, "SN-1")


FORGED = [
    pytest.param(report_bytes(WHOLE), verified(), id="nobody"),
    pytest.param(report_bytes(WHOLE, Key("device-2")), verified(), id="another device's key"),
    pytest.param(
        envelope_bytes(REPORT_TYPE, encode(WHOLE), {DEVICE.id: bytes(64)}), verified(), id="a signature of zeros"
    ),
    pytest.param(
        envelope_bytes(REPORT_TYPE, encode(WHOLE), open_report(report_bytes(report(), DEVICE)).signatures),
        verified(),
        id="the signature of another report",
    ),
    pytest.param(report_bytes(report(serial="sn-2"), DEVICE), verified(), id="another serial's name"),
    pytest.param(report_bytes(report(model="acme/gate"), DEVICE), verified(), id="another model"),
    pytest.param(report_bytes(report(root="e" * 64), DEVICE), verified(), id="another root"),
    pytest.param(report_bytes(WHOLE, DEVICE), verified(root="e" * 64), id="a serial of another root"),
]


@pytest.mark.parametrize(("raw", "serial"), FORGED)
def test_what_the_serial_has_not_signed_is_never_a_signed_report(raw: bytes, serial: Verified[SerialStatement]) -> None:
    """RP-3: each of these would let a stranger, or one thief, speak for other devices."""
    with pytest.raises(NotSigned) as caught:
        check_signed(open_report(raw), serial)
    assert caught.value.rule == "RP-3"


def test_a_signed_report_names_the_serial_and_has_one_signature() -> None:
    """RP-1: a signature beside no serial is nobody's; two are one too many."""
    with pytest.raises(BadReport):
        report_bytes(report(serial=msgspec.UNSET), DEVICE)
    two = {"0" * 64: b"s", "1" * 64: b"s"}
    with pytest.raises(BadEnvelope) as caught:
        open_report(envelope_bytes(REPORT_TYPE, encode(WHOLE), two))  # type: ignore[arg-type]
    assert caught.value.rule == "EN-4"
    long = {"0" * 64: b"s" * (MAX_SIGNATURE + 1)}
    with pytest.raises(TrustError):
        open_report(envelope_bytes(REPORT_TYPE, encode(WHOLE), long))  # type: ignore[arg-type]


def test_a_signer_that_gives_rubbish_is_told() -> None:
    """KY-2: a damaged key file must not send reports that nobody counts."""

    class Broken:
        public = DEVICE.public

        def sign(self, pae: bytes, /) -> bytes:
            return pae[:64]

    with pytest.raises(UselessSignature):
        report_bytes(WHOLE, Broken())


def test_a_device_has_another_name_for_each_store() -> None:
    """RP-1: two stores that compare what they were told find no device in common."""
    assert report_name(SECRET, "acme/main") != report_name(SECRET, "acme/second")
    assert report_name(SECRET, "acme/main") != report_name(bytes([1]) * 32, "acme/main")
    assert report_name(SECRET, "acme/main").hex() == "94d6ad723d8cf9183e142df81eacca67c7bf53c339befdef8c2734af97b450f7"
