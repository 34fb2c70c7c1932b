"""One run of one job: a failure is said and counted, and never keeps the other jobs from being done."""

import logging

from sqlalchemy.exc import SQLAlchemyError

from sealring.errors import SealringError
from sealring_server.backup.stopped import find_stop
from sealring_server.here import StoreHere
from sealring_server.jobs.job import Job
from sealring_server.logs import log_event, log_unforeseen, words_of

MAX_WORDS = 200  # characters of why it failed


def attempt(here: StoreHere, job: Job) -> str | None:
    """Run it; why it failed, or None. A stopped store does nothing by itself, and that is no failure (SPEC BK-2)."""
    try:
        with here.database.reading() as connection:
            is_stopped = find_stop(connection) is not None
        if not is_stopped:
            job.run(here)
    except (SealringError, SQLAlchemyError, OSError) as err:
        why = words_of(err)[:MAX_WORDS] or type(err).__name__
        log_event(logging.WARNING, f"the job {job.name} failed", what=why)
    except Exception as err:  # noqa: BLE001 a mistake in one job must not end the others
        why = f"an unforeseen error, trace {log_unforeseen(err)}"
    else:
        return None
    here.failures.maintenance_failed()
    return why
