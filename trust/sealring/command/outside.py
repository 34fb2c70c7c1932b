"""All that the command may touch beyond its files: the clock, the terminal, the environment. Read here only."""

import os
import random
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO


@dataclass(frozen=True)
class Outside:
    """The world of one run. `real` builds the true one; a test builds its own.

    Args:
        clock: aware, UTC.
        out, err: results, and all else.
        interactive: whether a person can be asked.
        color: whether colour is wanted where `out` is a terminal.
        state: the folder for what is kept from one run to the next; None to keep nothing.
        sleep: waits for so many seconds.
        chance: a number from 0 to 1, for pauses; nothing secret comes from it.
    """

    clock: Callable[[], datetime]
    out: TextIO
    err: TextIO
    interactive: bool
    color: bool
    state: Path | None = None
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = random.random


def real(environment: Mapping[str, str] = os.environ) -> Outside:
    """This process's own world; colour unless NO_COLOR is set."""
    return Outside(
        clock=lambda: datetime.now(UTC).replace(microsecond=0),
        out=sys.stdout,
        err=sys.stderr,
        interactive=sys.stdin.isatty() and sys.stderr.isatty(),
        color=not environment.get("NO_COLOR") and environment.get("TERM") != "dumb",
        state=_state(environment),
    )


def _state(environment: Mapping[str, str]) -> Path | None:
    """`$XDG_STATE_HOME/sealring`, by default below `~/.local/state`; a path that is not absolute counts as unset."""
    given, home = environment.get("XDG_STATE_HOME", ""), environment.get("HOME", "")
    if given.startswith("/"):
        return Path(given) / "sealring"
    return Path(home) / ".local" / "state" / "sealring" if home.startswith("/") else None
