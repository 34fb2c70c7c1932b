"""Answers that are asked for again: a fleet of one model asks the same few questions after each publication."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Final

MAX_BYTES: Final = 16 * 1024 * 1024  # of all bodies together, in each process
OVERHEAD: Final = 512  # bytes counted for each answer beside its body, so that empty ones are bounded too


@dataclass(frozen=True, slots=True)
class Packed:
    """A body in one coding, with its strong ETag."""

    body: bytes
    etag: str


class AnswerCache:
    """The answers that were asked for last, by whatever determines their bytes; bounded in bytes, safe for threads."""

    def __init__(self, most: int = MAX_BYTES) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._answers: OrderedDict[Hashable, Packed] = OrderedDict()
        self._bytes = 0

    @property
    def held(self) -> int:
        """The bytes that are counted."""
        return self._bytes

    def get(self, key: Hashable) -> Packed | None:
        """The answer to this very question, if it is remembered."""
        with self._lock:
            found = self._answers.get(key)
            if found is not None:
                self._answers.move_to_end(key)
            return found

    def keep(self, key: Hashable, answer: Packed) -> None:
        """Remember one more, and forget those that nobody has asked for the longest."""
        with self._lock:
            if key in self._answers or _counted(answer) > self._most:
                return
            self._answers[key] = answer
            self._bytes += _counted(answer)
            while self._bytes > self._most:
                _, gone = self._answers.popitem(last=False)
                self._bytes -= _counted(gone)


def _counted(answer: Packed) -> int:
    return len(answer.body) + OVERHEAD
