"""An answer that may take long: looked up again as its subject changes, and never so often that it would be work.

While it is quick it is looked up whenever somebody asks after a change. Where it takes longer that is done beside, and
what was found before is shown until then.
"""

import threading
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from sqlalchemy.exc import SQLAlchemyError

from sealring.errors import SealringError

QUICK_SECONDS = 0.5
REST = 20  # times as long as it took, between two looks
WAIT_SECONDS = 3.0  # at the first look

T = TypeVar("T")


class Kept(Generic[T]):
    """What `look` found last; safe for threads, of which one looks at a time."""

    def __init__(self, look: Callable[[], T]) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._found: T | None = None
        self._failed: Exception | None = None
        self._of: Hashable = None
        self._took = 0.0
        self._next = 0.0
        self._thread: threading.Thread | None = None

    def as_of(self, key: Hashable) -> T | None:
        """The answer as of this state of things, or of an earlier one; none while the first look is under way.

        Args:
            key: another one means that the answer may have changed.

        Raises:
            SealringError, SQLAlchemyError, OSError: the last look beside did, and nothing was found before.
        """
        with self._lock:
            if self._found is not None and self._of == key:
                return self._found
            if self._found is not None and self._took < QUICK_SECONDS:
                self._now(key)
                return self._found
            if self._thread is None and time.monotonic() >= self._next:
                self._thread = threading.Thread(target=self._beside, args=(key,), daemon=True)
                self._thread.start()
            thread, known = self._thread, self._found
        if known is None and thread is not None:
            thread.join(WAIT_SECONDS)
            failed, self._failed = self._failed, None
            if failed is not None and self._found is None:
                raise failed
        return self._found

    def _beside(self, key: Hashable) -> None:
        try:
            self._now(key)
        except (SealringError, SQLAlchemyError, OSError) as err:  # whoever asked is told; no log need be read
            self._failed = err
        finally:
            self._thread = None

    def _now(self, key: Hashable) -> None:
        began = time.monotonic()
        try:
            self._found = self._look()
            self._of = key
        finally:
            self._took = time.monotonic() - began
            self._next = time.monotonic() + self._took * REST
