"""The compromise table of SPEC section 16, and the mark by which a test says which of its cells it plays."""

import re
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

SPEC = Path(__file__).resolve().parents[3] / "SPEC.md"
PLAYED = ("no", "bounded", "yes")
"""Words that promise something of today; a letter or a dash does not."""

NO_WAY = "\N{EN DASH}"
"""He has no way at it beyond the network's."""

Cell = tuple[str, str]
"""(he holds, column)"""
T = TypeVar("T", bound=Callable[..., Any])


@lru_cache(maxsize=1)
def table() -> dict[Cell, str]:
    """The word in each cell of the table."""
    section = SPEC.read_text(encoding="utf-8").split("\n## 16. ")[1]
    rows = [re.split(r"\s*\|\s*", line.strip("| \n")) for line in section.splitlines() if line.startswith("|")]
    columns = rows[0][1:]
    cells: dict[Cell, str] = {}
    for row in rows[2:]:
        assert len(row) == len(rows[0]), row
        cells |= {(row[0], column): word for column, word in zip(columns, row[1:], strict=True)}
    return cells


def cell(holder: str, *columns: str, says: str = "no") -> Callable[[T], T]:
    """The test plays this attacker against these columns, whose word is `says`."""

    def mark(test: T) -> T:
        claims = [*getattr(test, "cells", []), *(((holder, column), says) for column in columns)]
        test.cells = claims  # type: ignore[attr-defined]
        return test

    return mark


def claims_of(module: object) -> list[tuple[str, Cell, str]]:
    """(test, cell, word) of every claim in a module."""
    return [
        (name, where, says)
        for name, test in vars(module).items()
        if name.startswith("test_")
        for where, says in getattr(test, "cells", [])
    ]
