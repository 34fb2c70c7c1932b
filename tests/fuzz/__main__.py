"""Run fuzzers: `python -m tests.fuzz NAME|all [--runs N | --seconds S]`, or `NAME FILE...` to try kept inputs again.

Needs the group `fuzz` (`uv sync --all-packages --group fuzz`) except for inputs that are tried again. The corpus is
kept in .cache/fuzz. Ends with 1 where something was found.
"""

import argparse
import sys
from pathlib import Path

from tests.fuzz.harness import run_one, scratch
from tests.fuzz.harnesses import HARNESSES
from tests.fuzz.turn import take_turn

CACHE = Path(__file__).resolve().parents[2] / ".cache" / "fuzz"


def main(arguments: list[str]) -> int:
    """What was asked for; the exit code."""
    parser = argparse.ArgumentParser("python -m tests.fuzz", description=__doc__)
    parser.add_argument("name", choices=("all", *HARNESSES), metavar="NAME", help=", ".join(("all", *HARNESSES)))
    parser.add_argument("file", nargs="*", type=Path, help="inputs to try again")
    parser.add_argument("--runs", type=int, default=-1, help="inputs for each")
    parser.add_argument("--seconds", type=int, help="time for each; 60 where nothing is said")
    given = parser.parse_args(arguments)
    if given.file:
        return again(given.name, given.file)
    seconds = given.seconds or (0 if given.runs > 0 else 60)
    return max(fuzz(name, seconds, given.runs) for name in (HARNESSES if given.name == "all" else [given.name]))


def fuzz(name: str, seconds: int, runs: int) -> int:
    """One turn of one fuzzer, told in a line or with all that the engine said."""
    turn = take_turn(name, CACHE, seconds=seconds, runs=runs)
    rate = turn.inputs / max(turn.seconds, 0.001)
    counts = f"{turn.inputs} inputs, {rate:.0f}/s, {turn.accepted} accepted"
    print(f"{name}: {counts}, {turn.edges} edges, {turn.features} features", flush=True)
    for finding in turn.findings:
        print(f"{turn.said}\n{name}: {finding.words} ({finding.place}); the input lies in {CACHE / name / 'found'}")
    return 1 if turn.findings else 0


def again(name: str, files: list[Path]) -> int:
    """Try these inputs; what one brings about is raised."""
    harness = HARNESSES[name]
    with scratch() as folder:
        judge = harness.open(folder)
        for file in files:
            found = run_one(harness, judge, file.read_bytes())
            print(f"{file}: {'accepted' if found is True else found or 'nothing to read'}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
