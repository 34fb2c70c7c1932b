"""Every fuzzer in turn until there are ten million inputs in all; writes docs/fuzzing.md.

    make sweep-fuzz                    goes on where it was stopped
    python -m tests.fuzz.sweep MINUTES

What is fuzzed is the last commit, exported, so that nobody's edits change it meanwhile. What the fuzzers learnt stays
in .cache/fuzz; the inputs are counted anew when the code that they are tried on changes.
"""

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

CHECKOUT = Path(os.environ.get("SWEEP_CHECKOUT") or Path(__file__).resolve().parents[2])
CACHE = CHECKOUT / ".cache" / "fuzz"
STATE = CACHE / "state.json"
SWEPT = ("trust", "client", "server", "tests/fuzz")
GOAL = 10_000_000
TURN_SECONDS = 60
MINUTES = 90.0


@dataclass
class Sums:
    """What came of one harness so far."""

    inputs: int = 0
    accepted: int = 0
    seconds: float = 0.0
    edges: int = 0
    features: int = 0
    corpus: int = 0


@dataclass
class State:
    """Progress on one state of the code. `findings` are what was found in it, each once."""

    key: str
    commit: str
    sums: dict[str, Sums] = field(default_factory=dict)
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def inputs(self) -> int:
        """Inputs of all harnesses."""
        return sum(each.inputs for each in self.sums.values())


def load(key: str, commit: str) -> State:
    """The progress on this code; a new one where other code was fuzzed before."""
    if STATE.exists():
        found = json.loads(STATE.read_text())
        if found["key"] == key:
            sums = {name: Sums(**each) for name, each in found["sums"].items()}
            return State(key, found["commit"], sums, found["findings"])
    return State(key, commit)


def save(state: State) -> None:
    """Keep the progress, and write the page of it."""
    from tests.fuzz.page import page

    CACHE.mkdir(parents=True, exist_ok=True)
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.rename(STATE)
    (CHECKOUT / "docs" / "fuzzing.md").write_text(page(state))


def sweep(state: State, deadline: float) -> int:
    """Turns of a minute for every harness, round and round; the exit code."""
    from tests.fuzz.harnesses import HARNESSES
    from tests.fuzz.turn import take_turn

    while state.inputs < GOAL or any(name not in state.sums for name in HARNESSES):
        for name in sorted(HARNESSES, key=lambda name: state.sums.get(name, Sums()).seconds):
            if time.time() > deadline:
                return 1
            turn = take_turn(name, CACHE, seconds=TURN_SECONDS)
            sums = state.sums.setdefault(name, Sums())
            sums.inputs += turn.inputs
            sums.accepted += turn.accepted
            sums.seconds = round(sums.seconds + turn.seconds, 1)
            sums.edges, sums.features, sums.corpus = turn.edges, turn.features, turn.corpus
            for finding in turn.findings:
                add(state, asdict(finding))
            save(state)
            print(f"{state.inputs:>10,} inputs in all; {name}: {turn.inputs:,}, {turn.edges} edges", flush=True)
    return 1 if state.findings else 0


def add(state: State, finding: dict[str, Any]) -> None:
    """A finding, unless it was made before: by the place that raised it, or by its words where none did."""
    name = "place" if finding["place"] else "words"
    if all((old["harness"], old[name]) != (finding["harness"], finding[name]) for old in state.findings):
        state.findings.append(finding)
        print(f"found: {finding}", flush=True)


def export() -> int:
    """Become this program in a copy of the last commit; its exit code."""
    folder = Path(tempfile.mkdtemp(prefix="sealring-sweep-"))
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    trees = [f"HEAD:{path}" for path in SWEPT]
    environment = {
        **os.environ,
        "SWEEP_CHECKOUT": str(CHECKOUT),
        "SWEEP_KEY": hashlib.sha256(git("rev-parse", *trees)).hexdigest()[:16],
        "SWEEP_COMMIT": git("rev-parse", "--short=12", "HEAD").decode().strip(),
        "PYTHONPATH": os.pathsep.join(str(folder / name) for name in (".", "trust", "server", "client")),
    }
    try:
        command = [sys.executable, "-m", "tests.fuzz.sweep", *sys.argv[1:]]
        return subprocess.run(command, cwd=folder, env=environment).returncode
    finally:
        shutil.rmtree(folder)


def git(*arguments: str) -> bytes:
    """What git says of the checkout."""
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, check=True, capture_output=True).stdout


def main() -> int:
    """The exit code: 1 where something was found, or the goal was not reached in the time given."""
    if "SWEEP_KEY" not in os.environ:
        return export()
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    state = load(os.environ["SWEEP_KEY"], os.environ["SWEEP_COMMIT"])
    save(state)
    return sweep(state, time.time() + minutes * 60)


if __name__ == "__main__":
    # Asked to end: the copy of the commit is taken away first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
