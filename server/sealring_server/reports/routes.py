"""How a device reaches a store with its reports, and where a halt is read (SPEC RP-1 to RP-3, HL-1, HT-4)."""

from collections.abc import Sequence
from functools import partial
from typing import TypeAlias

from flask import Blueprint, Response
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from sealring.moment import Moment
from sealring.report import ShownReport
from sealring_server.catalogue import NoSuchThing, last_entry
from sealring_server.group import Ticket
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.openapi import Body, Reply, described, immutable_of
from sealring_server.pace import read_body
from sealring_server.reads import BUNDLE, BYTES, JSON, here, immutable
from sealring_server.reports.intake import MAX_BODY, judge_reports, open_reports
from sealring_server.reports.kept import is_all_known, keep
from sealring_server.schema import halts
from sealring_server.together import savepoint

_Waiting: TypeAlias = Ticket[Sequence[ShownReport], None]

bp = Blueprint("reports", __name__)


@bp.post("/v1/reports")
@described(
    {204: Reply("they are kept, or were before", (), ("Cache-Control",))},
    refuses=(403, 404, 409),
    takes=(Body(BUNDLE), Body(BYTES)),
)
def take() -> Response:
    """A bundle of 1 to 64 reports in; all of them are kept, or none (RP-1, RP-2)."""
    take_reports(here(), read_body("bundle of reports", MAX_BODY))
    return Response(status=204, headers={"Cache-Control": "no-store"})


def take_reports(store: StoreHere, body: bytes) -> None:
    """Keep these reports; the same ones again change nothing (RP-2).

    Raises:
        TrustError: and nothing of them is kept.
    """
    given, at = open_reports(body), store.clock()
    with store.database.reading() as connection:
        taken = judge_reports(Held(connection), store.grounds, given, Moment(at))
        # What is sent again and again waits for no publication, and writes nothing.
        if is_all_known(connection, taken):
            return
    store.reported.share(given, len(given), partial(keep_all, store))


def keep_all(store: StoreHere, tickets: Sequence[_Waiting]) -> None:
    """One turn of the lock, and one sync, for all that came meanwhile: a fleet must not keep publishers waiting."""
    refused: list[tuple[_Waiting, Exception]] = []
    with store.database.writing() as connection:
        at, newest = store.clock(), last_entry(connection).sequence
        for ticket in tickets:
            try:
                with savepoint(connection):
                    held = Held(connection)
                    taken = judge_reports(held, store.grounds, ticket.job, Moment(at))
                    keep(held, taken, int(at.timestamp()), newest)
            except SQLAlchemyError:
                raise
            except Exception as err:  # noqa: BLE001 - whatever it is, it is told to its own sender alone
                refused.append((ticket, err))
    for ticket, refusal in refused:
        ticket.fail(refusal)
    for ticket in tickets:
        if not ticket.is_settled:
            ticket.answer(None)


@bp.get("/v1/halts/<digest>")
@described(immutable_of(JSON), refuses=(404,))
def halt(digest: str) -> Response:
    """A halt by its digest (HL-1, HT-1)."""
    with here().database.reading() as connection:
        raw = connection.scalar(select(halts.c.raw).where(halts.c.digest == digest))
    if raw is None:
        raise NoSuchThing(f"halt {digest[:80]!a}")
    return immutable(bytes(raw), JSON)
