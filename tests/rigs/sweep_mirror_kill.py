"""A mirror killed at hundreds of random moments of its looks; writes docs/mirror-kill.md.

    make sweep-mirror-kill                    goes on where it was stopped
    python -m tests.rigs.sweep_mirror_kill MINUTES

Progress is kept for as long as the store and these rigs stay the same.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from tests.rigs.mirror_kills import Killed, kill_again_and_again
from tests.rigs.sweep_kill import cpu

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRESS = CHECKOUT / ".cache" / "mirror-kill" / "progress.jsonl"
PAGE = CHECKOUT / "docs" / "mirror-kill.md"
SWEPT = ("server/sealring_server", "trust/sealring", "tests/rigs/mirror_kills.py")
ROUNDS, KILLS, RELEASES = 12, 20, 20
MINUTES = 60.0
_HEAD = """# Mirrors that are killed

Written by `make sweep-mirror-kill` (`tests/rigs/sweep_mirror_kill.py`). In each round `sealring-store mirror` follows a
real store of 20 entries, of which one rotated its TUF root, and is killed (SIGKILL) at random moments of its looks; in
the middle the store goes on.

What has to hold after each kill: the mirror's database shows nothing, or one whole state of its store. At the end of a
round: one more look, and its tables are row for row those of a mirror that was never killed; `fsck` finds nothing.
"""


def key() -> str:
    """Names what is swept: the very files."""
    found = hashlib.sha256()
    for place in SWEPT:
        path = CHECKOUT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def load(now: str) -> list[Killed]:
    """The rounds that are done; none where other code was swept before."""
    if PROGRESS.exists():
        head, *lines = PROGRESS.read_text().splitlines()
        if head == now:
            return [Killed(**json.loads(text)) for text in lines]
    PROGRESS.parent.mkdir(parents=True, exist_ok=True)
    PROGRESS.write_text(f"{now}\n")
    return []


def sweep(deadline: float) -> int:
    """Run what is left until the deadline, then write the page; the exit code."""
    done = load(key())
    for seed in range(len(done), ROUNDS):
        if time.monotonic() > deadline:
            break
        with tempfile.TemporaryDirectory(prefix="sealring-mirror-kill-") as name:
            done.append(kill_again_and_again(Path(name), seed, kills=KILLS, releases=RELEASES))
        with PROGRESS.open("a") as progress:
            progress.write(json.dumps(asdict(done[-1])) + "\n")
    PAGE.write_text(page(done))
    print(f"{len(done)} of {ROUNDS} rounds; {PAGE.name} is written")
    return 0 if len(done) == ROUNDS else 1


def page(done: list[Killed]) -> str:
    """What the sweep came to; a round in which something did not hold ends it, and is never counted."""
    shown = Counter(number for one in done for number in one.shown)
    count, died = sum(len(one.shown) for one in done), sum(one.died for one in done)
    lines = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {platform.release()}, Python {platform.python_version()}.",
        f"- Rounds: {len(done)} of {ROUNDS}. Kills: {count}, of which {died} met a process that had not ended yet.",
        "",
        "| entries that the mirror showed after a kill | times |",
        "|--:|--:|",
        *(f"| {number or 'none'} | {times} |" for number, times in sorted(shown.items())),
    ]
    return _HEAD + "\n" + "\n".join(lines) + "\n"


if __name__ == "__main__":
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    sys.exit(sweep(time.monotonic() + minutes * 60))
