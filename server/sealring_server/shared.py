"""Counters in memory that all processes of one server share, and that no killed process can lock or lose (SPEC HT-6).

Each process writes into a slot of its own and reads all of them, so nobody waits for anybody. A slot belongs to who
holds a record lock on its byte: the kernel lets go of it when its holder dies, however it dies, and the next process
counts on from there.
"""

import fcntl
import mmap
import os
import threading
import weakref
from collections.abc import Sequence

SLOTS = 160  # processes of one server: at most 64 workers, those that follow them while they end, and a few more
WORD = 8  # bytes of one counter
WORDS = 256  # bytes of one text


class Shared:
    """Named counters and instants; made before the server's processes are forked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._place = {name: at for at, name in enumerate(names)}
        self._row = len(names)
        size = SLOTS * self._row * WORD
        self._file = os.memfd_create("sealring-counters", os.MFD_CLOEXEC)
        os.ftruncate(self._file, size)
        self._words = memoryview(mmap.mmap(self._file, size)).cast("Q")
        self._lock = threading.Lock()
        self._slot, self._process = 0, 0
        weakref.finalize(self, os.close, self._file)

    def add(self, name: str, number: int = 1) -> None:
        """Count this many more."""
        at = self._place[name]
        with self._lock:
            self._words[self._mine() + at] += number

    def keep(self, name: str, value: int) -> None:
        """Note this, such as an instant: `newest` gives the highest that any process noted."""
        at = self._place[name]
        with self._lock:
            self._words[self._mine() + at] = value

    def total(self, name: str) -> int:
        """What all processes counted."""
        return sum(self._words[self._place[name] :: self._row])

    def newest(self, name: str) -> int:
        """The highest value that any process noted; 0 before the first."""
        return max(self._words[self._place[name] :: self._row])

    def _mine(self) -> int:
        """Where this process's slot begins; claimed at its first count, and again after a fork."""
        if self._process != os.getpid():
            self._slot, self._process = self._claim(), os.getpid()
        return self._slot * self._row

    def _claim(self) -> int:
        for slot in range(SLOTS - 1):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, slot)
            except OSError:
                continue
            return slot
        return SLOTS - 1  # shared by all who came too late: they may lose a count, and nothing else


class SharedWords:
    """A short text for each name, written by one process at a time; made before the server's processes are forked."""

    def __init__(self, names: Sequence[str]) -> None:
        self._place = {name: at * WORDS for at, name in enumerate(names)}
        self._memory = mmap.mmap(-1, len(names) * WORDS)

    def keep(self, name: str, text: str) -> None:
        """Keep it, cut to what has room."""
        at = self._place[name]
        self._memory[at : at + WORDS] = text.encode(errors="replace")[:WORDS].ljust(WORDS, b"\0")

    def read(self, name: str) -> str:
        """What was last kept; empty before."""
        at = self._place[name]
        return self._memory[at : at + WORDS].rstrip(b"\0").decode(errors="replace")
