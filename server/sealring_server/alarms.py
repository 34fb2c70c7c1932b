"""What an operator must hear of before devices do: what ends, and what the store should have renewed (SPEC TF-10)."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from sealring.names import spell
from sealring_server.tuf_repo import LIVES

ROOT_SOON = timedelta(days=60)
LATE = timedelta(days=1)  # after a renewal was due: then nobody is doing it
ENTRY_LATE = timedelta(days=2)


def alarms(expires: Mapping[str, datetime], entry: datetime, at: datetime) -> Iterator[str]:
    """One sentence a thing, and none where all is as usual.

    Args:
        expires: of each TUF role, the newest metadata's.
        entry: time of the newest catalogue entry.
    """
    for role, ends in expires.items():
        if at >= ends:
            yield f"TUF {role} expired {spell(ends)}: devices take nothing from this store"
        elif role == "root" and ends - at <= ROOT_SOON:
            yield f"TUF root expires {spell(ends)}: renew it, `sealring-store tuf request DIR`"
        elif role in LIVES and at >= ends - LIVES[role] / 2 + LATE:
            yield f"TUF {role} expires {spell(ends)} and is not being renewed: look at the server's log"
    if at - entry >= ENTRY_LATE:
        yield f"the newest entry is of {spell(entry)}: each day needs one, and nobody is signing"
