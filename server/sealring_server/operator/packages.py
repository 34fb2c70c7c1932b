"""What channels point at, and who said so: a page of heads at a time, by the primary key (SPEC RL-1, AU-1)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, or_, select

from sealring.envelope import parse_envelope
from sealring.statement import (
    TYPES,
    Brand,
    Common,
    Delegation,
    Model,
    Release,
    RevisionStatement,
    Revocations,
    Root,
    SerialStatement,
    Stack,
    Store,
    parse_statement,
)
from sealring.statement.software import Rollout
from sealring_server.held import Held
from sealring_server.operator.signers import Signer, Signers
from sealring_server.schema import heads, statements

PAGE = 40  # heads
LISTED = ("brand", "delegation", "model", "stack", "store", "revocations", "revision", "serial", "root")
"""The types that have a page of their own, beside the releases; the page of packages is about those."""


@dataclass(frozen=True)
class Said:
    """One current statement: what it says in a line, who signed it, and until when it is good."""

    type: str
    format: int
    subject: str
    sequence: int
    says: str
    issued: datetime
    expires: datetime
    signers: tuple[Signer, ...]
    body: Common


@dataclass(frozen=True)
class Released:
    """One target of a release, with its revision's statement where the store has it."""

    architecture: str
    number: int
    minimum: int
    revision: Said | None


@dataclass(frozen=True)
class Channel:
    """One release and what it releases."""

    release: Said
    targets: tuple[Released, ...]

    @property
    def package(self) -> str:
        """The package's full name."""
        assert isinstance(self.release.body, Release)
        return self.release.body.name

    @property
    def channel(self) -> str:
        """Track and risk."""
        assert isinstance(self.release.body, Release)
        return self.release.body.channel


def current(connection: Connection, kind: str, after: tuple[str, int]) -> tuple[list[Said], tuple[str, int] | None]:
    """One page of the current statements of a type, by subject; and after which the next page comes, if any does."""
    past = or_(heads.c.subject > after[0], and_(heads.c.subject == after[0], heads.c.format > after[1]))
    asked = (
        select(heads.c.subject, heads.c.format, statements.c.raw)
        .join(statements, statements.c.envelope == heads.c.envelope)
        .where(heads.c.type == kind, heads.c.subject >= after[0], past)
        .order_by(heads.c.subject, heads.c.format)
        .limit(PAGE + 1)
    )
    rows = connection.execute(asked).all()
    signers = Signers(Held(connection))
    found = [_said(row.subject, row.format, row.raw, signers) for row in rows[:PAGE]]
    return found, (found[-1].subject, found[-1].format) if len(rows) > PAGE else None


def channels(connection: Connection, after: tuple[str, int]) -> tuple[list[Channel], tuple[str, int] | None]:
    """One page of releases with their revisions; and after which the next page comes, if any does."""
    found, onward = current(connection, "release", after)
    held = Held(connection)
    signers = Signers(held)
    held.look_up(("revision", subject) for one in found for subject in _named(one.body))
    return [Channel(one, _targets(one.body, held, signers)) for one in found], onward


def brands(connection: Connection, most: int) -> Sequence[str]:
    """The names of the first brands, for links into long lists."""
    asked = select(heads.c.subject).where(heads.c.type == "brand").order_by(heads.c.subject).limit(most)
    return list(dict.fromkeys(connection.scalars(asked)))


def _named(body: Common) -> list[str]:
    if not isinstance(body, Release):
        return []
    return [f"{body.name}/{one.revision}/{one.architecture}" for one in body.targets]


def _targets(body: Common, held: Held, signers: Signers) -> tuple[Released, ...]:
    if not isinstance(body, Release):
        return ()
    found = []
    for one, subject in zip(body.targets, _named(body), strict=True):
        raw = held.current("revision", subject)
        said = None if raw is None else _said(subject, 1, raw, signers)
        found.append(Released(one.architecture, one.revision, one.minimum, said))
    return tuple(found)


def _said(subject: str, format: int, raw: bytes, signers: Signers) -> Said:
    envelope = parse_envelope(raw)
    body = parse_statement(envelope.payload)
    who = tuple(signers.of(envelope, body))
    return Said(body.type, format, subject, body.sequence, says(body), body.issued, body.expires, who, body)


def says(body: Common) -> str:
    """What a statement says, in a line for people."""
    match body:
        case Release():
            targets = ", ".join(f"{one.architecture}: {one.revision}" for one in body.targets)
            plan = f"; to {body.rollout.share / 100:g} %" if isinstance(body.rollout, Rollout) else ""
            return f"revision {targets}{plan}"
        case RevisionStatement():
            return f"version {body.version}, {body.kind}, {body.purpose}"
        case Stack():
            return f"{len(body.parts)} parts"
        case Model():
            return f"{body.architecture}, {len(body.packages)} packages, stores {', '.join(body.stores)}"
        case Store():
            halts = "; may halt releases" if body.may_halt else ""
            return f"{', '.join(body.urls)}; for {', '.join(body.packages)}{halts}"
        case Delegation():
            return f"{', '.join(body.roles)} of {', '.join(body.packages) or 'no packages'}, {len(body.keys.keys)} keys"
        case Revocations():
            lines = ", ".join(f"{one.what} ({one.action}: {one.why})" for one in body.revoked[:3])
            more = f" and {len(body.revoked) - 3} more" if len(body.revoked) > 3 else ""
            return f"{lines}{more}" if lines else "nothing is revoked"
        case Brand():
            return f"{len(body.keys.keys)} keys: {', '.join(key.name for key in body.keys.keys)}"
        case Root():
            return f"{len(body.roles.root.keys)} keys of root, {len(body.roles.brand.keys)} of brand"
        case SerialStatement():
            return f"model {body.authority}/{body.model}"
    return TYPES[body.type].__name__
