"""What an operator must hear of before devices do: what ends, and what the store should have renewed (SPEC TF-10)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sealring.names import spell
from sealring_server.reports.shown import HaltShown
from sealring_server.tuf_repo import LIVES

ROOT_SOON = timedelta(days=60)
LATE = timedelta(days=1)  # after a renewal was due: then nobody is doing it
ENTRY_LATE = timedelta(days=2)
ENTRY_AHEAD = timedelta(minutes=10)  # from here on a device with a good clock refuses it (SPEC TF-6)


@dataclass(frozen=True)
class Alarm:
    """One thing that is wrong or soon will be: what, and what to do; `over` where devices feel it already."""

    what: str
    todo: str
    over: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.todo}"


def find_alarms(expires: Mapping[str, datetime], entry: datetime, at: datetime) -> Iterator[Alarm]:
    """One alarm a thing, and none where all is as usual.

    Args:
        expires: of each TUF role, the newest metadata's.
        entry: time of the newest catalogue entry.
    """
    for role, ends in expires.items():
        if at >= ends:
            yield Alarm(f"TUF {role} expired {spell(ends)}", "devices take nothing from this store", over=True)
        elif role == "root" and ends - at <= ROOT_SOON:
            yield Alarm(f"TUF root expires {spell(ends)}", "renew it, `sealring-store tuf request DIR`")
        elif role in LIVES and at >= renewal_due(role, ends) + LATE:
            yield Alarm(f"TUF {role} expires {spell(ends)} and is not being renewed", "look at the server's log")
    if at - entry >= ENTRY_LATE:
        yield Alarm(f"the newest entry is of {spell(entry)}", "each day needs one, and nobody is signing")
    if entry - at > ENTRY_AHEAD:
        # CT-1: times never fall, so what a wrong clock has dated ahead stays there until that day comes.
        yield Alarm(
            f"the newest entry is dated {spell(entry)}, and it is {spell(at)}",
            "the clock is or was wrong; devices refuse this until then (docs/operating.md)",
            over=True,
        )


def alarms(expires: Mapping[str, datetime], entry: datetime, at: datetime) -> Iterator[str]:
    """The same as sentences."""
    yield from map(str, find_alarms(expires, entry, at))


def halt_alarms(halts: Iterable[HaltShown]) -> Iterator[Alarm]:
    """One a release that this store halts now: devices wait for its brand, and the brand may not know (SPEC HL-2)."""
    for one in halts:
        if one.is_current:
            what = f"{one.release} is halted since {spell(one.time)}, {one.reason}"
            yield Alarm(what, "tell its brand: its next release of this channel ends the halt", over=True)


def renewal_due(role: str, ends: datetime) -> datetime:
    """When the store should have signed this role again, at the latest."""
    return ends - LIVES[role] / 2
