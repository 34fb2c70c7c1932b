"""Every head of a database judged from the root that a person gives, as a device would judge it (SPEC BK-1, DV-3).

What keys of today do not vouch for any more is told and is no fault: a store keeps what it once showed.
"""

from dataclasses import dataclass, field
from hashlib import sha256
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, select

from sealring.chain import Chain, begin_with_root
from sealring.errors import TrustError
from sealring.floors import reauthenticate
from sealring.names import ROOT
from sealring.statement import Store
from sealring_server.fsck.report import Report
from sealring_server.grounds import Grounds
from sealring_server.held import Held
from sealring_server.schema import heads, statements, tuf

PAGE = 500  # rows in memory
TOLD = 20  # names of what no longer counts


@dataclass
class Judged:
    """What became of the heads."""

    good: int = 0
    lapsed: list[str] = field(default_factory=list)
    lapsed_in_all: int = 0
    pinned: bool = False
    """Whether a store statement that counts pins a TUF root that is here."""

    def note(self, name: str) -> None:
        """Something that nobody of today vouches for."""
        self.lapsed_in_all += 1
        if len(self.lapsed) < TOLD:
            self.lapsed.append(name)


def check_chain(connection: Connection, anchor: bytes, report: Report) -> Judged:
    """Walk from the given root to the newest one that is here, and judge every head under it.

    Args:
        anchor: the root assertion that the operator trusts, of any version.

    Raises:
        TrustError: the anchor itself is no whole root.
    """
    found, held = Judged(), Held(connection)
    if not _walk(held, anchor, report):
        return found
    authority = heads.c.subject
    asked = (
        select(heads.c.type, heads.c.subject, heads.c.format, statements.c.raw)
        .join(statements, statements.c.envelope == heads.c.envelope)
        .where(heads.c.type != "root")
        .order_by(authority, heads.c.type, heads.c.format)
    )
    rows = connection.execute(asked.execution_options(yield_per=PAGE))
    for name, group in groupby(rows, key=lambda row: str(row.subject).partition("/")[0]):
        chain = Grounds().chain(held, [] if name == ROOT else [name])
        for row in group:
            _judge(connection, chain, row, found)
    _tell(found, report)
    return found


def _walk(held: Held, anchor: bytes, report: Report) -> bool:
    """RT-1, RT-2: the given root is one of those that are here, and each later one follows it."""
    chain = Chain(begin_with_root(anchor))
    version = chain.root.statement.sequence
    if chain.root_id != held.root_id:
        report.bad("root", f"it is of the root {held.root_id}, the one that was given of {chain.root_id}")
        return False
    while (raw := held.version("root", str(version + 1), version + 1)) is not None:
        version += 1
        try:
            chain = chain.with_root(raw)
        except TrustError as err:
            report.bad("root", f"version {version}: {err}")
            return False
    newest = begin_with_root(held.root())
    if newest.envelope.id != chain.root.envelope.id:
        what = f"its newest is version {newest.statement.sequence}, the given one leads to {version}"
        report.bad("root", what)
        return False
    return True


def _judge(connection: Connection, chain: Chain, row: Any, found: Judged) -> None:
    title = f"{row.type} {row.subject}"
    if row.type == "brand":
        is_good = row.subject in chain.brands
    else:
        try:
            one = reauthenticate(chain, row.raw)
            is_good = True
            if isinstance(one.statement, Store):
                found.pinned = found.pinned or _is_here(connection, one.statement)
        except TrustError:
            is_good = False
    found.good += is_good
    if not is_good:
        found.note(title)


def _is_here(connection: Connection, said: Store) -> bool:
    raw = connection.scalar(select(tuf.c.raw).where(tuf.c.role == "root", tuf.c.version == said.tuf.version))
    return raw is not None and sha256(raw).hexdigest() == said.tuf.sha256


def _tell(found: Judged, report: Report) -> None:
    report.checked["heads from the root"] += found.good + found.lapsed_in_all
    if found.lapsed_in_all:
        more = "" if found.lapsed_in_all <= TOLD else f" and {found.lapsed_in_all - TOLD} more"
        report.tell(f"nobody of today vouches for {', '.join(found.lapsed)}{more}")
    if not found.pinned:
        report.tell("no store statement that counts pins a TUF root that is here: no device takes these TUF files")
