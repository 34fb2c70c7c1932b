"""While a key is open, no crash writes this process's memory to a disk, and no other program reads it (SPEC KY-9)."""

import ctypes
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_GET_DUMPABLE: Final = 3  # of Linux's prctl
_SET_DUMPABLE: Final = 4


@contextmanager
def no_dumps() -> Iterator[None]:
    """Within the block the process leaves no core file, and others of the same user can't attach to it.

    The soft limit alone would not do: where cores go to a program (systemd-coredump), the kernel ignores it. What
    the process was allowed before is restored at the end, as far as the kernel lets it.
    """
    libc = ctypes.CDLL(None)
    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    before = libc.prctl(_GET_DUMPABLE, 0, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    libc.prctl(_SET_DUMPABLE, 0, 0, 0, 0)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))
        libc.prctl(_SET_DUMPABLE, before, 0, 0, 0)
