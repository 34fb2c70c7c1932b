"""All that the operator's page and the figures are made of, gathered in one look that never fails (SPEC HT-6).

Where the database does not answer, that is what the page has to say; so each fact may be missing, and a check says so.
"""

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import SQLAlchemyError

from sealring.catalogue.entry import CatalogueEntry
from sealring.errors import SealringError
from sealring_server.backup.errors import Stopped
from sealring_server.backup.stopped import find_stop
from sealring_server.catalogue import last_entry
from sealring_server.failures import Failures
from sealring_server.health import Failing, Readiness
from sealring_server.here import StoreHere
from sealring_server.jobs import JobFact, facts, jobs_of
from sealring_server.operator.calendar import Ends, collect_ends
from sealring_server.operator.kept import Kept
from sealring_server.operator.rollouts import Fleet, collect_fleet
from sealring_server.reports import HaltShown, halts
from sealring_server.schema import blobs, heads, publications, reporters
from sealring_server.tuf_repo import expiries

HOUR = 3600


@dataclass
class Counted:
    """Statements and images as of one entry: to count a million rows for every look would be a lever."""

    entry: int = 0
    statements: Mapping[str, int] = field(default_factory=dict)
    images: int = 0
    bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def at(self, connection: Connection, entry: int) -> "Counted":
        """The counts as of this entry, the newest."""
        with self.lock:
            if self.entry != entry:
                rows = connection.execute(select(heads.c.type, func.count()).group_by(heads.c.type))
                self.statements = dict(sorted((str(kind), int(number)) for kind, number in rows))
                found = connection.execute(select(func.count(), func.coalesce(func.sum(blobs.c.size), 0))).one()
                self.images, self.bytes = int(found[0]), int(found[1])
                self.entry = entry
            return self


@dataclass(frozen=True)
class Disk:
    """The file system on which the store's folder lies, in bytes; `free` is what its user may still write."""

    free: int
    size: int

    @property
    def free_share(self) -> float:
        """From 0 to 1."""
        return self.free / self.size if self.size else 0.0


@dataclass(frozen=True)
class Facts:
    """What was found at one instant."""

    at: datetime
    failing: Sequence[Failing]
    failures: Failures
    mirror: bool
    disk: Disk | None = None
    entry: CatalogueEntry | None = None
    expires: Mapping[str, datetime] = field(default_factory=dict)
    statements: Mapping[str, int] = field(default_factory=dict)
    images: int = 0
    bytes: int = 0
    open: int = 0
    halts: Sequence[HaltShown] = ()
    """Those of releases that a channel still points at."""
    stopped: Stopped | None = None
    """Why the store signs and takes nothing, where it does not (SPEC BK-2)."""
    ends: Ends | None = None
    jobs: Sequence[JobFact] = ()
    """What became of the store's own work, on whichever machine it was done."""


@dataclass(frozen=True)
class Watch:
    """What the operator's process keeps between two looks."""

    here: StoreHere
    ends: Kept[Ends]
    fleet: Kept[Fleet]
    counted: Counted = field(default_factory=Counted)
    readiness: Readiness = field(default_factory=Readiness)

    def look(self) -> Facts:
        """All facts, as of now; those that can't be had are left out, and `failing` says why."""
        at, here = self.here.clock(), self.here
        jobs = facts(here.failures, jobs_of(here))
        is_mirror = here.settings.mirror is not None
        found = Facts(at, self.readiness.now(here), here.failures, is_mirror, _disk(here), jobs=jobs)
        try:
            with here.database.reading() as connection:
                return self._with_rows(found, connection)
        except (SealringError, SQLAlchemyError, OSError) as err:
            said = found.failing or [Failing("database", type(err).__name__)]
            return Facts(at, said, here.failures, found.mirror, found.disk, jobs=jobs)

    def devices(self, connection: Connection, entry: int) -> Fleet | None:
        """What devices have reported, as of the newest report; none while that is counted for the first time."""
        newest = [connection.scalar(select(func.max(reporters.c.seen)).where(reporters.c.counted == n)) for n in (0, 1)]
        return self.fleet.as_of((entry, *newest))

    def _with_rows(self, found: Facts, connection: Connection) -> Facts:
        entry = last_entry(connection)
        counted = self.counted.at(connection, entry.sequence)
        return Facts(
            found.at,
            found.failing,
            found.failures,
            found.mirror,
            found.disk,
            entry,
            expiries(connection),
            counted.statements,
            counted.images,
            counted.bytes,
            connection.scalar(select(func.count()).select_from(publications)) or 0,
            [one for one in halts(connection) if one.is_current],
            find_stop(connection),
            # An hour later other things are soon, though nothing was published.
            self.ends.as_of((entry.sequence, int(found.at.timestamp()) // HOUR)),
            found.jobs,
        )


def watch(here: StoreHere) -> Watch:
    """What looks at this store."""
    ends = Kept(lambda: collect_ends(here.database, here.clock()))
    return Watch(here, ends, Kept(lambda: collect_fleet(here.database)))


def _disk(here: StoreHere) -> Disk | None:
    try:
        found = os.statvfs(here.folder)
    except OSError:
        return None
    return Disk(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)
