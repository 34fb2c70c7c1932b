"""What one entry writes: statements, heads, leaves, views, the entry and TUF metadata (SPEC PB-3).

All of it is written in the caller's transaction, so that it becomes visible as one new catalogue entry.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, insert, select, update

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.sparse import SequenceFell
from sealring.halt import Halt, halt_bytes, halt_head, halt_key
from sealring.statement import Common
from sealring_server.catalogue import append_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.prepared import Prepared, insert_or_ignore, of_new, upsert
from sealring_server.reading.serial_keys import note_serial_keys
from sealring_server.released import note_released
from sealring_server.schema import halts, heads, statements, tallies
from sealring_server.tuf_repo import TufFile, publish_catalogue
from sealring_server.views import update_views
from sealring_server.work import Admitted

_MEMBERS = ("type", "format", "subject", "sequence", "id", "envelope")
# What is there is looked for by its digest, or by its subject; an update, so that each can be told from the other.
_ADD_STATEMENT = Prepared(insert_or_ignore(statements))
_ADD_HEAD = Prepared(insert_or_ignore(heads))
_MOVE_HEAD = Prepared(
    update(heads)
    .where(
        heads.c.type == bindparam("of_type"),
        heads.c.format == bindparam("of_format"),
        heads.c.subject == bindparam("of_subject"),
        heads.c.sequence <= bindparam("to_sequence"),
    )
    .values(sequence=bindparam("to_sequence"), id=bindparam("to_id"), envelope=bindparam("to_envelope"))
)

_COUNT = Prepared(upsert(tallies, ["authority"], {"subjects": tallies.c.subjects + of_new(tallies, "subjects")}))


@dataclass(frozen=True)
class Shown:
    """An entry and the TUF files that lead to it: what a client fetches to see it."""

    entry: CatalogueEntry
    files: Sequence[TufFile]


@dataclass
class Draft:
    """An entry that is being written: what several publications add to it, one after the other (SPEC PB-10)."""

    connection: Connection
    root: bytes
    """The id of version 1 of the root."""
    sequence: int
    news: list[Common] = field(default_factory=list)
    updates: dict[bytes, Head] = field(default_factory=dict)

    def add(self, admitted: Iterable[Admitted]) -> None:
        """Write what of these is new; where it raises, the caller rolls back, and nothing of them is in the draft.

        Raises:
            SequenceFell: a head would get a lower sequence (SPEC MP-5).
        """
        news = [one for one in admitted if one.is_news]
        if not news:
            return
        rows = [_row(one) for one in news]
        raws = [one.envelope.raw for one in news]
        entry = self.sequence
        added = [row | {"entry": entry, "raw": raw} for row, raw in zip(rows, raws, strict=True)]
        _ADD_STATEMENT.run(self.connection, added)
        self._move_heads(rows)
        note_released(self.connection, (one.statement for one in news))
        note_serial_keys(self.connection, (one.statement for one in news), entry)
        self.news += [one.statement for one in news]
        self.updates |= {key_of(self.root, one.statement): _head(one) for one in news}

    def halt(self, one: Halt) -> None:
        """Halt a release with this entry, by a leaf of its own (SPEC HL-1)."""
        raw = halt_bytes(one)
        head = halt_head(raw, self.sequence)
        row = {"digest": head.id.hex(), "release": one.release, "id": one.id, "entry": self.sequence, "raw": raw}
        self.connection.execute(insert(halts).values(row))
        self.updates[halt_key(self.root, one.release)] = head

    def _move_heads(self, rows: Sequence[dict[str, Any]]) -> None:
        added = 0
        for authority, group in groupby(sorted(rows, key=_tallied), key=_tallied):
            some = list(group)
            number = _ADD_HEAD.run(self.connection, some)
            added += number
            if number and authority:
                _COUNT.run(self.connection, [{"authority": authority, "subjects": number}])
        if added == len(rows):
            return
        moves = [
            {f"of_{name}": row[name] for name in ("type", "format", "subject")}
            | {f"to_{name}": row[name] for name in ("sequence", "id", "envelope")}
            for row in rows
        ]
        if _MOVE_HEAD.run(self.connection, moves) != len(moves):
            raise self._fallen(rows)

    def _fallen(self, rows: Sequence[dict[str, Any]]) -> SequenceFell:
        for row in rows:
            same = [heads.c[name] == row[name] for name in ("type", "format", "subject")]
            held = self.connection.scalar(select(heads.c.sequence).where(*same)) or 0
            if held > row["sequence"]:
                key = map_key(self.root, row["type"], row["format"], row["subject"])
                return SequenceFell(key, row["sequence"], held)
        raise AssertionError("a head did not move, and none has a higher sequence")

    def append(self, here: StoreHere, at: datetime) -> Shown:
        """The entry with all that was added, and the TUF metadata over it.

        Raises:
            TrustError: what was added makes no entry, such as a view beyond its bounds.
        """
        held = Held(self.connection)
        updates = self.updates | update_views(held, self.root, self.sequence, self.news, here.documents)
        entry = append_entry(self.connection, here.tiles, updates, root=self.root, at=at)
        return Shown(entry, publish_catalogue(self.connection, here.online, entry.raw, at))


def begin_draft(connection: Connection, sequence: int) -> Draft:
    """The draft of entry number `sequence`, in a transaction that can write."""
    return Draft(connection, bytes.fromhex(Held(connection).root_id), sequence)


def append(
    here: StoreHere, connection: Connection, news: Iterable[Admitted], sequence: int, at: datetime
) -> CatalogueEntry:
    """Write entry number `sequence` with these statements, and the TUF metadata over it.

    Raises:
        TrustError: when a sequence would fall (SPEC MP-5).
    """
    draft = begin_draft(connection, sequence)
    draft.add(news)
    return draft.append(here, at).entry


def key_of(root: bytes, said: Common) -> bytes:
    """The key of a statement in the map."""
    return map_key(root, said.type, said.format, said.subject)


def _tallied(row: dict[str, Any]) -> str:
    """PB-7: whose subjects it counts among; nobody's for roots and brands, which the root bounds."""
    return "" if row["type"] in ("root", "brand") else str(row["subject"]).partition("/")[0]


def _row(one: Admitted) -> dict[str, Any]:
    said, envelope = one.statement, one.envelope
    values = (said.type, said.format, said.subject, said.sequence, envelope.id, envelope.digest)
    return dict(zip(_MEMBERS, values, strict=True))


def _head(one: Admitted) -> Head:
    return Head(one.statement.sequence, bytes.fromhex(one.envelope.id), bytes.fromhex(one.envelope.digest))
