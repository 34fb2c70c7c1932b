"""What a device says about a release it has begun (SPEC RP-1): who says it is part of the type.

A report decides nothing on any device. A store counts it toward a halt only as a `SignedReport`, which
`check_signed` alone makes; a `ShownReport` is what anybody can send, and is good for showing only.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import ClassVar, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from sealring.authentic import Verified
from sealring.envelope import Bounds, envelope_bytes, open_envelope, pae_of
from sealring.errors import RuledError, TrustError
from sealring.keys import signed_by
from sealring.names import FullName, Instant, KeyId, Revision, Sequence, Sha256Hex, Text, plain
from sealring.signing import Signer, UselessSignature
from sealring.statement import SerialStatement
from sealring.statement.fleet import Serial
from sealring.strict import Rules, decode_strict, encode

REPORT_TYPE: Final = "application/vnd.sealring.report+json"
MAX_REPORT: Final = 4096  # bytes of the document
MAX_REPORT_ENVELOPE: Final = 8 * 1024  # bytes; what a bundle takes of kind 8 (BN-2)
MAX_REPORTS: Final = 64  # in one bundle, and kept for one device (RP-2, RP-4)

Event = Literal["begun", "good", "rolled-back", "failed"]
_BOUNDS: Final = Bounds(REPORT_TYPE, MAX_REPORT_ENVELOPE, MAX_REPORT, 1)
_RULES: Final = Rules("RP-1", "RP-1", "RP-1")


@dataclass(eq=False)
class BadReport(RuledError):
    """Well spelled, and still no report (SPEC RP-1)."""

    reason: str
    by: str = "RP-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"report: {self.reason}"

    def hint(self) -> str:
        return "a device makes its reports itself; this one was altered, or made by something else"


@dataclass(eq=False)
class NotSigned(TrustError):
    """Nobody that the brand knows has signed this report, so it counts for nothing (SPEC RP-3)."""

    device: str
    reason: str
    rule: ClassVar[str] = "RP-3"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"report of {self.device}: {self.reason}, the signature of its serial's key needed"

    def hint(self) -> str:
        return "it is shown and never counted; publish the device's serial statement if it should count"


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that happened on one device, as it says itself. Unverified; see `ShownReport` and `SignedReport`.

    `device` is the device's name towards this store alone (`report_name`), `number` grows with each report of it,
    `at` is its own clock and decides nothing, `ground` the id of the release or stack.
    """

    format: Literal[1]
    root: Sha256Hex
    store: FullName
    model: FullName
    serial: Serial | UnsetType = UNSET
    device: Sha256Hex
    number: Sequence
    at: Instant
    package: FullName
    ground: Sha256Hex
    revision: Revision
    previous: Revision | UnsetType = UNSET
    event: Event
    reason: Text | UnsetType = UNSET


_decoder: Final = msgspec.json.Decoder(Report)


@dataclass(frozen=True)
class ShownReport:
    """A report that anybody may have sent. `signatures` (one, or none) are not verified."""

    report: Report
    raw: bytes
    payload: bytes
    signatures: Mapping[KeyId, bytes]

    @property
    def digest(self) -> str:
        """SHA-256 of the signed document, hex: the same report again has the same one (SPEC RP-2)."""
        return sha256(self.payload).hexdigest()


@dataclass(frozen=True)
class SignedReport:
    """A report that the key of a current serial of its own model has signed (RP-3). Made by `check_signed` only."""

    report: Report
    raw: bytes
    serial: Verified[SerialStatement]


def report_name(secret: bytes, store: str) -> bytes:
    """The name by which a device is known to one store and to no other (SPEC RP-1).

    Args:
        secret: the device's own 32 bytes, which never leave it.
        store: full name of the store, as its `store` statement has it.
    """
    return hmac.digest(secret, b"sealring report v1\0" + store.encode(), "sha256")


def parse_report(raw: bytes) -> Report:
    """The report that these bytes spell, at most 4,096 of them.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _decoder, limit=MAX_REPORT, what="report", rules=_RULES)
    if not plain(found.at):
        raise BadReport("an instant that is not spelt as 2026-03-01T12:00:00Z")
    return found


def open_report(raw: bytes) -> ShownReport:
    """The report in this envelope, which nobody has vouched for.

    Raises:
        TrustError: and nothing else, whatever the bytes; a statement's envelope is none of a report (EN-3).
    """
    payload, signatures = open_envelope(raw, _BOUNDS)
    report = parse_report(payload)
    # RP-1: a signature belongs to a serial's key; of a device without one it would be nobody's.
    if signatures and not isinstance(report.serial, str):
        raise BadReport("signed, and it names no serial")
    return ShownReport(report, raw, payload, signatures)


def report_bytes(report: Report, signer: Signer | None = None) -> bytes:
    """The envelope of this report, as it is sent: signed by the device's key, or by nobody.

    Raises:
        UselessSignature: the signer gave what its own public half does not verify.
        TrustError: no store would take it.
    """
    payload = encode(report)
    if signer is None:
        return open_report(envelope_bytes(REPORT_TYPE, payload, {})).raw
    signature = signer.sign(pae := pae_of(REPORT_TYPE, payload))
    if not signed_by(signer.public, signature, pae):
        raise UselessSignature(signer.public.name)
    return open_report(envelope_bytes(REPORT_TYPE, payload, {signer.public.id: signature})).raw


def serial_subject(report: Report) -> str | None:
    """The subject of the serial statement that this report names, if it names one."""
    return f"{report.model}/{report.serial}" if isinstance(report.serial, str) else None


def check_signed(shown: ShownReport, serial: Verified[SerialStatement]) -> SignedReport:
    """The report as one that this serial's device has made (SPEC RP-3).

    Args:
        serial: current and not revoked at the instant of the check: the caller's chain has judged it.

    Raises:
        NotSigned: it names another serial, root or model, or another key or nobody has signed it.
    """
    report, said = shown.report, serial.statement
    # RP-3: the serial is the one of the report's own model, or one device could speak for another model's.
    if serial_subject(report) != said.subject or report.root != said.root:
        raise NotSigned(report.device, f"serial {serial_subject(report)} named, {said.subject} held")
    signature = shown.signatures.get(said.key.id)
    if signature is None:
        raise NotSigned(report.device, f"the key of serial {said.subject} has not signed")
    if not signed_by(said.key, signature, pae_of(REPORT_TYPE, shown.payload)):
        raise NotSigned(report.device, f"the signature by the key of serial {said.subject} is not good")
    return SignedReport(report, shown.raw, serial)
