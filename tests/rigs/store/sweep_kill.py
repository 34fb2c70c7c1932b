"""Every point of a publication, with each fault that the kernel can return there; part of docs/store-faults.md.

    make sweep-store-kill                    goes on where it was stopped
    python -m tests.rigs.store.sweep_kill MINUTES

What is swept is the last commit, exported, so that nobody's edits change it meanwhile. Progress is kept for as long as
the store, the core and these rigs stay the same.
"""

import sys
import time

from tests.rigs.components import path_of
from tests.rigs.store.broken_off import Breaking, breaking
from tests.rigs.store.faults_page import Line, Progress, export, write_page
from tests.rigs.store.points import Point

MINUTES = 60.0
EVERY = 4  # of the many pages that a checkpoint writes, one in so many


def sweep(progress: Progress, deadline: float) -> int:
    """Run what is left until the deadline; how many points there are."""
    with breaking(path_of("strace")) as broken:
        points = all_points(broken)
        for point in points:
            if str(point) not in progress.done and time.monotonic() < deadline:
                progress.add(run_one(broken, point))
    return len(points)


def all_points(broken: Breaking) -> list[Point]:
    """Those of a publication, and some of those of a checkpoint."""
    checkpoint = [
        point for point in broken.checkpoint_points() if point.call != "pwrite64" or point.number % EVERY == 1
    ]
    return [*broken.points(), *checkpoint]


def run_one(broken: Breaking, point: Point) -> Line:
    """One point; `words` say what did not hold."""
    started, found, place, words = time.monotonic(), "", "", ""
    try:
        left = broken.break_off(point)
        found, place = left.found, left.place
    except Exception as err:  # noqa: BLE001 - whatever it is, it is this point's result
        words = f"{type(err).__name__}: {' '.join(str(err).split())[:600]}"
        print(f"{point}: {words}", flush=True)
        broken.begin_again()
    return Line(str(point), point.call, point.fault, found, place, words, round(time.monotonic() - started, 2))


def main() -> None:
    """The sweep."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    progress = Progress("kill")
    total = sweep(progress, time.monotonic() + 60 * minutes)
    progress.say(total)
    write_page()
    print(f"{len(progress.done)} of {total} points; {sum(bool(one.words) for one in progress.lines)} did not hold")
    sys.exit(any(one.words for one in progress.lines))


if __name__ == "__main__":
    export("tests.rigs.store.sweep_kill")
    main()
