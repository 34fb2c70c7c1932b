"""Trying again: so often, after such a pause, and only where it may help (SPEC PB-11, PB-13)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

from sealring.command.store_http import StoreRefused, StoreUnreachable
from sealring.errors import SealringError, Unreachable

TRIES = 8  # failures in a row, with pauses of half a minute in all
FIRST_PAUSE = 0.25  # seconds, twice as long after each further failure
LONGEST_PAUSE = 30.0
LONGEST_WISH = 600  # seconds that a store may ask for; a person does not wait longer
# Too slow, busy with the connection that was lost, too many requests, or a fault that may pass.
PASSING = frozenset((408, 423, 429, 500, 502, 503, 504))


@dataclass(eq=False)
class GaveUp(Unreachable):
    """It failed too often, or the store wants a longer pause than anybody waits."""

    last: SealringError
    tries: int
    wish: int
    exit_code: ClassVar[int] = 10

    def __str__(self) -> str:
        if self.wish > LONGEST_WISH:
            return f"{self.last}; it asks for a pause of {self.wish} seconds"
        return f"{self.last}; tried {self.tries} times"

    def hint(self) -> str:
        return "what came is kept there for a day: the same command goes on from here"


@dataclass
class Patience:
    """One thing that is tried: how often it failed in a row.

    Args:
        sleep: pauses for so many seconds.
        chance: a number from 0 to 1, another each time: publishers that failed together don't come back together.
    """

    sleep: Callable[[float], None]
    chance: Callable[[], float]
    failures: int = field(default=0)

    def again(self, err: SealringError) -> None:
        """Pause before the next try; or raise what says no for good, or `GaveUp`."""
        if not is_passing(err):
            raise err
        self.failures += 1
        wish = wish_of(err)
        if self.failures >= TRIES or wish > LONGEST_WISH:
            raise GaveUp(err, self.failures, wish) from None
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (self.failures - 1))
        # What a store wishes is the least; beyond it some chance too, or all would come back in one instant.
        pause *= (1 + self.chance()) / 2
        self.sleep(max(pause, wish + self.chance()) if wish else pause)

    def went_on(self) -> None:
        """Something worth the try came through: from here on it may fail as often again."""
        self.failures = 0


def is_passing(err: SealringError) -> bool:
    """Whether the same may work later."""
    return isinstance(err, StoreUnreachable) or (isinstance(err, StoreRefused) and err.status in PASSING)


def wish_of(err: SealringError) -> int:
    """The seconds for which a store asked by `Retry-After`; 0 for none."""
    return err.retry_after if isinstance(err, StoreRefused) else 0
