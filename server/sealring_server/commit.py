"""What one publication writes: statements, heads, leaves, views, the entry and TUF metadata (SPEC PB-3).

All of it is written in the caller's transaction, so that it becomes visible as one new catalogue entry.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import Connection, insert
from sqlalchemy.dialects.sqlite import insert as upsert

from sealring.bundle import Entry, ProofEntry, TufEntry, write_bundle
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head, map_key
from sealring_server.catalogue import append_entry, last_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.schema import heads, statements
from sealring_server.tuf_repo import CATALOGUE, last_version, metadata_bytes, publish_catalogue, sign_timestamp
from sealring_server.views import update_views
from sealring_server.work import Admitted

PROOF_KEYS = 64  # in one proof
RESIGN_AFTER = timedelta(days=1)


def make_visible(here: StoreHere, connection: Connection, admitted: list[Admitted], at: datetime) -> CatalogueEntry:
    """The entry after these statements; the one that is there already when nothing of it is new."""
    news = [one for one in admitted if one.is_news]
    if not news:
        return last_entry(connection)
    sequence = last_entry(connection).sequence + 1
    return append(here, connection, news, sequence, at)


def append(
    here: StoreHere, connection: Connection, news: Iterable[Admitted], sequence: int, at: datetime
) -> CatalogueEntry:
    """Write entry number `sequence` with these statements, and the TUF metadata over it.

    Raises:
        TrustError: when a sequence would fall (SPEC MP-5).
    """
    held, news = Held(connection), list(news)
    root = bytes.fromhex(held.root_id)
    # The entry's row comes after the rows that name it: SQLite checks the reference at the end of the transaction.
    connection.exec_driver_sql("PRAGMA defer_foreign_keys=ON")
    updates = _write_statements(connection, root, news, sequence)
    updates |= update_views(held, root, sequence, [one.statement for one in news])
    entry = append_entry(connection, here.maps, updates, root=root, at=at)
    publish_catalogue(connection, here.online, entry.raw, at)
    return entry


def sign_again(here: StoreHere) -> CatalogueEntry:
    """A new timestamp, over a new entry with today's time where the newest is older than a day (SPEC TF-2).

    Safe with any number of processes: the lock lets one work, and the next finds a fresh entry.
    """
    at = here.clock()
    with here.database.writing() as connection:
        entry = last_entry(connection)
        if at - entry.time < RESIGN_AFTER:
            sign_timestamp(connection, here.online, at)
            return entry
        return append(here, connection, [], entry.sequence + 1, at)


def receipt(here: StoreHere, connection: Connection, entry: CatalogueEntry, admitted: Iterable[Admitted]) -> bytes:
    """The proof that these statements are published: TUF files and proofs, as a bundle (SPEC PB-3)."""
    root = bytes.fromhex(Held(connection).root_id)
    found = here.maps.at(connection, entry.sequence, keep=False)
    keys = sorted({map_key(root, a.statement.type, a.statement.format, a.statement.subject) for a in admitted})
    files: list[Entry] = [TufEntry(f"{entry.digest.hex()}.{CATALOGUE}", entry.raw)]
    for role in ("timestamp", "snapshot", "targets"):
        raw = metadata_bytes(connection, role)
        assert raw is not None  # written with every entry
        name = f"{role}.json" if role == "timestamp" else f"{last_version(connection, role)}.{role}.json"
        files.append(TufEntry(name, raw))
    rest = iter(keys)
    while some := tuple(islice(rest, PROOF_KEYS)):
        files.append(ProofEntry(found.root, some, found.prove(some)))
    return write_bundle(files)


def _write_statements(
    connection: Connection, root: bytes, news: Iterable[Admitted], sequence: int
) -> dict[bytes, Head]:
    updates: dict[bytes, Head] = {}
    for one in news:
        said, envelope = one.statement, one.envelope
        row = {"type": said.type, "format": said.format, "subject": said.subject, "sequence": said.sequence}
        row |= {"id": envelope.id, "envelope": envelope.digest}
        connection.execute(insert(statements).values(**row, entry=sequence, raw=envelope.raw).prefix_with("OR IGNORE"))
        new = upsert(heads).values(**row)
        taken = {name: new.excluded[name] for name in ("sequence", "id", "envelope")}
        connection.execute(new.on_conflict_do_update(index_elements=["type", "format", "subject"], set_=taken))
        key = map_key(root, said.type, said.format, said.subject)
        updates[key] = Head(said.sequence, bytes.fromhex(envelope.id), bytes.fromhex(envelope.digest))
    return updates
