"""What the processes of one server have done since it started, told by all of them (SPEC TF-10, HT-6)."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Literal, get_args

from sealring_server.shared import Shared, SharedWords

Kind = Literal["tuf", "read", "answer", "image", "publish", "report", "other"]
Outcome = Literal["2xx", "3xx", "4xx", "429", "5xx"]
JobName = Literal["sign", "halts", "packages", "expire", "tidy", "collect", "follow"]
KINDS: tuple[Kind, ...] = get_args(Kind)
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
JOBS: tuple[JobName, ...] = get_args(JobName)
BOUNDS = (0.01, 0.1, 1.0, 10.0)
"""Seconds: how long a request took at most, of each count of durations but the last."""
MICRO = 1_000_000


def _names() -> Iterator[str]:
    yield from ("signing", "maintenance", "maintained", "claimed")
    yield from (f"{what} {job}" for job in JOBS for what in ("good", "bad", "next", "times"))
    for kind in KINDS:
        yield from (f"requests {kind} {outcome}" for outcome in OUTCOMES)
        yield from (f"within {kind} {place}" for place in range(len(BOUNDS) + 1))
        yield f"microseconds {kind}"
        yield f"failed {kind}"


class Failures:
    """Counters in memory that the processes of one server share: made before they are forked."""

    def __init__(self) -> None:
        self._shared, self._words = Shared([*_names()]), SharedWords(JOBS)

    def signing_failed(self) -> None:
        """A key could not be opened, or did not sign."""
        self._shared.add("signing")

    def maintenance_failed(self) -> None:
        """What the store does by itself was not done, for whatever reason."""
        self._shared.add("maintenance")

    def claimed_later(self) -> None:
        """Somebody said that he saw a later entry of this store than it has; anybody may say so (SPEC AN-1, BK-2)."""
        self._shared.add("claimed")

    def maintained(self, at: datetime) -> None:
        """A round of what the store does by itself ended well at this instant."""
        self._shared.keep("maintained", int(at.timestamp()))

    def job_ended(self, job: JobName, at: datetime, due: datetime, why: str | None) -> None:
        """A job ended at this instant, badly where there is a `why`; it is due again then."""
        if why is not None:
            self.job_failed(job)
        good, bad = (at, None) if why is None else (None, at)
        self.job_seen(job, good, bad, due, why or "")

    def job_failed(self, job: JobName) -> None:
        """Count it: it failed in this server."""
        self._shared.add(f"times {job}")

    def job_seen(
        self, job: JobName, good: datetime | None, bad: datetime | None, due: datetime | None, why: str
    ) -> None:
        """What is known of a job's last runs, whoever ran it; None leaves what was known."""
        for what, at in (("good", good), ("bad", bad), ("next", due)):
            if at is not None:
                self._shared.keep(f"{what} {job}", int(at.timestamp() * MICRO))
        if bad is not None:
            self._words.keep(job, why)

    def job_instant(self, what: Literal["good", "bad", "next"], job: JobName) -> datetime | None:
        """When it last ended well or badly, and when it is due."""
        found = self._shared.newest(f"{what} {job}")
        return datetime.fromtimestamp(found / MICRO, UTC) if found else None

    def job_words(self, job: JobName) -> str:
        """Why it last failed."""
        return self._words.read(job)

    def job(self, job: JobName) -> int:
        """How often it failed in this server."""
        return self._shared.total(f"times {job}")

    def is_job_failing(self, job: JobName) -> bool:
        """Whether its last run failed."""
        return self._shared.newest(f"bad {job}") > self._shared.newest(f"good {job}")

    def answered(self, kind: Kind, status: int, seconds: float, at: datetime) -> None:
        """A request of this kind was answered with this status at this instant, after so long."""
        self._shared.add(f"requests {kind} {outcome_of(status)}")
        self._shared.add(f"within {kind} {sum(seconds > bound for bound in BOUNDS)}")
        self._shared.add(f"microseconds {kind}", int(max(seconds, 0) * MICRO))
        if status >= 500:
            self._shared.keep(f"failed {kind}", int(at.timestamp()))

    @property
    def signing(self) -> int:
        """Failed signatures so far."""
        return self._shared.total("signing")

    @property
    def maintenance(self) -> int:
        """Failed rounds of maintenance so far."""
        return self._shared.total("maintenance")

    @property
    def claimed(self) -> int:
        """Questions so far that named a later entry than there was."""
        return self._shared.total("claimed")

    @property
    def last_maintained(self) -> datetime | None:
        """When a round of maintenance last ended well, since the start."""
        return self._instant("maintained")

    def last_failed(self, kind: Kind) -> datetime | None:
        """When a request of this kind was last answered with a 5xx, since the start."""
        return self._instant(f"failed {kind}")

    def requests(self, kind: Kind, outcome: Outcome) -> int:
        """Requests of this kind that ended so."""
        return self._shared.total(f"requests {kind} {outcome}")

    def durations(self, kind: Kind) -> tuple[list[int], float]:
        """Of a kind of requests: how many took at most each of BOUNDS, and any time at all; their seconds together."""
        found, so_far = [], 0
        for place in range(len(BOUNDS) + 1):
            so_far += self._shared.total(f"within {kind} {place}")
            found.append(so_far)
        return found, self._shared.total(f"microseconds {kind}") / MICRO

    def _instant(self, name: str) -> datetime | None:
        found = self._shared.newest(name)
        return datetime.fromtimestamp(found, UTC) if found else None


def outcome_of(status: int) -> Outcome:
    """The class of an HTTP status; 429 by itself, since it is the store's own bound that says no (SPEC PB-13)."""
    if status == 429:
        return "429"
    return OUTCOMES[{2: 0, 3: 1, 4: 2}.get(status // 100, 4)]
