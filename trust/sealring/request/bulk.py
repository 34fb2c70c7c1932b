"""Counter-signing in bulk: which of many statements a key signs again, and the envelope that waits (SPEC CE-7).

Nobody reviews a hundred thousand. So a statement is signed again only where the keys in force vouch for it already, and
one that says who may sign, never: that is a ceremony's business.
"""

from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Literal, NamedTuple

from sealring.algorithm import ALGORITHMS
from sealring.chain import Claim, read_claim
from sealring.envelope import MAX_SIGNATURES, seal
from sealring.keys import PublicKey, signed_by
from sealring.request.standing import Standing
from sealring.statement import Brand, Delegation, Root

Verdict = Literal["sign", "signed", "not asked", "expired", "authority", "not vouched for"]
"""`sign` and `signed` (by this key, before) are handed on; the others are left out, and counted."""


class Prepared(NamedTuple):
    """What becomes of one statement. For `sign`: the signature goes into `envelope` from `begin` on."""

    verdict: Verdict
    envelope: bytes = b""
    begin: int = 0
    pae: bytes = b""


@dataclass(frozen=True)
class Bulk:
    """One key's work.

    Args:
        before: whose word is asked of each statement; None: nobody's, the holder has verified them otherwise.
        after: who may sign once the keys have changed; the key must be listed there.
        at: what is expired then is left out.
    """

    key: PublicKey
    before: Standing | None
    after: Standing
    at: datetime

    def prepare(self, raw: bytes) -> Prepared:
        """What becomes of this statement.

        Raises:
            TrustError: for bytes that are no statement.
        """
        claim = read_claim(raw)
        verdict = self._verdict(claim)
        if verdict == "signed":
            return Prepared(verdict, raw)
        return self._waiting(claim) if verdict == "sign" else Prepared(verdict)

    def _verdict(self, claim: Claim) -> Verdict:
        said, envelope = claim.statement, claim.envelope
        if isinstance(said, Root | Brand | Delegation):
            return "authority"
        if said.expires <= self.at:
            return "expired"
        if self.before is not None:
            if not any(
                self.key.id == one.id
                for group in self.after.groups(said)
                for needed in group
                for one in needed.keys.keys
            ):
                return "not asked"
            # CE-7: or whoever slips a forgery into the bundle gets it signed by every holder, unread.
            if not self.before.vouches(claim):
                return "not vouched for"
        there = envelope.signatures.get(self.key.id)
        return "signed" if there is not None and signed_by(self.key, there, envelope.pae) else "sign"

    def _waiting(self, claim: Claim) -> Prepared:
        """The envelope with room for the signature, so that who holds the key does nothing but sign."""
        envelope, key = claim.envelope, self.key.id
        room = b'{"keyid":"%s","sig":"%s"}' % (key.encode(), self._room)
        begin = len(room) - len(self._room) - 2
        later = next((other for other in envelope.signatures if other > key), None)
        if key in envelope.signatures or len(envelope.signatures) >= MAX_SIGNATURES:
            size = ALGORITHMS[self.key.type].signature_bytes
            raw = seal(envelope.payload, {**envelope.signatures, key: bytes(size)}).raw
            return Prepared("sign", raw, raw.rindex(room) + begin, envelope.pae)
        # EN-2, EN-4: there is one spelling, so the new one goes before the next key id, or last; nothing else moves.
        if later is not None:
            at = envelope.raw.rindex(b'{"keyid":"%s' % later.encode())
            return Prepared("sign", envelope.raw[:at] + room + b"," + envelope.raw[at:], at + begin, envelope.pae)
        comma = b"," if envelope.signatures else b""
        at = len(envelope.raw) - 2
        return Prepared("sign", envelope.raw[:at] + comma + room + b"]}", at + len(comma) + begin, envelope.pae)

    @cached_property
    def _room(self) -> bytes:
        return b64encode(bytes(ALGORITHMS[self.key.type].signature_bytes))
