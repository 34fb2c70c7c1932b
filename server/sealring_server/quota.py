"""How much may be under way at once (SPEC PB-7): bounds that a stranger can't use up, nor one publisher for another."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import Connection, Select, delete, func, select

from sealring.errors import TrustError
from sealring.statement import Brand, Root
from sealring_server.held import Held
from sealring_server.here import Limits
from sealring_server.schema import publications, speakers, uploads
from sealring_server.work import Admitted


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


@dataclass(eq=False)
class Crowded(TrustError):
    """An authority, or its delegates, has as many statements here as anyone may have (SPEC PB-7)."""

    who: str
    what: str
    found: int
    limit: int
    rule: ClassVar[str] = "PB-7"
    exit_code: ClassVar[int] = 12
    status: ClassVar[int] = 507

    def __str__(self) -> str:
        return f"{self.who}: {self.found} {self.what} after this publication, at most {self.limit}"

    def hint(self) -> str:
        return "issue a name that is there again, with a higher sequence, or use another store"


def accounts(admitted: Iterable[Admitted]) -> list[str]:
    """Whose news these are: an authority's name, with a slash after it where only its delegations vouch for them."""
    return sorted({a.statement.authority + "/" * a.by_delegates for a in admitted if a.is_news})


def make_room(limits: Limits, connection: Connection, charged: list[str], digest: str, size: int) -> None:
    """PB-7: each authority has its own bounds, so that no publisher can keep another one out.

    Args:
        charged: from `accounts`.
        size: bytes of images that will be uploaded.
    """
    if not charged:
        _drop_oldest_idle(connection, limits.idle - 1)
        return
    for account in charged:
        authority = account.removesuffix("/")
        _check_room(connection, authority, [authority, f"{authority}/"], limits, digest, size)
        if account != authority:
            half = replace(limits, open=limits.open // 2, pending_bytes=limits.pending_bytes // 2)
            _check_room(connection, f"delegates of {authority}", [account], half, digest, size)


def check_subjects(limits: Limits, held: Held, admitted: Iterable[Admitted]) -> None:
    """PB-7: nor can a key that signs serials by the million fill the store, or a view with delegations.

    Raises:
        Crowded.
    """
    new: dict[str, dict[tuple[str, str], bool]] = {}
    for one in admitted:
        about = (one.statement.type, one.statement.subject)
        if one.is_news and not isinstance(one.statement, Root | Brand) and held.current(*about) is None:
            new.setdefault(one.statement.authority, {})[about] = one.by_delegates
    for authority, found in sorted(new.items()):
        count = held.count(authority) + len(found)
        if count > limits.subjects:
            raise Crowded(authority, "statements", count, limits.subjects)
        if any(found.values()) and count > limits.subjects // 2:
            raise Crowded(f"delegates of {authority}", "statements", count, limits.subjects // 2)
        for kind, limit in (("delegation", limits.delegations), ("revocations", limits.delegations + 1)):
            number = sum(1 for about in found if about[0] == kind)
            number += sum(1 for _ in held.subjects(kind, authority)) if number else 0
            if number > limit:
                raise Crowded(authority, f"subjects of type {kind}", number, limit)


def _check_room(connection: Connection, who: str, charged: list[str], limits: Limits, digest: str, size: int) -> None:
    mine = select(speakers.c.token).where(speakers.c.authority.in_(charged))
    if _count_open(connection, mine) >= limits.open:
        # A publisher that crashed begins the same publication again; its own leftovers must not lock it out.
        same = publications.c.token.in_(mine) & (publications.c.digest == digest)
        connection.execute(delete(publications).where(same))
    if (found := _count_open(connection, mine)) >= limits.open:
        raise Quota(who, "publications", found, limits.open)
    pending = connection.scalar(select(func.sum(uploads.c.size)).where(uploads.c.token.in_(mine))) or 0
    if pending + size > limits.pending_bytes:
        raise Quota(who, "bytes of images", pending + size, limits.pending_bytes)


def _count_open(connection: Connection, mine: Select[tuple[str]]) -> int:
    return connection.scalar(select(func.count()).where(publications.c.token.in_(mine))) or 0


def _drop_oldest_idle(connection: Connection, keep: int) -> None:
    """Publications without news need no key, so they never count against those that have some."""
    idle = publications.c.token.not_in(select(speakers.c.token))
    newest = select(publications.c.token).where(idle).order_by(publications.c.opened.desc()).limit(keep)
    connection.execute(delete(publications).where(idle, publications.c.token.not_in(newest)))
