"""A store that must not sign: restored, or shown a later entry of its own (SPEC BK-2).

One row of the database says so, so that it holds for every process on every machine, and goes in the transaction that
ends it.
"""

from typing import Literal

from sqlalchemy import Connection, delete, insert, select

from sealring_server.backup.errors import Stopped
from sealring_server.prepared import Prepared
from sealring_server.schema import stopped

Why = Literal["restored", "shown"]

_STOPPED = Prepared(select(stopped.c.why, stopped.c.entry))


def find_stop(connection: Connection) -> Stopped | None:
    """Why this store signs nothing and takes nothing; None where it works as usual."""
    rows = _STOPPED.rows(connection, {})
    return Stopped(rows[0][0], rows[0][1]) if rows else None


def check_not_stopped(connection: Connection) -> None:
    """Raise `Stopped` where the store must not sign and not take anything."""
    found = find_stop(connection)
    if found is not None:
        raise found


def stop(connection: Connection, why: Why, entry: int) -> None:
    """Stop the store with the caller's transaction.

    Args:
        entry: the backup's newest one, or the later one that was shown.
    """
    lift(connection)
    connection.execute(insert(stopped).values(one=1, why=why, entry=entry))


def lift(connection: Connection) -> None:
    """Let it sign and take again, with the caller's transaction."""
    connection.execute(delete(stopped))
