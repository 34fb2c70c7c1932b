"""All that the command may touch beyond its files: the clock, the terminal, the environment. Read here only."""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO


@dataclass(frozen=True)
class Outside:
    """The world of one run. `real` builds the true one; a test builds its own.

    Args:
        clock: aware, UTC.
        out, err: results, and all else.
        interactive: whether a person can be asked.
        color: whether colour is wanted where `out` is a terminal.
    """

    clock: Callable[[], datetime]
    out: TextIO
    err: TextIO
    interactive: bool
    color: bool


def real(environment: Mapping[str, str] = os.environ) -> Outside:
    """This process's own world; colour unless NO_COLOR is set."""
    return Outside(
        clock=lambda: datetime.now(UTC).replace(microsecond=0),
        out=sys.stdout,
        err=sys.stderr,
        interactive=sys.stdin.isatty() and sys.stderr.isatty(),
        color=not environment.get("NO_COLOR") and environment.get("TERM") != "dumb",
    )
