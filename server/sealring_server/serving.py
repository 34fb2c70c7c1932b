"""Serving a store by granian: the port first, then the workers, then the word that it is ready (SPEC HT)."""

import contextlib
import ctypes
import gc
import http.client
import logging
import multiprocessing
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from granian.constants import HTTPModes, Interfaces
from granian.http import HTTP1Settings
from granian.server.mp import MPServer

from sealring.errors import SealringError
from sealring_server.app import create_app
from sealring_server.failures import Failures
from sealring_server.here import Clock, StoreHere, open_store
from sealring_server.jobs import do_first, work
from sealring_server.logs import log_event
from sealring_server.notify import begin_watchdog, notify
from sealring_server.operator.app import create_operator_app
from sealring_server.operator.listener import beside
from sealring_server.reading.closed import check_not_both
from sealring_server.schedule import FIRST_PAUSE
from sealring_server.stopping import stop_by_signals

OPERATOR_THREADS = 4
THREADS = 16  # at most so many requests at a time in one worker; the database keeps a connection for each
START_SECONDS = 60
STOP_SECONDS = 30  # for requests under way, once it is told to stop
HEADER_SECONDS = 15  # in which a request's headers come whole; so long a connection may be idle
MAX_HEADERS = 64 * 1024  # bytes of a request's headers
PR_SET_PDEATHSIG = 1
SWITCH_SECONDS = 0.0005
STOPS = (signal.SIGTERM, signal.SIGINT)


@dataclass(eq=False)
class CantBind(SealringError):
    """An address that the store can't listen on."""

    address: str
    reason: str
    exit_code: ClassVar[int] = 13

    def __str__(self) -> str:
        return f"{self.address}: {self.reason}"

    def hint(self) -> str:
        return "give another --bind ADDRESS:PORT; port 0 takes a free one"


@dataclass(frozen=True)
class Size:
    """How much a server does at a time: processes, and requests in each; and how long it takes to stop at most."""

    workers: int = 1
    threads: int = THREADS
    stop_seconds: int = STOP_SECONDS


@dataclass(frozen=True)
class ForOperator:
    """Where the operator's listener is; `ready` is called with its URL once it answers (SPEC HT-6)."""

    host: str
    port: int
    ready: Callable[[str], None]


def serve(
    folder: Path,
    host: str,
    port: int,
    size: Size,
    clock: Clock,
    ready: Callable[[str], None],
    operator: ForOperator | None = None,
) -> None:
    """Serve the store in this folder until SIGTERM or SIGINT; requests under way are finished.

    Args:
        port: 0 takes a free one.
        ready: called with the store's URL once it answers.
        operator: where the operator is answered, if anywhere.

    Raises:
        SealringError, OSError: before anything was served.
    """
    failures = Failures()
    _begin(open_store(folder, clock, failures=failures))
    end_operator: Callable[[], None] = _nothing
    with contextlib.ExitStack() as closing:
        reserved = closing.enter_context(_reserve(host, port))
        if operator is not None:
            # Forked before anything else here has threads; it answers already while the workers begin.
            kept = closing.enter_context(_reserve(operator.host, operator.port))
            address, parent = (operator.host, kept.getsockname()[1]), os.getpid()
            end_operator = closing.enter_context(beside(lambda: _operate(folder, address, clock, failures, parent)))
            if _answers(address, "/v1/health/live", 204, 403):  # 403 where a header is asked for
                operator.ready(_url(address))
        _serve(folder, (host, reserved.getsockname()[1]), size, clock, ready, failures, end_operator)
    log_event(logging.INFO, "stopped")


def _nothing() -> None:
    """What ends at once where nothing runs beside the store."""


def _operate(folder: Path, address: tuple[str, int], clock: Clock, failures: Failures, parent: int) -> None:
    """Answer the operator, in a process of its own (SPEC HT-6)."""
    _end_with(parent)
    me = os.getpid()

    def load(_target: str) -> Any:
        _end_with(me)
        app = create_operator_app(open_store(folder, clock, failures=failures))
        settle()
        return app

    _granian(address, Size(1, OPERATOR_THREADS)).serve(target_loader=load)


def _begin(here: StoreHere) -> None:
    """TF-10: what fell due while the store was off is signed before it answers anybody.

    A mirror has nothing to sign, and what it has is served whether its store answers now or not (MI-1).
    Where that fails (a token that is not plugged in) the store serves all the same: what it shows may be good for days,
    clients see for themselves when it is not, and it is tried again soon.
    """
    check_not_both(here)
    do_first(here)
    here.online.close()
    here.database.close()


def _serve(
    folder: Path,
    address: tuple[str, int],
    size: Size,
    clock: Clock,
    ready: Callable[[str], None],
    failures: Failures,
    end_others: Callable[[], None],
) -> None:
    parent = os.getpid()
    started, say_started = os.pipe()
    os.set_blocking(say_started, False)  # nobody reads it any more once the first ones are there

    def load(_target: str) -> Any:
        _end_with(parent)
        app = create_app(open_store(folder, clock, failures=failures))
        settle()
        with contextlib.suppress(BlockingIOError):
            os.write(say_started, b".")
        return app

    server = _granian(address, size)
    server.on_startup(partial(stop_by_signals, server, end_others))
    server.on_startup(
        threading.Thread(
            target=_attend, args=(started, size.workers, folder, address, clock, ready, failures), daemon=True
        ).start
    )
    server.serve(target_loader=load)


def _granian(address: tuple[str, int], size: Size) -> MPServer:
    return MPServer(
        "sealring_server",
        address=address[0],
        port=address[1],
        interface=Interfaces.WSGI,
        workers=size.workers,
        blocking_threads=size.threads,
        workers_kill_timeout=size.stop_seconds,
        # Whoever is out of memory takes one with him; twice within seconds ends the server, for its service manager.
        respawn_failed_workers=True,
        # No HTTP/2 without TLS: nobody speaks it to a store, and a connection that says nothing would never be cut.
        http=HTTPModes.http1,
        http1_settings=HTTP1Settings(header_read_timeout=HEADER_SECONDS * 1000, max_buffer_size=MAX_HEADERS),
        log_enabled=False,
    )


def _attend(
    started: int,
    workers: int,
    folder: Path,
    address: tuple[str, int],
    clock: Clock,
    ready: Callable[[str], None],
    failures: Failures,
) -> None:
    """Say that the store is ready once it answers; then let what falls due be signed (SPEC TF-10).

    That is done in one process of its own: a worker that follows one which died is forked from this process, and must
    find no connection to the database here, nor a lock that a thread holds (SQLite's are kept for each process).
    """
    for _ in range(workers):  # a worker is forked while this thread waits in `read` and holds nothing
        os.read(started, 1)
    if _answers(address, "/tuf/timestamp.json", 200):
        ready(_url(address))
        log_event(logging.INFO, "serving", what=_url(address))
        notify("READY=1")
    begin_watchdog(address)
    parent = os.getpid()
    fork = multiprocessing.get_context("fork")
    while True:
        child = fork.Process(target=_keep, args=(folder, clock, failures, parent), name="sealring-keep", daemon=True)
        # A stop that comes while it begins waits until that can end it; else the server would wait for it for ever.
        signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
        child.start()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
        child.join()  # it ends only where something killed it
        time.sleep(FIRST_PAUSE)


def _keep(folder: Path, clock: Clock, failures: Failures, parent: int) -> None:
    """All that a store does by itself, until it is ended."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # the server's own handlers came along
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPS)
    _end_with(parent)
    work(open_store(folder, clock, failures=failures))


def settle() -> None:
    """What a worker does once all is loaded, and before it answers."""
    # What was imported stays for good: no later collection need look at it while somebody waits.
    gc.collect()
    gc.freeze()
    # A reader waits at most so long for a thread that publishes; Python's own 5 ms would be its whole answer.
    sys.setswitchinterval(SWITCH_SECONDS)


def _url(address: tuple[str, int]) -> str:
    shown = f"[{address[0]}]" if ":" in address[0] else address[0]
    return f"http://{shown}:{address[1]}"


def _answers(address: tuple[str, int], path: str, *statuses: int) -> bool:
    """Whether the server answers within the start time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        connection = http.client.HTTPConnection(*address, timeout=5)
        with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
            connection.request("GET", path)
            if connection.getresponse().status in statuses:
                return True
        time.sleep(0.02)
    return False


def _reserve(host: str, port: int) -> socket.socket:
    """A bound socket that keeps the port for the workers, which share it (SO_REUSEPORT)."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        if port:
            # Without sharing first: a second store on one port would take half of the first one's requests.
            with socket.socket(family) as alone:
                alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind((host, port))
        reserved = socket.socket(family)
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        reserved.bind((host, port))
    except OSError as err:
        raise CantBind(f"{host}:{port}", err.strerror or str(err)) from None
    return reserved


def _end_with(parent: int) -> None:
    """Let this worker end when the process that started it is gone, or it would hold the port for ever."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit(1)
