"""What became of each job, in PostgreSQL: by it all machines know what is due. Instants are the database's own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Engine, cast, func, literal_column, select

from sealring_server.jobs.job import Job
from sealring_server.prepared import upsert
from sealring_server.schema import job_runs, number

_NOW: Final = cast(func.floor(func.extract("epoch", func.clock_timestamp())), number)


@dataclass(frozen=True)
class Run:
    """The last runs of a job; instants in seconds since 1970, 0 for never.

    Args:
        failures: how often it failed since it last went well.
        now: the database's clock when this was read.
    """

    good: int = 0
    failed: int = 0
    failures: int = 0
    why: str = ""
    now: int = 0

    def due(self, job: Job) -> float:
        """When it is due, in seconds since 1970."""
        last = max(self.good, self.failed)
        return last + job.wait(self.failures) if last else 0.0

    def is_due(self, job: Job) -> bool:
        """Whether it is due at `now`; also where the database's clock went back."""
        return self.now >= self.due(job) or self.now < max(self.good, self.failed)


def read_runs(connection: Connection) -> Mapping[str, Run]:
    """Of each job that was ever run; a job without a row is due."""
    wanted = select(job_runs.c.name, job_runs.c.good, job_runs.c.failed, job_runs.c.failures, job_runs.c.why, _NOW)
    return {
        name: Run(good, failed, failures, why, now)
        for name, good, failed, failures, why, now in connection.execute(wanted)
    }


def note_run(engine: Engine, name: str, why: str | None) -> None:
    """Keep how a run ended; beside every publication, whose lock this does not need."""
    row: dict[str, Any] = {"name": name, "good": _NOW, "failed": 0, "failures": 0, "why": ""}
    changed: dict[str, Any] = {"good": _NOW, "failures": 0}
    if why is not None:
        row |= {"good": 0, "failed": _NOW, "failures": 1, "why": why}
        changed = {"failed": _NOW, "failures": literal_column("job_runs.failures + 1"), "why": why}
    with engine.connect().execution_options(sealring_begin="BEGIN") as connection, connection.begin():
        connection.execute(upsert(job_runs, ["name"], changed).values(row))
