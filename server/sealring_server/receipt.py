"""A publisher's receipt: TUF files that lead to an entry, and the proof that what was sent is in it (SPEC PB-8).

It is made after the commit, by the thread of the publisher who waits for it, while the next publications go on: the
files are those of that entry, and its map answers for 30 days at least (SPEC MP-6). A crash before it was sent
loses nothing but the receipt: the same publication again is no news, and gets one of the entry of that time.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from sqlalchemy import Connection

from sealring.bundle import Entry, ProofEntry, TufEntry, write_bundle
from sealring_server.catalogue import last_entry, prove
from sealring_server.commit import Shown, key_of
from sealring_server.here import StoreHere
from sealring_server.tuf_repo import CATALOGUE, TufFile, last_version, metadata_bytes
from sealring_server.work import Admitted

PROOF_KEYS = 64  # in one proof


@dataclass(frozen=True)
class Published:
    """One publication that stands in an entry."""

    shown: Shown
    keys: Sequence[bytes]
    """Of all that it sent, ascending."""


def published(shown: Shown, root: bytes, admitted: Iterable[Admitted]) -> Published:
    """That these stand in that entry."""
    return Published(shown, sorted({key_of(root, one.statement) for one in admitted}))


def shown_now(connection: Connection) -> Shown:
    """The newest entry and its files, as this transaction sees them."""
    entry = last_entry(connection)
    files = [TufFile(f"{entry.digest.hex()}.{CATALOGUE}", entry.raw)]
    for role in ("timestamp", "snapshot", "targets"):
        raw = metadata_bytes(connection, role)
        assert raw is not None  # written with every entry
        name = f"{role}.json" if role == "timestamp" else f"{last_version(connection, role)}.{role}.json"
        files.append(TufFile(name, raw))
    return Shown(entry, files)


def receipt(here: StoreHere, of: Published) -> bytes:
    """The receipt, as a bundle."""
    parts: list[Entry] = [TufEntry(file.name, file.data) for file in of.shown.files]
    root, rest = of.shown.entry.map, iter(of.keys)
    with here.database.reading() as connection:
        while some := tuple(islice(rest, PROOF_KEYS)):
            parts.append(ProofEntry(root, some, prove(connection, here.tiles, root, some)))
    return write_bundle(parts)
