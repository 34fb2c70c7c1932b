"""What a check remembers of all keys of the map and all images, in a temporary file: a million keys are 200 MB."""

import sqlite3
from collections.abc import Iterator
from typing import NamedTuple

from sealring.catalogue.leaf import VALUE_BYTES


class Known(NamedTuple):
    """One key: what its head says (none of a view), the newest leaf's value and entry, and its name for people."""

    key: bytes
    head: bytes | None
    newest: bytes
    entry: int
    name: str


class Scratch:
    """Keys with what heads say of them, and then what leaves say."""

    def __init__(self) -> None:
        # No name: SQLite keeps it in memory while it is small, then in a file that is gone when it is closed.
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.execute("PRAGMA cache_size=-16000")
        self._db.execute(
            "CREATE TABLE keys(key BLOB PRIMARY KEY, head BLOB, newest BLOB, entry INT, name TEXT) WITHOUT ROWID"
        )
        # An empty authority: a release or stack names the image.
        self._db.execute("CREATE TABLE images(sha256 TEXT, by TEXT, PRIMARY KEY(sha256, by)) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def close(self) -> None:
        """Remove the file."""
        self._db.close()

    def head(self, key: bytes, value: bytes | None, name: str) -> None:
        """Note a key that must have a leaf."""
        self._db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, x'', 0, ?)", (key, value, name))

    def image(self, digest: str, by: str) -> None:
        """Note an image that a revision of this authority names; with an empty one, that a release or stack does."""
        self._db.execute("INSERT OR IGNORE INTO images VALUES (?, ?)", (digest, by))

    def has_image(self, digest: str, by: str) -> bool:
        """Whether that was noted."""
        found = self._db.execute("SELECT 1 FROM images WHERE sha256 = ? AND by = ?", (digest, by))
        return found.fetchone() is not None

    def leaf(self, key: bytes, value: bytes, entry: int) -> bytes | None:
        """Note a leaf; the value before it (empty for the first one), None where no head and no view has this key."""
        row = self._db.execute("SELECT newest FROM keys WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        self._db.execute("UPDATE keys SET newest = ?, entry = ? WHERE key = ?", (value, entry, key))
        return bytes(row[0])

    def newest(self, key: bytes) -> bytes | None:
        """The newest leaf of a key."""
        row = self._db.execute("SELECT newest FROM keys WHERE key = ?", (key,)).fetchone()
        return None if row is None or len(row[0]) != VALUE_BYTES else bytes(row[0])

    def all(self) -> Iterator[Known]:
        """Every key in ascending order."""
        for row in self._db.execute("SELECT key, head, newest, entry, name FROM keys ORDER BY key"):
            yield Known(*row)
