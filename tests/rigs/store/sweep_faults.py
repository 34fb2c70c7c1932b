"""Everything that a store stands on fails at random, under load; part of docs/store-faults.md.

    make sweep-store-faults                  goes on where it was stopped
    python -m tests.rigs.store.sweep_faults MINUTES

Each part is a new store, and a seed that decides which faults come in which order; their moments are chance.
"""

import sys
import time

from tests.rigs.store.faults_page import Chunk, Progress, export, write_page
from tests.rigs.store.storm_of_faults import Counts, storm

MINUTES = 45.0
PARTS, SECONDS, PUBLISHERS = 12, 60.0, 4


def sweep(progress: Progress, deadline: float) -> None:
    """Run what is left until the deadline."""
    for seed in range(1, PARTS + 1):
        if f"part {seed}" not in progress.done and time.monotonic() < deadline:
            progress.add(run_one(seed))
            print(progress.lines[-1], flush=True)


def run_one(seed: int) -> Chunk:
    """One part; `words` say what did not hold."""
    started, words, counts = time.monotonic(), "", Counts()
    try:
        with storm(seed) as found:
            counts = found.counts
            found.blow(SECONDS, PUBLISHERS)
    except Exception as err:  # noqa: BLE001 - whatever it is, it is this part's result
        words = f"{type(err).__name__}: {' '.join(str(err).split())[:600]}"
    told = (counts.publications, len(counts.acknowledged), counts.tries, counts.looks, counts.bytes)
    return Chunk(f"part {seed}", dict(counts.faults), *told, words, round(time.monotonic() - started, 1))


def main() -> None:
    """The sweep."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    progress = Progress("random")
    sweep(progress, time.monotonic() + 60 * minutes)
    progress.say(PARTS)
    write_page()
    print(f"{len(progress.done)} of {PARTS} parts")
    sys.exit(any(one.words for one in progress.lines))


if __name__ == "__main__":
    export("tests.rigs.store.sweep_faults")
    main()
