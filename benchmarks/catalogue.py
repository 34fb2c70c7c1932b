"""The catalogue at 1,000 to 1,000,000 packages: what a device is sent, and what its checks cost, beside hash bins.

A real store serves, a real device of a model with 50 packages checks it over a relay that counts bodies as they go over
the line. The peer is python-tuf's client of a repository in hash bins; it asks for nothing packed, so its bodies
are counted as they are, and as gzip would make them.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from pathlib import Path
from statistics import mean

from benchmarks import catalogue_proofs, catalogue_store
from benchmarks.big_store import INSTALLED, BigStore, big_store
from benchmarks.catalogue_memory import memory
from benchmarks.figure import Figure
from benchmarks.hash_bins import Client, Cost, HashBins
from sealring_client.command.main import main as device_command
from tests.hostile import Reply
from tests.scenarios.devices import Rig, new_device
from tests.stores import now, signer
from tests.world import DAY, Key, World

SIZES = tuple(map(int, os.environ.get("CATALOGUE_SIZES", "1000 10000 100000 1000000").split()))
"""Packages; others by the environment, for a quick look."""
DRAWS = 100
ONE_PERCENT = 0.01
SEVERAL = "of 100 draws"
ELSEWHERE = "refresh one changed elsewhere"


@dataclass
class Counter:
    """The bodies that went over the line since it was reset; images are left out."""

    bodies: list[int] = field(default_factory=list)

    def see(self, path: str, reply: Reply) -> Reply:
        if not path.startswith("/v1/blobs/"):
            self.bodies.append(len(reply.body))
        return reply

    def of(self, device: Rig) -> Cost:
        """What one `sealring-device refresh` costs, which installs what it finds."""
        self.bodies.clear()
        with redirect_stdout(StringIO()) as said:
            code = device_command(["refresh", "--state", str(device.folder), "--json"])
        assert code == 0, said.getvalue()
        return Cost(len(self.bodies), sum(self.bodies), sum(self.bodies))


def run() -> Iterator[Figure]:
    """The figures of `catalogue`."""
    sizes: list[float] = []
    for packages in SIZES:
        with tempfile.TemporaryDirectory() as name, big_store(World(at=now()), Path(name) / "store", packages) as big:
            for figure in _sizes(big, Path(name)):
                sizes += [figure.value] if figure.name == ELSEWHERE else []
                yield figure
            yield from catalogue_proofs.figures(big)
            yield from memory(big)
            yield from catalogue_store.figures(big)
    for packages, (smaller, larger) in zip(SIZES[1:], pairwise(sizes), strict=True):
        name = "growth of a refresh from a tenth of the packages"
        yield Figure("catalogue", name, packages, larger - smaller, "B", aim="<= 150 B")


def _sizes(big: BigStore, folder: Path) -> Iterator[Figure]:
    bins = HashBins(big.packages, signer(Key("bins")), big.world.at + 30 * DAY)
    peer, installed = Client(bins, folder), list(range(INSTALLED))
    with counted(big) as (device, counter):
        n = big.packages
        yield from _beside(n, "first sync", [counter.of(device)], [peer.refresh(installed)], "<= 60 kB")
        yield from _beside(n, "refresh no change", [counter.of(device)], [peer.refresh(installed)], "<= 400 B")
        big.change([])
        bins.publish({n - 1})
        elsewhere = [counter.of(device)], [peer.refresh(installed)]
        yield from _beside(n, ELSEWHERE, *elsewhere, "")
        ours, theirs = [], []
        for _ in range(DRAWS):
            drawn = big.chance.sample(range(n), round(n * ONE_PERCENT))
            big.change(sorted(number for number in drawn if number < INSTALLED))
            bins.publish(set(drawn))
            ours.append(counter.of(device))
            theirs.append(peer.refresh(installed))
        yield from _beside(n, "refresh 1 % changed", ours, theirs, "<= 4 kB, <= 2 requests")


def _beside(n: int, name: str, ours: list[Cost], theirs: list[Cost], aim: str) -> Iterator[Figure]:
    """Expected bytes and requests; where there are several draws the worst as well."""
    mine, peer = mean(one.bytes for one in ours), mean(one.bytes for one in theirs)
    yield Figure("catalogue", name, n, mine, "B", peer, mine / peer, aim)
    packed = mean(one.packed for one in theirs)
    yield Figure("catalogue", f"{name}, the peer packed by gzip", n, mine, "B", packed, mine / packed)
    asked, peer_asked = mean(one.requests for one in ours), mean(one.requests for one in theirs)
    yield Figure("catalogue", f"{name}, requests", n, asked, "requests", peer_asked, asked / peer_asked)
    if len(ours) > 1:
        worst, worst_peer = max(one.bytes for one in ours), max(one.bytes for one in theirs)
        yield Figure("catalogue", f"{name}, worst {SEVERAL}", n, worst, "B", worst_peer, worst / worst_peer)
        most, most_peer = max(one.requests for one in ours), max(one.requests for one in theirs)
        yield Figure("catalogue", f"{name}, most requests", n, most, "requests", most_peer, most / most_peer)


@contextmanager
def counted(big: BigStore) -> Iterator[tuple[Rig, Counter]]:
    """A new device of the model, and what counts the bodies that it is sent."""
    counter = Counter()
    with new_device() as device:
        device.provision(big.world.root, big.seed())
        big.line.change, big.line.answers = counter.see, True
        yield device, counter
        big.line.reset()
