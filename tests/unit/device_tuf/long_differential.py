"""Both TUF clients over histories of generated repositories, for as long as one likes; writes docs/differential.md.

    make sweep-differential                                   goes on where it was stopped
    python -m tests.unit.device_tuf.long_differential MINUTES

History number N is always the same one. What was counted is kept for as long as the client and these tests stay the
same. A difference that is not listed is shown with its number, and the sweep ends with 1.
"""

import hashlib
import json
import os
import platform
import sys
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import count
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from tests.rigs.sweep_kill import cpu
from tests.unit.device_tuf.pair import history

CHECKOUT = Path(__file__).resolve().parents[3]
PROGRESS = CHECKOUT / ".cache" / "differential" / "progress.json"
PAGE = CHECKOUT / "docs" / "differential.md"
SWEPT = (
    "client/sealring_client/decide/tuf",
    "client/sealring_client/tuf_target.py",
    "tests/unit/device_tuf/generated.py",
    "tests/unit/device_tuf/pair.py",
    "tests/tuf_tree.py",
)
GOAL = 40_000
MINUTES = 60.0
ROUND = 200  # histories between two looks at the clock
STEPS = 6
WORKERS = 2
_HEAD = """# Two TUF clients, side by side

Written by `make sweep-differential` (`tests/unit/device_tuf/long_differential.py`), which generates repositories
(delegation trees, hash prefixes, bins, both namings, lengths and hashes named or not), lets each go through a history
of honest and hostile changes (rotations, expiry, versions, hashes, lengths, dropped and strange signatures, reordered
delegations, missing, swapped and spoilt files, old states signed anew), and after each step asks the device's client
and python-tuf's `ngclient` for targets: the same verdict and the same bytes, or a difference that
[tuf-client.md](tuf-client.md) lists.
"""


@dataclass
class State:
    """What came of the histories so far."""

    key: str
    histories: int = 0
    judged: dict[str, int] = field(default_factory=dict)
    explained: dict[str, int] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    unexplained: list[str] = field(default_factory=list)


def one(number: int) -> tuple[Counter[str], Counter[str], Counter[str], list[str]]:
    """What history `number` came to: pairs of verdicts, listed differences, reasons, differences that are none."""
    judged, explained, refusals, unexplained = Counter[str](), Counter[str](), Counter[str](), list[str]()
    memory = Path("/dev/shm")
    with TemporaryDirectory(prefix="sealring-pair-", dir=memory if memory.is_dir() else None) as folder:
        for each in history(Random(number), Path(folder) / "x", steps=STEPS):
            judged[f"{each.ours.word}, {each.theirs.word}"] += 1
            if each.ours.digest is None:
                refusals[each.ours.reason] += 1
            if not each.same and each.explained:
                explained[each.explained] += 1
            elif not each.same:
                unexplained.append(f"history {number}: {each}")
    return judged, explained, refusals, unexplained


def key() -> str:
    """Names what is compared: the very files."""
    found = hashlib.sha256(version("tuf").encode())
    for place in SWEPT:
        path = CHECKOUT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def load() -> State:
    """The progress on these files; a new one where others were compared before."""
    if PROGRESS.exists():
        found = State(**json.loads(PROGRESS.read_text()))
        if found.key == key():
            return found
    return State(key())


def save(state: State) -> None:
    """Keep the progress, and write the page of it."""
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    draft = PROGRESS.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state)))
    draft.rename(PROGRESS)
    PAGE.write_text(page(state))


def sweep(state: State, deadline: float) -> int:
    """Rounds of histories until the goal or the deadline; the exit code."""
    with ProcessPoolExecutor(WORKERS) as pool:
        for begin in count(state.histories, ROUND):
            if begin >= GOAL or time.monotonic() > deadline:
                break
            for judged, explained, refusals, unexplained in pool.map(one, range(begin, begin + ROUND), chunksize=10):
                state.judged = dict(Counter(state.judged) + judged)
                state.explained = dict(Counter(state.explained) + explained)
                state.refusals = dict(Counter(state.refusals) + refusals)
                state.unexplained += unexplained
            state.histories = begin + ROUND
            save(state)
            print(f"{state.histories:>8,} histories, {len(state.unexplained)} differences not listed", flush=True)
    for line in state.unexplained:
        print(line)
    return 1 if state.unexplained or state.histories < GOAL else 0


def page(state: State) -> str:
    """docs/differential.md."""
    kernel, python = platform.release().partition("-")[0], platform.python_version()
    facts = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {kernel}, Python {python}, tuf {version('tuf')}.",
        f"- {state.histories:,} of {GOAL:,} histories, {sum(state.judged.values()):,} comparisons.",
        f"- Differences that are not listed: **{len(state.unexplained)}**.",
        "",
        "| device, python-tuf | comparisons |",
        "|---|--:|",
    ]
    rows = [f"| {pair} | {number:,} |" for pair, number in sorted(state.judged.items())]
    rows += [f"| listed: {name} | {number:,} |" for name, number in sorted(state.explained.items())]
    rows += ["", "| the device's refusal | comparisons |", "|---|--:|"]
    rows += [f"| `{name}` | {number:,} |" for name, number in sorted(state.refusals.items(), key=lambda kv: -kv[1])]
    return "\n".join([_HEAD, *facts, *rows]) + "\n"


if __name__ == "__main__":
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    sys.exit(sweep(load(), time.monotonic() + minutes * 60))
