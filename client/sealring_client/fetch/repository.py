"""Any TUF repository at an address, as a source for a refresh or a download (SPEC HF-1, TF-12)."""

import time
from collections.abc import Callable

from sealring_client.fetch.errors import NoAnswer, NotThere, TooSlow
from sealring_client.fetch.fetcher import Fetcher, Limits, Stream

TOTAL_SECONDS = 600.0  # for all files of metadata together: 32 roles at a crawl would take half an hour


class RepositorySource:
    """Brings files below one URL, all metadata of one command within one time. Nothing it returns is trusted."""

    def __init__(
        self,
        base_url: str,
        *,
        limits: Limits | None = None,
        total_seconds: float = TOTAL_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Open nothing yet.

        Raises:
            NoAnswer: the address is of no form that can be asked.
        """
        self._fetcher = Fetcher(base_url, limits=limits)
        self._seconds, self._clock, self._begun = total_seconds, clock, clock()

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The whole file, at most `limit` bytes, or NotThere / Unreachable."""
        # HF-1: each file has a time of its own, which a repository of many files could string together.
        if self._clock() - self._begun > self._seconds:
            raise TooSlow(self._fetcher.store, path, self._seconds)
        try:
            return self._fetcher.fetch(path, limit=limit)
        except NoAnswer as err:
            # Buckets whose files nobody may list say 403 of a file that is not there, such as the next root.
            if err.reason == "status 403":
                raise NotThere(err.store, err.path, 403) from err
            raise

    def stream(self, path: str, *, size: int) -> Stream:
        """A file of exactly `size` bytes, which may take as long as it arrives at the lowest rate."""
        return self._fetcher.stream(path, offset=0, size=size)

    def close(self) -> None:
        """Let the connection go."""
        self._fetcher.close()
