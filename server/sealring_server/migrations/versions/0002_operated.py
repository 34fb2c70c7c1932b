"""Database format 3: uploads that go on, reports and halts, mirrors, backups.

Open until it is released: who adds a table to schema.py adds it here too, in `upgrade` and, the other way round, in
`downgrade`; a test compares the two on SQLite and PostgreSQL. A downgrade may only lose what format 2 could not know.
"""

import sqlalchemy as sa
from alembic import op

from sealring.authentic import read_claim
from sealring.statement import SerialStatement
from sealring_server.prepared import command
from sealring_server.queue_schema import WITHOUT_QUEUE, queue_schema
from sealring_server.schema import number, text_of

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

AT_ONCE = 500  # rows in one statement


def upgrade() -> None:
    """From format 2 to format 3."""
    op.create_table(
        "stopped",
        sa.Column("one", number, primary_key=True),
        sa.Column("why", text_of(16), nullable=False),
        sa.Column("entry", number, nullable=False),
        sa.CheckConstraint("one = 1", name="only_one_stop"),
        comment="A row while the store signs and takes nothing (SPEC BK-2): it was restored, or shown a later entry",
    )
    op.add_column("publications", sa.Column("opened", number, nullable=False, server_default="0"))
    op.create_table(
        "released",
        sa.Column("sha256", text_of(64), primary_key=True),
        comment="The images that a release or stack has named (SPEC RD-1): only these are served",
    )
    # Format 2 served whatever was there: it is no secret any more, and stays.
    op.execute("INSERT INTO released SELECT sha256 FROM blobs")
    op.create_table(
        "image_owners",
        sa.Column("sha256", text_of(64), primary_key=True),
        sa.Column("authority", text_of(40), primary_key=True),
        comment="For whose statements an image was uploaded (SPEC RD-1): for these it is there before its release",
    )
    _make_reports()
    _make_serial_keys()
    _make_jobs()
    # What an older edition had taken lies beside the other uploads still: whoever sends it finds all of it there.
    op.execute("UPDATE uploads SET received = 0")
    op.execute("UPDATE store SET format = 3")


def downgrade() -> None:
    """From format 3 to format 2."""
    for name in ("halts", "rollouts", "progress", "reports", "reporters"):
        op.drop_table(name)
    op.drop_column("publications", "opened")
    op.drop_table("stopped")
    op.drop_table("released")
    op.drop_table("image_owners")
    op.drop_table("serial_keys")
    op.drop_table("job_runs")
    if op.get_bind().dialect.name == "postgresql":
        command(op.get_bind(), WITHOUT_QUEUE)
    op.execute("UPDATE store SET format = 2")


def _make_serial_keys() -> None:
    """Serials by the key that they name (SPEC RD-2): those of format 2 too, by their current statements."""
    table = op.create_table(
        "serial_keys",
        sa.Column("key_id", text_of(64), primary_key=True),
        sa.Column("subject", text_of(512), primary_key=True),
        sa.Column("entry", number, nullable=False),
        comment="The serials that have named a key, since which entry (SPEC RD-2): a signed request names its key only",
    )
    current = sa.text(
        "SELECT s.raw, s.entry FROM heads h JOIN statements s ON s.envelope = h.envelope WHERE h.type = 'serial'"
    )
    for some in op.get_bind().execute(current).partitions(AT_ONCE):
        said = [(read_claim(raw).statement, entry) for raw, entry in some]
        rows = [
            {"key_id": one.key.id, "subject": one.subject, "entry": entry}
            for one, entry in said
            if isinstance(one, SerialStatement)
        ]
        op.bulk_insert(table, rows)


def _make_jobs() -> None:
    """What became of the store's own work; on PostgreSQL also the queue, as procrastinate makes it."""
    op.create_table(
        "job_runs",
        sa.Column("name", text_of(16), primary_key=True),
        sa.Column("good", number, nullable=False),
        sa.Column("failed", number, nullable=False),
        sa.Column("failures", number, nullable=False),
        sa.Column("why", text_of(200), nullable=False),
        comment="On PostgreSQL: when each job last ended well and badly, in seconds since 1970, and failures in a row",
    )
    if op.get_bind().dialect.name == "postgresql":
        command(op.get_bind(), queue_schema())


def _make_reports() -> None:
    """What devices report, and what the store halts because of it (SPEC RP-2, HL-1)."""
    op.create_table(
        "reporters",
        sa.Column("device", text_of(200), primary_key=True),
        sa.Column("counted", number, nullable=False),
        sa.Column("model", text_of(81), nullable=False),
        sa.Column("seen", number, nullable=False),
        sa.Column("serial_id", text_of(64), nullable=False),
        sa.Column("key_id", text_of(64), nullable=False),
        sa.Column("until", number, nullable=False),
        sa.Column("checked", number, nullable=False),
        comment="Devices that reported (SPEC RP-3): by the serial whose key signed, else by a name that they gave",
    )
    op.create_index("reporters_seen", "reporters", ["counted", "seen"])
    op.create_table(
        "reports",
        sa.Column("device", text_of(200), sa.ForeignKey("reporters.device", ondelete="CASCADE"), primary_key=True),
        sa.Column("number", number, primary_key=True),
        sa.Column("digest", text_of(64), nullable=False),
        sa.Column("came", number, nullable=False),
        sa.Column("at", text_of(20), nullable=False),
        sa.Column("package", text_of(81), nullable=False),
        sa.Column("ground", text_of(64), nullable=False),
        sa.Column("revision", number, nullable=False),
        sa.Column("previous", number),
        sa.Column("event", text_of(16), nullable=False),
        sa.Column("reason", text_of(200), nullable=False),
        comment="The newest 64 reports of each device (SPEC RP-2); `came` is this store's clock, in seconds since 1970",
    )
    op.create_table(
        "progress",
        sa.Column("ground", text_of(64), primary_key=True),
        sa.Column("device", text_of(200), sa.ForeignKey("reporters.device", ondelete="CASCADE"), primary_key=True),
        sa.Column("begun", number, nullable=False),
        sa.Column("event", text_of(16), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("reason", text_of(200), nullable=False),
        comment="How far each device is with a current release: a failure stands, whatever came after it (SPEC HL-2)",
    )
    op.create_index("progress_of", "progress", ["device"])
    op.create_table(
        "rollouts",
        sa.Column("ground", text_of(64), primary_key=True),
        sa.Column("release", text_of(512), nullable=False),
        sa.Column("changed", number, nullable=False),
        sa.Column("judged", number, nullable=False),
        sa.Column("watched", number, nullable=False),
        comment="Current releases with reports: the newest one, the last look, and since when the store was watching",
    )
    op.create_index("ix_rollouts_release", "rollouts", ["release"])
    op.create_table(
        "halts",
        sa.Column("digest", text_of(64), primary_key=True),
        sa.Column("release", text_of(512), nullable=False),
        sa.Column("id", text_of(64), nullable=False, unique=True),
        sa.Column("entry", number, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        comment="Releases that this store has halted: the documents that the map's leaves name (SPEC HL-1)",
    )
    op.create_index("ix_halts_release", "halts", ["release"])
