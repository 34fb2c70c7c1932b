"""Publications as their operator looks them up: entries, newest first, with what each brought (SPEC CT-1, PB-3).

An entry's leaves are found by its number and their statements by their digests, so a page costs what it shows, however
much the store holds. An entry may have a million leaves; a page of it has a hundred.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from sealring.catalogue.entry import parse_entry
from sealring.envelope import parse_envelope
from sealring.halt import parse_halt
from sealring.statement import RevisionStatement, parse_statement
from sealring_server.held import Held, batched
from sealring_server.operator.signers import Signer, Signers
from sealring_server.schema import entries, halts, leaves, statements

PAGE = 25  # entries
PEEK = 40  # leaves of each entry that its line tells of
PART = 100  # leaves on an entry's own page
AT_ONCE = 500
ENVELOPE = slice(40, 72)  # the envelope's digest in a leaf's 72 bytes (SPEC MP-2)


@dataclass(frozen=True)
class Brought:
    """One statement that an entry made current, or a halt."""

    type: str
    title: str
    sequence: int | None
    issued: datetime
    expires: datetime | None
    bytes: int
    image: int
    """Bytes of a revision's image; 0 for other types."""
    signers: tuple[Signer, ...]


@dataclass(frozen=True)
class Publication:
    """One entry: how many leaves it changed, and the statements among the first of them."""

    sequence: int
    time: datetime
    size: int
    """Leaves of the whole map after it."""
    changes: int
    """Leaves that it changed, `PEEK` at most; `more` says that there are others."""
    more: bool
    brought: tuple[Brought, ...]

    @property
    def images(self) -> int:
        """Bytes of the images that these statements name."""
        return sum(one.image for one in self.brought)

    @property
    def bytes(self) -> int:
        """Bytes of these statements' envelopes."""
        return sum(one.bytes for one in self.brought)


def newest_publications(connection: Connection, before: int | None = None) -> list[Publication]:
    """One page of entries, the newest first; of each the first changes.

    Args:
        before: only entries of lower numbers.
    """
    asked = select(entries.c.sequence, entries.c.raw).order_by(entries.c.sequence.desc()).limit(PAGE)
    if before is not None:
        asked = asked.where(entries.c.sequence < before)
    found = []
    for row in connection.execute(asked).all():
        digests = _leaves(connection, row.sequence, b"", PEEK + 1)
        found.append(_publication(connection, row.raw, digests, PEEK, None))
    return found


def publication(connection: Connection, sequence: int, after: bytes) -> tuple[Publication, bytes] | None:
    """One entry with a hundred of its changes, and the key from which on the next hundred come (empty: no more).

    Args:
        after: only leaves of higher keys.
    """
    raw = connection.scalar(select(entries.c.raw).where(entries.c.sequence == sequence))
    if raw is None:
        return None
    rows = _leaves(connection, sequence, after, PART + 1)
    onward = rows[PART - 1][0] if len(rows) > PART else b""
    return _publication(connection, raw, rows, PART, Signers(Held(connection))), onward


def _leaves(connection: Connection, sequence: int, after: bytes, most: int) -> list[tuple[bytes, bytes]]:
    asked = select(leaves.c.key, leaves.c.value).where(leaves.c.entry == sequence, leaves.c.key > after)
    rows = connection.execute(asked.order_by(leaves.c.key).limit(most))
    return [(bytes(row.key), bytes(row.value)) for row in rows]


def _publication(
    connection: Connection, raw: bytes, rows: list[tuple[bytes, bytes]], most: int, signers: Signers | None
) -> Publication:
    entry, shown = parse_entry(raw), rows[:most]
    digests = [value[ENVELOPE].hex() for _, value in shown]
    found = []
    for some in batched(digests, AT_ONCE):
        asked = select(statements.c.raw).where(statements.c.envelope.in_(some))
        found += [_brought(bytes(one), signers) for one in connection.scalars(asked)]
        asked_halts = select(halts.c.raw).where(halts.c.digest.in_(some))
        found += [_halt(bytes(one)) for one in connection.scalars(asked_halts)]
    found.sort(key=lambda one: (one.type, one.title))
    return Publication(entry.sequence, entry.time, entry.size, len(shown), len(rows) > most, tuple(found))


def _brought(raw: bytes, signers: Signers | None) -> Brought:
    envelope = parse_envelope(raw)
    one = parse_statement(envelope.payload)
    image = one.image.size if isinstance(one, RevisionStatement) else 0
    who = tuple(signers.of(envelope, one)) if signers is not None else ()
    return Brought(one.type, one.title, one.sequence, one.issued, one.expires, len(raw), image, who)


def _halt(raw: bytes) -> Brought:
    """A halt is the store's own word: it has no keys but the store's, and no end of its own (SPEC HL-1)."""
    one = parse_halt(raw)
    return Brought("halt", f"halt of {one.release}", None, one.time, None, len(raw), 0, ())
