"""The log of a store, for whoever follows it without its database (SPEC CT-4, LG-1, HT-1, HT-2).

With these paths anybody can compute every map and view of the store again.
"""

from flask import Blueprint, Response
from sqlalchemy import Connection, and_, bindparam, select

from sealring.bundle import BundleTooLarge, Entry, HaltEntry, StatementEntry, write_bundle
from sealring.catalogue.leaf import Head
from sealring_server.catalogue import NoSuchThing
from sealring_server.held import AT_ONCE, batched
from sealring_server.openapi import described, immutable_of, mutable_of
from sealring_server.reads import BUNDLE, BYTES, here, immutable, mutable
from sealring_server.schema import entries, halts, leaves, statements

ENTRIES = 1000  # in one answer, each of at most 1,024 bytes
MAX_NEWS = 48 * 1024 * 1024  # bytes of statements in one answer; whoever wants more asks for each by its digest

_named, _came = statements.alias("named"), statements.alias("came")
# By the leaves, whose digests lead to subjects: no index by entry is there, and a table of a million rows is long.
_BROUGHT = (
    select(_came.c.envelope, _came.c.raw)
    .join(_named, and_(*[_came.c[name] == _named.c[name] for name in ("type", "subject", "format")]))
    .where(_named.c.envelope.in_(bindparam("digests", expanding=True)), _came.c.entry == bindparam("entry"))
)

bp = Blueprint("log_reads", __name__)


@bp.get("/v1/entries/<int:first>")
@described(mutable_of(BYTES), refuses=(404,))
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
@described(immutable_of(BYTES), refuses=(404,))
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


@bp.get("/v1/news/<int:sequence>")
@described(immutable_of(BUNDLE), refuses=(404,))
def log_news(sequence: int) -> Response:
    """All that this entry brought, in one answer: its statements and halts (CT-4, HT-1).

    Also what the same entry replaced again, such as a version of a brand that another one followed at once.
    """
    if sequence >= 2**53:
        raise NoSuchThing(f"entry {sequence}")
    with here().database.reading() as connection:
        if connection.scalar(select(entries.c.sequence).where(entries.c.sequence == sequence)) is None:
            raise NoSuchThing(f"entry {sequence}")
        found: list[Entry] = [StatementEntry(raw) for raw in _brought(connection, sequence)]
        said = connection.scalars(select(halts.c.raw).where(halts.c.entry == sequence).order_by(halts.c.digest))
        found += [HaltEntry(raw) for raw in said]
    try:
        return immutable(write_bundle(found, parts=True), BUNDLE)
    except BundleTooLarge:
        raise NoSuchThing(f"the news of entry {sequence} in one answer") from None


def _brought(connection: Connection, sequence: int) -> list[bytes]:
    """Every envelope that came with this entry, in the order of their digests."""
    values = connection.scalars(select(leaves.c.value).where(leaves.c.entry == sequence))
    named = [Head.from_bytes(value).envelope.hex() for value in values]
    found: dict[str, bytes] = {}
    size = 0
    for some in batched(named, AT_ONCE):
        for digest, raw in connection.execute(_BROUGHT, {"digests": some, "entry": sequence}):
            size += 0 if digest in found else len(raw)
            found[digest] = raw
        if size > MAX_NEWS:
            raise NoSuchThing(f"the news of entry {sequence} in one answer")
    return [found[digest] for digest in sorted(found)]
