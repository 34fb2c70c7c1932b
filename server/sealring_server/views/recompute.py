"""Every view again from the heads alone, model by model: the measure of what the store keeps (SPEC VW-2, VW-3)."""

from collections.abc import Iterator

from sqlalchemy import select

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects, View, make_view
from sealring_server.held import Held
from sealring_server.schema import heads
from sealring_server.views.lookup import Lookup
from sealring_server.views.rules import About, needed

PAGE = 1000  # models whose names are held at a time


def compute_views(held: Held) -> Iterator[View]:
    """The view of every model, ascending by name, from the heads of one state; slow, and of bounded memory.

    Nothing that `update_views` writes is read.

    Raises:
        TrustError: a view that no device would take, or a head that is no statement.
    """
    root, lookup = bytes.fromhex(held.root_id), Lookup(held)
    for name in _models(held):
        yield make_view(root, name, listed(lookup, whole(lookup, name)))


def whole(lookup: Lookup, model: str) -> set[About]:
    """All that the model's view lists where it is there: what the model says in any of its formats (SPEC ST-8)."""
    return {lookup.newest_root(), *(about for one in lookup.models(model) for about in needed(one, lookup))}


def listed(lookup: Lookup, abouts: set[About]) -> dict[Subjects, Head]:
    """The rows of those that have a head."""
    return {
        (kind, number, subject): head
        for kind, subject in abouts
        for number, head in lookup.heads((kind, subject)).items()
    }


def _models(held: Held) -> Iterator[str]:
    after = ""
    of_type = select(heads.c.subject).where(heads.c.type == "model").distinct().order_by(heads.c.subject).limit(PAGE)
    while page := held.connection.scalars(of_type.where(heads.c.subject > after)).all():
        yield from page
        after = page[-1]
