"""What an audit knows between two runs: one SQLite file, so that a kill at any point leaves one true state (SPEC CT-5).

```
DIR/audit.db            entries, heads, what leads to views, how far all of it was judged
DIR/observation.bundle  the newest entry that was judged whole, with its TUF files
DIR/evidence/           one file for each contradiction
```
"""

import fcntl
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.leaf import Head
from sealring.catalogue.log import Frontier, leaf_hash
from sealring.catalogue.sparse import SparseMap
from sealring.errors import SealringError
from sealring.statement import Common, Delegation
from sealring_server.audit.kept_map import TABLE, KeptMap
from sealring_server.audit.views_again import read_leaf
from sealring_server.views.rules import About

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS entries (sequence INTEGER PRIMARY KEY, raw BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS heads (key BLOB PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS said (type TEXT, subject TEXT, format INTEGER, key BLOB NOT NULL, raw BLOB,
    PRIMARY KEY (type, subject, format)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS wants (model TEXT, type TEXT, subject TEXT,
    PRIMARY KEY (type, subject, model)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS wants_of ON wants (model);
"""
LEADING = frozenset(("root", "model", "release", "stack", "delegation"))
"""The types whose statements are kept: they say which others a view lists (SPEC VW-2)."""


@dataclass(eq=False)
class StateBusy(SealringError):
    """Another audit works on this state."""

    folder: Path
    exit_code: ClassVar[int] = 13

    def __str__(self) -> str:
        return f"{self.folder}: another audit is at work"

    def hint(self) -> str:
        return "wait for it; or give each store a state of its own"


@dataclass(eq=False)
class NotAState(SealringError):
    """A folder without the state of an audit, or of another edition."""

    folder: Path
    reason: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return f"{self.folder}: {self.reason}"

    def hint(self) -> str:
        return "`sealring-store audit URL --state DIR` makes one"


@contextmanager
def open_state(folder: Path, *, create: bool = False) -> Iterator["State"]:
    """The state in this folder, for one process at a time.

    Raises:
        NotAState, StateBusy, OSError.
    """
    if not create and not (folder / "audit.db").is_file():
        raise NotAState(folder, "no state of an audit here")
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StateBusy(folder) from None
        database = sqlite3.connect(folder / "audit.db", isolation_level=None)
        try:
            yield State(folder, database)
        finally:
            database.close()
    except sqlite3.DatabaseError as err:
        raise NotAState(folder, f"audit.db: {err}") from None
    finally:
        os.close(lock)


class State:
    """One store, as far as it was followed; also what `views_again.Current` asks for."""

    def __init__(self, folder: Path, database: sqlite3.Connection) -> None:
        self.folder, self._database = folder, database
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=FULL")
        database.executescript(_TABLES + TABLE)
        self._nodes = KeptMap(database)
        self._root = self.fact("root_id")
        if self.number("format", FORMAT) != FORMAT:
            raise NotAState(folder, f"format {self.number('format')}, this edition knows {FORMAT}")

    @property
    def database(self) -> sqlite3.Connection:
        """For who keeps more beside it, in the same transactions."""
        return self._database

    @contextmanager
    def writing(self) -> Iterator[None]:
        """All of what is written inside is there after a kill, or none of it."""
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    # --- facts

    def fact(self, name: str) -> bytes | None:
        """One value."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def number(self, name: str, default: int = 0) -> int:
        """One value that is a number."""
        raw = self.fact(name)
        return default if raw is None else int(raw)

    def keep(self, name: str, value: bytes | int) -> None:
        """Keep one value."""
        raw = str(value).encode() if isinstance(value, int) else value
        self._database.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (name, raw))
        if name == "root_id":
            self._root = raw

    @property
    def root(self) -> bytes:
        """The id of the root under which the store publishes; known from its first entry on."""
        assert self._root is not None
        return self._root

    # --- the log

    def frontier(self) -> Frontier:
        """Of all entries that a signed one stands behind."""
        raw = self.fact("frontier")
        return Frontier() if raw is None else Frontier.from_bytes(raw)

    def entry(self, sequence: int) -> CatalogueEntry | None:
        """One entry."""
        row = self._database.execute("SELECT raw FROM entries WHERE sequence = ?", (sequence,)).fetchone()
        return None if row is None else parse_entry(row[0])

    def entries(self, first: int, last: int) -> Iterator[bytes]:
        """The bytes of these entries."""
        asked = "SELECT raw FROM entries WHERE sequence BETWEEN ? AND ? ORDER BY sequence"
        for row in self._database.execute(asked, (first, last)):
            yield bytes(row[0])

    def frontier_before(self, sequence: int) -> bytes:
        """The frontier of all entries before this one."""
        found = Frontier()
        for raw in self.entries(1, sequence - 1):
            found = found.append(leaf_hash(raw))
        return found.to_bytes()

    def add_entries(self, found: Iterable[CatalogueEntry], first: int) -> None:
        """More entries, by their places from `first` on; nobody stands behind them yet."""
        rows = ((place, one.raw) for place, one in enumerate(found, first))
        self._database.executemany("INSERT INTO entries VALUES (?, ?)", rows)

    def drop_entries(self, after: int) -> None:
        """Forget those after this one."""
        self._database.execute("DELETE FROM entries WHERE sequence > ?", (after,))

    # --- the map

    def map(self) -> SparseMap:
        """The map that was judged last."""
        root = self.fact("map")
        return SparseMap(None if root is None else self._nodes.node(root), self.number("size"))

    def set_map(self, before: SparseMap, after: SparseMap, changes: Mapping[bytes, Head]) -> None:
        """What an entry changes, and the map that this makes."""
        self._nodes.replace(before.node, after.node, changes)
        self.keep("map", after.root)
        self.keep("size", len(after))
        rows = ((key, head.to_bytes()) for key, head in changes.items())
        self._database.executemany("INSERT OR REPLACE INTO heads VALUES (?, ?)", rows)

    # --- statements

    def add_said(self, key: bytes, said: Common, raw: bytes) -> None:
        """What a leaf says; serials stand in no view and are not kept."""
        if said.type != "serial":
            row = (said.type, said.subject, said.format, key, raw if said.type in LEADING else None)
            self._database.execute("INSERT OR REPLACE INTO said VALUES (?, ?, ?, ?, ?)", row)

    def heads(self, about: About) -> Mapping[int, Head]:
        """The heads of one subject."""
        asked = "SELECT format, value FROM said JOIN heads USING (key) WHERE type = ? AND subject = ?"
        found = {number: Head.from_bytes(value) for number, value in self._database.execute(asked, about)}
        return {number: head for number, head in found.items() if not head.is_tombstone}

    def bodies(self, about: About) -> list[Common]:
        """What they say."""
        asked = (
            "SELECT key, value, raw FROM said JOIN heads USING (key) WHERE type = ? AND subject = ? AND raw NOT NULL"
        )
        rows = [(bytes(key), Head.from_bytes(v), bytes(raw)) for key, v, raw in self._database.execute(asked, about)]
        found = (read_leaf(self.root, *row)[0] for row in rows if not row[1].is_tombstone)
        return [one for one in found if one is not None]

    def grounds(self) -> Iterator[Common]:
        """Every current release and stack."""
        asked = "SELECT key, value, raw FROM said JOIN heads USING (key) WHERE type IN ('release', 'stack')"
        for key, value, raw in self._database.execute(asked):
            head = Head.from_bytes(value)
            found = None if head.is_tombstone else read_leaf(self.root, bytes(key), head, bytes(raw))[0]
            if found is not None:
                yield found

    def raws(self, abouts: Iterable[About]) -> list[bytes]:
        """The envelopes of those that lead on to others."""
        asked = "SELECT raw FROM said WHERE type = ? AND subject = ? AND raw NOT NULL"
        return [bytes(raw) for about in abouts for (raw,) in self._database.execute(asked, about)]

    def newest_root(self) -> str:
        """The highest version of the root, as its subject."""
        rows = self._database.execute("SELECT subject FROM said WHERE type = 'root'")
        return max((str(subject) for (subject,) in rows), key=int, default="1")

    def delegations(self, brand: str) -> list[Delegation]:
        """Every delegation of this brand."""
        asked = "SELECT DISTINCT subject FROM said WHERE type = 'delegation' AND subject > ? AND subject < ?"
        subjects = [subject for (subject,) in self._database.execute(asked, (f"{brand}/", f"{brand}0"))]
        found = (one for subject in subjects for one in self.bodies(("delegation", subject)))
        return [one for one in found if isinstance(one, Delegation)]

    # --- views

    def models(self) -> list[str]:
        """Every model that is there."""
        rows = self._database.execute("SELECT DISTINCT subject FROM said WHERE type = 'model' ORDER BY 1")
        return [str(subject) for (subject,) in rows]

    def wants(self, model: str) -> set[About]:
        """What its view lists where it is there."""
        rows = self._database.execute("SELECT type, subject FROM wants WHERE model = ?", (model,))
        return {(str(kind), str(subject)) for kind, subject in rows}

    def users(self, about: About) -> set[str]:
        """The models whose view lists this subject where it is there."""
        rows = self._database.execute("SELECT model FROM wants WHERE type = ? AND subject = ?", about)
        return {str(model) for (model,) in rows}

    def set_wants(self, model: str, abouts: set[About]) -> None:
        """Keep what a model's view lists."""
        self._database.execute("DELETE FROM wants WHERE model = ?", (model,))
        rows = ((model, *about) for about in abouts)
        self._database.executemany("INSERT INTO wants VALUES (?, ?, ?)", rows)
