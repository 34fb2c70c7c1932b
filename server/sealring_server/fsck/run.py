"""The check of one store's folder, part by part (SPEC MP, VW, CT, LG, TF, PB-3)."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

from sqlalchemy import Connection, NullPool, create_engine, event, select, text
from sqlalchemy.exc import DatabaseError

from sealring.catalogue.entry import CatalogueEntry
from sealring_server.database import NotAStore, check_format, open_database
from sealring_server.fsck.entries import check_entries
from sealring_server.fsck.halts import check_halts
from sealring_server.fsck.images import Place, check_images, check_publications
from sealring_server.fsck.leaves import check_leaves
from sealring_server.fsck.maps import Maps
from sealring_server.fsck.readers import check_readers
from sealring_server.fsck.report import DISK, Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.fsck.statements import check_heads, check_statements
from sealring_server.fsck.tuf import check_old_tuf, check_tuf
from sealring_server.fsck.views import check_past, check_views
from sealring_server.images.chosen import images_of
from sealring_server.migrations.run import REVISIONS, VERSIONS
from sealring_server.schema import FORMAT, entries, heads, store
from sealring_server.settings import Settings, load_settings

WAIT_SECONDS = 60


def check_folder(folder: Path, at: datetime, *, quick: bool) -> tuple[Report, int]:
    """What is wrong in the store of this folder, and its newest entry's number; nothing is written.

    Args:
        at: instant, UTC, for what has expired.
        quick: no bytes of images, no older maps and views, no older TUF files, and not the database's own pages.

    Raises:
        NotAStore: there is none, or it is of another format.
        DatabaseAway: its PostgreSQL can't be reached.
    """
    report, settings = Report(), load_settings(folder)
    with reading(folder, settings) as connection:
        place = Place(images_of(settings.images, folder), may_lack=settings.mirror is not None)
        number = check_state(connection, place, at, report, quick=quick, folder=folder)
    return report, number


def check_state(
    connection: Connection, place: Place, at: datetime, report: Report, *, quick: bool, folder: Path | None = None
) -> int:
    """Check one committed state of a store's rows, and the images in this place; the newest entry's number.

    Args:
        folder: the store's, for the root that lies there; None where there are rows and images alone.
    """
    with closing(Scratch()) as scratch:
        root, newest = bytes(32), None
        with report.part("store"):
            root = _root(connection, report)
        with report.part("database"):
            _check_database(connection, report, quick=quick)
        with report.part("entries"):
            newest = check_entries(connection, root, report)
        number = newest.sequence if newest is not None else 0
        with report.part("statements"):
            check_statements(connection, root, number, scratch, report, may_lack=place.may_lack)
        with report.part("heads"):
            check_heads(connection, root, scratch, report)
        with report.part("halts"):
            check_halts(connection, root, scratch, report)
        if newest is not None:
            _check_catalogue(connection, root, newest, scratch, report, quick=quick)
            with report.part("tuf"):
                check_tuf(connection, folder, newest, at, report)
        if not quick:
            with report.part("tuf"):
                check_old_tuf(connection, report)
        with report.part("images"):
            check_readers(connection, scratch, report)
            check_images(connection, place, report, quick=quick)
        with report.part("publications"):
            check_publications(connection, report)
    return number


@contextmanager
def reading(folder: Path, settings: Settings) -> Iterator[Connection]:
    """One committed state of the store's database, opened so that nothing can be written.

    Raises:
        NotAStore: there is none, or it is of another format.
        DatabaseAway: its PostgreSQL can't be reached.
    """
    if settings.database.url:
        database = open_database(folder, settings)
        try:
            with database.reading() as connection:
                yield connection
        finally:
            database.close()
    else:
        with _reading_file(folder) as connection:
            yield connection


@contextmanager
def _reading_file(folder: Path) -> Iterator[Connection]:
    file = folder / "store.db"
    if not file.is_file():
        raise NotAStore(folder, "no store here")
    engine = create_engine(
        f"sqlite:///file:{quote(str(file.resolve()))}?mode=ro&uri=true",
        poolclass=NullPool,
        connect_args={"timeout": WAIT_SECONDS},
    )
    event.listen(engine, "connect", lambda connection, _: setattr(connection, "isolation_level", None))
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    with engine.connect() as connection:
        transaction = connection.begin()
        try:
            _check_format(folder, connection)
            yield connection
        finally:
            with suppress(DatabaseError):  # nothing was written; where pages can't be read, not even this works
                transaction.rollback()


def _check_format(folder: Path, connection: Connection) -> None:
    try:
        check_format(folder, connection)
    except DatabaseError as err:
        # What was a store's database, and can't be read any more, is for the report to say.
        if "malformed" in str(err.orig) or "I/O" in str(err.orig):
            return
        raise NotAStore(folder, "store.db is not a store's database") from None


def _root(connection: Connection, report: Report) -> bytes:
    """The id of version 1 of the root, by the statement itself: the row must say the same."""
    (said, one), *more = connection.execute(select(store.c.root_id, store.c.one)).all()
    if more or one != 1:
        report.bad("store", "more rows than one, or another than the first")
    version = connection.scalar(text(f"SELECT version_num FROM {VERSIONS}"))
    if version != REVISIONS[FORMAT]:
        report.bad("store", f"its tables are at migration {version}, format {FORMAT} is {REVISIONS[FORMAT]}")
    found = connection.scalar(select(heads.c.id).where(heads.c.type == "root", heads.c.subject == "1")) or ""
    if said != found:
        report.bad("store", f"its row names the root {said}, the root's version 1 has id {found}")
    return bytes.fromhex(found)


def _check_database(connection: Connection, report: Report, *, quick: bool) -> None:
    """The pages and indexes, by SQLite itself; PostgreSQL has `pg_amcheck` for its operator."""
    if connection.dialect.name != "sqlite":
        return
    for row in connection.execute(text(f"PRAGMA {'quick' if quick else 'integrity'}_check(20)")):
        if row[0] != "ok":
            report.bad("database", row[0], DISK)
    for row in connection.execute(text("PRAGMA foreign_key_check")):
        report.bad("database", f"table {row[0]}: a row refers to one of {row[2]} that is not there")


def _check_catalogue(
    connection: Connection, root: bytes, newest: CatalogueEntry, scratch: Scratch, report: Report, *, quick: bool
) -> None:
    with report.part("leaves"):
        check_leaves(connection, newest, scratch, report)
    maps = Maps(connection, report)
    with report.part("tiles"):
        number = connection.scalar(select(entries.c.tile).where(entries.c.sequence == newest.sequence))
        maps.check_newest(newest, number or 0, scratch)
        if not quick:
            maps.check_kept()
    with report.part("views"):
        check_views(connection, root, scratch, report)
        if not quick:
            check_past(connection, root, report)
