"""A publication: open, upload what is missing, commit; visible all at once or not at all (SPEC PB-1 to PB-7).

Admission is judged twice: when it is opened, so that a stranger can reserve nothing, and again in the one
transaction that makes it visible, because the store may have moved on meanwhile.
"""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from typing import ClassVar

from sqlalchemy import Connection, delete, func, insert, select

from sealring.authentic import Claim, read_claim
from sealring.bundle import StatementEntry, read_bundle
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring_server.admission import NO_TERMS, admit
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.images.collecting import collect_apart, collect_images
from sealring_server.quota import accounts, check_subjects, make_room
from sealring_server.receipt import receipt
from sealring_server.schema import publications, speakers, uploads
from sealring_server.terms import Terms
from sealring_server.together import Publication, commit_together
from sealring_server.uploads import BlobMissing, Gone, Uploads, missing_images, owner_of

MAX_BUNDLE = 16 * 1024 * 1024  # bytes; 10,000 revisions and their releases, in parts, are 13 MB
TOKEN_BYTES = 32


@dataclass(eq=False)
class OnlyStatements(TrustError):
    """A publication begins with statements; images follow one by one (SPEC PB-2)."""

    found: str
    rule: ClassVar[str] = "PB-2"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"publication: {self.found}, one or more statements and nothing else needed"

    def hint(self) -> str:
        return "send a bundle of statements only, then each image that the answer lists"


@dataclass(frozen=True)
class Opened:
    """An open publication: who knows the token may complete it. `missing` is (sha256, size), ascending."""

    token: str
    missing: tuple[tuple[str, int], ...]


def open_publication(here: StoreHere, bundle: bytes, terms: Terms = NO_TERMS) -> Opened:
    """Begin a publication of these statements (SPEC PB-1, PB-2, PB-7).

    Args:
        bundle: statements only, at most 16 MiB.
        terms: what the publisher says beside them; the commit must say the same.

    Raises:
        TrustError, DiskFull: and nothing was opened.
    """
    claims, at = statements_of(bundle), here.clock()
    _judge_first(here, claims, terms)
    with here.database.writing() as connection:
        _end_old(connection, int(at.timestamp()))
        admitted = admit(held := Held(connection), claims, Moment(at), terms, grounds=here.grounds)
        check_subjects(here.limits, held, admitted)
        missing = missing_images(connection, (one.statement for one in admitted))
        last_opened = connection.scalar(select(func.max(publications.c.opened))) or 0
        token, digest = secrets.token_hex(TOKEN_BYTES), sha256(bundle).hexdigest()
        charged = accounts(admitted)
        make_room(here.limits, connection, charged, digest, sum(missing.values()))
        here.images.check_space(sum(missing.values()))
        expires, owner = int(at.timestamp()) + here.limits.seconds, owner_of(token)
        new = {"token": owner, "bundle": bundle, "digest": digest, "expires": expires, "opened": last_opened + 1}
        connection.execute(insert(publications).values(new))
        _insert(connection, speakers, [{"token": owner, "authority": name} for name in charged])
        rows = [{"token": owner, "sha256": name, "size": size, "received": 0} for name, size in missing.items()]
        _insert(connection, uploads, rows)
    return Opened(token, tuple(sorted(missing.items())))


def commit_publication(here: StoreHere, token: str, terms: Terms = NO_TERMS) -> bytes:
    """All of it becomes visible as one new catalogue entry, alone or with others; the receipt (SPEC PB-3, PB-10).

    Raises:
        TrustError: and nothing of it is visible; it stays open.
    """
    owner = owner_of(token)
    with here.database.reading() as connection:
        Uploads(owner).check_open(here, connection)
        bundle = connection.scalar(select(publications.c.bundle).where(publications.c.token == owner))
    Uploads(owner).check_there(here)
    return _commit(here, Publication(statements_of(bundle or b""), terms, Uploads(owner)))


def publish_at_once(here: StoreHere, bundle: bytes, terms: Terms = NO_TERMS) -> bytes | Opened:
    """The receipt, where no image is missing: nothing was opened for it; else an open publication (SPEC PB-10).

    Args:
        bundle: statements only, at most 16 MiB.
        terms: what the publisher says beside them.

    Raises:
        TrustError, DiskFull: and nothing was opened or published.
    """
    claims = statements_of(bundle)
    try:
        for digest, size in _judge_first(here, claims, terms).items():
            raise BlobMissing(digest, size)
        return _commit(here, Publication(claims, terms))
    except BlobMissing:
        return open_publication(here, bundle, terms)


def _judge_first(here: StoreHere, claims: Sequence[Claim], terms: Terms) -> dict[str, int]:
    """PB-13: what would be refused never takes the lock for which publishers wait; the images that are missing.

    The judgement that counts is made under the lock, by what the store holds then.
    """
    with here.database.reading() as connection:
        admitted = admit(Held(connection), claims, Moment(here.clock()), terms, grounds=here.grounds)
        return missing_images(connection, (one.statement for one in admitted))


def _commit(here: StoreHere, wanted: Publication) -> bytes:
    return receipt(here, here.group.share(wanted, len(wanted.claims), partial(commit_together, here)))


def expire(here: StoreHere) -> None:
    """End publications whose time is over, and remove what they had uploaded (SPEC PB-7)."""
    with here.database.writing() as connection:
        _end_old(connection, int(here.clock().timestamp()))
    # A bucket's client does not survive a fork, and whoever calls this may be about to fork workers.
    if here.settings.images.url:
        collect_apart(here.folder)
    else:
        collect_images(here)


def statements_of(bundle: bytes) -> list[Claim]:
    """What the statements in this bundle claim to be, or `OnlyStatements`, or what is wrong with one of them."""
    found = read_bundle(bundle)
    raws = [entry.envelope for entry in found if isinstance(entry, StatementEntry)]
    if not raws or len(raws) != len(found):
        raise OnlyStatements(f"{len(raws)} statements among {len(found)} entries")
    return [read_claim(raw) for raw in raws]


def _end_old(connection: Connection, now: int) -> None:
    connection.execute(delete(publications).where(publications.c.expires <= now))


def _insert(connection: Connection, table: object, rows: list[dict[str, object]]) -> None:
    if rows:
        connection.execute(insert(table), rows)  # type: ignore[arg-type]


__all__ = ["Gone"]
