"""The views that a store has kept, each by the digest that its leaf commits to (SPEC VW-3, MP-6, BN-5)."""

from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, union_all

from sealring.catalogue.leaf import HASH_BYTES, Head
from sealring.catalogue.view import Subjects, View
from sealring.catalogue.view_difference import ViewDifference
from sealring.errors import SealringError
from sealring_server.schema import store, view_past, view_rows, views
from sealring_server.views.document import digest_of, document


@dataclass(eq=False)
class DamagedView(SealringError):
    """Rows that no longer make the view that was committed to: it is not shown (SPEC VW-3)."""

    digest: str
    found: str
    rule: ClassVar[str] = "VW-3"
    exit_code: ClassVar[int] = 25
    status: ClassVar[int] = 500

    def __str__(self) -> str:
        return f"view {self.digest}: its rows make {self.found}"

    def hint(self) -> str:
        return "the operator must run `sealring-store fsck DIR`; other stores and mirrors may have it"


@dataclass(frozen=True)
class Kept:
    """Where a view stands: its rows are those of this entry."""

    digest: str
    model: str
    entry: int


Changes = dict[Subjects, bytes]
"""Rows by subject, as the 72 bytes of their leaves."""

_KEPT = select(views.c.model, views.c.entry).where(views.c.digest == bindparam("digest"))
_COLUMNS = ("type", "format", "subject", "value")
_model: BindParameter[str] = bindparam("model")
_entry: BindParameter[int] = bindparam("entry")
_later: BindParameter[int] = bindparam("later")
_there, _gone = ([table.c[name] for name in _COLUMNS] for table in (view_rows, view_past))
_AT = union_all(
    select(*_there).where(view_rows.c.model == _model, view_rows.c.since <= _entry),
    select(*_gone).where(view_past.c.model == _model, view_past.c.until > _entry, view_past.c.since <= _entry),
)
_ENDED = select(*_gone).where(
    view_past.c.model == _model, view_past.c.until > _entry, view_past.c.until <= _later, view_past.c.since <= _entry
)
_BEGUN = union_all(
    select(*_there).where(view_rows.c.model == _model, view_rows.c.since > _entry, view_rows.c.since <= _later),
    select(*_gone).where(
        view_past.c.model == _model, view_past.c.until > _later, view_past.c.since > _entry, view_past.c.since <= _later
    ),
)


def view_bytes(connection: Connection, digest: str) -> bytes | None:
    """The document with this digest (64 hex digits); None where it was never published, or was collected.

    Raises:
        DamagedView: its rows no longer make it.
    """
    kept = _kept(connection, digest)
    return None if kept is None else _document(connection, kept)


def current_view(connection: Connection, model: str) -> View | None:
    """The newest view of a model; None where no such model was published.

    Raises:
        DamagedView: its rows no longer make it.
    """
    newest = select(views.c.digest, views.c.entry).where(views.c.model == model, views.c.until.is_(None))
    row = connection.execute(newest).one_or_none()
    if row is None:
        return None
    kept = Kept(row.digest, model, row.entry)
    raw, rows = _document(connection, kept), rows_at(connection, model, kept.entry)
    heads = {about: Head.from_bytes(rows[about]) for about in sorted(rows)}
    return View(_root(connection), model, MappingProxyType(heads), raw)


def difference(connection: Connection, from_digest: str, to_digest: str) -> ViewDifference | None:
    """What leads from one kept view to another of the same model; None where one is unknown, or of another model."""
    ends = _kept(connection, from_digest), _kept(connection, to_digest)
    if ends[0] is None or ends[1] is None or ends[0].model != ends[1].model:
        return None
    old, new = _changes(connection, ends[0], ends[1])
    changed = {about: Head.from_bytes(new[about]) for about in sorted(new)}
    return ViewDifference(tuple(sorted(old.keys() - new.keys())), MappingProxyType(changed))


def rows_added(connection: Connection, from_digest: str | None, to_digest: str) -> list[tuple[str, int, str, int, str]]:
    """What a device that holds one view must fetch for another: type, format, subject, sequence and envelope digest.

    Args:
        from_digest: what it holds; all rows are new to it where that is None, unknown, or of another model.

    Returns:
        Ascending by type, format and subject; nothing where `to_digest` is unknown.
    """
    to, held = _kept(connection, to_digest), _kept(connection, from_digest or "")
    if to is None:
        return []
    if held is None or held.model != to.model:
        old, new = Changes(), rows_at(connection, to.model, to.entry)
    else:
        old, new = _changes(connection, held, to)
    heads = {about: Head.from_bytes(new[about]) for about in sorted(new)}
    had = {value[-HASH_BYTES:] for value in old.values()}
    return [(*about, head.sequence, head.envelope.hex()) for about, head in heads.items() if head.envelope not in had]


def rows_at(connection: Connection, model: str, entry: int) -> dict[Subjects, bytes]:
    """The rows that the model's view had at this entry, which was not collected."""
    rows = connection.execute(_AT, {"model": model, "entry": entry}).all()
    return {(kind, number, subject): value for kind, number, subject, value in rows}


def collect(connection: Connection, before_entry: int) -> int:
    """Delete what only the maps of entries below this one need; the number of rows and digests deleted (SPEC MP-6)."""
    gone = [connection.execute(delete(table).where(table.c.until <= before_entry)) for table in (view_past, views)]
    return sum(each.rowcount for each in gone)


def _kept(connection: Connection, digest: str) -> Kept | None:
    row = connection.execute(_KEPT, {"digest": digest}).one_or_none()
    return None if row is None else Kept(digest, row[0], row[1])


def _document(connection: Connection, kept: Kept) -> bytes:
    raw = document(_root(connection), kept.model, rows_at(connection, kept.model, kept.entry))
    # Bytes of this name are kept for ever by caches and devices, so wrong ones never leave the store.
    if (found := digest_of(raw).hex()) != kept.digest:
        raise DamagedView(kept.digest, found)
    return raw


def _changes(connection: Connection, held: Kept, to: Kept) -> tuple[Changes, Changes]:
    """The rows that only the one has, or has otherwise, and those that only the other has."""
    first, last = sorted((held.entry, to.entry))
    ended, begun = (
        {(row[0], row[1], row[2]): row[3] for row in connection.execute(asked, of)}
        for of in ({"model": to.model, "entry": first, "later": last},)
        for asked in (_ENDED, _BEGUN)
    )
    # What went and came back between the two is no change.
    for about in [about for about in ended if begun.get(about) == ended[about]]:
        del ended[about], begun[about]
    return (ended, begun) if held.entry <= to.entry else (begun, ended)


def _root(connection: Connection) -> bytes:
    found = connection.scalar(select(store.c.root_id))
    assert isinstance(found, str)
    return bytes.fromhex(found)
