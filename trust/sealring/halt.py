"""A store says: begin this release no more (SPEC HL-1, HL-3). It needs no key of the brand, so it is bounded.

A halt is a document and a leaf of the map. `prove_halt` ties the one to the other; `check_halt` says what it means
for a device, and raises for as long as the release's own signed plan allows, never longer.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import ClassVar, Final, Literal

import msgspec

from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.spelling import Subject
from sealring.errors import RuledError, TrustError
from sealring.names import Instant, Sha256Hex, Text, plain, spell
from sealring.statement import Release
from sealring.statement.software import Rollout
from sealring.strict import Rules, decode_strict, encode

HALT: Final = "halt"
"""The type of the leaf."""
MAX_HALT: Final = 1024  # bytes
_RULES: Final = Rules("HL-1", "HL-1", "HL-1")


@dataclass(eq=False)
class BadHalt(RuledError):
    """Not the halt that the map commits to, or none at all (SPEC HL-1)."""

    reason: str
    by: str = "HL-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"halt: {self.reason}"

    def hint(self) -> str:
        return "report this store; it is not listened to about this release in this check"


@dataclass(eq=False)
class Halted(TrustError):
    """A store has halted this release, and the brand's plan lets it, for a while (SPEC HL-3)."""

    what: str
    reason: str
    since: datetime
    until: datetime
    rule: ClassVar[str] = "HL-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.what}: halted {spell(self.since)} until {spell(self.until)} at the latest: {self.reason}"

    def hint(self) -> str:
        return "the brand ends it with its next release of this channel; what runs goes on running"


class Halt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One release that a store has halted: its subject, its id, why, and when. Unverified; see `ProvenHalt`."""

    format: Literal[1]
    root: Sha256Hex
    release: Subject
    id: Sha256Hex
    reason: Text
    time: Instant


_decoder: Final = msgspec.json.Decoder(Halt)


@dataclass(frozen=True)
class ProvenHalt:
    """A halt that a map commits to: the store's word, under its TUF keys. Made by `prove_halt` only."""

    halt: Halt
    head: Head


def parse_halt(raw: bytes) -> Halt:
    """The halt that these bytes spell, at most 1,024 of them.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _decoder, limit=MAX_HALT, what="halt", rules=_RULES)
    if not plain(found.time):
        raise BadHalt("an instant that is not spelt as 2026-03-01T12:00:00Z")
    return found


def halt_bytes(halt: Halt) -> bytes:
    """The one spelling of a halt.

    Raises:
        TrustError: when no device would read it.
    """
    parse_halt(raw := encode(halt))
    return raw


def halt_key(root: bytes, release: str) -> bytes:
    """Where the map says whether a release is halted (SPEC HL-1).

    Args:
        root: id of version 1 of the root, 32 bytes.
        release: the release's subject.
    """
    return map_key(root, HALT, 1, release)


def halt_head(raw: bytes, sequence: int) -> Head:
    """The leaf of a halt that entry number `sequence` brings (SPEC HL-1)."""
    digest = sha256(raw).digest()
    return Head(sequence, digest, digest)


def prove_halt(raw: bytes, head: Head, *, root: str, release: str) -> ProvenHalt:
    """The halt whose leaf was proven, or the refusal of a store that shows another one (SPEC HL-1).

    Args:
        head: what the proof says of `halt_key(root, release)`; the caller has checked the proof.
        root: id of version 1 of the root, hex.
        release: the release's subject.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    if halt_head(raw, head.sequence) != head:
        raise BadHalt(f"SHA-256 {sha256(raw).hexdigest()[:16]} found, the leaf names {head.envelope.hex()[:16]}")
    halt = parse_halt(raw)
    if (halt.root, halt.release) != (root, release):
        raise BadHalt(f"of {halt.release} in the place of {release}")
    return ProvenHalt(halt, head)


def check_halt(
    proven: ProvenHalt | None, release: Release, id: str, at: datetime, *, seen: datetime | None = None
) -> None:
    """Raise while a store's halt keeps a device from beginning this release (SPEC HL-3).

    Whether this device asks at all is the caller's: not where its own revision is below the `minimum` or revoked,
    nor where the new one's purpose is `security`.

    Args:
        proven: what the store has proven; none where it has proven that there is no halt.
        id: of the release's statement.
        at: instant of the check.
        seen: when this device first met a halt of this very release, from `Halted.since`; a store that dates its halt
            anew each day could else hold a release back for ever.

    Raises:
        Halted.
    """
    plan = release.rollout
    if proven is None or not isinstance(plan, Rollout):
        return
    halt = proven.halt
    # HL-2: the brand's next signature is another release with another id, and no halt of the old one binds it.
    if (halt.root, halt.release, halt.id) != (release.root, release.subject, id):
        return
    # A date ahead would stretch the halt beyond what the plan allows: it counts from now at the latest.
    since = min(halt.time, at, seen or at)
    until = since + timedelta(seconds=plan.halt)
    if at < until:
        raise Halted(release.title, halt.reason, since, until)
