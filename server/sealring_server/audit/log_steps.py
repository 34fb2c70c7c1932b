"""One entry after another: what each must be, given those before it (SPEC CT-1, CT-3, LG-1)."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sealring.catalogue.entry import MAX_ENTRY, NO_PREVIOUS, CatalogueEntry, parse_entry
from sealring.catalogue.log import Frontier
from sealring.errors import TrustError
from sealring.names import spell
from sealring_server.audit.errors import NotShown

PAGE = 1000  # entries in one answer
MAX_PAGE = PAGE * (2 + MAX_ENTRY)  # bytes


@dataclass(frozen=True)
class Fault:
    """What an entry says that can't be so after those before it."""

    sequence: int
    what: str
    rule: str


@dataclass
class Steps:
    """A log as it grows: the entries so far, as their last one and the frontier of all."""

    frontier: Frontier = field(default_factory=Frontier)
    last: CatalogueEntry | None = None
    fault: Fault | None = None

    @property
    def next(self) -> int:
        """The number of the entry that comes next."""
        return self.frontier.size + 1

    def take(self, entry: CatalogueEntry) -> None:
        """One more entry; the first fault of all is kept."""
        self.fault = self.fault or self._fault(entry)
        self.frontier, self.last = self.frontier.append(entry.leaf), entry

    def _fault(self, entry: CatalogueEntry) -> Fault | None:
        last, number = self.last, entry.sequence
        if number != self.next:
            return Fault(self.next, f"stands at place {self.next} of the log and says sequence {number}", "CT-3")
        previous = NO_PREVIOUS if last is None else last.digest
        # CT-3 before LG-1: which entry came before is what everything else rests on.
        if entry.previous != previous:
            return Fault(number, f"names {entry.previous.hex()} before it, {previous.hex()} is there", "CT-3")
        if last is not None and entry.root != last.root:
            return Fault(number, f"is under root {entry.root.hex()}, those before under {last.root.hex()}", "CT-1")
        if last is not None and entry.time < last.time:
            return Fault(number, f"is of {spell(entry.time)}, the one before of {spell(last.time)}", "CT-1")
        if entry.log != self.frontier.root:
            found = self.frontier.root.hex()
            return Fault(number, f"says log {entry.log.hex()}, the entries before it give {found}", "LG-1")
        return None


def split_page(raw: bytes, first: int) -> Iterator[CatalogueEntry]:
    """The entries of one answer, each after its length in 2 bytes.

    Raises:
        NotShown: not the form of such an answer; nobody has signed that.
    """
    at, count = 0, 0
    while at < len(raw):
        size = int.from_bytes(raw[at : at + 2], "big")
        part = raw[at + 2 : at + 2 + size]
        count += 1
        if len(part) != size or size == 0 or count > PAGE:
            raise NotShown(f"entries from {first} on: not entries with their lengths")
        try:
            yield parse_entry(part)
        except TrustError as err:
            raise NotShown(f"entry {first + count - 1}: {err}", err.rule) from None
        at += 2 + size
