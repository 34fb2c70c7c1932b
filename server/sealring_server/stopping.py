"""How a server ends: gently by the first SIGTERM or SIGINT, at once by the second (SPEC PB-11).

After the first no connection is taken any more, and requests under way have so long as was said; what came of an upload
that is cut off then is kept, and its sender goes on from there.
"""

import signal
from collections.abc import Callable
from types import FrameType

from granian.server.mp import MPServer

from sealring_server.notify import notify


def stop_by_signals(server: MPServer, others: Callable[[], None]) -> None:
    """Let both signals stop this server; called once its own handlers are there.

    Args:
        others: ends at once what runs beside it.
    """
    asked = False

    def stop(_number: int, _frame: FrameType | None) -> None:
        nonlocal asked
        if asked:
            for worker in server.wrks:
                worker.kill()  # type: ignore[no-untyped-call]
            others()
            return
        asked = True
        notify("STOPPING=1")
        server.signal_handler_interrupt()  # type: ignore[no-untyped-call]

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
