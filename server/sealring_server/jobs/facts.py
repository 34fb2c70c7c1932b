"""What became of each job, for the operator: one small function, whatever does the jobs (SPEC HT-6)."""

from dataclasses import dataclass
from datetime import datetime

from sealring_server.failures import Failures
from sealring_server.jobs.job import Job


@dataclass(frozen=True)
class JobFact:
    """One job as this server knows it.

    Args:
        good: when it last ended well; None for never since the start.
        failed: when it last failed, and `why`; `failures` are all since the start, on this machine.
        next: when it is due.
    """

    name: str
    does: str
    good: datetime | None
    failed: datetime | None
    next: datetime | None
    why: str
    failures: int

    @property
    def is_failing(self) -> bool:
        """Whether its last run failed."""
        return self.failed is not None and (self.good is None or self.failed > self.good)


def facts(failures: Failures, jobs: tuple[Job, ...]) -> list[JobFact]:
    """What became of these jobs; it reads memory only, so that it answers while the database does not."""
    return [_fact(failures, job) for job in jobs]


def _fact(failures: Failures, job: Job) -> JobFact:
    good, failed, next_run = (failures.job_instant(what, job.name) for what in ("good", "bad", "next"))
    return JobFact(job.name, job.does, good, failed, next_run, failures.job_words(job.name), failures.job(job.name))
