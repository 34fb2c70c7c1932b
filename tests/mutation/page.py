"""docs/mutation.md, from what the sweep has tried and from what explained.toml says of survivors."""

import os
import platform
import tomllib
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from tests.mutation.mutants import FILES

if TYPE_CHECKING:
    from tests.mutation.sweep import State, Tried

EXPLAINED = Path(__file__).with_name("explained.toml")

_HEAD = """# Mutation testing

Written by `make sweep-mutants` (`tests/mutation/sweep.py`), which changes one thing at a time in what decides whether
a statement counts, and looks whether any of the tests that run the changed line says no.
"""
_MEANING = """
The changes are those of cosmic-ray (comparisons, numbers, arithmetic, `not`, true and false, loops), and five of our
own: a call or a raise left out, a condition of an `and` or `or` left out, `in` turned round, one side of a conditional
expression alone, an `except` that catches nothing (`tests/mutation/operators.py`). Types, decorators and words for
people are left alone. *Killed* is what a test refuses, cannot import, or does not finish within five times its time.

| file | mutants | killed | survived | explained | not tried |
|---|--:|--:|--:|--:|--:|"""


def explanations() -> dict[str, str]:
    """Why each known survivor is no gap, by the mutant's name."""
    listed = tomllib.loads(EXPLAINED.read_text())["survivor"]
    return {" | ".join((one["file"], one["where"], one["before"], one["after"])): one["why"] for one in listed}


def survivors(state: "State", file: str) -> list["Tried"]:
    """What no test has killed."""
    return [one for one in state.tried.get(file, {}).values() if not one.by]


def open_questions(state: "State") -> list[str]:
    """What keeps the sweep from being done: survivors that nobody explained, and mutants that were not tried."""
    known = explanations()
    found = [f"not explained: {one.name}" for file in FILES for one in survivors(state, file) if one.name not in known]
    for file in FILES:
        left = state.wanted.get(file, 0) - len(state.tried.get(file, {}))
        if left or file not in state.wanted:
            found.append(f"not tried: {left if file in state.wanted else 'all'} of {file}")
    return found


def page(state: "State") -> str:
    """The whole page."""
    known, rows, sums = explanations(), list[str](), [0] * 5
    for file in FILES:
        tried, left = state.tried.get(file, {}), survivors(state, file)
        told = sum(one.name in known for one in left)
        mutants = state.wanted.get(file, 0)
        counts = [mutants, len(tried) - len(left), len(left), told, mutants - len(tried)]
        sums = [one + other for one, other in zip(sums, counts, strict=True)]
        if file not in state.wanted:
            rows.append(f"| {file}.py | | | | | all |")
            continue
        rows.append(f"| {file}.py | {' | '.join(map(str, counts))} |")
    # Not sooner: it brings sealring with it, which only the processes that try a mutant may import.
    from tests.rigs.sweep_kill import cpu

    kernel, python, engine = platform.release().partition("-")[0], platform.python_version(), version("cosmic-ray")
    untried = sum(file not in state.wanted for file in FILES)
    facts = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {kernel}, Python {python}, cosmic-ray {engine}. One process.",
        f"- Code: commit {state.commit}. Mutants: **{sums[0]}**, tried in {state.seconds / 60:.0f} minutes.",
        f"- Survivors without an explanation: **{sums[2] - sums[3]}**. Not tried: **{sums[4]}**,",
        f"  and **{untried}** of {len(FILES)} files whole (`make sweep-mutants` goes on).",
    ]
    rows.append(f"| all | {' | '.join(map(str, sums))} |")
    return "\n".join([_HEAD, *facts, _MEANING, *rows, *_survivors(state, known)]) + "\n"


def _survivors(state: "State", known: dict[str, str]) -> list[str]:
    found = ["", "## Survivors", ""]
    for file in FILES:
        for name in sorted({one.name for one in survivors(state, file)}):
            _, where, before, after = name.split(" | ", 3)
            found.append(
                f"- `{file}.py`, {where}: `{before}` becomes `{after}`. {known.get(name, '**Not explained.**')}"
            )
    return found if len(found) > 3 else ["", "None survived."]
