"""What anybody can make a store do, bounded for each address from which he asks (SPEC PB-13).

A bucket of tokens for each address: a request that writes, or that no cache answers, takes one, and they come back at a
steady rate. A part of an upload that was taken costs none: its sender holds the token of a publication that a key has
opened. All of it is in the memory of one process, so of several workers each allows as much.
"""

import ipaddress
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from flask import Flask, Response, current_app, g, request

from sealring.errors import TrustError
from sealring_server.settings import Strangers

MOST_ADDRESSES = 50_000  # remembered, with about 200 bytes each; who has not asked for longest is forgotten first
WRITES = ("POST", "PATCH")
COSTLY = ("reads.proof", "tus.state")
"""Endpoints that only read and still cost something each time."""

_KEY = "sealring-rate"


@dataclass(eq=False)
class TooMany(TrustError):
    """An address asks for more than its part (SPEC PB-13)."""

    what: str
    retry_after: int
    rule: ClassVar[str] = "PB-13"
    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 429

    def __str__(self) -> str:
        return f"too many {self.what} from one address"

    def hint(self) -> str:
        return f"try again in {self.retry_after} seconds"


class Rate:
    """What each address has left.

    Args:
        bounds: requests a second, how many at once, and bodies under way.
        clock: seconds that never go back.
    """

    def __init__(self, bounds: Strangers, clock: Callable[[], float] = time.monotonic) -> None:
        self._bounds, self._clock = bounds, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._under_way: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, address: str) -> None:
        """Count one request.

        Raises:
            TooMany.
        """
        now = self._clock()
        with self._lock:
            left = self._now(address, now)
            if left >= 1:
                self._note(address, left - 1, now)
                return
        raise TooMany("requests", max(1, round((1 - left) / self._bounds.requests)))

    def give_back(self, address: str) -> None:
        """Count one request less."""
        now = self._clock()
        with self._lock:
            self._note(address, min(self._now(address, now) + 1, self._bounds.burst), now)

    def begin(self, address: str) -> None:
        """A body is on its way, until `end`.

        Raises:
            TooMany.
        """
        with self._lock:
            if self._under_way[address] < self._bounds.uploads:
                self._under_way[address] += 1
                return
        raise TooMany("uploads under way", 5)

    def end(self, address: str) -> None:
        """It has come, or never will."""
        with self._lock:
            self._under_way[address] -= 1
            if not self._under_way[address]:
                del self._under_way[address]

    def _now(self, address: str, now: float) -> float:
        left, since = self._left.get(address, (float(self._bounds.burst), now))
        return min(left + (now - since) * self._bounds.requests, self._bounds.burst)

    def _note(self, address: str, left: float, now: float) -> None:
        self._left[address] = left, now
        self._left.move_to_end(address)
        if len(self._left) > MOST_ADDRESSES:
            self._left.popitem(last=False)


def bound_strangers(app: Flask, bounds: Strangers) -> None:
    """Let this app count what each address asks for."""
    rate = app.extensions[_KEY] = Rate(bounds)

    @app.before_request
    def count() -> None:
        g.stranger = address_of(request.remote_addr or "", request.headers.getlist("X-Forwarded-For"), bounds.proxy)
        if request.method in WRITES or request.endpoint in COSTLY:
            rate.take(g.stranger)
        if request.method in WRITES:
            rate.begin(g.stranger)
            g.under_way = True

    @app.after_request
    def refund(answer: Response) -> Response:
        if request.endpoint == "tus.add" and answer.status_code == 204:
            rate.give_back(g.stranger)
        return answer

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        if g.pop("under_way", False):
            rate.end(g.stranger)


def charge() -> None:
    """Count the request that is being answered: what was asked for is in no cache (SPEC PB-13).

    Raises:
        TooMany.
    """
    found = current_app.extensions[_KEY]
    assert isinstance(found, Rate)
    found.take(g.stranger)


def address_of(peer: str, forwarded: list[str], proxy: str) -> str:
    """Who asks: of IPv6 its /64, which one household or one rented machine has whole.

    Args:
        peer: the address at the other end of the connection.
        forwarded: `X-Forwarded-For`, believed only where `proxy` is that peer, and of it only what the proxy added.
    """
    if proxy and _address(peer) == _address(proxy):
        peer = (forwarded[-1] if forwarded else peer).rpartition(",")[2].strip()
    return _network(peer)


def _network(text: str) -> str:
    found = _address(text)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, 64), strict=False))
    return str(found or "unknown")


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        found = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    return (isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped) or found
