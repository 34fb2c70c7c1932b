"""Reports on their way: to each store its own, in bounded time, and nothing waits for them (SPEC RP-4)."""

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from sealring.bundle import ReportEntry, write_bundle
from sealring.errors import SealringError, Unreachable
from sealring_client.disk import lock
from sealring_client.outside import Outside
from sealring_client.reports import Waiting, load_reports, save_reports

PATH = "v1/reports"
ALL_SECONDS = 30.0  # for all stores of one command together
ONE_SECONDS = 10.0  # for one request
_ALONE = 8  # reports that are tried by themselves in one command, where a store refuses them together
_TAKEN = range(200, 300)
# A status that the same report would get for ever: there is nothing to wait for. All others may be of today only.
_NEVER = (400, 404, 405, 409, 410, 413, 415, 422)


def send_reports(
    folder: Path, urls: Mapping[str, Sequence[str]], outside: Outside, *, clock: Callable[[], float] = time.monotonic
) -> None:
    """Send what waits for these stores. Whatever becomes of it, nothing is raised, and nothing else has changed.

    The caller does not hold the lock: a store that lets a device wait must not keep a person from going back.

    Args:
        urls: where each store is; what waits for others goes on waiting.
    """
    deadline = clock() + ALL_SECONDS
    done: list[Waiting] = []
    with suppress(SealringError):
        held = load_reports(folder)
        for store in dict.fromkeys(one.store for one in held.queue):
            line = _Line(urls.get(store, ()), outside, lambda: deadline - clock())
            done += line.send([one for one in held.queue if one.store == store])
        if done:
            with lock(folder):
                save_reports(folder, load_reports(folder).without(done))


class _Line:
    """One store by its addresses, until the time is up."""

    def __init__(self, urls: Sequence[str], outside: Outside, left: Callable[[], float]) -> None:
        self._urls, self._outside, self._left = list(urls), outside, left

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
        while self._urls and self._left() > 0:
            with suppress(Unreachable):
                source = self._outside.connect(self._urls[0])
                try:
                    return source.post(PATH, body, seconds=min(ONE_SECONDS, self._left()))
                finally:
                    source.close()
            self._urls.pop(0)
        return None
