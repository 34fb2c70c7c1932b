"""Which way the jobs are done: by this process alone on SQLite, through the queue on PostgreSQL."""

from sealring_server.here import StoreHere
from sealring_server.jobs.job import jobs_of
from sealring_server.jobs.worker import Worker


def do_first(here: StoreHere) -> bool:
    """What is done before a store answers anybody; whether all of it went well (SPEC TF-10).

    Of a store on PostgreSQL that is the signing alone, under the publication lock: other machines may be serving it.
    A mirror shows what it has, whether its store answers now or not (MI-1).
    """
    if here.settings.mirror is not None:
        return True
    jobs = jobs_of(here)
    Worker(here, jobs[:1] if here.settings.database.url else jobs).round()
    return not any(here.failures.is_job_failing(job.name) for job in jobs)


def work(here: StoreHere) -> None:
    """Do this store's jobs until this process is ended; in a process that forks no others."""
    if here.settings.database.url:
        from sealring_server.jobs.queue import Queue  # its libraries are loaded where they are needed

        Queue(here, jobs_of(here)).forever()
    Worker(here, jobs_of(here)).forever()
