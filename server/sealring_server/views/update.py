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
from sealring_server.schema import view_models, view_rows
from sealring_server.views.document import digest_of, document
from sealring_server.views.lookup import Lookup
from sealring_server.views.recompute import listed, whole
from sealring_server.views.rules import About, released, stacked
from sealring_server.views.touched import touched_by
from sealring_server.views.written import Written

TOGETHER = 256  # models whose changes are written in one go

_ROWS = Prepared(
    select(view_rows.c.type, view_rows.c.format, view_rows.c.subject, view_rows.c.since, view_rows.c.value).where(
        view_rows.c.model == bindparam("model")
    )
)
_FOLLOWS = Prepared(
    select(view_models.c.architecture, view_models.c.stack).where(view_models.c.model == bindparam("model"))
)


@dataclass
class Draft:
    """One model's view while it is changed: rows by subject, and what it would list if it was there."""

    model: str
    rows: dict[Subjects, bytes]
    wants: dict[About, bool] = field(default_factory=dict)
    """Subjects that are wanted from now on, or no longer."""


def update_views(held: Held, root: bytes, sequence: int, news: Collection[Common]) -> dict[bytes, Head]:
    """Write the views that entry `sequence` changes; the new leaves by key (SPEC VW-3).

    Args:
        news: the statements of this publication, which are heads by now.

    Raises:
        TrustError: a view would be larger than any device takes.
    """
    connection, lookup = held.connection, Lookup(held, news)
    touched = touched_by(connection, lookup, news)
    models = iter(sorted(touched.whole | touched.parts.keys()))
    updates: dict[bytes, Head] = {}
    while some := list(islice(models, TOGETHER)):
        written = Written(sequence)
        for model in some:
            before = _rows(connection, model)
            parts = None if model in touched.whole else touched.parts[model]
            draft = _changed(lookup, Draft(model, {about: row[1] for about, row in before.items()}), parts, written)
            if written.rows(model, before, draft.rows):
                digest = digest_of(document(root, model, draft.rows))
                written.view(model, digest)
                updates[view_key(root, model)] = Head(sequence, digest, digest)
            written.wants(model, draft.wants)
        written.write(connection)
    return updates


def _changed(lookup: Lookup, draft: Draft, parts: Mapping[About, bool] | None, written: Written) -> Draft:
    """The model's view after this publication; `parts` are the subjects that it touches, None for all."""
    follows = None
    if parts is not None and any(kind == "release" for kind, _ in parts):
        follows = _follows(lookup.held.connection, draft.model)
        if follows is None:  # several formats, which may follow different channels
            parts = None
    if parts is None:
        return _anew(lookup, draft.model, written)
    for about, is_needed in parts.items():
        if about[0] == "root":
            _put_root(lookup, draft)
            continue
        _put(lookup, draft, about, is_needed)
        if about[0] == "release":
            assert follows is not None
            _put_revisions(lookup, draft, about[1], *follows)
    return draft


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
