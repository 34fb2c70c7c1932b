"""What a store does by itself: one list of jobs, done by a thread of one process or through a queue in PostgreSQL."""

from sealring_server.jobs.facts import JobFact, facts
from sealring_server.jobs.job import Job, jobs_of
from sealring_server.jobs.work import do_first, work

__all__ = ["Job", "JobFact", "do_first", "facts", "jobs_of", "work"]
