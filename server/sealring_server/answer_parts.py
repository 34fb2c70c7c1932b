"""What one device lacks, gathered from one committed state (SPEC AN-2).

The work is bounded whoever asks: at most 256 roots, 256 versions of brands and 256 TUF roots, the statements of one
view, and each is one look into an index. Nothing here grows with what the store holds of others. What an answer has
no room for is fetched by its own path.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from sqlalchemy import Connection, bindparam, select

from sealring.bundle import (
    Entry,
    PathEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewDifferenceEntry,
    ViewEntry,
    write_bundle,
)
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head
from sealring.catalogue.view import View, view_key
from sealring.catalogue.view_difference import ViewDifference, difference_bytes
from sealring.errors import TrustError
from sealring.names import MAX_INTEGER
from sealring_server.answer_question import Question, TufVersions
from sealring_server.catalogue import NoSuchThing, last_entry, log_path, prove
from sealring_server.here import StoreHere
from sealring_server.schema import statements, tuf, views
from sealring_server.tuf_repo import CATALOGUE
from sealring_server.views import current_view, difference

MAX_STEPS: Final = 256  # of roots, of all brands' versions together, and of TUF roots
MAX_STATEMENTS: Final = 8 * 1024 * 1024  # bytes of envelopes in one answer; some 4,000, or 700 with ML-DSA too
MAX_TUF_ROOTS: Final = 1024 * 1024  # bytes of TUF roots in one answer
AT_ONCE: Final = 500  # statements asked for in one query

# Written once: SQLAlchemy takes as long to put such a question together as the database to answer it.
_newest = (
    select(tuf.c.version, tuf.c.raw)
    .where(tuf.c.role == bindparam("role"), tuf.c.version > bindparam("after"))
    .order_by(tuf.c.version.desc())
    .limit(1)
)
_stamp = select(tuf.c.version).where(tuf.c.role == "timestamp").order_by(tuf.c.version.desc()).limit(1)
_tuf_roots_after = (
    select(tuf.c.version, tuf.c.raw)
    .where(tuf.c.role == "root", tuf.c.version > bindparam("after"))
    .order_by(tuf.c.version)
    .limit(MAX_STEPS)
)
_model_of = select(views.c.model).where(views.c.digest == bindparam("digest"))
_version = (
    select(statements.c.envelope, statements.c.raw)
    .where(
        statements.c.type == bindparam("type"),
        statements.c.subject == bindparam("subject"),
        statements.c.sequence == bindparam("sequence"),
    )
    .order_by(statements.c.entry.desc(), statements.c.envelope)
    .limit(1)
)
_named = select(statements.c.envelope, statements.c.raw).where(
    statements.c.envelope.in_(bindparam("digests", expanding=True))
)


def reduced(connection: Connection, model: str, question: Question) -> Question:
    """The question without a view that says nothing here: never this model's, or collected (SPEC MP-6).

    So whoever names views of his own finds the answers that everybody gets, and fills no memory with more of them.
    """
    if question.view and connection.execute(_model_of, {"digest": question.view}).scalar_one_or_none() != model:
        return replace(question, view="")
    return question


def state(connection: Connection) -> tuple[int, int]:
    """What tells two committed states apart: the newest entry, and the timestamp, which is also signed without one."""
    return last_entry(connection).sequence, connection.execute(_stamp).scalar_one()


def answer(
    connection: Connection, here: StoreHere, model: str, question: Question, *, room: int = MAX_STATEMENTS
) -> bytes:
    """The bundle of all that a device of this model lacks.

    Args:
        room: bytes of envelopes; those that come when it is full are left out, and found at their own paths.

    Raises:
        NoSuchThing: no such model.
    """
    view = current_view(connection, model)
    if view is None:
        raise NoSuchThing(f"model {model}")
    entry = last_entry(connection)
    known = difference(connection, question.view, view.digest.hex()) if question.view else None
    parts: list[Entry] = [*_tuf_files(connection, question, entry)]
    parts += _statements(connection, question, (view.heads if known is None else known.changed).values(), room)
    parts += _view(view, question, known)
    key = view_key(entry.root, model)
    parts.append(ProofEntry(entry.map, (key,), prove(connection, here.tiles, entry.map, (key,))))
    # LG-2: the next entry names the one before it; only after a gap the log has to show that it is the same history.
    if 0 < question.entry < entry.sequence - 1:
        path = log_path(connection, entry.sequence - 1, question.entry - 1)
        parts.append(PathEntry(entry.sequence, question.entry, path))
    return write_bundle(parts, parts=True)


def _tuf_files(connection: Connection, question: Question, entry: CatalogueEntry) -> Iterator[TufEntry]:
    """The metadata that is newer, and the catalogue where it is another, named as below `/tuf/`."""
    held = question.tuf
    yield from _tuf_roots(connection, held)
    for role, version in (("timestamp", held.timestamp), ("snapshot", held.snapshot), ("targets", held.targets)):
        row = connection.execute(_newest, {"role": role, "after": version}).one_or_none()
        if row is not None:
            yield TufEntry("timestamp.json" if role == "timestamp" else f"{row.version}.{role}.json", row.raw)
    if question.entry != entry.sequence:
        yield TufEntry(f"targets/{sha256(entry.raw).hexdigest()}.{CATALOGUE}", entry.raw)


def _tuf_roots(connection: Connection, held: TufVersions) -> Iterator[TufEntry]:
    room = MAX_TUF_ROOTS
    for row in connection.execute(_tuf_roots_after, {"after": held.root}):
        room -= len(row.raw)
        if room < 0:
            return
        yield TufEntry(f"{row.version}.root.json", row.raw)


def _statements(
    connection: Connection, question: Question, heads: Iterable[Head], room: int
) -> Iterator[StatementEntry]:
    """Roots and brands' versions one by one, then what the view has new; each once, while there is room."""
    sent: set[str] = set()
    for digest, raw in _in_turn(connection, question, [head.envelope.hex() for head in heads]):
        if digest in sent:
            continue
        room -= len(raw)
        if room < 0:
            return
        sent.add(digest)
        yield StatementEntry(raw)


def _in_turn(connection: Connection, question: Question, digests: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """Digest and envelope of all that is lacking, as a device walks it."""
    yield from _versions(connection, "root", "", question.root, MAX_STEPS)
    left = MAX_STEPS
    for brand, sequence in question.brands:
        for found in _versions(connection, "brand", brand, sequence, left):
            left -= 1
            yield found
    for at in range(0, len(digests), AT_ONCE):
        asked = digests[at : at + AT_ONCE]
        found_now = {row.envelope: row.raw for row in connection.execute(_named, {"digests": asked})}
        # In the view's order, so that one question has one answer.
        yield from ((digest, found_now[digest]) for digest in asked)


def _versions(connection: Connection, kind: str, subject: str, after: int, most: int) -> Iterator[tuple[str, bytes]]:
    """The versions of a root or brand after this one, as long as each follows the one before."""
    for version in range(after + 1, min(after + most, MAX_INTEGER) + 1):
        asked = {"type": kind, "subject": subject or str(version), "sequence": version}
        row = connection.execute(_version, asked).one_or_none()
        if row is None:
            return
        yield row.envelope, row.raw


def _view(view: View, question: Question, known: ViewDifference | None) -> list[Entry]:
    """The view, or what leads to it; nothing for a device that holds it."""
    digest = view.digest
    if question.view == digest.hex():
        return []
    if known is not None:
        try:
            raw = difference_bytes(known)
        except TrustError:  # longer than a difference may be
            raw = view.raw
        if len(raw) < len(view.raw):
            return [ViewDifferenceEntry(bytes.fromhex(question.view), digest, raw)]
    return [ViewEntry(view.raw)]
