"""Jobs through a queue in PostgreSQL: of all machines' servers one does each job, and another when that one dies.

Every few seconds each server puts what is due into the queue, where a job of one name waits once at most, and is under
way once at most; whoever takes it looks again whether it is still due. A server that has said nothing for a while has
died: what it was at is taken out, and as it was not done, it is due. procrastinate keeps the queue.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import psycopg
from procrastinate import App, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.jobs import DeleteJobCondition, Status
from procrastinate.worker import Worker
from psycopg_pool import PoolTimeout
from sqlalchemy.exc import SQLAlchemyError

from sealring.errors import SealringError
from sealring_server.here import StoreHere
from sealring_server.jobs.attempt import attempt
from sealring_server.jobs.job import Job
from sealring_server.jobs.runs import Run, note_run, read_runs
from sealring_server.logs import log_event, words_of
from sealring_server.schedule import pause

QUEUE: Final = "sealring"
CONNECTIONS: Final = 3  # of this process to the queue, beside those of its jobs
LONGEST: Final = 60.0  # seconds between two tries to reach the database
_AWAY = (ConnectorException, PoolTimeout, psycopg.Error, SealringError, SQLAlchemyError, OSError)


@dataclass(frozen=True)
class Pace:
    """How often a server looks at the queue, and how long the silence of one means that it died; in seconds."""

    look: float = 5.0
    beat: float = 5.0
    dead: float = 20.0


class Queue:
    """This server's part in doing the jobs of a store."""

    def __init__(self, here: StoreHere, jobs: Sequence[Job], pace: Pace | None = None) -> None:
        self._here, self._jobs, self._pace = here, jobs, pace or Pace()
        self._under_way: set[str] = set()

    def forever(self) -> None:
        """Until this process is ended; while the database is away it is tried again and again."""
        failed = 0
        while True:
            began = time.monotonic()
            try:
                asyncio.run(self._serve())
            except _AWAY as err:
                self._here.failures.maintenance_failed()
                log_event(logging.WARNING, "the queue of jobs can't be reached", what=words_of(err))
            # The worker also ends by itself, without a word, where its connection broke.
            failed = failed + 1 if time.monotonic() - began < LONGEST else 1
            time.sleep(min(pause(failed) / 10, LONGEST))

    async def _serve(self) -> None:
        app = App(connector=PsycopgConnector(**self._connections()))
        for job in self._jobs:
            app.task(name=job.name, queue=QUEUE, lock=job.name, queueing_lock=job.name)(self._task(job))
        async with app.open_async():
            worker = self._worker(app)
            taking = asyncio.create_task(worker.run())  # type: ignore[no-untyped-call]
            tasks = [taking, asyncio.create_task(self._look(app, worker))]
            try:
                done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
                for task in done:
                    task.result()
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    def _connections(self) -> dict[str, Any]:
        url = self._here.database.url.set(drivername="postgresql")
        said = {"connect_timeout": 10, "application_name": "sealring-jobs"}
        return {
            "conninfo": url.render_as_string(hide_password=False),
            "kwargs": {name: value for name, value in said.items() if name not in url.query},
            "min_size": 1,
            "max_size": CONNECTIONS,
            "timeout": 10.0,
        }

    def _worker(self, app: App) -> Worker:
        return Worker(
            app,
            queues=[QUEUE],
            concurrency=1,
            install_signal_handlers=False,
            # By looking, not by LISTEN: that holds a connection, and a pooler between would lose it.
            listen_notify=False,
            fetch_job_polling_interval=self._pace.look,
            delete_jobs=DeleteJobCondition.ALWAYS,
            update_heartbeat_interval=self._pace.beat,
            stalled_worker_timeout=self._pace.dead,
        )

    async def _look(self, app: App, worker: Worker) -> None:
        since: dict[int, float] = {}
        while True:
            await self._take_out(app, worker, since)
            runs = await asyncio.to_thread(self._runs)
            for job in self._jobs:
                if runs.get(job.name, Run()).is_due(job):
                    with suppress(AlreadyEnqueued):
                        await app.tasks[job.name].defer_async()
            await asyncio.sleep(self._pace.look)

    async def _take_out(self, app: App, worker: Worker, since: dict[int, float]) -> None:
        """Take out what nobody is at: jobs of servers that died, and those of this one whose end was never written.

        Args:
            since: when each of these was first seen here, by its number.
        """
        manager, now = app.job_manager, time.monotonic()
        for dead in await manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=self._pace.dead):
            await manager.finish_job(dead, Status.FAILED, delete_job=True)
        await manager.prune_stalled_workers(self._pace.dead)
        # A connection that breaks just as a job ends leaves it under way, with a server that lives: for ever, and its
        # lock with it.
        mine = [
            job
            for job in await manager.list_jobs_async(queue=QUEUE, status="doing")
            if job.worker_id == worker.worker_id and job.task_name not in self._under_way
        ]
        left = {job.id: job for job in mine if job.id is not None}
        for number in [*since]:
            if number not in left:
                del since[number]
        for number, job in left.items():
            if now - since.setdefault(number, now) >= self._pace.dead:
                await manager.finish_job(job, Status.FAILED, delete_job=True)

    def _runs(self) -> dict[str, Run]:
        """What became of the jobs on all machines, for the operator's page of this one too."""
        with self._here.database.reading() as connection:
            runs = dict(read_runs(connection))
        failures = self._here.failures
        for job in self._jobs:
            run = runs.get(job.name, Run())
            failures.job_seen(job.name, _at(run.good), _at(run.failed), _at(int(run.due(job))), run.why)
        pulse = runs.get(self._jobs[0].name, Run())
        if pulse.good and not any(run.failures for run in runs.values()):
            failures.maintained(datetime.fromtimestamp(pulse.good, UTC))
        return runs

    def _task(self, job: Job) -> Callable[[], None]:
        def run() -> None:
            here = self._here
            with here.database.reading() as connection:
                before = read_runs(connection).get(job.name, Run())
            if not before.is_due(job):
                return  # another server did it, while this one waited
            why = self._attempt(job)
            if why is not None:
                here.failures.job_failed(job.name)
            note_run(here.database.engine, job.name, why)

        return run

    def _attempt(self, job: Job) -> str | None:
        self._under_way.add(job.name)
        try:
            return attempt(self._here, job)
        finally:
            self._under_way.discard(job.name)


def _at(seconds: int) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
