"""The jobs: what each is called, what it does, and how often (SPEC TF-10, TF-11, PB-7, MP-6, HL-2, MI-1).

Each finds out by itself whether there is anything to do, mostly by reading a few rows. So it does no harm to run one
too often, or at the same instant on two machines: what changes the store is done under the publication lock.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sealring_server.collecting import collect_old
from sealring_server.failures import JobName
from sealring_server.here import StoreHere
from sealring_server.mirror.serving import keep_up
from sealring_server.publication import expire
from sealring_server.reports import judge_halts
from sealring_server.schedule import LONGEST_PAUSE, TICK, pause, sign_due
from sealring_server.tuf_packages import remake
from sealring_server.tuf_roots import tidy_keys

HOUR: Final = 3600.0


@dataclass(frozen=True)
class Job:
    """One thing that a store does by itself.

    Args:
        does: in the operator's words.
        run: does what is due, and nothing where nothing is.
        seconds: from the end of one run to the next.
        longest: seconds between two tries, however often it failed.
    """

    name: JobName
    does: str
    run: Callable[[StoreHere], object]
    seconds: float = TICK
    longest: float = LONGEST_PAUSE

    def wait(self, failures: int) -> float:
        """Seconds from the end of a run to the next, after so many failures in a row."""
        return min(pause(failures), self.longest) if failures else self.seconds


OF_A_STORE: Final = (
    Job("sign", "signs what falls due", sign_due),
    Job("halts", "judges reports of rollouts", judge_halts),
    Job("packages", "lists released images for TUF clients", remake),
    Job("expire", "ends old publications, and removes what they uploaded", expire, HOUR),
    Job("tidy", "removes keys that no root names", tidy_keys, HOUR),
    Job("collect", "removes what only old maps need", collect_old, HOUR),
)


def jobs_of(here: StoreHere) -> tuple[Job, ...]:
    """What this store does by itself, the most urgent first; a mirror has no keys, and signs and judges nothing."""
    mirror = here.settings.mirror
    if mirror is None:
        return OF_A_STORE
    often = min(TICK, float(mirror.seconds))
    follow = Job("follow", "takes up what the followed store shows", keep_up, often, float(mirror.seconds))
    return follow, OF_A_STORE[-1]
