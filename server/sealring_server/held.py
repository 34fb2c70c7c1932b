"""What the store has admitted, as the core's types: the base on which a new statement is judged (SPEC PB-1).

One object lives as long as one transaction, so all that it answers is of one committed state.
"""

from collections.abc import Iterator

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from sealring.catalogue.leaf import Head
from sealring.chain import Authentic, Chain, begin_with_root
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.floors import kept
from sealring.statement import Brand, Common, parse_statement
from sealring_server.schema import heads, statements, store

NEWEST = 64  # envelopes of one delegation or list that are looked at again with every publication
OF_BRANDS = ("delegation", "model", "release", "revision", "revocations", "serial", "stack", "store")
GOVERNING = ("delegation", "revocations")  # the types that say what else counts


class Held:
    """The admitted statements in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def root_id(self) -> str:
        """The id of version 1 of the root that this store serves."""
        found = self.connection.scalar(select(store.c.root_id))
        assert isinstance(found, str)
        return found

    def root(self) -> bytes:
        """The newest root's envelope; there always is one."""
        found = self.connection.scalar(
            select(statements.c.raw)
            .join(heads, heads.c.envelope == statements.c.envelope)
            .where(heads.c.type == "root")
            .order_by(heads.c.sequence.desc())
            .limit(1)
        )
        assert isinstance(found, bytes)
        return found

    def current(self, kind: str, subject: str, number: int | None = None) -> bytes | None:
        """The envelope that is the head of a subject; of several formats the highest (SPEC ST-8).

        Args:
            number: the head in this format only.
        """
        return self.connection.scalar(
            select(statements.c.raw)
            .join(heads, heads.c.envelope == statements.c.envelope)
            .where(heads.c.type == kind, heads.c.subject == subject)
            .where(true() if number is None else heads.c.format == number)
            .order_by(heads.c.sequence.desc(), heads.c.format.desc())
            .limit(1)
        )

    def version(self, kind: str, subject: str, sequence: int) -> bytes | None:
        """The newest envelope of one version of a subject."""
        return self.connection.scalar(
            select(statements.c.raw)
            .where(_of(kind, subject), statements.c.sequence == sequence)
            .order_by(statements.c.entry.desc(), statements.c.envelope)
            .limit(1)
        )

    def envelope(self, digest: str) -> bytes | None:
        """The envelope of this digest, whether or not it is still a head."""
        return self.connection.scalar(select(statements.c.raw).where(statements.c.envelope == digest))

    def history(self, kind: str, subject: str) -> Iterator[bytes]:
        """Every envelope of a subject, the highest sequence first."""
        yield from self.connection.scalars(
            select(statements.c.raw)
            .where(_of(kind, subject))
            .order_by(statements.c.sequence.desc(), statements.c.entry.desc())
        )

    def remembered(self, authority: str) -> list[bytes]:
        """What the authority delegated and revoked, as much of it as a device would remember (SPEC FL-4)."""
        newest = (
            select(
                statements.c.raw,
                statements.c.type,
                statements.c.subject,
                func.row_number()
                .over(
                    partition_by=(statements.c.type, statements.c.subject),
                    order_by=(statements.c.sequence.desc(), statements.c.entry.desc()),
                )
                .label("place"),
            )
            .where(statements.c.type.in_(GOVERNING), below(statements.c.subject, authority))
            .subquery()
        )
        rows = self.connection.execute(
            select(newest.c.raw, newest.c.type, newest.c.subject).where(newest.c.place <= NEWEST)
        )
        found: dict[tuple[str, str], list[Authentic[Common]]] = {}
        for row in rows:
            envelope = parse_envelope(row.raw)
            one = Authentic(parse_statement(envelope.payload), envelope, frozenset(envelope.signatures))
            found.setdefault((row.type, row.subject), []).append(one)
        return [one.envelope.raw for group in found.values() for one in kept(group)]

    def governing(self, authority: str) -> list[bytes]:
        """The authority's delegations and lists that are current: what `/v1/authorities/NAME` answers."""
        return list(
            self.connection.scalars(
                select(statements.c.raw)
                .join(heads, heads.c.envelope == statements.c.envelope)
                .where(heads.c.type.in_(GOVERNING), below(heads.c.subject, authority))
                .order_by(heads.c.type, heads.c.format, heads.c.subject)
            )
        )

    def heads(self, kind: str) -> Iterator[tuple[str, int, Head]]:
        """Subject, format and head of every statement of a type that is current."""
        rows = self.connection.execute(
            select(heads.c.subject, heads.c.format, heads.c.sequence, heads.c.id, heads.c.envelope).where(
                heads.c.type == kind
            )
        )
        for row in rows:
            yield row.subject, row.format, Head(row.sequence, bytes.fromhex(row.id), bytes.fromhex(row.envelope))

    def count(self, authority: str) -> int:
        """How many subjects of one brand have a head."""
        of_brand = and_(heads.c.type.in_(OF_BRANDS), below(heads.c.subject, authority))
        return self.connection.scalar(select(func.count()).select_from(heads).where(of_brand)) or 0

    def subjects(self, kind: str, authority: str) -> Iterator[str]:
        """The subjects of a type below one authority's name that have a head."""
        yield from self.connection.scalars(
            select(heads.c.subject)
            .where(heads.c.type == kind, below(heads.c.subject, authority))
            .order_by(heads.c.subject)
            .distinct()
        )

    def bodies(self, kind: str) -> Iterator[Common]:
        """The statement of every head of a type; admitted before, and not judged again here."""
        for raw in self.connection.scalars(
            select(statements.c.raw).join(heads, heads.c.envelope == statements.c.envelope).where(heads.c.type == kind)
        ):
            yield parse_statement(parse_envelope(raw).payload)

    def chain(self) -> Chain:
        """The chain at the newest root, without any brand; `with_held_brand` adds those that are needed."""
        return Chain(begin_with_root(self.root()))

    def with_held_brand(self, chain: Chain, name: str) -> Chain:
        """The chain with the brand as it was admitted, if the root in the chain still certifies it (SPEC BR-3)."""
        raw = self.current("brand", name)
        if raw is None or name in chain.brands or name in chain.former:
            return chain
        envelope = parse_envelope(raw)
        statement = parse_statement(envelope.payload)
        assert isinstance(statement, Brand)  # admitted as one
        former = {**chain.former, name: Authentic(statement, envelope, frozenset())}
        remembered = Chain(chain.root, chain.brands, former)
        try:
            return remembered.with_brand([raw])
        except TrustError:
            return remembered  # certified by an earlier root only: its keys still say who may follow them


def below(subject: ColumnElement[str], authority: str) -> ColumnElement[bool]:
    """Whether a subject begins with the authority's name and a slash; `0` is the character after the slash."""
    return and_(subject >= f"{authority}/", subject < f"{authority}0")


def _of(kind: str, subject: str) -> ColumnElement[bool]:
    return and_(statements.c.type == kind, statements.c.subject == subject)
