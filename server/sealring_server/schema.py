"""The database of a store: what a publication writes in one transaction (SPEC PB-3).

Statements, leaves, views, entries and TUF metadata are rows of one database, so that a crash can't leave two
of them telling different stories. Rows are added; only heads, the timestamp and open publications change.

An entry's row comes after the rows that name it. Where these had a foreign key without an index, SQLite would
look through all of them once for each entry: at a million statements that is most of a second. `sealring-store
fsck` holds those references instead.
"""

from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
)

FORMAT = 2

metadata = MetaData()

store = Table(
    "store",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("format", Integer, nullable=False),
    Column("root_id", String(64), nullable=False),
    CheckConstraint("one = 1", name="only_one"),
    comment="One row: the format of this database, and the id of version 1 of the root that the store serves",
)

entries = Table(
    "entries",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("map", LargeBinary, nullable=False, index=True),
    Column("tile", Integer, nullable=False),
    comment="Each catalogue entry: bytes, their digest, the map's root, and the number of its top tile, 0 for none",
)

statements = Table(
    "statements",
    metadata,
    Column("envelope", String(64), primary_key=True),
    Column("id", String(64), nullable=False),
    Column("type", String(32), nullable=False),
    Column("format", Integer, nullable=False),
    Column("subject", String(512), nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("entry", Integer, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Index("statements_of", "type", "subject", "format", "sequence", "entry"),
    comment="Every envelope ever admitted, by its digest; a counter-signed one is a new row of the same id",
)

heads = Table(
    "heads",
    metadata,
    Column("type", String(32), primary_key=True),
    Column("subject", String(512), primary_key=True),  # before the format: most questions are about all formats
    Column("format", Integer, primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("id", String(64), nullable=False),
    Column("envelope", String(64), ForeignKey("statements.envelope"), nullable=False),
    comment="The current statement of each subject and format; always what the newest leaf of that subject says",
)

tallies = Table(
    "tallies",
    metadata,
    Column("authority", String(41), primary_key=True),
    Column("subjects", Integer, nullable=False),
    comment="How many heads each authority has, but for roots and brands: counted anew they would be a million rows",
)

leaves = Table(
    "leaves",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="Each change of the map, by the entry that made it: replayed up to any entry they give that entry's map",
)

tiles = Table(
    "tiles",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    comment="The map's tiles; a row never changes, and goes when no map that is kept has it",
)

superseded = Table(
    "superseded",
    metadata,
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("numbers", LargeBinary, nullable=False),
    comment="The tiles that no map from this entry on has: their numbers, 8 bytes each",
)

log = Table(
    "log",
    metadata,
    Column("node", Integer, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    comment="The whole subtrees of the log of all entries, by their place from left to right",
)

views = Table(
    "views",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("model", String(81), nullable=False),
    Column("entry", Integer, nullable=False),
    Column("until", Integer, index=True),
    Index("views_of", "model", "until"),
    comment="Every view that a kept map commits to: its rows are those of `entry`, until another one followed",
)

view_rows = Table(
    "view_rows",
    metadata,
    Column("model", String(81), primary_key=True),
    Column("type", String(32), primary_key=True),
    Column("format", Integer, primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("since", Integer, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("view_rows_about", "type", "subject", "model"),
    sqlite_with_rowid=False,
    comment="The rows of each model's newest view: the 72 bytes of the leaf, and the entry from which on they stand",
)

view_past = Table(
    "view_past",
    metadata,
    Column("model", String(81), primary_key=True),
    Column("until", Integer, primary_key=True, index=True),
    Column("type", String(32), primary_key=True),
    Column("format", Integer, primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("since", Integer, nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="The rows that older views had: from the entry `since` on, and no longer from `until` on",
)

view_wants = Table(
    "view_wants",
    metadata,
    Column("type", String(32), primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("model", String(81), primary_key=True),
    Index("view_wants_of", "model"),
    sqlite_with_rowid=False,
    comment="What a model's view would list, and nobody has published yet",
)

view_models = Table(
    "view_models",
    metadata,
    Column("model", String(81), primary_key=True),
    Column("architecture", String(40)),
    Column("stack", String(81)),
    sqlite_with_rowid=False,
    comment="Of each model what its releases are read by; no architecture where it is issued in several formats",
)

tuf = Table(
    "tuf",
    metadata,
    Column("role", String(16), primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    comment="TUF metadata by role and version; of the timestamp the newest version only",
)

tuf_packages = Table(
    "tuf_packages",
    metadata,
    Column("one", Integer, primary_key=True),
    Column("key", String(1024), nullable=False),
    Column("made", Integer, nullable=False),
    CheckConstraint("one = 1", name="only_one_role"),
    comment="A row while the store has the TUF role `packages`: its public key, and when its list was last looked at",
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    comment="The images whose bytes lie in their final place; a file without a row here is garbage and never served",
)

publications = Table(
    "publications",
    metadata,
    Column("token", String(64), primary_key=True),
    Column("bundle", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("expires", Integer, nullable=False),
    comment="Open publications by the SHA-256 of their token; `expires` in seconds since 1970",
)

speakers = Table(
    "speakers",
    metadata,
    Column("token", String(64), ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
    Column("authority", String(41), primary_key=True),
    comment="Whose new statements an open publication holds (SPEC PB-7); a slash follows where only delegates speak",
)

uploads = Table(
    "uploads",
    metadata,
    Column("token", String(64), ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size", Integer, nullable=False),
    Column("received", Integer, nullable=False),
    comment="Blobs that an open publication still needs, or has received (1) and not yet committed",
)
