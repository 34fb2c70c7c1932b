"""Heads and what they say, asked for one by one, with the last few answers remembered.

One object is for one transaction after its statements are written: what it remembers is of one state.
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache

from sqlalchemy import bindparam, select

from sealring.authentic import S
from sealring.catalogue.leaf import Head
from sealring.envelope import parse_envelope
from sealring.statement import Common, Delegation, Model, Release, Stack, parse_statement
from sealring_server.held import Held, below
from sealring_server.prepared import Prepared
from sealring_server.schema import heads, statements
from sealring_server.views.rules import About

KEPT = 2048  # answers of each kind

_HEADS = Prepared(
    select(heads.c.format, heads.c.sequence, heads.c.id, heads.c.envelope).where(
        heads.c.type == bindparam("type"), heads.c.subject == bindparam("subject")
    )
)
_BODIES = Prepared(
    select(statements.c.raw)
    .join(heads, heads.c.envelope == statements.c.envelope)
    .where(heads.c.type == bindparam("type"), heads.c.subject == bindparam("subject"))
    .order_by(heads.c.format)
)


class Lookup:
    """What `rules.Says` asks for, and heads.

    Args:
        news: statements that are heads by now, and need not be read again.
    """

    def __init__(self, held: Held, news: Iterable[Common] = ()) -> None:
        self.held = held
        self._news = {(one.type, one.subject): one for one in news}
        self._heads = lru_cache(KEPT)(self._ask_heads)
        self._bodies = lru_cache(KEPT)(self._ask_bodies)
        self._delegations = lru_cache(KEPT)(self._ask_delegations)

    def heads(self, about: About) -> Mapping[int, Head]:
        """The current head in each format (SPEC ST-8)."""
        return self._heads(about)

    def newest_root(self) -> About:
        """The root whose version is the highest."""
        return "root", str(max(int(subject) for subject, _, _ in self.held.heads("root")))

    def models(self, name: str) -> list[Model]:
        """The current statements of a model."""
        return _only(self._bodies(("model", name)), Model)

    def releases(self, subject: str) -> list[Release]:
        """The current releases of a subject."""
        return _only(self._bodies(("release", subject)), Release)

    def stacks(self, subject: str) -> list[Stack]:
        """The current stacks of a subject."""
        return _only(self._bodies(("stack", subject)), Stack)

    def delegation(self, subject: str) -> list[Delegation]:
        """The current delegations of one subject."""
        return _only(self._bodies(("delegation", subject)), Delegation)

    def delegations(self, brand: str) -> list[Delegation]:
        """All current delegations of a brand."""
        return _only(self._delegations(brand), Delegation)

    def _ask_heads(self, about: About) -> dict[int, Head]:
        rows = _HEADS.rows(self.held.connection, {"type": about[0], "subject": about[1]})
        return {row[0]: Head(row[1], bytes.fromhex(row[2]), bytes.fromhex(row[3])) for row in rows}

    def _ask_bodies(self, about: About) -> tuple[Common, ...]:
        found = self._heads(about)
        new = self._news.get(about)
        if new is not None and [(new.format, new.sequence)] == [
            (number, one.sequence) for number, one in found.items()
        ]:
            return (new,)
        rows = _BODIES.rows(self.held.connection, {"type": about[0], "subject": about[1]})
        return tuple(_parsed(row[0]) for row in rows)

    def _ask_delegations(self, brand: str) -> tuple[Common, ...]:
        of_brand = (
            select(statements.c.raw)
            .join(heads, heads.c.envelope == statements.c.envelope)
            .where(heads.c.type == "delegation", below(heads.c.subject, brand))
            .order_by(heads.c.subject, heads.c.format)
        )
        return tuple(map(_parsed, self.held.connection.scalars(of_brand)))


def _parsed(raw: bytes) -> Common:
    """What was admitted before, and is not judged again here."""
    return parse_statement(parse_envelope(raw).payload)


def _only(found: tuple[Common, ...], kind: type[S]) -> list[S]:
    return [one for one in found if isinstance(one, kind)]
