"""Which models' views a publication touches, and where (SPEC VW-2): found by index, never by asking every model."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from itertools import chain

from sqlalchemy import BindParameter, Connection, bindparam, literal_column, select, union, union_all

from sealring.statement import Common, Delegation, Model, RevisionStatement, Root, Stack
from sealring_server.held import below
from sealring_server.prepared import Prepared
from sealring_server.schema import view_models, view_rows, view_wants
from sealring_server.views.lookup import Lookup
from sealring_server.views.rules import SHOWN, About

_kind: BindParameter[str] = bindparam("kind")
_about: BindParameter[str] = bindparam("about")
_USERS = Prepared(
    union_all(
        select(view_rows.c.model, literal_column("0")).where(view_rows.c.type == _kind, view_rows.c.subject == _about),
        select(view_wants.c.model, literal_column("1")).where(
            view_wants.c.type == _kind, view_wants.c.subject == _about
        ),
    )
)


@dataclass
class Touched:
    """`whole` are the models to compute anew; of the others `parts` has what became needed, changed, or ended."""

    whole: set[str] = field(default_factory=set)
    parts: dict[str, dict[About, bool]] = field(default_factory=dict)
    """By model: whether its view lists this subject now."""

    def note(self, models: Collection[str], about: About, *, is_needed: bool = True) -> None:
        """Say that these models' views list this subject now, or no longer."""
        for model in models:
            self.parts.setdefault(model, {})[about] = is_needed


def touched_by(connection: Connection, lookup: Lookup, news: Collection[Common]) -> Touched:
    """What these statements touch, which are heads by now."""
    found = Touched()
    for one in news:
        if isinstance(one, Model):
            found.whole.add(one.name)
        elif isinstance(one, Stack):
            found.whole |= _users(connection, ("stack", one.subject))
        elif isinstance(one, Root):
            found.note(_all_models(connection), ("root", one.subject))
        elif isinstance(one, RevisionStatement):
            listing, wanting = _by_table(connection, (one.type, one.subject))
            found.note(listing, (one.type, one.subject))
            # One that was named before it came: whether it still is, only the whole view says.
            found.whole |= wanting
        elif one.type in SHOWN and not isinstance(one, Delegation):
            found.note(_users(connection, (one.type, one.subject)), (one.type, one.subject))
    # Last: where a delegation no longer covers a model, a list that came beside it doesn't bring it back.
    for subject in sorted({one.subject for one in news if isinstance(one, Delegation)}):
        covered = _covered(connection, lookup.delegation(subject))
        for about in (("delegation", subject), ("revocations", subject)):
            found.note(_users(connection, about) - covered, about, is_needed=False)
            found.note(covered, about)
    return found


def _users(connection: Connection, about: About) -> set[str]:
    """The models whose views list this subject, or would if it was there."""
    return set().union(*_by_table(connection, about))


def _by_table(connection: Connection, about: About) -> tuple[set[str], set[str]]:
    found: tuple[set[str], set[str]] = set(), set()
    for model, is_wanted in _USERS.rows(connection, {"kind": about[0], "about": about[1]}):
        found[is_wanted].add(model)
    return found


def _all_models(connection: Connection) -> set[str]:
    return set(connection.scalars(select(view_models.c.model)))


def _covered(connection: Connection, delegations: Collection[Delegation]) -> set[str]:
    """The models that these delegations' patterns cover, by name or by a package."""
    names = chain.from_iterable(one.models for one in delegations)
    packages = chain.from_iterable(one.packages for one in delegations)
    found = set(chain.from_iterable(_named(connection, pattern) for pattern in names))
    # A release's subject begins with its package; for each package of a model its view lists one, or wants one.
    return found.union(*(_released(connection, pattern.removesuffix("/*")) for pattern in packages))


def _released(connection: Connection, name: str) -> set[str]:
    """The models that take a package of this name, or a package of this brand, from any channel."""
    both = [
        select(table.c.model).where(table.c.type == "release", below(table.c.subject, name))
        for table in (view_rows, view_wants)
    ]
    return set(connection.scalars(union(*both)))


def _named(connection: Connection, pattern: str) -> Iterator[str]:
    name = view_models.c.model
    where = below(name, pattern.removesuffix("/*")) if pattern.endswith("/*") else name == pattern
    yield from connection.scalars(select(name).where(where))
