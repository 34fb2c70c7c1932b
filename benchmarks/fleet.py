"""A fleet's metadata in a day: a model of its bytes and CPU, beside hash bins, from sizes that are measured here.

N packages, M devices that check four times a day, P publications a day that change one package each, drawn evenly; 50
packages on each device. Between two checks P/4 packages change. Each check then is a poll and an answer; the client of
hash bins takes timestamp, snapshot, and those of its bins that changed, unpacked, as python-tuf's does.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import log2
from pathlib import Path

from benchmarks.big_store import INSTALLED, BigStore, big_store
from benchmarks.catalogue import counted
from benchmarks.figure import Figure
from benchmarks.hash_bins import HashBins
from sealring_server.app import create_app
from sealring_server.clock import system_clock
from sealring_server.here import open_store
from tests.stores import now, signer
from tests.world import DAY, Key, World

CHECKS = 4  # a day
SMALL = 1_000  # packages of the store that is measured
FLEETS = ((10_000, 100_000, 100), (100_000, 1_000_000, 1_000), (1_000_000, 10_000_000, 10_000))
"""N, M, P."""
ROUNDS = 50
GB = 1e9


@dataclass(frozen=True)
class Measured:
    """Bytes of a check where something elsewhere changed, more for each installed package that did; CPU in seconds."""

    quiet: float
    each: float
    entries: int
    answer: float

    def check(self, packages: int, publications: int) -> float:
        """Bytes of one check in a store of this size, after a year of such publications."""
        # A proof has a hash and a byte more for each doubling of the map, a path a hash for each doubling of the log.
        deeper = 33 * log2(packages / SMALL) + 32 * max(0.0, log2(publications * 365 / self.entries))
        return float(self.quiet + deeper + self.each * changed(packages, INSTALLED, publications))


def run() -> Iterator[Figure]:
    """The figures of `fleet`."""
    with tempfile.TemporaryDirectory() as name, big_store(World(at=now()), Path(name) / "store", SMALL) as big:
        measured = _measure(big)
    for packages, devices, publications in FLEETS:
        yield from _figures(measured, packages, devices, publications)


def changed(packages: int, of: float, publications: int) -> float:
    """How many of these packages (or bins) change between two checks."""
    return of * (1 - float((1 - 1 / packages) ** (publications / CHECKS)))


def _measure(big: BigStore) -> Measured:
    with counted(big) as (device, counter):
        counter.of(device)
        quiet, loud = [], []
        for _ in range(5):
            big.change([])
            quiet.append(counter.of(device).bytes)
            big.change([0])
            loud.append(counter.of(device).bytes)
    here = open_store(big.store.folder, system_clock)
    client, took = create_app(here).test_client(), []
    for number in range(ROUNDS):
        # Another question each time: an answer that is given again costs less.
        begin = time.process_time()
        assert client.get(f"/v1/answers/acme/door-1?root=1&brands=acme.1&entry={number + 1}").status_code == 200
        took.append(time.process_time() - begin)
    entries = big.entries(here)
    here.database.close()
    mean = sum(quiet) / len(quiet)
    return Measured(mean, sum(loud) / len(loud) - mean, entries, sum(took) / ROUNDS)


def _figures(measured: Measured, packages: int, devices: int, publications: int) -> Iterator[Figure]:
    bins = HashBins(packages, signer(Key("bins")), now() + 30 * DAY)
    begin = time.process_time()
    snapshot = len(bins.file("1.snapshot.json"))
    signing = time.process_time() - begin
    some = list(bins.bins)[:20]
    one = sum(len(bins.file(f"1.{name}.json")) for name in some) / len(some)
    again = changed(len(bins.bins), min(INSTALLED, len(bins.bins)), publications)
    theirs = devices * CHECKS * (len(bins.file("timestamp.json")) + snapshot + again * one) / GB
    ours = devices * CHECKS * measured.check(packages, publications) / GB
    fleet = f"{devices:,} devices, {publications:,} publications a day"
    yield Figure("fleet", f"{fleet}: metadata a day", packages, ours, "GB", theirs, ours / theirs)
    yield Figure("fleet", f"{fleet}: checks a second", packages, devices * CHECKS / 86_400, "/s")
    hours = devices * CHECKS * measured.answer / 3600
    yield Figure("fleet", f"{fleet}: CPU a day where no two devices share an answer", packages, hours, "h")
    yield Figure("fleet", f"{fleet}: CPU a day of the peer's snapshots", packages, publications * signing / 3600, "h")
