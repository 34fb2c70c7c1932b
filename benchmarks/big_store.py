"""A store of any size around one model of 50 packages: real statements for these, leaves for all others.

What a device is sent, and what a publication writes, depends on the map's size and the log's length, not on what the
other packages' statements say; so those have leaves only.
"""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from msgspec import UNSET, structs

from sealring.catalogue.leaf import Head
from sealring.envelope import Envelope
from sealring.statement.fleet import Wanted
from sealring.statement.software import Image, Target
from sealring_server.catalogue import append_items, last_entry
from sealring_server.clock import system_clock
from sealring_server.here import StoreHere, open_store
from sealring_server.tuf_repo import publish_catalogue
from tests.hostile import Line, between, over_http
from tests.scenarios.devices import image_of
from tests.stores import RunningStore, running_store
from tests.world import World

INSTALLED = 50  # packages of the model
STATEMENTS = 2  # of each package: a revision and its release
KEYS = 20_000  # of other packages that are remembered
AN_ENTRY = 10  # packages published with one entry, on the average, until the store was as large as it is


@dataclass
class BigStore:
    """A store that is being served, its world, and what chooses the packages that change."""

    packages: int
    world: World
    store: RunningStore
    line: Line
    """The way to it that its devices take."""
    chance: random.Random
    revisions: list[int]
    """The newest revision of each installed package."""
    keys: list[bytes]
    """Some of the leaves of other packages."""

    def seed(self) -> list[Envelope]:
        """What a device of the model is provisioned with."""
        wanted = [Wanted(f"acme/{name_of(n)}", "latest/stable", "app", "required") for n in range(INSTALLED)]
        model = self.world.model(packages=wanted)
        parts = (self.world.brand(), model, self.world.store(self.line.url, self.store.pin))
        return [self.world.signed(one) for one in parts]

    def change(self, installed: Iterable[int]) -> None:
        """Publish a new revision and release of each of these installed packages, or of one elsewhere."""
        numbers = list(installed)
        for number in numbers:
            self.revisions[number] += 1
        if numbers:
            self.publish([], numbers)
        else:
            self.fill(STATEMENTS, 1)

    def publish(self, first: list[Envelope], numbers: list[int]) -> None:
        """Publish these statements, and the installed packages of these numbers at their newest revision."""
        revisions = [(number, self.revisions[number]) for number in numbers]
        news = [one for number, revision in revisions for one in software(self.world, number, revision)]
        self.store.publish([*first, *news], [image(*one) for one in revisions])

    def draw(self, share: float) -> list[int]:
        """Which of the installed packages are among this share of all, drawn by chance."""
        drawn = self.chance.sample(range(self.packages), max(1, round(self.packages * share)))
        return sorted(number for number in drawn if number < INSTALLED)

    def fill(self, leaves: int, entries: int) -> None:
        """So many leaves of other packages with one entry, then empty entries, and TUF metadata over the last."""
        here = open_store(self.store.folder, system_clock)
        root, at = bytes.fromhex(self.world.root_id), self.world.at
        items = sorted((self.chance.randbytes(32), self.value()) for _ in range(leaves))
        self.keys = self.keys or [key for key, _ in items[:: max(1, leaves // KEYS)]]
        with here.database.writing() as connection:
            entry = append_items(connection, here.tiles, items, root=root, at=at)
            for _ in range(1, entries):
                entry = append_items(connection, here.tiles, [], root=root, at=at)
            publish_catalogue(connection, here.online, entry.raw, at)
        here.database.close()

    def entries(self, here: StoreHere) -> int:
        """How many entries there are."""
        with here.database.reading() as connection:
            return last_entry(connection).sequence

    def value(self, sequence: int = 1) -> bytes:
        """What a leaf of another package may say."""
        return Head(sequence, self.chance.randbytes(32), self.chance.randbytes(32)).to_bytes()


@contextmanager
def big_store(world: World, folder: Path, packages: int) -> Iterator[BigStore]:
    """A store with so many packages, of which the model's 50 are real, being served until the block ends."""
    with running_store(world, folder) as store, between(over_http(store.url)) as line:
        big = BigStore(packages, world, store, line, random.Random(packages), [1] * INSTALLED, [])
        for some in range(0, INSTALLED, 10):
            big.publish(big.seed() if some == 0 else [], list(range(some, some + 10)))
        big.fill((packages - INSTALLED) * STATEMENTS, packages // AN_ENTRY)
        yield big


def software(world: World, number: int, revision: int) -> list[Envelope]:
    """A revision of an installed package, as ordinary ones are, and its release; each signed by two of three keys."""
    package, raw = name_of(number), image(number, revision)
    verity, sbom = (sha256(raw + what).hexdigest() for what in (b"verity", b"sbom"))
    parts = Image(sha256(raw).hexdigest(), len(raw), "squashfs", verity)
    before = revision - 1 if revision > 1 else UNSET
    targets = [Target("amd64", revision, 1, before)]
    return [
        world.signed(structs.replace(world.revision(revision, package=package, sbom=sbom), image=parts)),
        world.signed(world.release(revision, package=package, targets=targets)),
    ]


def image(number: int, revision: int) -> bytes:
    """The image of one revision: a small one that can be mounted and run."""
    return image_of(f"package {number}, revision {revision}")


def name_of(number: int) -> str:
    """A package's name, of an ordinary length."""
    return f"package-{number:03}"
