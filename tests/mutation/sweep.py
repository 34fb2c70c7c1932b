"""Every mutant of what decides whether a statement counts, each against the tests that run it; writes docs/mutation.md.

    make sweep-mutants                 goes on where it was stopped
    python -m tests.mutation.sweep MINUTES [FILE...]

What is changed is a copy of the last commit, and there in memory only. A mutant that was killed is not tried again
while its file stays as it was; one that survived is, as soon as any test changes.
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

CHECKOUT = Path(os.environ.get("SWEEP_CHECKOUT") or Path(__file__).resolve().parents[2])
CACHE = CHECKOUT / ".cache" / "mutation"
STATE = CACHE / "state.json"
MINUTES = 90.0
SLOWER = 5.0  # times what the tests take unchanged
SPARE = 20.0  # seconds added to that


@dataclass
class Tried:
    """What became of one mutant. `by`: the test that killed it, empty where it survived."""

    name: str
    operator: str
    by: str
    tests: str
    """The state of the tests that it was tried with, where it survived."""


@dataclass
class State:
    """All that was tried so far, by file and by digest of the changed source."""

    commit: str
    seconds: float = 0.0
    sources: dict[str, str] = field(default_factory=dict)
    wanted: dict[str, int] = field(default_factory=dict)
    tried: dict[str, dict[str, Tried]] = field(default_factory=dict)


def load(commit: str) -> State:
    """What earlier runs found."""
    if not STATE.exists():
        return State(commit)
    found = json.loads(STATE.read_text())
    tried = {file: {key: Tried(**one) for key, one in each.items()} for file, each in found["tried"].items()}
    return State(commit, found["seconds"], found["sources"], found["wanted"], tried)


def save(state: State) -> None:
    """Keep the progress."""
    draft = STATE.with_suffix(".new")
    draft.write_text(json.dumps(asdict(state), indent=1))
    draft.rename(STATE)


def sweep(state: State, files: list[str], deadline: float) -> None:
    """Try what has not been tried, until the deadline."""
    from tests.mutation.covered import cover
    from tests.mutation.mutants import mutants
    from tests.mutation.run import Changed, run_tests

    folder, tests = Path.cwd(), digest_of(Path("tests"))
    covered = cover(folder, CACHE / f"covered-{tests}-{digest_of(Path('trust'))}.json")
    print(f"{len(covered.seconds)} tests, {sum(covered.seconds.values()):.0f} seconds", flush=True)
    for file in files:
        source = digest_of(folder / "trust" / "sealring" / f"{file}.py")
        if state.sources.get(file) != source:
            state.sources[file], state.tried[file] = source, {}
        found = {hashlib.sha256(one.source.encode()).hexdigest()[:16]: one for one in mutants(folder / "trust", file)}
        state.wanted[file] = len(found)
        for key, mutant in found.items():
            before = state.tried[file].get(key)
            if before is not None and (before.by or before.tests == tests):
                continue
            if time.time() > deadline:
                return
            began, wanted = time.time(), covered.tests(file, mutant.line)
            path = folder / "trust" / "sealring" / f"{file}.py"
            changed = Changed(f"sealring.{file.replace('/', '.')}", path, mutant.source)
            limit = SPARE + SLOWER * sum(covered.seconds[test] for test in wanted)
            by = run_tests(wanted, changed, limit=limit) if wanted else ""
            state.tried[file][key] = Tried(mutant.name, mutant.operator, by, "" if by else tests)
            state.seconds += time.time() - began
            save(state)
            print(f"{'killed  ' if by else 'SURVIVED'} {mutant.name}  {by}", flush=True)


def digest_of(path: Path) -> str:
    """One digest of a file, or of all Python and vectors of a folder."""
    found = sorted(path.rglob("*.*")) if path.is_dir() else [path]
    digest = hashlib.sha256()
    for one in found:
        if one.suffix in (".py", ".vec") and "mutation" not in one.parts:
            digest.update(f"{one.name}\0".encode() + one.read_bytes())
    return digest.hexdigest()[:16]


def export() -> int:
    """Become this program in a copy of the last commit; its exit code."""
    folder = Path(tempfile.mkdtemp(prefix="sealring-sweep-"))
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=CHECKOUT, check=True, capture_output=True).stdout
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive, check=True)
    environment = {
        **os.environ,
        "SWEEP_CHECKOUT": str(CHECKOUT),
        "SWEEP_COMMIT": git("rev-parse", "--short=12", "HEAD"),
        "PYTHONPATH": os.pathsep.join(str(folder / name) for name in (".", "trust", "server", "client")),
    }
    try:
        command = [sys.executable, "-m", "tests.mutation.sweep", *sys.argv[1:]]
        return subprocess.run(command, cwd=folder, env=environment).returncode
    finally:
        shutil.rmtree(folder)


def git(*arguments: str) -> str:
    """What git says of the checkout."""
    return subprocess.run(["git", *arguments], cwd=CHECKOUT, check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    """The exit code: 1 where a survivor is not explained, or not all were tried in the time given."""
    if "SWEEP_COMMIT" not in os.environ:
        return export()
    from tests.mutation.mutants import FILES
    from tests.mutation.page import open_questions, page

    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    state = load(os.environ["SWEEP_COMMIT"])
    sweep(state, sys.argv[2:] or list(FILES), time.time() + minutes * 60)
    (CHECKOUT / "docs" / "mutation.md").write_text(page(state))
    questions = open_questions(state)
    print("\n".join(questions) or "every mutant was killed, or is explained")
    return 1 if questions else 0


if __name__ == "__main__":
    # Asked to end: the copy of the commit is taken away first.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.exit(main())
