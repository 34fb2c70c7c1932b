"""When what the store shows ends: every current statement that a device may still need (SPEC TM-1).

The instant stands inside a statement, so each has to be read: `Kept` does that rarely for a large store. Left out are
serials, which live for 20 years, earlier roots, and revisions that no model's view lists: nobody is told to install
those.
"""

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from sqlalchemy import and_, or_, select

from sealring_server.catalogue import last_entry
from sealring_server.database import Database
from sealring_server.schema import heads, statements, view_rows

KINDS = ("brand", "delegation", "model", "release", "revision", "revocations", "root", "stack", "store")
BATCH = 2_000  # statements in one short transaction, so that no writer's log grows meanwhile
SOONEST = 300  # that are listed
LATELY = 100  # expired ones that are listed


class _Envelope(msgspec.Struct):
    payload: bytes


class _Statement(msgspec.Struct):
    authority: str
    expires: str


_envelope = msgspec.json.Decoder(_Envelope)
_statement = msgspec.json.Decoder(_Statement)


@dataclass(frozen=True, order=True)
class End:
    """One statement's end."""

    at: datetime
    type: str
    subject: str
    authority: str


@dataclass(frozen=True)
class Ends:
    """What ends when, as of one entry."""

    entry: int
    at: datetime
    soonest: tuple[End, ...] = ()
    lately: tuple[End, ...] = ()
    """What has expired, the latest first."""
    months: dict[str, Counter[str]] = field(default_factory=dict)
    """Of each month to come (`2026-03`), how many of each type end in it."""
    expired: Counter[str] = field(default_factory=Counter)
    first: dict[str, datetime] = field(default_factory=dict)
    """The earliest end to come of each type."""


def collect_ends(database: Database, at: datetime) -> Ends:
    """Look at every statement that counts here, a batch at a time."""
    with database.reading() as connection:
        entry = last_entry(connection).sequence
    soonest: list[tuple[float, End]] = []
    lately: list[tuple[float, End]] = []
    months: dict[str, Counter[str]] = {}
    expired: Counter[str] = Counter()
    first: dict[str, datetime] = {}
    for end in _ends(database):
        moment = end.at.timestamp()
        if end.at <= at:
            expired[end.type] += 1
            _keep(lately, (moment, end), LATELY)
            continue
        months.setdefault(f"{end.at:%Y-%m}", Counter())[end.type] += 1
        first[end.type] = min(first.get(end.type, end.at), end.at)
        _keep(soonest, (-moment, end), SOONEST)
    return Ends(
        entry,
        at,
        tuple(sorted(end for _, end in soonest)),
        tuple(sorted((end for _, end in lately), reverse=True)),
        dict(sorted(months.items())),
        expired,
        first,
    )


def _keep(heap: list[tuple[float, End]], item: tuple[float, End], most: int) -> None:
    """Of all that come, the highest few."""
    if len(heap) < most:
        heapq.heappush(heap, item)
    elif item > heap[0]:
        heapq.heapreplace(heap, item)


def _ends(database: Database) -> Iterator[End]:
    for kind in KINDS:
        newest: End | None = None
        for subject, raw in _used_revisions(database) if kind == "revision" else _of_type(database, kind):
            end = _end(kind, subject, raw)
            if kind != "root":
                yield end
            elif newest is None or int(subject) > int(newest.subject):
                newest = end
        if newest is not None:
            yield newest


def _end(kind: str, subject: str, raw: bytes) -> End:
    said = _statement.decode(_envelope.decode(raw).payload)
    return End(datetime.fromisoformat(said.expires).astimezone(UTC), kind, subject, said.authority)


def _of_type(database: Database, kind: str) -> Iterator[tuple[str, bytes]]:
    """Subject and envelope of every head of a type, a batch at a time, by the primary key."""
    after: tuple[str, int] = ("", 0)
    while True:
        past = or_(heads.c.subject > after[0], and_(heads.c.subject == after[0], heads.c.format > after[1]))
        asked = (
            select(heads.c.subject, heads.c.format, statements.c.raw)
            .join(statements, statements.c.envelope == heads.c.envelope)
            .where(heads.c.type == kind, heads.c.subject >= after[0], past)
            .order_by(heads.c.subject, heads.c.format)
            .limit(BATCH)
        )
        with database.reading() as connection:
            rows = connection.execute(asked).all()
        yield from ((row.subject, row.raw) for row in rows)
        if len(rows) < BATCH:
            return
        after = (rows[-1].subject, rows[-1].format)


def _used_revisions(database: Database) -> Iterator[tuple[str, bytes]]:
    """The revisions that some model's view lists, each once, a batch at a time, by the index `view_rows_about`."""
    after = ""
    while True:
        used = (
            select(view_rows.c.subject)
            .where(view_rows.c.type == "revision", view_rows.c.subject > after)
            .group_by(view_rows.c.subject)
            .order_by(view_rows.c.subject)
            .limit(BATCH)
            .subquery()
        )
        asked = (
            select(used.c.subject, statements.c.raw)
            .select_from(used)
            .outerjoin(heads, and_(heads.c.type == "revision", heads.c.subject == used.c.subject))
            .outerjoin(statements, statements.c.envelope == heads.c.envelope)
            .order_by(used.c.subject)
        )
        with database.reading() as connection:
            rows = connection.execute(asked).all()
        yield from ((row.subject, bytes(row.raw)) for row in rows if row.raw is not None)
        if not rows:
            return
        after = rows[-1].subject
