"""Every point of `sealring-device tuf`, with each fault that the kernel returns there; writes docs/tuf-kill-sweep.md.

    make sweep-tuf-kill                    goes on where it was stopped
    python -m tests.rigs.sweep_tuf_kill MINUTES

Progress is kept for as long as the client and these rigs stay the same.
"""

import hashlib
import json
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests.rigs.components import path_of
from tests.rigs.device.strace import Point
from tests.rigs.device.tuf_interrupted import ACTIONS, Action, TufStage
from tests.rigs.sweep_kill import cpu

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRESS = CHECKOUT / ".cache" / "tuf-kill" / "progress.jsonl"
PAGE = CHECKOUT / "docs" / "tuf-kill-sweep.md"
SWEPT = ("client/sealring_client", "trust/sealring/durable.py", "tests/rigs/device", "tests/tuf_tree.py")
MINUTES = 60.0
_HEAD = """# The kill sweep of `sealring-device tuf`

Written by `make sweep-tuf-kill` (`tests/rigs/sweep_tuf_kill.py`), which breaks `init`, `refresh` and `download` off at
every system call that changes something, against a running repository two roots, other keys and a new target ahead.

What has to hold after each: every trusted file is one that the repository published, byte for byte; the target is not
there, old or new, never a part; the command has ended with 0, 1 or the kill; the next `download` ends well without
anybody's help, and leaves exactly the files that an undisturbed one leaves. Each fault is proved by the trace.
"""


@dataclass(frozen=True)
class Line:
    """One point's result; `words` is empty where everything held."""

    action: Action
    point: str
    fault: str
    target: str
    root: int
    words: str


def key() -> str:
    """Names what is swept: the very files."""
    found = hashlib.sha256()
    for place in SWEPT:
        path = CHECKOUT / place
        for file in sorted(path.rglob("*.py")) if path.is_dir() else [path]:
            found.update(file.read_bytes())
    return found.hexdigest()[:16]


def load(now: str) -> dict[str, Line]:
    """The points that are done; none where other code was swept before."""
    found: dict[str, Line] = {}
    if PROGRESS.exists():
        head, *lines = PROGRESS.read_text().splitlines()
        if head == now:
            found = {line.action + line.point: line for line in (Line(**json.loads(text)) for text in lines)}
    if not found:
        PROGRESS.parent.mkdir(parents=True, exist_ok=True)
        PROGRESS.write_text(f"{now}\n")
    return found


def sweep(deadline: float) -> int:
    """Run what is left until the deadline, then write the page; the exit code."""
    done, total = load(key()), Counter[str]()
    with tempfile.TemporaryDirectory(prefix="sealring-tuf-kill-") as name:
        with TufStage(path_of("strace"), Path(name)).running() as stage:
            left = []
            for action in ACTIONS:
                points = stage.points(action)
                total[action] = len(points)
                left += [(action, point) for point in points if action + str(point) not in done]
            for line in run_all(stage, left, deadline):
                done[line.action + line.point] = line
    lines = list(done.values())
    PAGE.write_text(page(lines, total))
    broken = sum(bool(line.words) for line in lines)
    print(f"{len(lines)} of {total.total()} points, {broken} broken; {PAGE.name} is written")
    return 1 if broken or len(lines) < total.total() else 0


def run_all(stage: TufStage, left: list[tuple[Action, Point]], deadline: float) -> Iterator[Line]:
    """These points, two at a time, each written down as soon as it is known."""

    def run_one(one: tuple[int, tuple[Action, Point]]) -> Line | None:
        number, (action, point) = one
        if time.monotonic() > deadline:
            return None
        try:
            found = stage.interrupt(action, point, f"broken-{number}")
            return Line(action, str(point), point.fault, found.target, found.root, "")
        except Exception as err:  # noqa: BLE001 - whatever it is, it is this point's result
            words = f"{type(err).__name__}: {' '.join(str(err).split())[:600]}"
            return Line(action, str(point), point.fault, "", 0, words)

    with ThreadPoolExecutor(2) as pool, PROGRESS.open("a") as progress:
        for line in pool.map(run_one, enumerate(left)):
            if line is not None:
                progress.write(json.dumps(asdict(line)) + "\n")
                progress.flush()
                if line.words:
                    print(f"{line.action}: {line.point}: {line.words}", flush=True)
                yield line


def page(lines: list[Line], total: Counter[str]) -> str:
    """docs/tuf-kill-sweep.md."""
    broken = [line for line in lines if line.words]
    rows = [
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}.",
        f"- Swept: {len(lines)} of {total.total()} points. Points at which something did not hold: **{len(broken)}**.",
        "",
        "| command | points | KILL | ENOSPC | EIO | no target | old | new |",
        f"|---|{'--:|' * 7}",
    ]
    for action in ACTIONS:
        own = [line for line in lines if line.action == action]
        faults, found = Counter(line.fault for line in own), Counter(line.target for line in own if not line.words)
        counts = [
            total[action],
            *(faults[f] for f in ("KILL", "ENOSPC", "EIO")),
            *(found[t] for t in ("none", "old", "new")),
        ]
        rows.append(f"| {action} | {' | '.join(map(str, counts))} |")
    if broken:
        rows += ["", "## What did not hold", "", *(f"- {x.action}: {x.point}: {x.words}" for x in broken)]
    return "\n".join([_HEAD, *rows]) + "\n"


if __name__ == "__main__":
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    sys.exit(sweep(time.monotonic() + minutes * 60))
