"""Whether a store's catalogue entry may follow the one last seen of that store (SPEC CT-1 to CT-3, LG-2).

A store that shows two histories must keep them apart for ever: whoever has seen one refuses the other.
"""

from dataclasses import dataclass
from typing import ClassVar

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.log import NotInLog, verify_inclusion
from sealring.errors import TrustError

_EVIDENCE = "the store is showing different histories: keep both entries and report it"


@dataclass(eq=False)
class OtherCatalogueRoot(TrustError):
    """A catalogue under another root, such as a staging one (SPEC CT-1)."""

    found: bytes
    wanted: bytes

    rule: ClassVar[str] = "CT-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"catalogue under root {self.found.hex()}, {self.wanted.hex()} needed"

    def hint(self) -> str:
        return "check that the store's address is the right one"


@dataclass(eq=False)
class CatalogueRollback(TrustError):
    """A store never goes back (SPEC CT-2)."""

    offered: int
    held: int

    rule: ClassVar[str] = "CT-2"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"catalogue sequence {self.offered} offered, {self.held} or later needed"

    def hint(self) -> str:
        return "the store or a cache before it is behind what it showed already: try later, or another store"


@dataclass(eq=False)
class Fork(TrustError):
    """Two different entries with one sequence (SPEC CT-3)."""

    sequence: int
    offered: bytes
    held: bytes

    rule: ClassVar[str] = "CT-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"catalogue entry {self.sequence} is {self.offered.hex()}, {self.held.hex()} was seen"

    def hint(self) -> str:
        return _EVIDENCE


@dataclass(eq=False)
class OtherPrevious(TrustError):
    """A next entry that follows another one than was seen (SPEC CT-3)."""

    sequence: int
    named: bytes
    held: bytes

    rule: ClassVar[str] = "CT-3"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"catalogue entry {self.sequence} follows {self.named.hex()}, {self.held.hex()} was seen"

    def hint(self) -> str:
        return _EVIDENCE


@dataclass(eq=False)
class HistoryNotShown(TrustError):
    """A later entry whose log is not shown to hold the one that was seen (SPEC LG-2)."""

    sequence: int
    held: int
    why: str

    rule: ClassVar[str] = "LG-2"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"catalogue entry {self.sequence} does not show that it follows entry {self.held}: {self.why}"

    def hint(self) -> str:
        return "ask the store for the path from the held entry; if that fails too, report the store"


def needs_path(entry: CatalogueEntry, held: CatalogueEntry | None) -> bool:
    """Whether `check_follows` wants a path for these two entries."""
    return held is not None and entry.sequence > held.sequence + 1


def check_follows(entry: CatalogueEntry, held: CatalogueEntry | None, path: bytes = b"") -> None:
    """Return only if `entry` belongs to the same history as `held` (SPEC CT-2, CT-3, LG-2).

    Args:
        entry: the one offered; its bytes are a target that the store's TUF metadata names.
        held: the one last accepted from this store; None where none was, and then nothing is compared.
        path: for a sequence beyond the next one, the audit path of `held` (index `held.sequence` - 1) in
            the log of `entry.sequence` - 1 entries; empty otherwise.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    if path and not needs_path(entry, held):
        raise HistoryNotShown(entry.sequence, 0 if held is None else held.sequence, "a path that nothing needs")
    if held is None:
        return
    # CT-2: without this a store could show yesterday again and withhold what was published since.
    if entry.sequence < held.sequence:
        raise CatalogueRollback(entry.sequence, held.sequence)
    if entry.sequence == held.sequence:
        # CT-3: one number, two states: the store tells different devices different things.
        if entry.raw != held.raw:
            raise Fork(entry.sequence, entry.digest, held.digest)
        return
    if entry.sequence == held.sequence + 1:
        # CT-3: the cheap case needs no path, since the entry itself names the one before.
        if entry.previous != held.digest:
            raise OtherPrevious(entry.sequence, entry.previous, held.digest)
        return
    try:
        verify_inclusion(held.leaf, held.sequence - 1, entry.sequence - 1, path, entry.log)
    except NotInLog as err:
        raise HistoryNotShown(entry.sequence, held.sequence, err.why) from err


def verify_entry(raw: bytes, *, root: bytes, held: CatalogueEntry | None, path: bytes = b"") -> CatalogueEntry:
    """The catalogue entry in these bytes, if it is under `root` and in the history that this device has seen.

    Args:
        raw: `catalogue.json`, already matched with its length and digest in verified TUF targets.
        root: id of version 1 of the root that the device trusts.
        held, path: as for `check_follows`.

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    entry = parse_entry(raw)
    # CT-1: a staging store's catalogue is genuine, and means nothing here.
    if entry.root != root:
        raise OtherCatalogueRoot(entry.root, root)
    check_follows(entry, held, path)
    return entry
