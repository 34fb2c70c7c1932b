"""One server's part in doing jobs, as a program, so that a test can kill it: `served.py FOLDER NAME LOG HOLD`.

Its jobs write a line each into LOG when they begin and end; where the file HOLD names this server, the job waits.
"""

import os
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from sealring_server.here import StoreHere, open_store
from sealring_server.jobs import Job
from sealring_server.jobs.queue import Pace, Queue

FAST = Pace(look=0.1, beat=0.2, dead=1.5)


def jobs_for(name: str, log: Path, hold: Path) -> tuple[Job, ...]:
    """Two jobs of short periods, and one that fails for as long as there is a file `fail`."""

    def say(words: str) -> None:
        with log.open("a") as file:
            file.write(f"{words}\n")

    def run(job: str) -> None:
        say(f"begin {job} {name}")
        while hold.exists() and hold.read_text() == f"{name} {job}":
            say(f"held {job} {name}")
            time.sleep(0.1)
        time.sleep(0.05)
        say(f"end {job} {name}")

    def fail(_: StoreHere) -> None:
        if (hold.parent / "fail").exists():
            raise OSError(5, "no such luck", "token")

    return (
        Job("sign", "is done", lambda _: run("sign"), 1.0),
        Job("halts", "is done too", lambda _: run("halts"), 1.0),
        Job("packages", "fails at times", fail, 1.0, 1.0),
    )


if __name__ == "__main__":
    folder, name, log, hold = Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])
    here = open_store(folder, lambda: datetime.now(UTC))
    print(os.getpid(), flush=True)
    Queue(here, jobs_for(name, log, hold), FAST).forever()
