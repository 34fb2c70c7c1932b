"""What the process around the store says: the service manager's credentials, and the state of its PKCS#11 module.

The one module of the store that looks at its environment.
"""

import os
import sys
from pathlib import Path

_tokens_of: int | None = None  # the process that has loaded the PKCS#11 module


def credentials_folder() -> Path | None:
    """Where systemd put this service's credentials; None where it was given none."""
    found = os.environ.get("CREDENTIALS_DIRECTORY")
    return Path(found) if found else None


def notify_socket() -> str | None:
    """Where the service manager listens; None where nobody does."""
    return os.environ.get("NOTIFY_SOCKET") or None


def watchdog_seconds() -> float | None:
    """How often the service manager wants to hear from this very process; None where it does not."""
    every, of = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not every.isdecimal() or (of and of != str(os.getpid())):
        return None
    return int(every) / 1_000_000


def wake_tokens(where: str) -> None:
    """PKCS#11 ends with a fork: a child that inherits the loaded module must begin anew, before it opens a token.

    Args:
        where: the key that is about to be opened; other kinds need nothing.
    """
    global _tokens_of  # noqa: PLW0603 - the module that it speaks of is one in a process, too
    if not where.startswith("hsm:"):
        return
    if _tokens_of not in (None, os.getpid()) and "pkcs11" in sys.modules:
        import pkcs11

        pkcs11.lib(os.environ["PYKCS11LIB"]).reinitialize()
    _tokens_of = os.getpid()
