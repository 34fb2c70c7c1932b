"""The log of a store, for whoever follows it without its database (SPEC CT-4, LG-1, HT-1, HT-2).

With these two paths, and statements by their digests, anybody can compute every map and view of the store again.
"""

from flask import Blueprint, Response
from sqlalchemy import select

from sealring_server.catalogue import NoSuchThing
from sealring_server.reads import BYTES, here, immutable, mutable
from sealring_server.schema import entries, leaves

ENTRIES = 1000  # in one answer, each of at most 1,024 bytes

bp = Blueprint("log_reads", __name__)


@bp.get("/v1/entries/<int:first>")
def log_entries(first: int) -> Response:
    """Entries from this number on, each after its length in 2 bytes; none where there is none yet (HT-2)."""
    if not 1 <= first < 2**53:
        raise NoSuchThing(f"entry {first}")
    with here().database.reading() as connection:
        found = connection.scalars(
            select(entries.c.raw).where(entries.c.sequence >= first).order_by(entries.c.sequence).limit(ENTRIES)
        )
        body = b"".join(len(raw).to_bytes(2, "big") + raw for raw in found)
    # Even a full page may be asked for again: it is the same for ever, and 60 seconds cost nothing.
    return mutable(body, BYTES)


@bp.get("/v1/changes/<int:sequence>")
def log_changes(sequence: int) -> Response:
    """The keys and values that the map of this entry has new, ascending by key (CT-4, HT-1)."""
    if sequence >= 2**53:
        raise NoSuchThing(f"entry {sequence}")
    with here().database.reading() as connection:
        # A publication that is still under way is no entry: "no changes" must not be cached for it.
        if connection.scalar(select(entries.c.sequence).where(entries.c.sequence == sequence)) is None:
            raise NoSuchThing(f"entry {sequence}")
        found = connection.execute(
            select(leaves.c.key, leaves.c.value).where(leaves.c.entry == sequence).order_by(leaves.c.key)
        )
        return immutable(b"".join(row.key + row.value for row in found), BYTES)
