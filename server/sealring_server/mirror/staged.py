"""What was judged and not yet taken up: in the witness's own database, in the transaction that says it was judged.

So a kill at any point loses nothing that was fetched, and nothing is taken up that was not judged (SPEC MI-1).
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from sealring.authentic import Claim, read_claim
from sealring.catalogue.entry import CatalogueEntry
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import TrustError
from sealring.halt import Halt, parse_halt
from sealring.statement import Brand, Common, RevisionStatement, UnknownFormat
from sealring_server.audit.asking import Asking
from sealring_server.audit.news import Brought
from sealring_server.audit.state import State
from sealring_server.audit.views_again import is_halt
from sealring_server.mirror.errors import TooOld

MAX_STEPS = 10_000  # versions of one brand between two entries
_TABLES = """
CREATE TABLE IF NOT EXISTS brought (entry INTEGER, place INTEGER, named INTEGER NOT NULL, raw BLOB NOT NULL,
    PRIMARY KEY (entry, place)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS images (subject TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS brands (brand TEXT, sequence INTEGER, PRIMARY KEY (brand, sequence)) WITHOUT ROWID;
"""


@dataclass(frozen=True)
class News:
    """What one entry brought: the statements in the order in which they are written, and halts."""

    claims: tuple[Claim, ...]
    """Those that a leaf names come last of their subject."""
    named: frozenset[str]
    """The digests of envelopes that leaves name: the store's keys stand behind these."""
    halts: tuple[Halt, ...]


class Staged:
    """The rows of one mirror, beside those of its witness.

    Args:
        taken: the newest entry that was taken up; what came before is not kept again.
    """

    def __init__(self, state: State, ask: Asking, taken: int) -> None:
        self._state, self._database, self._ask, self.taken = state, state.database, ask, taken
        self._database.executescript(_TABLES)

    def keep(self, entry: CatalogueEntry, brought: Brought) -> None:
        """Keep what this entry brought; called in the transaction that says it was judged.

        Raises:
            TooOld: a statement of a format to come.
            NoAnswer, UsedUp.
        """
        named = list(brought.judged.values())
        claims = [_claim(raw, entry) for raw in named if not is_halt(raw)]
        beside = [*self._older(brought.beside, claims), *self._missing_brands(claims, brought.beside)]
        for claim in (*claims, *beside):
            self._note(claim.statement)
        if entry.sequence <= self.taken:
            return
        rows = [(0, claim.envelope.raw) for claim in beside] + [(1, raw) for raw in named]
        values = ((entry.sequence, place, is_named, raw) for place, (is_named, raw) in enumerate(rows))
        self._database.executemany("INSERT OR REPLACE INTO brought VALUES (?, ?, ?, ?)", values)

    def news(self, sequence: int) -> News:
        """What this entry brought."""
        asked = "SELECT named, raw FROM brought WHERE entry = ? ORDER BY place"
        rows = [(bool(named), bytes(raw)) for named, raw in self._database.execute(asked, (sequence,))]
        halts = tuple(parse_halt(raw) for _, raw in rows if is_halt(raw))
        claims = [(named, read_claim(raw)) for named, raw in rows if not is_halt(raw)]
        claims.sort(key=lambda one: (one[1].statement.sequence, one[0]))
        return News(tuple(claim for _, claim in claims), frozenset(c.envelope.digest for n, c in claims if n), halts)

    def drop(self, sequence: int) -> None:
        """Forget what was taken up, to this entry."""
        with self._state.writing():
            self._state.keep("taken", sequence)
            self._database.execute("DELETE FROM brought WHERE entry <= ?", (sequence,))

    def images(self) -> dict[str, tuple[str, int]]:
        """Of each revision's subject the image: digest and size."""
        rows = self._database.execute("SELECT subject, sha256, size FROM images")
        return {subject: (digest, size) for subject, digest, size in rows}

    def _note(self, said: Common) -> None:
        if isinstance(said, RevisionStatement):
            row = (said.subject, said.image.sha256, said.image.size)
            self._database.execute("INSERT OR REPLACE INTO images VALUES (?, ?, ?)", row)
        if isinstance(said, Brand):
            self._database.execute("INSERT OR IGNORE INTO brands VALUES (?, ?)", (said.brand, said.sequence))

    def _older(self, raws: Iterable[bytes], claims: Iterable[Claim]) -> Iterator[Claim]:
        """Of what no leaf names, that which the same entry replaced: anything else would make another map."""
        newest = {_place(claim.statement): claim.statement.sequence for claim in claims}
        for raw in raws:
            with suppress(TrustError):  # nobody stands behind it: it is nothing
                claim = read_claim(raw)
                if claim.statement.sequence < newest.get(_place(claim.statement), 0):
                    yield claim

    def _missing_brands(self, claims: Iterable[Claim], beside: Iterable[bytes]) -> Iterator[Claim]:
        """Versions of brands between two entries: who holds an older one walks over them (SPEC BR-1)."""
        offered = {(one.statement.subject, one.statement.sequence) for one in self._older(beside, claims)}
        for said in (claim.statement for claim in claims if isinstance(claim.statement, Brand)):
            for sequence in range(said.sequence - 1, max(0, said.sequence - MAX_STEPS), -1):
                if self._knows(said.brand, sequence):
                    break
                if (said.brand, sequence) in offered:
                    continue
                raw = self._ask.find(f"/v1/brands/{said.brand}/{sequence}", limit=MAX_ENVELOPE)
                if raw is None:
                    break
                with suppress(TrustError):
                    claim = read_claim(raw)
                    if (claim.statement.subject, claim.statement.sequence) == (said.brand, sequence):
                        yield claim

    def _knows(self, brand: str, sequence: int) -> bool:
        asked = "SELECT 1 FROM brands WHERE brand = ? AND sequence = ?"
        return self._database.execute(asked, (brand, sequence)).fetchone() is not None


def _claim(raw: bytes, entry: CatalogueEntry) -> Claim:
    try:
        return read_claim(raw)
    except UnknownFormat as err:
        raise TooOld(f"entry {entry.sequence}: {err}") from None


def _place(said: Common) -> tuple[str, int, str]:
    return said.type, said.format, said.subject
