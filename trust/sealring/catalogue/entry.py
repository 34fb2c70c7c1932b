"""`catalogue.json`: the one small target that says everything about a store's catalogue (SPEC CT-1)."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Annotated, ClassVar, Final, Literal

import msgspec

from sealring.catalogue.log import EMPTY_LOG, leaf_hash
from sealring.catalogue.spelling import decode_one_spelling
from sealring.errors import TrustError
from sealring.names import Count, Sequence, Sha256Hex
from sealring.strict import encode

MAX_ENTRY: Final = 1024  # bytes
NO_PREVIOUS: Final = bytes(32)

_TIME: Final = re.compile(r"\A[0-9]{4}-[0-9]{2}-[0-9]{2}T(?:[01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}Z\Z")


class _Document(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    format: Literal[1]
    root: Sha256Hex
    map: Sha256Hex
    size: Count
    sequence: Sequence
    time: Annotated[str, msgspec.Meta(min_length=20, max_length=20)]
    previous: Sha256Hex
    log: Sha256Hex


_decoder: Final = msgspec.json.Decoder(_Document)


@dataclass(eq=False)
class BadEntry(TrustError):
    """Bytes that are not the one spelling of a catalogue entry (SPEC CT-1)."""

    why: str

    rule: ClassVar[str] = "CT-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"not a catalogue entry: {self.why}"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(eq=False)
class BadFirstEntry(TrustError):
    """A first entry with a history, or a later one without (SPEC CT-1)."""

    sequence: int

    rule: ClassVar[str] = "CT-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        needed = "neither a previous entry nor a log" if self.sequence == 1 else "a previous entry and a log"
        return f"catalogue entry {self.sequence}: {needed} needed"

    def hint(self) -> str:
        return "report this store; another store or mirror may have an honest answer"


@dataclass(frozen=True)
class CatalogueEntry:
    """One state of a store's catalogue. Made by `parse_entry` and `make_entry` only.

    Args:
        root: id of version 1 of the root under which the store publishes.
        map: root of the map.
        size: number of the map's leaves.
        sequence: 1 for the first entry, one more for each.
        time: when the store made it; UTC, whole seconds.
        previous: SHA-256 of the bytes of the entry before.
        log: RFC 6962 root over the bytes of entries 1 to `sequence` - 1.
        raw: the exact bytes.
    """

    root: bytes
    map: bytes
    size: int
    sequence: int
    time: datetime
    previous: bytes
    log: bytes
    raw: bytes = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What the next entry names as `previous`."""
        return sha256(self.raw).digest()

    @property
    def leaf(self) -> bytes:
        """The entry's leaf hash in the log (SPEC LG-1)."""
        return leaf_hash(self.raw)


def parse_entry(raw: bytes) -> CatalogueEntry:
    """The entry that these bytes spell (SPEC CT-1); `verify_entry` says whether it may follow.

    Args:
        raw: at most 1024 bytes.

    Raises:
        TrustError: BadEntry or BadFirstEntry, and nothing else, whatever the bytes.
    """
    found = decode_one_spelling(raw, _decoder, limit=MAX_ENTRY, refuse=BadEntry)
    entry = CatalogueEntry(
        root=bytes.fromhex(found.root),
        map=bytes.fromhex(found.map),
        size=found.size,
        sequence=found.sequence,
        time=_instant(found.time),
        previous=bytes.fromhex(found.previous),
        log=bytes.fromhex(found.log),
        raw=raw,
    )
    is_first = entry.sequence == 1
    # CT-1: a later entry that named nothing before it would cut its own history off.
    if (entry.previous == NO_PREVIOUS) != is_first or (entry.log == EMPTY_LOG) != is_first:
        raise BadFirstEntry(entry.sequence)
    return entry


def make_entry(
    *, root: bytes, map: bytes, size: int, sequence: int, time: datetime, previous: bytes, log: bytes
) -> CatalogueEntry:
    """The entry with these members; see `CatalogueEntry`.

    Args:
        time: aware; parts of a second are cut off.

    Raises:
        TrustError: when no device would take it.
    """
    at = time.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat() + "Z"
    return parse_entry(encode(_Document(1, root.hex(), map.hex(), size, sequence, at, previous.hex(), log.hex())))


def first_entry(*, root: bytes, map: bytes, size: int, time: datetime) -> CatalogueEntry:
    """The entry with which a store begins (SPEC CT-1)."""
    return make_entry(root=root, map=map, size=size, sequence=1, time=time, previous=NO_PREVIOUS, log=EMPTY_LOG)


def next_entry(before: CatalogueEntry, *, map: bytes, size: int, time: datetime, log: bytes) -> CatalogueEntry:
    """The entry after `before`; `log` is the root of the log that holds `before` as its last entry (SPEC CT-3)."""
    return make_entry(
        root=before.root,
        map=map,
        size=size,
        sequence=before.sequence + 1,
        time=time,
        previous=before.digest,
        log=log,
    )


def _instant(text: str) -> datetime:
    """The instant in its one spelling, such as 2026-03-01T12:00:00Z."""
    if not _TIME.match(text):
        raise BadEntry("time is not spelt as 2026-03-01T12:00:00Z")
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        raise BadEntry("time is no date of the calendar") from None
