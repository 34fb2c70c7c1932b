"""What the store has admitted, as the core's types: the base on which a new statement is judged (SPEC PB-1).

One object answers of one state, and remembers what it answered: after a write, a new one is needed.
"""

from collections.abc import Iterable, Iterator, Sequence

from sqlalchemy import ColumnElement, Connection, and_, bindparam, func, select

from sealring.catalogue.leaf import Head
from sealring.chain import Authentic, Chain, begin_with_root
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.floors import kept
from sealring.statement import Brand, Common, parse_statement
from sealring_server.prepared import Prepared
from sealring_server.schema import heads, statements, store, tallies

NEWEST = 64  # envelopes of one delegation or list that are looked at again with every publication
AT_ONCE = 500  # subjects in one question
GOVERNING = ("delegation", "revocations")  # the types that say what else counts

_COUNT = Prepared(select(tallies.c.subjects).where(tallies.c.authority == bindparam("authority")))
_ROOT_ID = Prepared(select(store.c.root_id))
_ENVELOPE = Prepared(select(statements.c.raw).where(statements.c.envelope == bindparam("digest")))
_CURRENT = Prepared(
    select(statements.c.raw, heads.c.format)
    .join(heads, heads.c.envelope == statements.c.envelope)
    .where(heads.c.type == bindparam("type"), heads.c.subject == bindparam("subject"))
    .order_by(heads.c.sequence.desc(), heads.c.format.desc())
)
_CURRENT_OF = (
    select(statements.c.raw, heads.c.format, heads.c.subject)
    .join(heads, heads.c.envelope == statements.c.envelope)
    .where(heads.c.type == bindparam("type"), heads.c.subject.in_(bindparam("subjects", expanding=True)))
    .order_by(heads.c.sequence.desc(), heads.c.format.desc())
)
_HISTORY = Prepared(
    select(statements.c.raw)
    .where(statements.c.type == bindparam("type"), statements.c.subject == bindparam("subject"))
    .order_by(statements.c.sequence.desc(), statements.c.entry.desc())
)
_ROOT = Prepared(
    select(statements.c.raw)
    .join(heads, heads.c.envelope == statements.c.envelope)
    .where(heads.c.type == "root")
    .order_by(heads.c.sequence.desc())
    .limit(1)
)
FEW = 4  # subjects that are asked about one by one: that is less work than one question about all


class Held:
    """The admitted statements in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self._current: dict[tuple[str, str], list[tuple[int, bytes]]] = {}

    @property
    def root_id(self) -> str:
        """The id of version 1 of the root that this store serves."""
        ((found,),) = _ROOT_ID.rows(self.connection, {})
        return str(found)

    def root(self) -> bytes:
        """The newest root's envelope; there always is one."""
        ((found,),) = _ROOT.rows(self.connection, {})
        return bytes(found)

    def current(self, kind: str, subject: str, number: int | None = None) -> bytes | None:
        """The envelope that is the head of a subject; of several formats the highest (SPEC ST-8).

        Args:
            number: the head in this format only.
        """
        for format, raw in self._formats(kind, subject):
            if number in (None, format):
                return raw
        return None

    def _formats(self, kind: str, subject: str) -> list[tuple[int, bytes]]:
        """The heads of a subject in each format, the highest first; asked for once in a transaction."""
        found = self._current.get((kind, subject))
        if found is None:
            rows = _CURRENT.rows(self.connection, {"type": kind, "subject": subject})
            found = self._current[kind, subject] = [(number, raw) for raw, number in rows]
        return found

    def look_up(self, abouts: Iterable[tuple[str, str]]) -> None:
        """Ask at once for the heads of these (type, subject); what is asked about one by one then costs nothing."""
        by_kind: dict[str, list[str]] = {}
        new = set(abouts) - set(self._current)
        if len(new) <= FEW:
            return
        for kind, subject in sorted(new):
            by_kind.setdefault(kind, []).append(subject)
            self._current[kind, subject] = []
        for kind, subjects in by_kind.items():
            for some in batched(subjects, AT_ONCE):
                for row in self.connection.execute(_CURRENT_OF, {"type": kind, "subjects": some}):
                    self._current[kind, row.subject].append((row.format, row.raw))

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
        rows = _ENVELOPE.rows(self.connection, {"digest": digest})
        return bytes(rows[0][0]) if rows else None

    def history(self, kind: str, subject: str) -> Iterator[bytes]:
        """Every envelope of a subject, the highest sequence first."""
        heads = self._formats(kind, subject)
        if not heads:  # most statements are the first of their subject
            return
        # Of a subject in one format the head comes first, and mostly nobody asks for more: there may be thousands.
        first = heads[0][1] if len(heads) == 1 else None
        if first is not None:
            yield first
        for (raw,) in _HISTORY.each(self.connection, {"type": kind, "subject": subject}):
            if raw != first:
                yield raw

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
        """How many subjects of one authority have a head, each format by itself."""
        rows = _COUNT.rows(self.connection, {"authority": authority})
        return int(rows[0][0]) if rows else 0

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


def batched(items: Sequence[str], number: int) -> Iterator[Sequence[str]]:
    """These, so many at a time."""
    for begin in range(0, len(items), number):
        yield items[begin : begin + number]


def below(subject: ColumnElement[str], authority: str) -> ColumnElement[bool]:
    """Whether a subject begins with the authority's name and a slash; `0` is the character after the slash."""
    return and_(subject >= f"{authority}/", subject < f"{authority}0")


def _of(kind: str, subject: str) -> ColumnElement[bool]:
    return and_(statements.c.type == kind, statements.c.subject == subject)
