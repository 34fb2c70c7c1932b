"""One turn of one fuzzer: a process of libFuzzer over a corpus that is kept, and what came of it."""

import os
import re
import subprocess
import sys
import time
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from tests.fuzz.engine import read_counts
from tests.fuzz.harness import scratch
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.seeds import kept

INPUT_SECONDS = 10  # one input that takes longer is a finding
MEMORY_MIB = 2048  # as is one that needs more
_STATUS = re.compile(r"^#\d+\s+[A-Z]+\s+cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)
_RAISED = re.compile(r"=== Uncaught Python exception: ===\n(.*?)(?:\nTraceback|\Z)", re.DOTALL)
_PLACE = re.compile(r'^  File "[^"]*?([^"/]+/[^"/]+)", line (\d+), in (\S+)', re.MULTILINE)
_KILLED = re.compile(r"ERROR: libFuzzer: (.*)")


@dataclass(frozen=True)
class Finding:
    """What one input brought about, and where that input lies."""

    harness: str
    words: str
    place: str
    digest: str


@dataclass(frozen=True)
class Turn:
    """What came of one turn."""

    inputs: int
    accepted: int
    edges: int
    features: int
    corpus: int
    seconds: float
    findings: tuple[Finding, ...]
    said: str


def take_turn(name: str, cache: Path, *, seconds: int, runs: int = -1) -> Turn:
    """Fuzz one parser until the time or the runs are used up, or something is found.

    Args:
        cache: holds a folder a harness, with its `corpus`, its `seeds`, and under `found` what brought something about.
    """
    folder = cache / name
    for part in ("corpus", "seeds", "found"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    _write_seeds(name, folder / "seeds")
    before = set(os.listdir(folder / "found"))
    flags = [f"-max_total_time={seconds}", f"-runs={runs}", f"-timeout={INPUT_SECONDS}", f"-rss_limit_mb={MEMORY_MIB}"]
    flags += [f"-artifact_prefix={folder / 'found'}/", "-reload=0", "-print_final_stats=1"]
    flags += [str(folder / "corpus"), str(folder / "seeds")]
    began = time.monotonic()
    with scratch() as own:
        command = [sys.executable, "-m", "tests.fuzz.engine", name, str(folder / "counts"), str(own), *flags]
        done = subprocess.run(command, capture_output=True, text=True, errors="replace")
    inputs, accepted = read_counts(folder / "counts")
    edges, features, corpus = max(map(_numbers, _STATUS.findall(done.stderr)), default=(0, 0, 0))
    said = "\n".join(line for line in (done.stderr + done.stdout).splitlines() if not line.startswith("INFO:"))
    new = sorted(set(os.listdir(folder / "found")) - before)
    findings = [_finding(name, said, (folder / "found" / file).read_bytes()) for file in new]
    if done.returncode and not new:
        findings.append(_finding(name, said, b""))
    return Turn(inputs, accepted, edges, features, corpus, time.monotonic() - began, tuple(findings), said)


def _write_seeds(name: str, folder: Path) -> None:
    for seed in (*HARNESSES[name].seeds(), *kept(name)):
        path = folder / sha256(seed).hexdigest()[:20]
        if not path.exists():
            path.write_bytes(seed)


def _numbers(found: tuple[str, ...]) -> tuple[int, int, int]:
    edges, features, corpus = map(int, found)
    return edges, features, corpus


def _finding(name: str, said: str, data: bytes) -> Finding:
    raised, killed, places = _RAISED.search(said), _KILLED.search(said), _PLACE.findall(said)
    words = raised[1] if raised else killed[1] if killed else (said.strip().splitlines() or ["it said nothing"])[-1]
    place = ":".join(places[-1]) if places else ""
    return Finding(name, " ".join(words.split())[:300], place, sha256(data).hexdigest()[:16])
