"""Reports on their way: to each store its own, in bounded time; nothing hangs on what becomes of them (SPEC RP-4)."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from sealring.bundle import ReportEntry, write_bundle
from sealring.errors import SealringError, Unreachable
from sealring_client.disk import lock
from sealring_client.fetch.errors import NoAnswer
from sealring_client.outside import Outside
from sealring_client.reports import Reports, Waiting, load_reports, save_reports

PATH = "v1/reports"
ALL_SECONDS = 30.0  # for all stores of one command together, when all is decided
FIRST_SECONDS = 5.0  # for all stores together, while an update waits
ONE_SECONDS = 10.0  # for one request
_ALONE = 8  # reports that are tried by themselves in one command, where a store refuses them together
_TAKEN = range(200, 300)
# A status that the same report would get for ever: there is nothing to wait for. All others may be of today only.
_NEVER = (400, 404, 405, 409, 410, 413, 415, 422)

_Change = Callable[[Reports], Reports]


def send_reports(
    folder: Path, urls: Mapping[str, Sequence[str]], outside: Outside, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Send what waits for these stores. Whatever becomes of it, nothing is raised, and nothing else has changed.

    The caller does not hold the lock: a store that lets a device wait must not keep a person from going back.

    Args:
        urls: where each store is; what waits for others goes on waiting.
    """
    with suppress(SealringError):
        change = _sent(load_reports(folder), urls, outside, ALL_SECONDS, clock)
        if change is not None:
            with lock(folder):
                save_reports(folder, change(load_reports(folder)))


def send_before_the_trial(
    folder: Path, urls: Mapping[str, Sequence[str]], outside: Outside, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """As `send_reports`, by who holds the lock, and in a few seconds: a device may die in its trial (SPEC HL-2).

    What could not be sent goes with the rest afterwards.
    """
    with suppress(SealringError):
        change = _sent(load_reports(folder), urls, outside, FIRST_SECONDS, clock)
        if change is not None:
            save_reports(folder, change(load_reports(folder)))


def _sent(
    held: Reports, urls: Mapping[str, Sequence[str]], outside: Outside, seconds: float, clock: Callable[[], float]
) -> _Change | None:
    """Send to each of these stores what waits for it; what that changes in what is kept, if anything."""
    at = outside.clock()
    stores = [one for one in dict.fromkeys(one.store for one in held.queue) if urls.get(one)]
    stores = [one for one in stores if not held.is_paused(one, at)]
    deadline, done, pauses = clock() + seconds, list[Waiting](), dict[str, int]()
    for number, store in enumerate(stores):
        # Each has its part of what is left: the first one that drips must not keep the others from hearing anything.
        now = clock()
        line = _Line(urls[store], outside, clock, now + (deadline - now) / (len(stores) - number))
        done += line.send([one for one in held.queue if one.store == store])
        if line.pause:
            pauses[store] = line.pause
    if not done and not pauses:
        return None

    def change(later: Reports) -> Reports:
        for store, pause in pauses.items():
            later = later.with_pause(store, at + timedelta(seconds=pause))
        return later.without(done)

    return change


class _Line:
    """One store by its addresses, until the time is up. `pause`: seconds for which it wants to be left alone."""

    def __init__(self, urls: Sequence[str], outside: Outside, clock: Callable[[], float], deadline: float) -> None:
        self._urls, self._outside, self._clock, self._deadline = list(urls), outside, clock, deadline
        self.pause = 0

    def send(self, reports: Sequence[Waiting]) -> Sequence[Waiting]:
        """Those that need not wait any longer."""
        status = self._ask(reports)
        if status in _TAKEN:
            return reports
        if status not in _NEVER or len(reports) == 1:
            return reports if status in _NEVER else ()
        # One that the store will not have keeps the others from it: the oldest are tried by themselves.
        return [one for one in reports[:_ALONE] if self._ask([one]) in (*_TAKEN, *_NEVER)]

    def _ask(self, reports: Sequence[Waiting]) -> int | None:
        """The status of the answer; None where there was none."""
        body = write_bundle([ReportEntry(one.envelope) for one in reports])
        while self._urls and (left := self._deadline - self._clock()) > 0:
            try:
                source = self._outside.connect(self._urls[0])
                try:
                    return source.post(PATH, body, seconds=min(ONE_SECONDS, left))
                finally:
                    source.close()
            except Unreachable as err:
                if isinstance(err, NoAnswer) and err.retry_after_seconds:
                    # What one address of it asks for, the store asks for.
                    self.pause = err.retry_after_seconds
                    self._urls.clear()
                    return None
            self._urls.pop(0)
        return None
