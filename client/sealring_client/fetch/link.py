"""One store by all its addresses: the first that answers is asked from then on (SPEC SR-3)."""

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from sealring.errors import Unreachable
from sealring_client.fetch.errors import NoAnswer, NotThere
from sealring_client.outside import Fetches

if TYPE_CHECKING:
    from sealring_client.fetch.fetcher import Answer, Stream

T = TypeVar("T")


class StoreLink:
    """Asks one store. That a file is not there is an answer; only without one the next address is tried."""

    def __init__(self, name: str, urls: list[str], connect: Callable[[str], Fetches]) -> None:
        self.name, self.urls = name, urls
        self._left = list(urls)
        self._connect = connect
        self._open: Fetches | None = None

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The whole file, at most `limit` bytes, or NotThere / Unreachable."""
        return self._try(lambda source: source.fetch(path, limit=limit), path)

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> "Answer":
        """As `fetch`, unless what the caller holds is still the newest."""
        return self._try(lambda source: source.fetch_if_changed(path, etag=etag, limit=limit), path)

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None) -> "Stream":
        """Bytes `offset` to `size`, at `rate` bytes a second or faster.

        An error while they come is not tried elsewhere here.
        """
        return self._try(lambda source: source.stream(path, offset=offset, size=size, rate=rate), path)

    @property
    def answering(self) -> str | None:
        """The address that answered last; None where none has been asked, or none is left."""
        return self._left[0] if self._left and self._open is not None else None

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _try(self, ask: Callable[[Fetches], T], path: str) -> T:
        last: Unreachable = NoAnswer(self.name, path, "none of its addresses answers")
        while self._left:
            try:
                if self._open is None:
                    self._open = self._connect(self._left[0])
                return ask(self._open)
            except NotThere:
                raise
            except Unreachable as err:
                # A dead address is not asked again in this run: each try may take its whole time.
                last = err
                self.close()
                self._left.pop(0)
        raise last
