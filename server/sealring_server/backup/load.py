"""Reads a backup's rows into a database; nothing of it is believed for being there (SPEC BK-1)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, insert

from sealring_server.backup.errors import BackupDamaged, NotABackup
from sealring_server.backup.form import Manifest, TableRows, part_path, read_part
from sealring_server.backup.tables import column_names, kept_tables, row_decoder
from sealring_server.schema import FORMAT

AT_ONCE = 500  # rows in one statement


def check_edition(folder: Path, manifest: Manifest) -> None:
    """Raise unless this edition reads the backup: its tables and columns, no more and no fewer.

    Raises:
        NotABackup.
    """
    if manifest.edition != FORMAT:
        raise NotABackup(folder, f"of database format {manifest.edition}, this edition knows {FORMAT}")
    wanted = [(table.name, column_names(table)) for table in kept_tables()]
    if [(one.name, one.columns) for one in manifest.tables] != wanted:
        raise NotABackup(folder, "of other tables or columns than this edition has")


def load_rows(folder: Path, manifest: Manifest, connection: Connection) -> None:
    """Put every row into the empty tables of this connection's database.

    Raises:
        NotABackup, BackupDamaged, OSError.
    """
    check_edition(folder, manifest)
    for table, one in zip(kept_tables(), manifest.tables, strict=True):
        batch: list[dict[str, Any]] = []
        count = 0
        for row in _rows(folder, table, one):
            batch.append(row)
            count += 1
            if len(batch) == AT_ONCE:
                connection.execute(insert(table), batch)
                batch = []
        if batch:
            connection.execute(insert(table), batch)
        if count != one.rows:
            raise BackupDamaged(folder, f"table {one.name}: {count} rows, its manifest says {one.rows}")


def _rows(folder: Path, table: Table, said: TableRows) -> Iterator[dict[str, Any]]:
    decoder, names = row_decoder(table), said.columns
    for part in said.parts:
        for line in read_part(folder, part):
            try:
                yield dict(zip(names, decoder.decode(line), strict=True))
            except (msgspec.MsgspecError, ValueError) as err:
                words = "".join(c if " " <= c <= "~" else "?" for c in str(err)[:200])
                raise BackupDamaged(part_path(folder, part.sha256), f"table {said.name}: {words}") from None
