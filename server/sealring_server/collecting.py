"""What only old maps need goes after a month (SPEC MP-6)."""

from datetime import timedelta

from sealring_server import views
from sealring_server.catalogue import collect, entries_before
from sealring_server.here import StoreHere

KEPT = timedelta(days=30)


def collect_old(here: StoreHere) -> None:
    """Delete what only maps have that another entry followed more than 30 days ago; any number of processes may."""
    before = here.clock() - KEPT
    while True:
        # A part in each transaction: those who publish meanwhile have their turns between.
        with here.database.writing() as connection:
            if not collect(connection, before):
                break
    # Last, so that wherever this ends, each map that is there has its views (`sealring-store fsck`).
    with here.database.writing() as connection:
        views.collect(connection, entries_before(connection, before))
