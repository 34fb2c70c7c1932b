"""The database of a store: what a publication writes in one transaction (SPEC PB-3).

Statements, leaves, views, entries and TUF metadata are rows of one database, so that a crash can't leave two
of them telling different stories. Rows are added; only heads, the timestamp and open publications change.
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

FORMAT = 1

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
    Column("leaf", LargeBinary, nullable=False),
    Column("frontier", LargeBinary, nullable=False),
    comment="Each catalogue entry: bytes, their digest, map root, leaf in the log, and the log's frontier after it",
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
    Column("entry", Integer, ForeignKey("entries.sequence"), nullable=False),
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

leaves = Table(
    "leaves",
    metadata,
    Column("entry", Integer, ForeignKey("entries.sequence"), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    comment="Each change of the map, by the entry that made it: replayed up to any entry it gives that entry's map",
)

views = Table(
    "views",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("model", String(81), nullable=False),
    Column("entry", Integer, ForeignKey("entries.sequence"), nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Index("views_of", "model", "entry"),
    comment="Every view document that a leaf has ever committed to",
)

view_rows = Table(
    "view_rows",
    metadata,
    Column("model", String(81), primary_key=True),
    Column("type", String(32), primary_key=True),
    Column("format", Integer, primary_key=True),
    Column("subject", String(512), primary_key=True),
    Column("since", Integer, ForeignKey("entries.sequence"), primary_key=True),
    Column("until", Integer, ForeignKey("entries.sequence")),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="Each row of each view, as the 72 bytes of its leaf, from the entry `since` on, and not from `until` on",
)
Index(
    "view_rows_about",
    view_rows.c.type,
    view_rows.c.subject,
    view_rows.c.model,
    sqlite_where=view_rows.c.until.is_(None),
    postgresql_where=view_rows.c.until.is_(None),
)
Index(
    "view_rows_until",
    view_rows.c.until,
    sqlite_where=view_rows.c.until.is_not(None),
    postgresql_where=view_rows.c.until.is_not(None),
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
