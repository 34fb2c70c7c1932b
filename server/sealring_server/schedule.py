"""What a store signs by itself, and when: nothing expires that it can renew (SPEC TF-10).

A new entry when the newest is a day old, with all metadata over it; any role's metadata before half of its life is
over. Between these nothing is signed: each changed timestamp costs every device a request.
"""

from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import Connection

from sealring.catalogue.entry import CatalogueEntry
from sealring_server.catalogue import last_entry
from sealring_server.commit import append
from sealring_server.here import StoreHere
from sealring_server.tuf_repo import LIVES, expiries, sign_timestamp
from sealring_server.tuf_roots import sign_everything

TICK = 60.0  # seconds between two looks at what is due; a look reads a few rows
FIRST_PAUSE = 10.0  # seconds after a failure, twice as long after each further one
LONGEST_PAUSE = 3600.0
ENTRY_LIFE = timedelta(days=1)
EARLY = timedelta(hours=1)  # before half of a life: a look may come late

Due = Literal["entry", "metadata", "nothing"]


def sign_due(here: StoreHere) -> Due:
    """Sign what is due; what that was."""
    with here.database.reading() as connection:
        if due(connection, here.clock()) == "nothing":
            return "nothing"
    with here.database.writing() as connection:
        # Asked again under the lock: another process may have done it meanwhile.
        return _sign(here, connection, here.clock())


def sign_again(here: StoreHere) -> CatalogueEntry:
    """Sign what is due, and the timestamp again where nothing is; the newest entry then (SPEC TF-2, TF-10).

    For an operator who asks for it: each changed timestamp costs every device a request.
    """
    with here.database.writing() as connection:
        at = here.clock()
        if _sign(here, connection, at) == "nothing":
            sign_timestamp(connection, here.online, at)
        return last_entry(connection)


def _sign(here: StoreHere, connection: Connection, at: datetime) -> Due:
    found = due(connection, at)
    if found == "entry":
        append(here, connection, [], last_entry(connection).sequence + 1, at)
    # An entry brings new targets, snapshot and timestamp, and no new list of packages.
    if due(connection, at) == "metadata":
        sign_everything(connection, here, at)
    return found


def due(connection: Connection, at: datetime) -> Due:
    """What has to be signed at this instant."""
    if at - last_entry(connection).time >= ENTRY_LIFE:
        return "entry"
    for role, expires in expiries(connection).items():
        if role in LIVES and at >= expires - LIVES[role] / 2 - EARLY:
            return "metadata"
    return "nothing"


def pause(failures: int) -> float:
    """Seconds until the next look, after so many failures in a row: soon at first, and never longer than an hour."""
    if failures == 0:
        return TICK
    return min(FIRST_PAUSE * 2.0 ** min(failures - 1, 20), LONGEST_PAUSE)
