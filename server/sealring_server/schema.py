"""The database of a store: what a publication writes in one transaction (SPEC PB-3).

Statements, leaves, views, entries and TUF metadata are rows of one database, so that a crash can't leave two
of them telling different stories. Rows are added; only heads, the timestamp and open publications change.

An entry's row comes after the rows that name it. Where these had a foreign key without an index, SQLite would
look through all of them once for each entry: at a million statements that is most of a second. `sealring-store
fsck` holds those references instead.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.types import TypeEngine

FORMAT: Final = 3

# 64 bits everywhere: sequences go up to 2^53. SQLite's INTEGER has them, and only under that name makes a key a row id.
number: Final[TypeEngine[int]] = BigInteger().with_variant(Integer(), "sqlite")


def text_of(length: int) -> TypeEngine[str]:
    """Text of at most so many characters, compared and ordered by its bytes on every database."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


metadata = MetaData()

store = Table(
    "store",
    metadata,
    Column("one", number, primary_key=True),
    Column("format", number, nullable=False),
    Column("root_id", text_of(64), nullable=False),
    CheckConstraint("one = 1", name="only_one"),
    comment="One row: the format of this database, and the id of version 1 of the root that the store serves",
)

stopped = Table(
    "stopped",
    metadata,
    Column("one", number, primary_key=True),
    Column("why", text_of(16), nullable=False),
    Column("entry", number, nullable=False),
    CheckConstraint("one = 1", name="only_one_stop"),
    comment="A row while the store signs and takes nothing (SPEC BK-2): it was restored, or shown a later entry",
)

entries = Table(
    "entries",
    metadata,
    Column("sequence", number, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    Column("digest", text_of(64), nullable=False, unique=True),
    Column("map", LargeBinary, nullable=False, index=True),
    Column("tile", number, nullable=False),
    comment="Each catalogue entry: bytes, their digest, the map's root, and the number of its top tile, 0 for none",
)

statements = Table(
    "statements",
    metadata,
    Column("envelope", text_of(64), primary_key=True),
    Column("id", text_of(64), nullable=False),
    Column("type", text_of(32), nullable=False),
    Column("format", number, nullable=False),
    Column("subject", text_of(512), nullable=False),
    Column("sequence", number, nullable=False),
    Column("entry", number, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    Index("statements_of", "type", "subject", "format", "sequence", "entry"),
    comment="Every envelope ever admitted, by its digest; a counter-signed one is a new row of the same id",
)

heads = Table(
    "heads",
    metadata,
    Column("type", text_of(32), primary_key=True),
    Column("subject", text_of(512), primary_key=True),  # before the format: most questions are about all formats
    Column("format", number, primary_key=True),
    Column("sequence", number, nullable=False),
    Column("id", text_of(64), nullable=False),
    Column("envelope", text_of(64), ForeignKey("statements.envelope"), nullable=False),
    comment="The current statement of each subject and format; always what the newest leaf of that subject says",
)

tallies = Table(
    "tallies",
    metadata,
    Column("authority", text_of(41), primary_key=True),
    Column("subjects", number, nullable=False),
    comment="How many heads each authority has, but for roots and brands: counted anew they would be a million rows",
)

leaves = Table(
    "leaves",
    metadata,
    Column("entry", number, primary_key=True, autoincrement=False),
    Column("key", LargeBinary, primary_key=True),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="Each change of the map, by the entry that made it: replayed up to any entry they give that entry's map",
)

tiles = Table(
    "tiles",
    metadata,
    Column("number", number, primary_key=True, autoincrement=False),
    Column("raw", LargeBinary, nullable=False),
    comment="The map's tiles; a row never changes, and goes when no map that is kept has it",
)

superseded = Table(
    "superseded",
    metadata,
    Column("entry", number, primary_key=True, autoincrement=False),
    Column("numbers", LargeBinary, nullable=False),
    comment="The tiles that no map from this entry on has: their numbers, 8 bytes each",
)

log = Table(
    "log",
    metadata,
    Column("node", number, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
    comment="The whole subtrees of the log of all entries, by their place from left to right",
)

views = Table(
    "views",
    metadata,
    Column("digest", text_of(64), primary_key=True),
    Column("model", text_of(81), nullable=False),
    Column("entry", number, nullable=False),
    Column("until", number, index=True),
    Index("views_of", "model", "until"),
    comment="Every view that a kept map commits to: its rows are those of `entry`, until another one followed",
)

view_rows = Table(
    "view_rows",
    metadata,
    Column("model", text_of(81), primary_key=True),
    Column("type", text_of(32), primary_key=True),
    Column("format", number, primary_key=True),
    Column("subject", text_of(512), primary_key=True),
    Column("since", number, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Index("view_rows_about", "type", "subject", "model"),
    sqlite_with_rowid=False,
    comment="The rows of each model's newest view: the 72 bytes of the leaf, and the entry from which on they stand",
)

view_past = Table(
    "view_past",
    metadata,
    Column("model", text_of(81), primary_key=True),
    Column("until", number, primary_key=True, index=True),
    Column("type", text_of(32), primary_key=True),
    Column("format", number, primary_key=True),
    Column("subject", text_of(512), primary_key=True),
    Column("since", number, nullable=False),
    Column("value", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
    comment="The rows that older views had: from the entry `since` on, and no longer from `until` on",
)

view_wants = Table(
    "view_wants",
    metadata,
    Column("type", text_of(32), primary_key=True),
    Column("subject", text_of(512), primary_key=True),
    Column("model", text_of(81), primary_key=True),
    Index("view_wants_of", "model"),
    sqlite_with_rowid=False,
    comment="What a model's view would list, and nobody has published yet",
)

view_models = Table(
    "view_models",
    metadata,
    Column("model", text_of(81), primary_key=True),
    Column("architecture", text_of(40)),
    Column("stack", text_of(81)),
    sqlite_with_rowid=False,
    comment="Of each model what its releases are read by; no architecture where it is issued in several formats",
)

tuf = Table(
    "tuf",
    metadata,
    Column("role", text_of(16), primary_key=True),
    Column("version", number, primary_key=True),
    Column("raw", LargeBinary, nullable=False),
    comment="TUF metadata by role and version; of the timestamp the newest version only",
)

tuf_packages = Table(
    "tuf_packages",
    metadata,
    Column("one", number, primary_key=True),
    Column("key", text_of(1024), nullable=False),
    Column("made", number, nullable=False),
    CheckConstraint("one = 1", name="only_one_role"),
    comment="A row while the store has the TUF role `packages`: its public key, and when its list was last looked at",
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", text_of(64), primary_key=True),
    Column("size", number, nullable=False),
    comment="The images whose bytes lie in their final place; a file without a row here is garbage and never served",
)

image_owners = Table(
    "image_owners",
    metadata,
    Column("sha256", text_of(64), primary_key=True),
    Column("authority", text_of(40), primary_key=True),
    comment="For whose statements an image was uploaded (SPEC RD-1): for these it is there before its release",
)

publications = Table(
    "publications",
    metadata,
    Column("token", text_of(64), primary_key=True),
    Column("bundle", LargeBinary, nullable=False),
    Column("digest", text_of(64), nullable=False),
    Column("expires", number, nullable=False),
    Column("opened", number, nullable=False, server_default="0"),
    comment="Open publications by the SHA-256 of their token; `expires` in seconds since 1970",
)

speakers = Table(
    "speakers",
    metadata,
    Column("token", text_of(64), ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
    Column("authority", text_of(41), primary_key=True),
    comment="Whose new statements an open publication holds (SPEC PB-7); a slash follows where only delegates speak",
)

released = Table(
    "released",
    metadata,
    Column("sha256", text_of(64), primary_key=True),
    comment="The images that a release or stack has named (SPEC RD-1): only these are served",
)

serial_keys = Table(
    "serial_keys",
    metadata,
    Column("key_id", text_of(64), primary_key=True),
    Column("subject", text_of(512), primary_key=True),
    Column("entry", number, nullable=False),
    comment="The serials that have named a key, since which entry (SPEC RD-2): a signed request names its key only",
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("name", text_of(16), primary_key=True),
    Column("good", number, nullable=False),
    Column("failed", number, nullable=False),
    Column("failures", number, nullable=False),
    Column("why", text_of(200), nullable=False),
    comment="On PostgreSQL: when each job last ended well and badly, in seconds since 1970, and failures in a row",
)

uploads = Table(
    "uploads",
    metadata,
    Column("token", text_of(64), ForeignKey("publications.token", ondelete="CASCADE"), primary_key=True),
    Column("sha256", text_of(64), primary_key=True),
    Column("size", number, nullable=False),
    Column("received", number, nullable=False),
    comment="Blobs that an open publication still needs, or has received (1) and not yet committed",
)

reporters = Table(
    "reporters",
    metadata,
    Column("device", text_of(200), primary_key=True),
    Column("counted", number, nullable=False),
    Column("model", text_of(81), nullable=False),
    Column("seen", number, nullable=False),
    Column("serial_id", text_of(64), nullable=False),
    Column("key_id", text_of(64), nullable=False),
    Column("until", number, nullable=False),
    Column("checked", number, nullable=False),
    Index("reporters_seen", "counted", "seen"),
    comment="Devices that reported (SPEC RP-3): by the serial whose key signed, else by a name that they gave",
)

reports = Table(
    "reports",
    metadata,
    Column("device", text_of(200), ForeignKey("reporters.device", ondelete="CASCADE"), primary_key=True),
    Column("number", number, primary_key=True),
    Column("digest", text_of(64), nullable=False),
    Column("came", number, nullable=False),
    Column("at", text_of(20), nullable=False),
    Column("package", text_of(81), nullable=False),
    Column("ground", text_of(64), nullable=False),
    Column("revision", number, nullable=False),
    Column("previous", number),
    Column("event", text_of(16), nullable=False),
    Column("reason", text_of(200), nullable=False),
    comment="The newest 64 reports of each device (SPEC RP-2); `came` is this store's clock, in seconds since 1970",
)

progress = Table(
    "progress",
    metadata,
    Column("ground", text_of(64), primary_key=True),
    Column("device", text_of(200), ForeignKey("reporters.device", ondelete="CASCADE"), primary_key=True),
    Column("begun", number, nullable=False),
    Column("event", text_of(16), nullable=False),
    Column("number", number, nullable=False),
    Column("reason", text_of(200), nullable=False),
    Index("progress_of", "device"),
    comment="How far each device is with a current release: a failure stands, whatever came after it (SPEC HL-2)",
)

rollouts = Table(
    "rollouts",
    metadata,
    Column("ground", text_of(64), primary_key=True),
    Column("release", text_of(512), nullable=False, index=True),
    Column("changed", number, nullable=False),
    Column("judged", number, nullable=False),
    Column("watched", number, nullable=False),
    comment="Current releases with reports: the newest one, the last look, and since when the store was watching",
)

halts = Table(
    "halts",
    metadata,
    Column("digest", text_of(64), primary_key=True),
    Column("release", text_of(512), nullable=False, index=True),
    Column("id", text_of(64), nullable=False, unique=True),
    Column("entry", number, nullable=False),
    Column("raw", LargeBinary, nullable=False),
    comment="Releases that this store has halted: the documents that the map's leaves name (SPEC HL-1)",
)
