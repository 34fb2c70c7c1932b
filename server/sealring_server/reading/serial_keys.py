"""Which serials have named a key: a request says only the key's id (SPEC RD-2, KY-1).

A row is a hint and no evidence: whoever finds one looks at the serial's current statement.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, select

from sealring.statement import Common, SerialStatement
from sealring_server.prepared import Prepared, insert_or_ignore
from sealring_server.schema import serial_keys

MOST: Final = 64
"""Serials that are looked at for one key. The first comes first: a key is known to others only once its own serial has
been published, so that nobody can push that one out by naming the same key often."""

_ADD = Prepared(insert_or_ignore(serial_keys))
_OF = Prepared(
    select(serial_keys.c.subject)
    .where(serial_keys.c.key_id == bindparam("key_id"))
    .order_by(serial_keys.c.entry, serial_keys.c.subject)
    .limit(MOST)
)


def note_serial_keys(connection: Connection, news: Iterable[Common], entry: int) -> None:
    """Let the serials among these be found by their keys.

    Args:
        entry: which brings them.
    """
    serials = [one for one in news if isinstance(one, SerialStatement)]
    if serials:
        _ADD.run(connection, [{"key_id": one.key.id, "subject": one.subject, "entry": entry} for one in serials])


def serials_of(connection: Connection, key_id: str) -> list[str]:
    """The subjects of serials that have named this key at some time, those known longest first."""
    return [str(subject) for (subject,) in _OF.rows(connection, {"key_id": key_id})]
