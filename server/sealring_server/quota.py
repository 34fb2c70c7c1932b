"""How much may be under way at once (SPEC PB-7): bounds that a stranger can't use up, nor one publisher for another."""

from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Connection, delete, func, literal_column, select

from sealring.errors import TrustError
from sealring_server.here import Limits
from sealring_server.schema import publications, speakers, uploads


@dataclass(eq=False)
class Quota(TrustError):
    """Too much is under way already; valid keys have limits too (SPEC PB-7)."""

    authority: str
    what: str
    found: int
    limit: int
    rule: ClassVar[str] = "PB-7"
    exit_code: ClassVar[int] = 12
    status: ClassVar[int] = 429

    def __str__(self) -> str:
        return f"{self.authority}: {self.found} {self.what} in open publications, at most {self.limit}"

    def hint(self) -> str:
        return "commit what is open, or wait: an open publication ends after a day"


def make_room(limits: Limits, connection: Connection, authorities: list[str], digest: str, size: int) -> None:
    """PB-7: each authority has its own bounds, so that no publisher can keep another one out."""
    if not authorities:
        _drop_oldest_idle(connection, limits.idle - 1)
        return
    for authority in authorities:
        mine = select(speakers.c.token).where(speakers.c.authority == authority)
        if _count_open(connection, authority) >= limits.open:
            # A publisher that crashed begins the same publication again; its own leftovers must not lock it out.
            same = publications.c.token.in_(mine) & (publications.c.digest == digest)
            connection.execute(delete(publications).where(same))
        if (found := _count_open(connection, authority)) >= limits.open:
            raise Quota(authority, "publications", found, limits.open)
        pending = connection.scalar(select(func.sum(uploads.c.size)).where(uploads.c.token.in_(mine))) or 0
        if pending + size > limits.pending_bytes:
            raise Quota(authority, "bytes of images", pending + size, limits.pending_bytes)


def _count_open(connection: Connection, authority: str) -> int:
    return connection.scalar(select(func.count()).where(speakers.c.authority == authority)) or 0


def _drop_oldest_idle(connection: Connection, keep: int) -> None:
    """Publications without news need no key, so they never count against those that have some."""
    idle = select(publications.c.token).where(publications.c.token.not_in(select(speakers.c.token)))
    oldest = (
        idle.order_by(publications.c.expires.desc(), literal_column("publications.rowid").desc()).offset(keep).limit(-1)
    )
    connection.execute(delete(publications).where(publications.c.token.in_(oldest)))
