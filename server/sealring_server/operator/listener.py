"""The process that answers the operator, beside those that answer the world (SPEC HT-6).

It is one of its own, with its own few threads and its own connections to the database, so that it answers while every
public worker is busy. It is forked before them, since counters are shared by inheritance; it ends with the server.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager

STOP_SECONDS = 35


@contextmanager
def beside(work: Callable[[], None]) -> Iterator[Callable[[], None]]:
    """Let a child of this process do this until the block ends; called before any thread is started.

    The block gets what ends it at once.

    Args:
        work: returns after SIGTERM.
    """
    child = multiprocessing.get_context("fork").Process(target=work, name="sealring-operator")
    child.start()
    try:
        yield child.kill
    finally:
        child.terminate()
        child.join(STOP_SECONDS)
        if child.is_alive():
            child.kill()
            child.join()
