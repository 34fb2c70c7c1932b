"""The views that a publication changes, and no others: work in proportion to the models that it touches (SPEC VW-3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from itertools import islice

from msgspec import UnsetType
from sqlalchemy import Connection, bindparam, select

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, view_key
from sealring.statement import Common, Model
from sealring_server.held import Held
from sealring_server.prepared import Prepared
from sealring_server.schema import view_models, view_rows, views
from sealring_server.views.document import digest_of, document
from sealring_server.views.listing import Documents, Listing
from sealring_server.views.lookup import Lookup
from sealring_server.views.recompute import listed, whole
from sealring_server.views.rules import About, released, stacked
from sealring_server.views.touched import touched_by
from sealring_server.views.written import Written

TOGETHER = 256  # models whose changes are written in one go
FEW = 4  # subjects of one model, up to which it is less work to change its newest document than to make it anew

_ROWS = Prepared(
    select(view_rows.c.type, view_rows.c.format, view_rows.c.subject, view_rows.c.since, view_rows.c.value).where(
        view_rows.c.model == bindparam("model")
    )
)
_ROW = Prepared(
    select(view_rows.c.since, view_rows.c.value).where(
        *[view_rows.c[name] == bindparam(name) for name in ("model", "type", "format", "subject")]
    )
)
_NEWEST = Prepared(
    select(views.c.digest, views.c.entry).where(views.c.model == bindparam("model"), views.c.until.is_(None))
)
_FOLLOWS = Prepared(
    select(view_models.c.architecture, view_models.c.stack).where(view_models.c.model == bindparam("model"))
)


@dataclass
class Draft:
    """One model's view while it is changed: rows by subject, and what it would list if it was there.

    Of a change in parts, the rows that those parts can change.
    """

    model: str
    rows: dict[Subjects, bytes]
    wants: dict[About, bool] = field(default_factory=dict)
    """Subjects that are wanted from now on, or no longer."""


def update_views(
    held: Held, root: bytes, sequence: int, news: Collection[Common], known: Documents | None = None
) -> dict[bytes, Head]:
    """Write the views that entry `sequence` changes; the new leaves by key (SPEC VW-3).

    Args:
        news: the statements of this publication, which are heads by now.
        known: documents that this process remembers.

    Raises:
        TrustError: a view would be larger than any device takes.
    """
    connection, lookup = held.connection, Lookup(held, news)
    touched = touched_by(connection, lookup, news)
    models = iter(sorted(touched.whole | touched.parts.keys()))
    updating = _Updating(lookup, Documents(0) if known is None else known, root)
    updates: dict[bytes, Head] = {}
    while some := list(islice(models, TOGETHER)):
        written = Written(sequence)
        for model in some:
            parts = None if model in touched.whole else touched.parts[model]
            digest = updating.one(model, parts, written)
            if digest is not None:
                updates[view_key(root, model)] = Head(sequence, digest, digest)
        written.write(connection)
    return updates


@dataclass(frozen=True)
class _Updating:
    """One update, model by model."""

    lookup: Lookup
    known: Documents
    root: bytes

    def one(self, model: str, parts: Mapping[About, bool] | None, written: Written) -> bytes | None:
        """Note what changes of one model's view; its new digest, None where nothing does.

        Args:
            parts: the subjects that are touched, None for all.
        """
        connection, follows = self.lookup.held.connection, None
        if parts is not None and any(kind == "release" for kind, _ in parts):
            follows = _follows(connection, model)
            if follows is None:  # several formats, which may follow different channels
                parts = None
        newest, entry = (_NEWEST.rows(connection, {"model": model}) or [("", 0)])[0]
        listing, before = self._before(model, newest, parts)
        old = {about: row[1] for about, row in before.items()}
        if parts is None:
            draft = _anew(self.lookup, model, written)
        else:
            draft = Draft(model, old.copy())
            _change(self.lookup, draft, parts, follows)
        written.wants(model, draft.wants)
        if not written.rows(model, before, draft.rows):
            return None
        new = draft.rows
        raw = document(self.root, model, new) if listing is None else listing.with_rows(old, new)
        digest = digest_of(raw)
        self.known.keep(digest.hex(), raw)
        written.view(model, digest, is_again=entry == written.sequence)
        return digest

    def _before(
        self, model: str, newest: str, parts: Collection[About] | None
    ) -> tuple[Listing | None, dict[Subjects, tuple[int, bytes]]]:
        """The newest rows that may change, and the document that has them; or all rows.

        Each with the entry since which it stands, as the database has it.
        """
        connection = self.lookup.held.connection
        raw = self.known.get(newest) if parts is not None and len(parts) <= FEW else None
        if raw is None or parts is None:
            return None, _rows(connection, model)
        listing, found = Listing(raw), dict[Subjects, tuple[int, bytes]]()
        for about in listing.about(parts):
            place = dict(zip(("type", "format", "subject"), about, strict=True))
            rows = _ROW.rows(connection, {"model": model, **place})
            if not rows or not listing.has(about, rows[0][1]):
                return None, _rows(connection, model)  # damage, which who looks at all rows must judge
            found[about] = rows[0][0], rows[0][1]
        return listing, found


def _change(lookup: Lookup, draft: Draft, parts: Mapping[About, bool], follows: tuple[str, str | None] | None) -> None:
    """Make the rows of these subjects what they are after this publication."""
    for about, is_needed in parts.items():
        if about[0] == "root":
            _put_root(lookup, draft)
            continue
        _put(lookup, draft, about, is_needed)
        if about[0] == "release":
            assert follows is not None
            _put_revisions(lookup, draft, about[1], *follows)


def _anew(lookup: Lookup, model: str, written: Written) -> Draft:
    """The whole view again from the heads, as for a model that is new."""
    wanted = whole(lookup, model)
    rows = {about: head.to_bytes() for about, head in listed(lookup, wanted).items()}
    written.model(model, *one_way(lookup.models(model)))
    return Draft(model, rows, {about: True for about in wanted if not lookup.heads(about)})


def one_way(issued: list[Model]) -> tuple[str | None, str | None]:
    """The architecture and the stack by which a model's releases are read; nothing where it has several formats."""
    if len(issued) != 1:
        return None, None
    stack = issued[0].stack
    return issued[0].architecture, None if isinstance(stack, UnsetType) else stack


def _put(lookup: Lookup, draft: Draft, about: About, is_needed: bool) -> None:
    heads = lookup.heads(about)
    for number, head in heads.items():
        place = (about[0], number, about[1])
        if not is_needed:
            draft.rows.pop(place, None)
            continue
        # A revision that a release names is here before it; one that was not, makes the whole view anew when it comes.
        if place not in draft.rows and about[0] != "revision":
            draft.wants[about] = False
        draft.rows[place] = head.to_bytes()
    if not heads:
        draft.wants[about] = is_needed


def _put_root(lookup: Lookup, draft: Draft) -> None:
    """VW-2: of the root's versions, each of which is a subject of its own, the newest."""
    for place in [place for place in draft.rows if place[0] == "root"]:
        del draft.rows[place]
    _put(lookup, draft, lookup.newest_root(), is_needed=True)


def _put_revisions(lookup: Lookup, draft: Draft, release: str, architecture: str, stack: str | None) -> None:
    """The revisions of one package, which its release leads to and the model's stack."""
    package = "/".join(release.split("/", 2)[:2])
    wanted = set(released(lookup.releases(release), architecture))
    if stack is not None:
        wanted |= set(stacked(lookup.stacks(stack), architecture, package))
    shown = {(kind, of) for kind, _, of in draft.rows if kind == "revision" and of.startswith(f"{package}/")}
    for about in shown | wanted:
        _put(lookup, draft, about, about in wanted)


def _follows(connection: Connection, model: str) -> tuple[str, str | None] | None:
    """The architecture and the stack by which the model's releases are read; None where that is not one way."""
    ((architecture, stack),) = _FOLLOWS.rows(connection, {"model": model})
    return None if architecture is None else (architecture, stack)


def _rows(connection: Connection, model: str) -> dict[Subjects, tuple[int, bytes]]:
    """The newest rows: since when they stand, and their values."""
    rows = _ROWS.rows(connection, {"model": model})
    return {(kind, number, subject): (since, value) for kind, number, subject, since, value in rows}
