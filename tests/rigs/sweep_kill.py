"""Every point of the device's commands, with each fault that the kernel can return there; writes docs/kill-sweep.md.

    make sweep-kill                    as root; goes on where it was stopped
    python -m tests.rigs.sweep_kill MINUTES

What is swept is the last commit, exported, so that nobody's edits change it meanwhile. Progress is kept for as long
as the device, the core and these rigs stay the same.
"""

import hashlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from multiprocessing import get_context
from pathlib import Path
from typing import get_args

from tests.rigs.components import path_of
from tests.rigs.device.interrupted import COMMANDS, Command, Stage, Third
from tests.rigs.device.strace import Point

CHECKOUT = Path(os.environ.get("SWEEP_CHECKOUT") or Path(__file__).resolve().parents[2])
PROGRESS = CHECKOUT / ".cache" / "kill-sweep" / "progress.jsonl"
PAGE = CHECKOUT / "docs" / "kill-sweep.md"
SWEPT = ("client", "trust", "tests/rigs/device", "tests/rigs/sweep_kill.py", "tests/world.py", "tests/stores.py")
WORKERS = 2
MINUTES = 30.0


@dataclass(frozen=True)
class Line:
    """One point's result; `words` is empty where everything held."""

    command: str
    call: str
    number: int
    place: str
    fault: str
    found: str
    words: str
    seconds: float


def export() -> None:
    """Become this program in a copy of the last commit."""
    folder = Path(tempfile.mkdtemp(prefix="sealring-sweep-"))
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    below = [folder, *(folder / name for name in ("trust", "server", "client"))]
    environment = {
        **os.environ,
        "SWEEP_CHECKOUT": str(CHECKOUT),
        "SWEEP_KEY": key_of_commit(),
        "PYTHONPATH": os.pathsep.join(map(str, below)),
        "PYTHONHASHSEED": "0",
    }
    try:
        command = [sys.executable, "-m", "tests.rigs.sweep_kill", *sys.argv[1:]]
        sys.exit(subprocess.run(command, cwd=folder, env=environment).returncode)
    finally:
        shutil.rmtree(folder)


def key_of_commit() -> str:
    """Names what is swept: the trees of the code, not the commit, which other work changes too."""
    names = [f"HEAD:{path}" for path in SWEPT]
    found = subprocess.run(["git", "rev-parse", *names], cwd=CHECKOUT, check=True, capture_output=True).stdout
    return hashlib.sha256(found).hexdigest()[:16]


def load(key: str) -> dict[str, Line]:
    """The points that are done, by command and point."""
    found: dict[str, Line] = {}
    if PROGRESS.exists():
        head, *lines = PROGRESS.read_text().splitlines()
        if head == key:
            for text in lines:
                line = Line(**json.loads(text))
                found[name_of(line.command, line.call, line.number, line.fault)] = line
    if not found:
        PROGRESS.parent.mkdir(parents=True, exist_ok=True)
        PROGRESS.write_text(f"{key}\n")
    return found


def name_of(command: str, call: str, number: int, fault: str) -> str:
    return f"{command} {call} {number} {fault}"


def sweep(deadline: float, key: str) -> int:
    """Run what is left until the deadline, then write the page; the number of points at which something broke."""
    done, total = load(key), Counter[str]()
    started, before = time.monotonic(), len(done)
    for third in get_args(Third):
        folder = Path(tempfile.mkdtemp(prefix="sealring-sweep-"))
        try:
            with Stage(path_of("strace"), folder, third=third).running() as stage:
                for command in COMMANDS:
                    if command.third != third:
                        continue
                    points = command.points(stage, folder / "points")
                    total[command.name] = len(points)
                    names = {name_of(command.name, p.call, p.number, p.fault): p for p in points}
                    left = [point for name, point in names.items() if name not in done]
                    run_all(stage, command, left, done, deadline)
        finally:
            shutil.rmtree(folder)
    minutes = (time.monotonic() - started) / 60
    PAGE.write_text(page(list(done.values()), total, minutes, len(done) - before))
    print(f"{len(done)} of {total.total()} points in {PROGRESS.name}; {PAGE.name} is written")
    return sum(bool(line.words) for line in done.values())


def run_all(stage: Stage, command: Command, left: Iterable[Point], done: dict[str, Line], deadline: float) -> None:
    """These points, two at a time, each written down as soon as it is known."""
    begun = (stage, command, deadline)
    pool = ProcessPoolExecutor(WORKERS, mp_context=get_context("fork"), initializer=begin, initargs=begun)
    with pool, PROGRESS.open("a") as progress:
        for line in pool.map(run_one, left):
            if line is not None:
                done[name_of(line.command, line.call, line.number, line.fault)] = line
                progress.write(json.dumps(asdict(line)) + "\n")
                progress.flush()
                if line.words:
                    print(f"{line.command}: {line.fault} at {line.call} {line.number} ({line.place}): {line.words}")


_given: list[tuple[Stage, Command, float]] = []


def begin(stage: Stage, command: Command, deadline: float) -> None:
    """What a worker works on; it is inherited, since running stores can't be handed on."""
    _given[:] = [(stage, command, deadline)]


def run_one(point: Point) -> Line | None:
    """One point; None where the time is up."""
    [(stage, command, deadline)] = _given
    if time.time() > deadline:
        return None
    started, found, words = time.monotonic(), "", ""
    try:
        folder = stage.folder / f"{os.getpid()}-{time.monotonic_ns()}"
        found = command.interrupt(stage, folder, point).found
    except Exception as err:  # noqa: BLE001 - whatever it is, it is this point's result
        words = f"{type(err).__name__}: {' '.join(str(err).split())[:600]}"
    seconds = round(time.monotonic() - started, 2)
    return Line(command.name, point.call, point.number, point.place, point.fault, found, words, seconds)


# --- the page


def page(lines: list[Line], total: Counter[str], minutes: float, now: int) -> str:
    """docs/kill-sweep.md."""
    broken = [line for line in lines if line.words]
    whole = len(lines) >= total.total()
    state = "all points" if whole else f"{len(lines)} of {total.total()} points so far; `make sweep-kill` goes on"
    head = [
        "# The kill sweep",
        "",
        "Written by `make sweep-kill` (`tests/rigs/sweep_kill.py`), which breaks the device's real commands off at",
        "every system call that changes something, against a real running store, and looks what is left each time.",
        "",
        f"- Date: {datetime.now(UTC):%Y-%m-%d}. Machine: {cpu()}, {os.cpu_count()} cores,",
        f"  Linux {platform.release().partition('-')[0]}, Python {platform.python_version()}.",
        f"- Swept: {state}. {now} of them in the last run, in {minutes:.1f} minutes, {WORKERS} at a time.",
        f"- Points at which something did not hold: **{len(broken)}**.",
        "",
        "What has to hold after each: `current` is a whole generation, the old or the new one, every byte of it;",
        "`status` works; after a restart its programs run, and the store's own past under today's address is refused",
        "(no floor was lost); the next `refresh` ends on the new release without anybody's help (a `provision` or",
        "`rollback` that did not end is repeated first); and then no file, mount or loop device is left over that an",
        "undisturbed run would not have. Each fault is proved by the trace: it struck at that very call, or the point",
        "counts as broken. *Old* is what ran before the command (nothing, before a provisioning); *in trial*: the",
        "new generation is `current` and the old one `good`, to which the next start goes back before it tries again.",
    ]
    return "\n".join([*head, *_by_command(lines, total), *_by_call(lines), *_broken(broken)]) + "\n"


def _by_command(lines: list[Line], total: Counter[str]) -> list[str]:
    rows = ["", "| command | points | done | found old | in trial | found new | broken |", f"|---|{'--:|' * 6}"]
    for command, points in total.items():
        own = [line for line in lines if line.command == command]
        found = Counter(line.found for line in own if not line.words)
        bad = sum(bool(line.words) for line in own)
        counts = (points, len(own), found["old"], found["trial"], found["new"], bad)
        rows.append(f"| {command} | {' | '.join(map(str, counts))} |")
    return rows


def _by_call(lines: list[Line]) -> list[str]:
    faults = ("KILL", "ENOSPC", "EIO", "EBUSY")
    rows = ["", f"| call | {' | '.join(faults)} |", "|---|" + "--:|" * len(faults)]
    counts = Counter((line.call, line.fault) for line in lines)
    for call in sorted({line.call for line in lines}):
        rows.append(f"| `{call}` | " + " | ".join(str(counts[call, fault] or "") for fault in faults) + " |")
    sums = " | ".join(str(sum(line.fault == fault for line in lines)) for fault in faults)
    return [*rows, f"| all | {sums} |"]


def _broken(broken: list[Line]) -> list[str]:
    if not broken:
        return []
    rows = ["", "## What did not hold", ""]
    for line in broken:
        rows.append(f"- {line.command}: {line.fault} at `{line.call}` {line.number} ({line.place}): {line.words}")
    return rows


def cpu() -> str:
    """The processor's model, as the kernel calls it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()


if __name__ == "__main__":
    if "SWEEP_KEY" not in os.environ:
        export()
    # Asked to end: the stores and mounts are taken down first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    minutes_given = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    sys.exit(1 if sweep(time.time() + minutes_given * 60, os.environ["SWEEP_KEY"]) else 0)
