"""Every model's view computed again from the heads, and compared with rows, digests and leaves (SPEC VW-3, MP-6)."""

from sqlalchemy import Connection, bindparam, select

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View, view_key
from sealring_server.fsck.report import Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.held import Held
from sealring_server.prepared import Prepared
from sealring_server.schema import heads, leaves, view_models, view_past, view_rows, view_wants, views
from sealring_server.views.document import digest_of, document
from sealring_server.views.kept import rows_at
from sealring_server.views.lookup import Lookup
from sealring_server.views.recompute import compute_views, whole
from sealring_server.views.update import one_way

PAGE = 500  # rows in memory

_NEWEST = Prepared(
    select(views.c.digest, views.c.entry).where(views.c.model == bindparam("of"), views.c.until.is_(None))
)
_ROWS = Prepared(
    select(view_rows.c.type, view_rows.c.format, view_rows.c.subject, view_rows.c.since, view_rows.c.value).where(
        view_rows.c.model == bindparam("of")
    )
)
_WANTS = Prepared(select(view_wants.c.type, view_wants.c.subject).where(view_wants.c.model == bindparam("of")))
_FOLLOWS = Prepared(
    select(view_models.c.architecture, view_models.c.stack).where(view_models.c.model == bindparam("of"))
)
_LEAF = Prepared(select(leaves.c.value).where(leaves.c.entry == bindparam("entry"), leaves.c.key == bindparam("key")))
_BETWEEN = Prepared(
    select(views.c.entry)
    .where(views.c.model == bindparam("of"), views.c.entry > bindparam("after"), views.c.entry < bindparam("before"))
    .limit(1)
)


def check_views(connection: Connection, root: bytes, scratch: Scratch, report: Report) -> None:
    """The newest view of every model, and what the next publication would go by."""
    held = Held(connection)
    lookup = Lookup(held)
    for view in compute_views(held):
        report.checked["views"] += 1
        for what in _wrong(connection, root, view, scratch):
            report.bad("views", f"view of {view.model}: {what}")
        wanted = whole(lookup, view.model)
        missing = {about for about in wanted if not lookup.heads(about)}
        if {(row[0], row[1]) for row in _WANTS.rows(connection, {"of": view.model})} != missing:
            report.bad("views", f"view of {view.model}: what it waits for is not what nobody has published yet")
        if _FOLLOWS.rows(connection, {"of": view.model}) != [one_way(lookup.models(view.model))]:
            report.bad("views", f"view of {view.model}: another architecture or stack than its model's")
    _check_no_others(connection, report)


def check_past(connection: Connection, root: bytes, report: Report) -> None:
    """Every older view that is kept: its rows make it, and its leaf says so."""
    asked = select(views.c.digest, views.c.model, views.c.entry, views.c.until)
    for row in connection.execute(asked.execution_options(yield_per=PAGE)):
        report.checked["kept views"] += 1
        name = f"view {row.digest} of {row.model}"
        found = digest_of(document(root, row.model, rows_at(connection, row.model, row.entry))).hex()
        if found != row.digest:
            report.bad("views", f"{name}: the rows of entry {row.entry} make {found}")
        leaf = Head(row.entry, bytes.fromhex(row.digest), bytes.fromhex(row.digest))
        key = view_key(root, row.model)
        if _LEAF.rows(connection, {"entry": row.entry, "key": key}) != [(leaf.to_bytes(),)]:
            report.bad("views", f"{name}: the changes of entry {row.entry} don't have it")
        if row.until is not None and not _is_end(connection, row.model, key, row.entry, row.until):
            report.bad("views", f"{name}: entry {row.until} is said to have ended it, and has not")


def _wrong(connection: Connection, root: bytes, view: View, scratch: Scratch) -> list[str]:
    found = []
    newest = _NEWEST.rows(connection, {"of": view.model})
    if [row[0] for row in newest] != [view.digest.hex()]:
        found.append(f"the heads make {view.digest.hex()}, kept is {', '.join(row[0] for row in newest) or 'none'}")
    elif scratch.newest(view_key(root, view.model)) != view.leaf(newest[0][1]).to_bytes():
        found.append("its newest leaf says otherwise")
    rows: dict[Subjects, bytes] = {}
    changed: dict[int, bool] = {}
    key = view_key(root, view.model)
    for kind, number, subject, since, value in _ROWS.rows(connection, {"of": view.model}):
        rows[kind, number, subject] = value
        if newest and not 1 <= since <= newest[0][1]:
            found.append(f"the row of {kind} {subject} is of entry {since}, the view of entry {newest[0][1]}")
        elif not changed.setdefault(since, bool(_LEAF.rows(connection, {"entry": since, "key": key}))):
            found.append(f"the row of {kind} {subject} is of entry {since}, at which the view did not change")
    if rows != {about: head.to_bytes() for about, head in view.heads.items()}:
        found.append("its rows are not those that the heads give")
    return found


def _check_no_others(connection: Connection, report: Report) -> None:
    """No rows of models that there are not: they would become views when such a model is published."""
    models = select(heads.c.subject).where(heads.c.type == "model")
    for table in (view_rows, view_past, view_wants, view_models, views):
        strangers = select(table.c.model).where(table.c.model.not_in(models)).distinct().limit(PAGE)
        for name in connection.scalars(strangers):
            report.bad("views", f"table {table.name}: rows of {name}, and there is no such model")


def _is_end(connection: Connection, model: str, key: bytes, entry: int, until: int) -> bool:
    """Whether the view of this entry changed at that one, and at none between that is kept."""
    is_change = bool(_LEAF.rows(connection, {"entry": until, "key": key}))
    return is_change and until > entry and not _BETWEEN.rows(connection, {"of": model, "after": entry, "before": until})
