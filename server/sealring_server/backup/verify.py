"""A backup verified from the root assertion alone: its bytes, every row against every other, every head, every image.

The rows are read into a database of its own in a temporary folder, so that the very code of `sealring-store fsck`
looks at them; in memory there are never more than some thousand (SPEC BK-1).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, NullPool, create_engine, event

from sealring_server.backup.chain import Judged, check_chain
from sealring_server.backup.errors import BackupDamaged
from sealring_server.backup.form import IMAGES, Manifest, read_manifest
from sealring_server.backup.load import check_edition, load_rows
from sealring_server.fsck.images import Place
from sealring_server.fsck.report import Report
from sealring_server.fsck.run import check_state
from sealring_server.images.folder import ImageFolder
from sealring_server.migrations.run import make_tables


@dataclass(frozen=True)
class Found:
    """What a verification has found."""

    manifest: Manifest
    report: Report
    judged: Judged


def verify_backup(folder: Path, anchor: bytes, at: datetime) -> Found:
    """What is wrong with a backup, if anything is; nothing in its folder is written.

    Args:
        anchor: the root assertion that the operator trusts, of any version.

    Raises:
        NotABackup, BackupDamaged: it can't be read as a whole.
        TrustError: the anchor is no root.
    """
    manifest = read_manifest(folder)
    check_edition(folder, manifest)
    report = Report()
    with _loaded(folder, manifest) as connection:
        place = Place(ImageFolder(folder / IMAGES), may_lack=manifest.lacking > 0)
        entry = check_state(connection, place, at, report, quick=False)
        if entry != manifest.entry:
            raise BackupDamaged(folder, f"its newest entry is {entry}, its manifest says {manifest.entry}")
        judged = Judged()
        with report.part("root"):
            judged = check_chain(connection, anchor, report)
    return Found(manifest, report, judged)


@contextmanager
def _loaded(folder: Path, manifest: Manifest) -> Iterator[Connection]:
    with tempfile.TemporaryDirectory(prefix="sealring-backup-") as scratch:
        engine = create_engine(f"sqlite:///{scratch}/rows.db", poolclass=NullPool)
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF").close())
        with engine.connect() as connection, connection.begin():
            make_tables(connection)
            load_rows(folder, manifest, connection)
            yield connection
        engine.dispose()
