"""Jobs one after another in this process: for a store on SQLite, where one process does them all.

What became of them is kept in memory that the server's processes share: where nothing was due, nothing is written.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from sealring_server.here import StoreHere
from sealring_server.jobs.attempt import attempt
from sealring_server.jobs.job import Job

SHORTEST: Final = 0.05  # seconds


@dataclass
class _State:
    due: float
    failures: int = 0


class Worker:
    """Does each job when it is due; one at a time."""

    def __init__(self, here: StoreHere, jobs: Sequence[Job], clock: Callable[[], float] = time.monotonic) -> None:
        self._here, self._jobs, self._clock = here, jobs, clock
        self._states = {job.name: _State(clock() + self._left(job)) for job in jobs}

    def round(self) -> float:
        """Do what is due; seconds until something is again."""
        for job in self._jobs:
            if self._clock() >= self._states[job.name].due:
                self._do(job)
        if not any(state.failures for state in self._states.values()):
            self._here.failures.maintained(self._here.clock())
        return max(SHORTEST, min(state.due for state in self._states.values()) - self._clock())

    def forever(self) -> None:
        """Until this process is ended."""
        while True:
            time.sleep(self.round())

    def _do(self, job: Job) -> None:
        state, here = self._states[job.name], self._here
        why = attempt(here, job)
        state.failures = 0 if why is None else state.failures + 1
        wait = job.wait(state.failures)
        state.due = self._clock() + wait
        at = here.clock()
        here.failures.job_ended(job.name, at, at + timedelta(seconds=wait), why)

    def _left(self, job: Job) -> float:
        """What an earlier process of this server has just done is not done again."""
        due = self._here.failures.job_instant("next", job.name)
        left = (due - self._here.clock()).total_seconds() if due is not None else 0.0
        return min(max(left, 0.0), job.longest)
