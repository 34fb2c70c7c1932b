"""SHA-256 of a file while it is being written: a thread that reads back what has arrived and hashes it.

Hashing and receiving then share the time, which makes a download as fast as writing alone. What is hashed is what
stands in the file, so a part that an earlier process left needs no code of its own: the thread begins at byte 0.
"""

import hashlib
import os
import threading

_STEP = 1024 * 1024  # bytes that are worth waking the thread for, and its one buffer


class FollowingHash:
    """The digest of the first `grown` bytes of an open file."""

    def __init__(self, file: int, grown: int = 0) -> None:
        """Begin to follow.

        Args:
            file: a descriptor open for reading; its position is neither used nor changed.
            grown: bytes that are there already.
        """
        self._file, self._grown, self._ended = file, grown, False
        self._change = threading.Condition()
        self._hash = hashlib.sha256()
        self._failed: OSError | None = None
        self._thread = threading.Thread(target=self._follow, name="following-hash", daemon=True)
        self._thread.start()

    def grew(self, grown: int) -> None:
        """The file now has `grown` bytes, all written."""
        with self._change:
            step = grown // _STEP != self._grown // _STEP
            self._grown = grown
            if step:
                self._change.notify()

    def hexdigest(self) -> str:
        """The digest of all bytes that the file grew to; ends the following.

        Raises:
            OSError: the file could not be read back.
        """
        self.end()
        if self._failed is not None:
            raise self._failed
        return self._hash.hexdigest()

    def end(self) -> None:
        """Stop, and wait until the thread no longer uses the file. Calling it twice is fine."""
        with self._change:
            self._ended = True
            self._change.notify()
        self._thread.join()

    def _follow(self) -> None:
        at, buffer, more = 0, memoryview(bytearray(_STEP)), True
        try:
            while more:
                until, more = self._wait_beyond(at)
                while at < until:
                    count = os.preadv(self._file, [buffer[: min(_STEP, until - at)]], at)
                    if not count:
                        raise OSError(5, "the file is shorter than what was written to it")
                    self._hash.update(buffer[:count])
                    at += count
        except OSError as err:
            self._failed = err

    def _wait_beyond(self, at: int) -> tuple[int, bool]:
        """Up to where to hash, and whether there may be more afterwards."""
        with self._change:
            while self._grown - at < _STEP and not self._ended:
                self._change.wait()
            return self._grown, not self._ended
