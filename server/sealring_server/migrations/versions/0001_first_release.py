"""The schema of the first release (database format 2), as that edition made it: nothing here is ever edited.

A store that was made then has no `alembic_version`; `run.py` knows it by its format.
"""

import sqlalchemy as sa
from alembic import op

from sealring_server.schema import number, text_of

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of format 2."""
    _statements()
    _map()
    _views()
    _metadata()
    _publications()


def _statements() -> None:
    op.create_table(
        "store",
        sa.Column("one", number, primary_key=True),
        sa.Column("format", number, nullable=False),
        sa.Column("root_id", text_of(64), nullable=False),
        sa.CheckConstraint("one = 1", name="only_one"),
        comment="One row: the format of this database, and the id of version 1 of the root that the store serves",
    )
    op.create_table(
        "entries",
        sa.Column("sequence", number, primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        sa.Column("digest", text_of(64), nullable=False, unique=True),
        sa.Column("map", sa.LargeBinary, nullable=False),
        sa.Column("tile", number, nullable=False),
        comment="Each catalogue entry: bytes, their digest, the map's root, and the number of its top tile, 0 for none",
    )
    op.create_index("ix_entries_map", "entries", ["map"])
    op.create_table(
        "statements",
        sa.Column("envelope", text_of(64), primary_key=True),
        sa.Column("id", text_of(64), nullable=False),
        sa.Column("type", text_of(32), nullable=False),
        sa.Column("format", number, nullable=False),
        sa.Column("subject", text_of(512), nullable=False),
        sa.Column("sequence", number, nullable=False),
        sa.Column("entry", number, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="Every envelope ever admitted, by its digest; a counter-signed one is a new row of the same id",
    )
    op.create_index("statements_of", "statements", ["type", "subject", "format", "sequence", "entry"])
    op.create_table(
        "heads",
        sa.Column("type", text_of(32), primary_key=True),
        sa.Column("subject", text_of(512), primary_key=True),  # before the format: most questions are about all formats
        sa.Column("format", number, primary_key=True),
        sa.Column("sequence", number, nullable=False),
        sa.Column("id", text_of(64), nullable=False),
        sa.Column("envelope", text_of(64), sa.ForeignKey("statements.envelope"), nullable=False),
        comment="The current statement of each subject and format; always what the newest leaf of that subject says",
    )
    op.create_table(
        "tallies",
        sa.Column("authority", text_of(41), primary_key=True),
        sa.Column("subjects", number, nullable=False),
        comment="How many heads each authority has, but for roots and brands: counted anew they "
        "would be a million rows",
    )


def _map() -> None:
    op.create_table(
        "leaves",
        sa.Column("entry", number, primary_key=True, autoincrement=False),
        sa.Column("key", sa.LargeBinary, primary_key=True),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
        comment="Each change of the map, by the entry that made it: replayed up to any entry "
        "they give that entry's map",
    )
    op.create_table(
        "tiles",
        sa.Column("number", number, primary_key=True, autoincrement=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="The map's tiles; a row never changes, and goes when no map that is kept has it",
    )
    op.create_table(
        "superseded",
        sa.Column("entry", number, primary_key=True, autoincrement=False),
        sa.Column("numbers", sa.LargeBinary, nullable=False),
        comment="The tiles that no map from this entry on has: their numbers, 8 bytes each",
    )
    op.create_table(
        "log",
        sa.Column("node", number, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        comment="The whole subtrees of the log of all entries, by their place from left to right",
    )


def _views() -> None:
    op.create_table(
        "views",
        sa.Column("digest", text_of(64), primary_key=True),
        sa.Column("model", text_of(81), nullable=False),
        sa.Column("entry", number, nullable=False),
        sa.Column("until", number),
        comment="Every view that a kept map commits to: its rows are those of `entry`, until another one followed",
    )
    op.create_index("ix_views_until", "views", ["until"])
    op.create_index("views_of", "views", ["model", "until"])
    op.create_table(
        "view_rows",
        sa.Column("model", text_of(81), primary_key=True),
        sa.Column("type", text_of(32), primary_key=True),
        sa.Column("format", number, primary_key=True),
        sa.Column("subject", text_of(512), primary_key=True),
        sa.Column("since", number, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
        comment="The rows of each model's newest view: the 72 bytes of the leaf, and the entry "
        "from which on they stand",
    )
    op.create_index("view_rows_about", "view_rows", ["type", "subject", "model"])
    op.create_table(
        "view_past",
        sa.Column("model", text_of(81), primary_key=True),
        sa.Column("until", number, primary_key=True),
        sa.Column("type", text_of(32), primary_key=True),
        sa.Column("format", number, primary_key=True),
        sa.Column("subject", text_of(512), primary_key=True),
        sa.Column("since", number, nullable=False),
        sa.Column("value", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
        comment="The rows that older views had: from the entry `since` on, and no longer from `until` on",
    )
    op.create_index("ix_view_past_until", "view_past", ["until"])
    op.create_table(
        "view_wants",
        sa.Column("type", text_of(32), primary_key=True),
        sa.Column("subject", text_of(512), primary_key=True),
        sa.Column("model", text_of(81), primary_key=True),
        sqlite_with_rowid=False,
        comment="What a model's view would list, and nobody has published yet",
    )
    op.create_index("view_wants_of", "view_wants", ["model"])
    op.create_table(
        "view_models",
        sa.Column("model", text_of(81), primary_key=True),
        sa.Column("architecture", text_of(40)),
        sa.Column("stack", text_of(81)),
        sqlite_with_rowid=False,
        comment="Of each model what its releases are read by; no architecture where it is issued in several formats",
    )


def _metadata() -> None:
    op.create_table(
        "tuf",
        sa.Column("role", text_of(16), primary_key=True),
        sa.Column("version", number, primary_key=True),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="TUF metadata by role and version; of the timestamp the newest version only",
    )
    op.create_table(
        "tuf_packages",
        sa.Column("one", number, primary_key=True),
        sa.Column("key", text_of(1024), nullable=False),
        sa.Column("made", number, nullable=False),
        sa.CheckConstraint("one = 1", name="only_one_role"),
        comment="A row while the store has the TUF role `packages`: its public key, and when its "
        "list was last looked at",
    )


def _publications() -> None:
    op.create_table(
        "blobs",
        sa.Column("sha256", text_of(64), primary_key=True),
        sa.Column("size", number, nullable=False),
        comment="The images whose bytes lie in their final place; a file without a row here is "
        "garbage and never served",
    )
    op.create_table(
        "publications",
        sa.Column("token", text_of(64), primary_key=True),
        sa.Column("bundle", sa.LargeBinary, nullable=False),
        sa.Column("digest", text_of(64), nullable=False),
        sa.Column("expires", number, nullable=False),
        comment="Open publications by the SHA-256 of their token; `expires` in seconds since 1970",
    )
    op.create_table(
        "speakers",
        sa.Column("token", text_of(64), sa.ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
        sa.Column("authority", text_of(41), primary_key=True),
        comment="Whose new statements an open publication holds (SPEC PB-7); a slash follows "
        "where only delegates speak",
    )
    op.create_table(
        "uploads",
        sa.Column("token", text_of(64), sa.ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
        sa.Column("sha256", text_of(64), primary_key=True),
        sa.Column("size", number, nullable=False),
        sa.Column("received", number, nullable=False),
        comment="Blobs that an open publication still needs, or has received (1) and not yet committed",
    )
