"""One store by all its addresses: the first that answers is asked from then on (SPEC SR-3, DV-6)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from sealring.errors import Unreachable
from sealring_client.fetch.errors import NoAnswer, NotReached, NotThere
from sealring_client.outside import Fetches, Sign

if TYPE_CHECKING:
    from sealring_client.fetch.fetcher import Answer, Stream

T = TypeVar("T")


@dataclass
class Cost:
    """What one store was asked in one check, and the bytes of the bodies that came, packed as they were; no images."""

    requests: int = 0
    transferred: int = 0


class StoreLink:
    """Asks one store. That a file is not there is an answer; only without one the next address is tried."""

    def __init__(
        self,
        name: str,
        urls: list[str],
        connect: Callable[[str], Fetches],
        cost: Cost | None = None,
        sign: Sign | None = None,
    ) -> None:
        """Open nothing yet.

        Args:
            cost: where its requests are counted.
            sign: for images of a store that answers only whom it knows (RD-2).
        """
        self.name, self.urls, self._sign = name, urls, sign
        self.cost = cost or Cost()
        self._left = list(urls)
        self._passed: list[str] = []
        self._connect = connect
        self._open: Fetches | None = None

    def fetch(self, path: str, *, limit: int) -> bytes:
        """The whole file, at most `limit` bytes, or NotThere / Unreachable."""
        body = self._try(lambda source: self._counted(source).fetch(path, limit=limit), path)
        self.cost.transferred += len(body)
        return body

    def fetch_if_changed(self, path: str, *, etag: str | None, limit: int) -> "Answer":
        """As `fetch`, unless what the caller holds is still the newest."""
        answer = self._try(lambda source: self._counted(source).fetch_if_changed(path, etag=etag, limit=limit), path)
        self.cost.transferred += len(answer.body or b"")
        return answer

    def fetch_answer(self, path: str, *, limit: int) -> bytes:
        """As `fetch`, for a body that may come packed, and that the store need not have (AN-3, AN-4).

        What goes wrong with it, once there is a connection, says nothing of the store's other paths: a store may be
        older, or files behind a cache, so the address stays.
        """
        last: Unreachable = NoAnswer(self.name, path, "none of its addresses answers")
        while self._left:
            try:
                body = self._counted(self._opened()).fetch_answer(path, limit=limit)
            except NotReached as err:
                last = err
                self._give_up()
                continue
            self.cost.transferred += body.transferred
            return body.data
        raise last

    def stream(self, path: str, *, offset: int, size: int, rate: int | None = None) -> "Stream":
        """Bytes `offset` to `size`, at `rate` bytes a second or faster.

        An error while they come is not tried elsewhere here.
        """
        return self._try(lambda source: source.stream(path, offset=offset, size=size, rate=rate, sign=self._sign), path)

    @property
    def answering(self) -> str | None:
        """The address that answered last; None where none has been asked, or none is left."""
        return self._left[0] if self._left and self._open is not None else None

    @property
    def address(self) -> str | None:
        """The address that the next request goes to; None where none is left."""
        return self._left[0] if self._left else None

    @property
    def in_order(self) -> list[str]:
        """All addresses, the one that is asked now first."""
        first = [self.address] if self.address else []
        return [*first, *(url for url in self.urls if url not in first)]

    def pass_over(self) -> bool:
        """From now on ask the next address; False, and all stays as it is, where this is the last (DV-6)."""
        if len(self._left) < 2:
            return False
        self._passed.append(self._left[0])
        self._give_up()
        return True

    def elsewhere(self) -> Iterator["StoreLink"]:
        """Each other address that is not dead, as a link of its own: for what is named by its digest."""
        for url in (*self._left[1:], *self._passed):
            yield StoreLink(self.name, [url], self._connect, self.cost, self._sign)

    def close(self) -> None:
        """Let the connection go; the next request opens another."""
        if self._open is not None:
            self._open.close()
            self._open = None

    def _try(self, ask: Callable[[Fetches], T], path: str) -> T:
        last: Unreachable = NoAnswer(self.name, path, "none of its addresses answers")
        while self._left:
            try:
                return ask(self._opened())
            except NotThere:
                raise
            except Unreachable as err:
                last = err
                self._give_up()
        raise last

    def _opened(self) -> Fetches:
        if self._open is None:
            self._open = self._connect(self._left[0])
        return self._open

    def _give_up(self) -> None:
        """A dead address is not asked again in this run: each try may take its whole time."""
        self.close()
        self._left.pop(0)

    def _counted(self, source: Fetches) -> Fetches:
        self.cost.requests += 1
        return source
