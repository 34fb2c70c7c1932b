"""What a publication would change, without a change (SPEC PB-12).

It is judged in one reading transaction: no lock is held, and nothing is written that would have to be undone. The
heads as they would be lie over those of the database, and each model's view is computed from them once more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from sealring.catalogue.leaf import Head
from sealring.catalogue.view import Subjects
from sealring.moment import Moment
from sealring.statement import Common
from sealring_server.admission import NO_TERMS, admit
from sealring_server.catalogue import last_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.publication import statements_of
from sealring_server.quota import check_subjects
from sealring_server.terms import Terms
from sealring_server.uploads import missing_images
from sealring_server.views.ahead import Ahead
from sealring_server.views.kept import rows_at
from sealring_server.views.lookup import Lookup
from sealring_server.views.recompute import listed, whole
from sealring_server.views.touched import touched_by
from sealring_server.work import Admitted

MAX_MODELS = 256  # that one answer tells of; a new root touches each model that there is
MAX_ROWS = 10_000  # that one answer tells of


class Image(msgspec.Struct, frozen=True):
    """An image that the store lacks."""

    sha256: str
    size: int


class Target(msgspec.Struct, frozen=True):
    """What a release means for the model: the revision for its architecture, before and after."""

    architecture: str
    before: int | None
    after: int | None


class Row(msgspec.Struct, frozen=True, omit_defaults=True):
    """One row of a view that changes; the sequences before and after, null where there is none."""

    type: str
    format: int
    subject: str
    before: int | None
    after: int | None
    target: Target | UnsetType = UNSET


class ModelChange(msgspec.Struct, frozen=True):
    """What changes of one model's view."""

    model: str
    rows: list[Row]


class DryRun(msgspec.Struct, frozen=True):
    """The answer; `others` is how many more models may change, beyond what one answer tells of."""

    missing: list[Image]
    news: int
    """Statements that the store lacks."""
    models: list[ModelChange]
    others: int


def dry_run(here: StoreHere, bundle: bytes, terms: Terms = NO_TERMS) -> DryRun:
    """What this publication would change if it were committed now (SPEC PB-12).

    Args:
        bundle: statements only, as for a publication.
        terms: what the publisher says beside them.

    Raises:
        TrustError, DiskFull: what would refuse the publication.
    """
    claims = statements_of(bundle)
    with here.database.reading() as connection:
        held = Held(connection)
        admitted = admit(held, claims, Moment(here.clock()), terms, grounds=here.grounds)
        check_subjects(here.limits, held, admitted)
        missing = missing_images(connection, (one.statement for one in admitted))
        here.images.check_space(sum(missing.values()))
        news = [one for one in admitted if one.is_news]
        models, others = changes(connection, news, last_entry(connection).sequence)
    return DryRun([Image(*found) for found in sorted(missing.items())], len(news), models, others)


def changes(
    connection: Connection, news: Sequence[Admitted], entry: int, most: int = MAX_MODELS
) -> tuple[list[ModelChange], int]:
    """What would change of each model's view, and how many touched models were not looked at.

    Args:
        news: what was admitted, and is not held.
        entry: the number of the newest one.
        most: how many models are looked at.
    """
    changing = _Changing(Lookup(Held(connection)), Ahead(Held(connection), news), entry, most)
    return changing.all([one.statement for one in news])


@dataclass(frozen=True)
class _Changing:
    now: Lookup
    ahead: Ahead
    entry: int
    most: int

    def all(self, news: Sequence[Common]) -> tuple[list[ModelChange], int]:
        """See `changes`."""
        touched = touched_by(self.now.held.connection, self.ahead, news)
        names, found, rows = sorted(touched.whole | touched.parts.keys()), list[ModelChange](), 0
        for number, model in enumerate(names):
            if number >= self.most or rows >= MAX_ROWS:
                return found, len(names) - number
            changed = list(self._rows(model))
            rows += len(changed)
            found += [ModelChange(model, changed)] if changed else []
        return found, 0

    def _rows(self, model: str) -> Iterator[Row]:
        connection = self.now.held.connection
        old = {about: Head.from_bytes(raw) for about, raw in rows_at(connection, model, self.entry).items()}
        new = listed(self.ahead, whole(self.ahead, model))
        for about in sorted(old.keys() | new.keys()):
            before, after = old.get(about), new.get(about)
            if before != after:
                yield self._row(model, about, before, after)

    def _row(self, model: str, about: Subjects, before: Head | None, after: Head | None) -> Row:
        was, will = (None if head is None else head.sequence for head in (before, after))
        target = self._target(model, about[2]) if about[0] == "release" else UNSET
        return Row(about[0], about[1], about[2], was, will, target)

    def _target(self, model: str, release: str) -> Target | UnsetType:
        """The newest format's word on the architecture that the model has after this."""
        issued = self.ahead.models(model)
        if not issued:
            return UNSET
        architecture = issued[-1].architecture
        found: list[int | None] = []
        for says in (self.now, self.ahead):
            named = [one.target(architecture) for one in says.releases(release)[-1:]]
            found += [one.revision if one is not None else None for one in named] or [None]
        return Target(architecture, *found)
