"""Large publications are judged one after the other in each process (SPEC HT-4, PB-7).

What a bundle claims takes some five times its bytes in memory before the first signature is checked, and anybody may
send one: a whole one of 16 MiB is about 120 MB. Small ones, which nearly all are, go on beside it.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from sealring.errors import SealringError

SMALL = 1024 * 1024  # bytes of a bundle, up to which nobody waits
PATIENCE = 20.0  # seconds that one waits for its turn


@dataclass(eq=False)
class OthersAreLarge(SealringError):
    """Another large publication is being judged (SPEC HT-4)."""

    rule: ClassVar[str] = "HT-4"
    exit_code: ClassVar[int] = 10
    status: ClassVar[int] = 503
    retry_after: ClassVar[int] = 10

    def __str__(self) -> str:
        return "publication: another large one is being judged"

    def hint(self) -> str:
        return "try again soon; less than 1 MiB of statements never waits for that"


class Bulky:
    """The turns of one process.

    Args:
        patience: seconds that one waits.
    """

    def __init__(self, patience: float = PATIENCE) -> None:
        self._turn, self._patience = threading.Lock(), patience

    @contextmanager
    def turn(self, size: int) -> Iterator[None]:
        """For as long, no other bundle that is large is judged; for one of `size` bytes that is small, nothing.

        Raises:
            OthersAreLarge.
        """
        if size <= SMALL:
            yield
            return
        if not self._turn.acquire(timeout=self._patience):
            raise OthersAreLarge
        try:
            yield
        finally:
            self._turn.release()
