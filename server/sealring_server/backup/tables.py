"""Which tables a backup has, and how a row is written (docs/decisions/0016).

A row is one line: a JSON array of its columns, bytes in base64, null where there is nothing. Rows stand in the order
of the entry that brought them and then of the key, so that what was there in the last backup gives the same files.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, LargeBinary, Table, select

from sealring_server.schema import metadata

# Uploads under way and what waits for them belong to tokens, which are secrets of their publishers; whether the store
# is stopped, and when its jobs were done, is said of this machine's copy, not of what it shows.
LEFT_OUT: Final = frozenset(("publications", "speakers", "uploads", "stopped", "job_runs"))
PAGE: Final = 500  # rows in memory


def kept_tables() -> list[Table]:
    """The tables of a backup, those first that others refer to."""
    return [table for table in metadata.sorted_tables if table.name not in LEFT_OUT]


def column_names(table: Table) -> list[str]:
    """The columns in the order of a row."""
    return [str(column.name) for column in table.columns]


def rows_of(connection: Connection, table: Table) -> Iterator[Sequence[Any]]:
    """Every row, in an order that depends on nothing but the rows."""
    keys = list(table.primary_key.columns)
    order = [column for column in table.columns if column.name == "entry" and column not in keys] + keys
    for row in connection.execute(select(table).order_by(*order).execution_options(yield_per=PAGE)):
        yield tuple(row)


def row_decoder(table: Table) -> msgspec.json.Decoder[Any]:
    """Reads a line of this table; a row of other types is refused."""
    kinds: list[Any] = []
    for column in table.columns:
        kind: Any = bytes if isinstance(column.type, LargeBinary) else column.type.python_type
        kinds.append(kind | None if column.nullable else kind)
    return msgspec.json.Decoder(tuple[tuple(kinds)])  # type: ignore[misc]


encode_row: Callable[[Any], bytes] = msgspec.json.Encoder().encode
