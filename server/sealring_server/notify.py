"""What a service manager is told: that the store answers, still does, and stops (the protocol of sd_notify)."""

import contextlib
import socket
import threading
import time

from sealring_server.surroundings import notify_socket, watchdog_seconds

PATIENCE = 10.0  # seconds for one answer


def notify(state: str) -> None:
    """Send this to the service manager; nothing where there is none, or it has gone."""
    place = notify_socket()
    if place is None:
        return
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
        to.sendto(state.encode(), b"\0" + place[1:].encode() if place.startswith("@") else place)


def keep_alive(address: tuple[str, int]) -> None:
    """Tell the service manager again and again that the workers answer, where it wants to know; never returns then.

    What is asked is refused by the HTTP parser before any thread of a worker is needed: whoever keeps all threads busy
    must not have the store restarted for it.
    """
    seconds = watchdog_seconds()
    if seconds is None:
        return
    while True:
        if answers_at_all(address):
            notify("WATCHDOG=1")
        time.sleep(seconds / 3)


def begin_watchdog(address: tuple[str, int]) -> None:
    """`keep_alive` in a thread, which ends with this process."""
    threading.Thread(target=keep_alive, args=(address,), daemon=True).start()


def answers_at_all(address: tuple[str, int]) -> bool:
    """Whether a worker takes a connection and reads what comes."""
    try:
        with socket.create_connection(address, PATIENCE) as line:
            line.sendall(b"?\r\n\r\n")
            return line.recv(5) == b"HTTP/"
    except OSError:
        return False
