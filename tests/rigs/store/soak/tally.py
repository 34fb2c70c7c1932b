"""What happened, counted: requests with their times, errors by kind, and what should not be."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sealring_client.fetch.errors import FetchFailed, NoAnswer, NotReached, NotThere, TooSlow

MOST_WRONG = 20  # kept in words

PASSING = ("status 429", "status 503", "status 507", "line broke", "not reached", "too slow", "publisher tries again")
"""What a client tries again by itself, and may meet where processes are killed."""


@dataclass
class Tally:
    """Counts of one process, or of all together."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    """Of each request that was answered, by kind."""
    errors: Counter[str] = field(default_factory=Counter)
    """By kind and reason; all of them in PASSING."""
    wrong: list[str] = field(default_factory=list)
    """What must never happen."""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, kind: str, seconds: float) -> None:
        """One request that was answered."""
        with self._lock:
            self.seconds.setdefault(kind, []).append(seconds)

    def failed(self, kind: str, reason: str) -> None:
        """One that was not; where that is none of the passing reasons, it is wrong."""
        with self._lock:
            if reason in PASSING:
                self.errors[f"{kind}: {reason}"] += 1
            else:
                self.wrong.append(f"{kind}: {reason}")

    @contextmanager
    def timed(self, kind: str, *, may_lack: bool = False) -> Iterator[None]:
        """One request of a device, as its own code raises what goes wrong.

        Args:
            may_lack: that it is not there is an answer, as to the question for the next version of a root.
        """
        begin = time.perf_counter()
        try:
            yield
        except NotThere as err:
            if not may_lack:
                self.failed(kind, reason_of(err))
            raise
        except FetchFailed as err:
            self.failed(kind, reason_of(err))
            raise
        self.add(kind, time.perf_counter() - begin)

    def as_json(self) -> dict[str, Any]:
        """One object."""
        rounded = {kind: [round(one, 5) for one in some] for kind, some in self.seconds.items()}
        return {"seconds": rounded, "errors": self.errors, "wrong": self.wrong[:MOST_WRONG]}

    def merge(self, said: dict[str, Any]) -> None:
        """Count what another process said by `as_json`."""
        for kind, some in said["seconds"].items():
            self.seconds.setdefault(kind, []).extend(some)
        self.errors.update(said["errors"])
        self.wrong += said["wrong"]


def reason_of(err: FetchFailed) -> str:
    """Why a request of a device came to nothing, in few words."""
    if isinstance(err, NotReached):
        return "not reached"
    if isinstance(err, TooSlow):
        return "too slow"
    if isinstance(err, NoAnswer):
        return err.reason if err.reason.startswith("status") else "line broke"
    if type(err).__name__ == "PartOnly":
        return "line broke"
    return f"{type(err).__name__}: {err}"
