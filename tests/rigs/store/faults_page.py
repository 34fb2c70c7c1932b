"""What the sweeps of a store's faults found, kept in .cache and written to docs/store-faults.md."""

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

CHECKOUT = Path(os.environ.get("SWEEP_CHECKOUT") or Path(__file__).resolve().parents[3])
FOLDER = CHECKOUT / ".cache" / "store-faults"
PAGE = CHECKOUT / "docs" / "store-faults.md"
SWEPT = ("server/sealring_server", "trust/sealring", "tests/rigs/store", "tests/stores.py", "tests/oracle.py")


@dataclass(frozen=True)
class Line:
    """One point of the first sweep; `words` is empty where everything held."""

    name: str
    call: str
    fault: str
    found: str
    place: str
    words: str
    seconds: float


@dataclass(frozen=True)
class Chunk:
    """One part of the second sweep."""

    name: str
    faults: dict[str, int]
    publications: int
    acknowledged: int
    tries: int
    looks: int
    bytes: int
    words: str
    seconds: float


@dataclass
class Progress:
    """Results of one sweep, for as long as what is swept stays the same."""

    sweep: str
    lines: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        FOLDER.mkdir(parents=True, exist_ok=True)
        self._file = FOLDER / f"{self.sweep}.jsonl"
        head, lines = _load(self._file)
        if head.get("key") == key_of_commit():
            self.lines = lines
        else:
            self._file.write_text(json.dumps({"key": key_of_commit()}) + "\n")

    @property
    def done(self) -> set[str]:
        """Names of what is done."""
        return {line.name for line in self.lines}

    def add(self, line: Line | Chunk) -> None:
        """Write it down at once."""
        self.lines.append(line)
        with self._file.open("a") as file:
            file.write(json.dumps(asdict(line)) + "\n")

    def say(self, total: int) -> None:
        """How much there is in all, and the day."""
        head = {"key": key_of_commit(), "total": total, "date": f"{datetime.now(UTC):%Y-%m-%d}"}
        lines = [json.dumps(head), *(json.dumps(asdict(line)) for line in self.lines)]
        self._file.write_text("\n".join(lines) + "\n")


def _load(file: Path) -> tuple[dict[str, Any], list[Any]]:
    if not file.exists():
        return {}, []
    head, *lines = [json.loads(text) for text in file.read_text().splitlines()]
    return head, [Chunk(**line) if "faults" in line else Line(**line) for line in lines]


def key_of_commit() -> str:
    """Names what is swept: the trees of the code, not the commit, which other work changes too."""
    names = [f"HEAD:{path}" for path in SWEPT]
    found = subprocess.run(["git", "rev-parse", *names], cwd=CHECKOUT, check=True, capture_output=True).stdout
    return os.environ.get("SWEEP_KEY") or hashlib.sha256(found).hexdigest()[:16]


def export(module: str) -> None:
    """Become this program in a copy of the last commit; does nothing in that copy."""
    if "SWEEP_KEY" in os.environ:
        return
    folder = Path(tempfile.mkdtemp(prefix="sealring-sweep-"))
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    (folder / ".cache").symlink_to(CHECKOUT / ".cache")  # components that were built once
    below = [folder, *(folder / name for name in ("trust", "server", "client"))]
    said = {"SWEEP_CHECKOUT": str(CHECKOUT), "SWEEP_KEY": key_of_commit()}
    environment = {**os.environ, **said, "PYTHONPATH": os.pathsep.join(map(str, below))}
    try:
        command = [sys.executable, "-m", module, *sys.argv[1:]]
        sys.exit(subprocess.run(command, cwd=folder, env=environment).returncode)
    finally:
        (folder / ".cache").unlink()
        shutil.rmtree(folder)


# --- the page


def write_page() -> None:
    """docs/store-faults.md, of what both sweeps have found so far."""
    kill, random = _load(FOLDER / "kill.jsonl"), _load(FOLDER / "random.jsonl")
    faults = len(kill[1]) + sum(sum(chunk.faults.values()) for chunk in random[1])
    broken = [line for line in (*kill[1], *random[1]) if line.words]
    python = f"Python {platform.python_version()}"
    head = [
        "# Faults at a store",
        "",
        "Written by `make sweep-store-kill` and `make sweep-store-faults` (`tests/rigs/store/`), which break a real",
        "served store off while real publishers publish to it, and look each time what is left.",
        "",
        f"- **{faults:,} faults injected; {len(broken)} after which something did not hold.**",
        f"- Machine: {cpu()}, {os.cpu_count()} cores, Linux {platform.release().partition('-')[0]}, {python}.",
        "",
        "What has to hold after each: a reader, who verifies everything from the TUF root down to each statement, is",
        "shown the old or the new state, whole, and never an older one than before; `sealring-store fsck` finds",
        "nothing, and neither does an oracle that shares no code with it; whatever a publisher holds a receipt for is",
        "there; the same `sealring publish` command again, by nobody's help, ends with a receipt that the store's",
        "keys have signed; and once what was left open has ended and was collected, there is no byte that no row",
        "names.",
    ]
    parts = [*head, *_kills(*kill), *_random(*random), *_broken(broken)]
    PAGE.write_text("\n".join(parts) + "\n")


def _kills(head: dict[str, Any], lines: list[Line]) -> list[str]:
    if not lines:
        return []
    total = int(head.get("total", 0))
    state = "all points" if len(lines) >= total else f"{len(lines)} of {total} points so far; the sweep goes on"
    rows = [
        "",
        "## At each system call",
        "",
        "One worker with SQLite and a folder of images; a publication of a revision, its release and its image. At",
        "every call that changes a disk the worker is killed, or the kernel says EIO or ENOSPC (strace injects, and",
        "shows that it struck). The last rows are calls of a checkpoint, which puts what was written ahead into the",
        "database: of its pages, one in four.",
        "",
        f"{head.get('date', '')}: {state}, in {sum(line.seconds for line in lines) / 60:.0f} minutes.",
        "",
        "| call | file | KILL | EIO | ENOSPC | found old | found new |",
        "|---|---|--:|--:|--:|--:|--:|",
    ]
    for call, place in sorted({(line.call, line.place) for line in lines}):
        own = [line for line in lines if (line.call, line.place) == (call, place)]
        count, found = Counter(line.fault for line in own), Counter(line.found for line in own)
        told = [count["KILL"], count["EIO"], count["ENOSPC"], found["old"], found["new"]]
        rows.append(f"| `{call}` | {place} | {' | '.join(str(number or '') for number in told)} |")
    rows += ["", "*New* after an error means that the publisher tried again by itself, and got through."]
    return rows


def _random(head: dict[str, Any], chunks: list[Chunk]) -> list[str]:
    if not chunks:
        return []
    total = int(head.get("total", 0))
    faults: Counter[str] = Counter()
    for chunk in chunks:
        faults.update(chunk.faults)
    counts = [sum(getattr(chunk, name) for chunk in chunks) for name in ("publications", "acknowledged", "tries")]
    looks, size = sum(chunk.looks for chunk in chunks), sum(chunk.bytes for chunk in chunks)
    minutes = sum(chunk.seconds for chunk in chunks) / 60
    rows = [
        "",
        "## At random, under load",
        "",
        "Four workers on PostgreSQL (with `fsync`) and an S3 server; several publishers, each a process that is",
        "started again when it fails, as a build server does; and a reader who looks all the time.",
        "",
        f"{head.get('date', '')}: {len(chunks)} of {total} parts, in {minutes:.0f} minutes. {counts[0]:,} publications",
        f"with {size / 1e6:,.0f} MB of images, {counts[1]:,} of them acknowledged in the end, in {counts[2]:,} runs",
        f"of the command; {looks:,} looks.",
        "",
        "| fault | times |",
        "|---|--:|",
    ]
    return [*rows, *(f"| {name} | {number} |" for name, number in sorted(faults.items()))]


def _broken(broken: list[Any]) -> list[str]:
    rows = ["", "## What did not hold", ""] if broken else []
    return [*rows, *(f"- {line.name}: {line.words}" for line in broken)]


def cpu() -> str:
    """The processor's model, as the kernel calls it."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return " ".join(line.partition(":")[2].split())
    return platform.machine()
