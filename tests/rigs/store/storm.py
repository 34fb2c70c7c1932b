"""Publishers, a reader and key rotations at once, on one served store (SPEC PB-3, PB-10, TF-2, TF-9).

Each publisher raises the sequence of a model of its own, and one of them now and then that of the release which stands
in the views of all; so each state that a reader is shown is new, and a mixture of two would not verify.
"""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tuf.api.metadata import Metadata, Root
from tuf.api.serialization.json import JSONSerializer

from sealring.envelope import Envelope
from sealring_server.here import open_store
from sealring_server.key_folder import ONLINE_ROLES
from sealring_server.tuf_roots import Change, publish_root, request_root
from tests.rigs.store.reader import Reader
from tests.stores import RunningStore, ask, first_software, now, publish, tuf_root_signer
from tests.unit.server.conftest import bundle
from tests.world import World

PUBLISHERS = 8
RELEASE_EVERY = 4  # of the first publisher's publications, one is the release
MODELS = tuple(f"acme/m-{number}" for number in range(PUBLISHERS))


@dataclass
class Counts:
    """What happened."""

    publications: int = 0
    rotations: int = 0
    looks: int = 0
    states: set[int] = field(default_factory=set)
    """Entries that a reader saw."""
    begun_again: int = 0


def prepare(store: RunningStore) -> None:
    """What the storm publishes on top of: one installation's worth, and the models."""
    world = store.world
    models = [world.signed(world.model(name.partition("/")[2])) for name in MODELS]
    publish(store.url, [*first_software(world, store, b"image 1"), *models], [b"image 1"])


def rotate(world: World, folder: Path, number: int) -> None:
    """Give the store new keys by the functions behind `sealring-store tuf request` and `publish`, while it is served.

    Args:
        number: which rotation; it goes through the roles one by one, and every fourth gives new keys to all.
    """
    here = open_store(folder, now)
    roles = ONLINE_ROLES if number % 4 == 3 else (ONLINE_ROLES[number % 4],)
    request = request_root(here, Change(dict.fromkeys(roles)))
    metadata = Metadata[Root].from_bytes(request.draft.raw)
    metadata.sign(tuf_root_signer(world))
    publish_root(here, metadata.to_bytes(JSONSerializer(compact=True)))


def storm(store: RunningStore, publications: int, rotations: int, first: int) -> Counts:
    """So many publications and rotations, with a reader that looks all the time.

    Args:
        first: a sequence above all that was published before.

    Raises:
        AssertionError: a publication was refused, or the reader was shown what does not verify.
    """
    done, counts, lock = threading.Event(), Counts(), threading.Lock()

    def told() -> int:
        with lock:
            counts.publications += 1
            return counts.publications

    def turn() -> None:
        for number in range(rotations):
            while counts.publications < (number + 1) * publications // (rotations + 1) and not done.wait(0.01):
                pass
            rotate(store.world, store.folder, number)
            counts.rotations += 1

    with ThreadPoolExecutor(PUBLISHERS + 2) as pool:
        reader = pool.submit(_read, store, counts, done)
        turning = pool.submit(turn)
        try:
            share = publications // PUBLISHERS
            for one in [pool.submit(_publish, store, number, share, first, told) for number in range(PUBLISHERS)]:
                one.result()
        finally:
            done.set()
        turning.result()
        reader.result()
    return counts


def _publish(store: RunningStore, publisher: int, number: int, first: int, told: Callable[[], int]) -> None:
    world, sequences = store.world, count(first)
    for each in range(number):
        one: Envelope = world.signed(world.model(f"m-{publisher}", sequence=next(sequences)))
        if publisher == 0 and each % RELEASE_EVERY == 0:
            one = world.signed(world.release(1, sequence=first + each))
        answer = ask(store.url, "/v1/publications?commit=yes", "POST", bundle([one]))
        assert answer.status == 200, answer.body
        told()


def _read(store: RunningStore, counts: Counts, done: threading.Event) -> None:
    reader = Reader(store.url, (store.folder / "1.root.json").read_bytes(), store.world.root.raw, MODELS, now)
    while not done.is_set():
        counts.states.add(reader.look().entry.sequence)
    reader.look()  # the last state too
    counts.looks, counts.begun_again = reader.looks, reader.begun_again
