"""Publications that arrive together share one transaction, one entry and one set of signatures (SPEC PB-3, PB-10).

    BEGIN   for each: SAVEPOINT  judge  write  RELEASE (or ROLLBACK TO)   append one entry   COMMIT

Each is judged after those before it, as if they had been committed. What refuses one is raised to its publisher
alone; what stops the transaction (a full disk, a key that can't sign) is raised to all, and nothing is visible.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from sealring.authentic import Claim
from sealring.errors import TrustError
from sealring.moment import Moment
from sealring_server.admission import admit
from sealring_server.catalogue import last_entry
from sealring_server.commit import Draft, begin_draft, key_of
from sealring_server.group import Ticket
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.prepared import command
from sealring_server.quota import check_subjects
from sealring_server.receipt import Published, published, shown_now
from sealring_server.terms import Terms
from sealring_server.uploads import BlobMissing, Uploads, missing_images
from sealring_server.work import Admitted


@dataclass(frozen=True)
class Publication:
    """What one publisher wants to be shown."""

    claims: Sequence[Claim]
    """Unverified."""
    terms: Terms
    uploads: Uploads | None = None
    """Where it was opened before; otherwise it needs no image that the store lacks."""


@dataclass(frozen=True)
class _Stands:
    """One that is in the entry; `left` are the images of which an upload may lie about."""

    ticket: "Waiting"
    admitted: Sequence[Admitted]
    left: Sequence[str]


Waiting: TypeAlias = Ticket[Publication, Published]


def commit_together(here: StoreHere, tickets: Sequence[Waiting]) -> None:
    """Settle the first of these publications, and as many of the others as fit into the same entry.

    Raises:
        Exception: and then none of those that are not settled is visible.
    """
    try:
        _one_transaction(here, tickets)
    except TrustError:
        if len(tickets) == 1:
            raise
        # PB-10: a rule refused the whole, such as a view that got too large. Alone, each finds out whether it was it.
        for ticket in tickets:
            _alone(here, ticket)


def _alone(here: StoreHere, ticket: Waiting) -> None:
    try:
        _one_transaction(here, [ticket])
    except Exception as err:  # noqa: BLE001 - whatever it is, its publisher is told, and the next one is judged
        ticket.fail(err)


def _one_transaction(here: StoreHere, tickets: Sequence[Waiting]) -> None:
    stands: list[_Stands] = []
    refused: list[tuple[Waiting, Exception]] = []
    with here.database.writing() as connection:
        at = here.clock()
        draft = begin_draft(connection, last_entry(connection).sequence + 1)
        for ticket in tickets:
            try:
                with savepoint(connection):
                    admitted = _judged(here, draft, ticket.job, Moment(at))
                    if _hides_another(draft, admitted):
                        break
                    left = _with_images(connection, ticket.job, admitted)
                    draft.add(admitted)  # last: what it notes is in no savepoint
                stands.append(_Stands(ticket, admitted, left))
            except SQLAlchemyError:
                raise  # the database itself: no verdict on this one, and the transaction may be gone
            except Exception as err:  # noqa: BLE001 - whatever it is, it is told to its own publisher alone
                refused.append((ticket, err))
        shown = draft.append(here, at) if draft.news else shown_now(connection) if stands else None
    # Only now: a verdict that rests on what another one wrote is none before that is there to stay.
    for ticket, refusal in refused:
        ticket.fail(refusal)
    for one in stands:
        assert shown is not None
        one.ticket.answer(published(shown, draft.root, one.admitted))
    for one in stands:
        if one.ticket.job.uploads is not None:
            here.images.drop(one.ticket.job.uploads.owner, one.left)


def _judged(here: StoreHere, draft: Draft, job: Publication, moment: Moment) -> list[Admitted]:
    if job.uploads is not None:
        job.uploads.check_open(here, draft.connection)
    admitted = admit(held := Held(draft.connection), job.claims, moment, job.terms, grounds=here.grounds)
    check_subjects(here.limits, held, admitted)
    return admitted


def _with_images(connection: Connection, job: Publication, admitted: Sequence[Admitted]) -> Sequence[str]:
    """PB-6: its images are in place, and it is open no more; which uploads of it may be left."""
    statements = [one.statement for one in admitted]
    missing = missing_images(connection, statements)
    if job.uploads is None:
        for digest, size in missing.items():
            raise BlobMissing(digest, size)
        return ()
    job.uploads.take(connection, statements, missing)
    return job.uploads.close(connection)


def _hides_another(draft: Draft, admitted: Sequence[Admitted]) -> bool:
    """PB-8: whether it replaces what another one adds to this entry; then that one's receipt could not prove it.

    It goes into the next entry. Only what was admitted counts: nobody divides the others by what he claims.
    """
    if not draft.updates:
        return False
    found = [(draft.updates.get(key_of(draft.root, one.statement)), one.envelope.id) for one in admitted]
    return any(head is not None and head.id.hex() != id for head, id in found)


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """What is written in this block stays in the transaction, or none of it."""
    command(connection, "SAVEPOINT publication")
    try:
        yield
    except SQLAlchemyError:
        raise
    except BaseException:
        command(connection, "ROLLBACK TO publication")
        raise
    command(connection, "RELEASE publication")
