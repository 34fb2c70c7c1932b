"""Run benchmarks and print their figures.

uv run benchmarks/run.py                  all of them, as a table
uv run benchmarks/run.py verify poll      some of them
uv run benchmarks/run.py --json verify    one JSON object a line
uv run benchmarks/run.py --record fleet   write its part of docs/benchmarks.md
"""

import argparse
import platform
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from benchmarks.figure import Figure  # noqa: E402 - this file is run by its path, from any folder

NAMES = (
    "verify",
    "download",
    "poll",
    "countersign",
    "catalogue",
    "answer_parts",
    "publication",
    "transfer",
    "reads",
    "fsck",
    "fleet",
)
RECORD = ROOT / "docs" / "benchmarks.md"
HEAD = """# Benchmarks

Written by `uv run benchmarks/run.py --record`, each part by its own run. A ratio compares with the peer of the same
run, in turns, so that it holds when the machine's speed drifts; absolute values are this machine's.

"""


def main(arguments: Sequence[str]) -> int:
    """Each named benchmark in turn, in this process; the exit code says whether all of them ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--json", action="store_true", help="one JSON object a figure")
    parser.add_argument("--record", action="store_true", help=f"write {RECORD.relative_to(ROOT)}")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if not given.json:
        print(f"{'bench':<13}{'figure':<52}{'value':>10} {'unit':<10}{'peer':>10}{'ratio':>8}  aim")
    for name in given.names or NAMES:
        figures = []
        for figure in import_module(f"benchmarks.{name}").run():
            figures.append(figure)
            print(figure.as_json() if given.json else _row(figure), flush=True)
        if given.record:
            _record(name, _machine() + _table(figures))
    return 0


def _record(name: str, text: str) -> None:
    """Put one benchmark's part in its place; the others' stay as their last runs wrote them."""
    _, *old = RECORD.read_text().split("\n## ")
    parts = dict(part.split("\n\n", 1) for part in old) | {name: text}
    told = [f"## {one}\n\n{parts[one].strip()}\n" for one in NAMES if one in parts]
    RECORD.write_text(HEAD + "\n".join(told))


def _row(figure: Figure) -> str:
    peer, ratio = _numbers(figure)
    row = f"{figure.bench:<13}{figure.name:<52}{figure.value:>10.2f} {figure.unit:<10}{peer:>10}{ratio:>8}"
    return f"{row}  {figure.aim}"


def _numbers(figure: Figure) -> tuple[str, str]:
    peer = "" if figure.peer is None else f"{figure.peer:.2f}"
    if figure.ratio is None:
        return peer, ""
    return peer, f"{figure.ratio:.2f}" if figure.ratio >= 0.1 else f"{figure.ratio:.4f}"


def _table(figures: Sequence[Figure]) -> str:
    lines = ["| bench | figure | n | value | peer | ratio | aim |", "|---|---|---|---|---|---|---|"]
    for one in figures:
        peer, ratio = _numbers(one)
        value = f"{one.value:.2f} {one.unit}"
        lines.append(f"| {one.bench} | {one.name} | {one.n} | {value} | {peer} | {ratio} | {one.aim} |")
    return "\n".join(lines) + "\n"


def _machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    day = datetime.now(UTC).date().isoformat()
    return f"{day}, {model}, Linux {platform.release().split('-')[0]}, Python {platform.python_version()}.\n\n"


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
