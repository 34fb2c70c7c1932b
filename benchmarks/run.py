"""Run benchmarks and print their figures.

uv run benchmarks/run.py                  all of them, as a table
uv run benchmarks/run.py verify poll      some of them
uv run benchmarks/run.py --json verify    one JSON object a line
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
NAMES = ("verify", "download", "poll")


def main(arguments: Sequence[str]) -> int:
    """Each named benchmark in turn, in this process; the exit code says whether all of them ran."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all when none is given")
    parser.add_argument("--json", action="store_true", help="one JSON object a figure")
    given = parser.parse_args(arguments)
    unknown = set(given.names) - set(NAMES)
    if unknown:
        parser.error(f"no benchmark is called {', '.join(sorted(unknown))}; there are {', '.join(NAMES)}")
    if not given.json:
        print(f"{'bench':<10}{'figure':<52}{'value':>10} {'unit':<10}{'peer':>10}{'ratio':>8}  aim")
    for name in given.names or NAMES:
        for figure in import_module(f"benchmarks.{name}").run():
            if given.json:
                print(figure.as_json(), flush=True)
                continue
            peer = "" if figure.peer is None else f"{figure.peer:.2f}"
            ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
            row = f"{figure.bench:<10}{figure.name:<52}{figure.value:>10.2f} {figure.unit:<10}{peer:>10}{ratio:>8}"
            print(f"{row}  {figure.aim}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
