"""A reader in a loop during 10,000 publications and 20 rotations of the store's keys; writes docs/consistency.md.

    make sweep-consistency             goes on where it was stopped; one store all the time
    python -m tests.rigs.store.sweep MINUTES

Every chunk ends with the oracle: the whole store again, with code of its own. Progress is kept for as long as the
store and these rigs stay the same.
"""

import hashlib
import json
import os
import platform
import shutil
import sys
import time
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from sealring_server.making import TufPinned
from tests.oracle import check_store
from tests.rigs.store.storm import PUBLISHERS, prepare, storm
from tests.stores import RunningStore, make_folder, now
from tests.world import World

CHECKOUT = Path(__file__).resolve().parents[3]
FOLDER = CHECKOUT / ".cache" / "consistency"
PAGE = CHECKOUT / "docs" / "consistency.md"
SWEPT = ("server/sealring_server", "trust/sealring", "tests/rigs/store")
PUBLICATIONS, ROTATIONS, CHUNKS = 10_000, 20, 10
WORKERS = 2
MINUTES = 60.0


@dataclass(frozen=True)
class Chunk:
    """What one part of the sweep came to; `entries` is the store's newest one at its end."""

    publications: int
    rotations: int
    looks: int
    states: int
    begun_again: int
    entries: int
    seconds: float


def key_of_sources() -> str:
    """Names what is swept."""
    digest = hashlib.sha256()
    for folder in SWEPT:
        for file in sorted((CHECKOUT / folder).rglob("*.py")):
            digest.update(f"{file.relative_to(CHECKOUT)}\0".encode() + file.read_bytes())
    return digest.hexdigest()[:16]


def load(key: str) -> list[Chunk]:
    """The chunks that are done; none where the sources are others by now."""
    progress = FOLDER / "progress.jsonl"
    if progress.exists():
        head, *lines = progress.read_text().splitlines()
        if json.loads(head)["key"] == key:
            return [Chunk(**json.loads(line)) for line in lines]
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    at = now()
    pin = make_folder(World(at=at), FOLDER / "store").pin
    progress.write_text(json.dumps({"key": key, "at": at.isoformat(), "pin": pin}) + "\n")
    return []


def sweep(deadline: float, key: str) -> list[Chunk]:
    """Run what is left until the deadline."""
    done = load(key)
    head = json.loads((FOLDER / "progress.jsonl").read_text().splitlines()[0])
    world = World(at=datetime.fromisoformat(head["at"]))
    store = RunningStore(world, FOLDER / "store", TufPinned(*head["pin"]))
    while len(done) < CHUNKS and time.monotonic() < deadline:
        started = time.monotonic()
        store.start(workers=WORKERS)
        try:
            # A chunk that was broken off has published some of its sequences: these begin above all of them.
            if check_store(store.folder).entry == 1:
                prepare(store)
            first = max(check_store(store.folder).heads.values()) + 1
            counts = storm(store, PUBLICATIONS // CHUNKS, ROTATIONS // CHUNKS, first)
        finally:
            store.stop()
            store.kill()
        entries = check_store(store.folder).entry
        seen = (counts.looks, len(counts.states), counts.begun_again, entries)
        done.append(Chunk(counts.publications, counts.rotations, *seen, round(time.monotonic() - started, 1)))
        with (FOLDER / "progress.jsonl").open("a") as progress:
            progress.write(json.dumps(asdict(done[-1])) + "\n")
        print(f"{len(done)} of {CHUNKS}: {done[-1]}", flush=True)
    return done


def page(done: list[Chunk]) -> str:
    """The page for docs."""
    publications, looks = sum(one.publications for one in done), sum(one.looks for one in done)
    rotations = sum(one.rotations for one in done)
    rows = "\n".join(
        f"| {number} | {one.publications:,} | {one.rotations} | {one.entries:,} | {one.looks:,} | {one.states:,} |"
        f" {one.begun_again} | {one.seconds:.0f} |"
        for number, one in enumerate(done, 1)
    )
    return f"""# What a reader is shown always verifies

`make sweep-consistency` wrote this page on {datetime.now(UTC):%Y-%m-%d}, on {os.cpu_count()} CPUs
({platform.machine()}, Python {platform.python_version()}), in {sum(one.seconds for one in done) / 60:.0f} minutes.

One store, served by {WORKERS} worker processes; {PUBLISHERS} publishers at once, each request a publication of its own
(`commit=yes`); and again and again other keys for its TUF roles, one by one and all together. Meanwhile a reader looked
without a pause: root chain, timestamp, snapshot, targets, catalogue and its place in the log, one proof of the views of
{PUBLISHERS} models, these views, and every statement in them by the brand's keys. It fails at the first thing that does
not verify, is missing, or is older than what it saw before. After each part the whole store was read again from the
root by an oracle that shares no code with it.

**{publications:,} publications, {rotations} rotations, {looks:,} looks: each of them verified.**

| part | publications | rotations | newest entry | looks | entries seen | begun again | seconds |
|---|---|---|---|---|---|---|---|
{rows}

Entries are fewer than publications because those that arrive together share one. *Begun again*: the keys changed
between the reader's question for a newer root and its question for the timestamp. That can happen to any TUF client at
any store; the reader then asks for the root again, finds it, and goes on. Without a newer root it would be a failure.
"""


def main() -> None:
    """The sweep."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else MINUTES
    done = sweep(time.monotonic() + 60 * minutes, key_of_sources())
    PAGE.write_text(page(done))
    print(f"{len(done)} of {CHUNKS} parts; {PAGE.name} is written")


if __name__ == "__main__":
    main()
