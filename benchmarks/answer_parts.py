"""What an answer consists of (SPEC AN-2): bytes of each part, packed one by one, beside the whole as it was sent.

A real store serves, a real device of a model with 50 packages asks; what it is sent is taken apart.
"""

import gzip
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from statistics import median

from benchmarks.big_store import BigStore, big_store
from benchmarks.figure import Figure, cpu_seconds
from sealring.bundle import Entry, TufEntry, read_bundle, write_bundle
from sealring_client.command.main import main as device_command
from sealring_server.answer import LEVEL
from sealring_server.answer_parts import answer, reduced
from sealring_server.answer_question import parse_question
from sealring_server.clock import system_clock
from sealring_server.here import open_store
from tests.hostile import Reply
from tests.scenarios.devices import Rig, new_device
from tests.stores import now
from tests.world import World

PACKAGES = int(os.environ.get("ANSWER_PACKAGES", "10000"))
"""In the store; another number by the environment."""
ROUNDS = 50


def run() -> Iterator[Figure]:
    """The figures of `answer_parts`."""
    world = World(at=now())
    with tempfile.TemporaryDirectory() as name, big_store(world, Path(name) / "store", PACKAGES) as big:
        with new_device() as device:
            device.provision(big.world.root, big.seed())
            big.line.answers = True
            for turn, change in _turns(big):
                change()
                yield from _parts(big, turn, *_asked(big, device))
        big.line.reset()


def _turns(big: BigStore) -> Iterator[tuple[str, Callable[[], None]]]:
    yield "first sync", lambda: None
    yield "one of 50 changed", lambda: big.change([0])
    yield "changed elsewhere", lambda: big.change([])


def _asked(big: BigStore, device: Rig) -> tuple[str, bytes]:
    """The question that one refresh asks, and the body of its answer."""
    found: list[tuple[str, bytes]] = []

    def see(path: str, reply: Reply) -> Reply:
        if path.startswith("/v1/answers/"):
            found.append((path, reply.body))
        return reply

    big.line.change = see
    with redirect_stdout(StringIO()) as said:
        code = device_command(["refresh", "--state", str(device.folder), "--json"])
    assert (code, len(found)) == (0, 1), said.getvalue()
    return found[0]


def _parts(big: BigStore, turn: str, path: str, body: bytes) -> Iterator[Figure]:
    raw = gzip.decompress(body)
    yield Figure("answer_parts", f"{turn}: all, packed together", PACKAGES, len(body), "B")
    parts: dict[str, list[Entry]] = {}
    for entry in read_bundle(raw):
        parts.setdefault(_kind(entry), []).append(entry)
    for kind, entries in parts.items():
        packed = len(gzip.compress(write_bundle(entries), LEVEL, mtime=0))
        yield Figure("answer_parts", f"{turn}: {len(entries)} {kind}", PACKAGES, packed, "B")
    made, packing = _work(big, path, raw)
    yield Figure("answer_parts", f"{turn}: CPU to put it together", PACKAGES, made * 1e3, "ms")
    yield Figure("answer_parts", f"{turn}: CPU to pack it", PACKAGES, packing * 1e3, "ms")


def _kind(entry: Entry) -> str:
    if isinstance(entry, TufEntry):
        return "catalogue" if entry.name.endswith(".catalogue.json") else entry.name.split(".")[-2]
    return type(entry).__name__.removesuffix("Entry").lower()


def _work(big: BigStore, path: str, raw: bytes) -> tuple[float, float]:
    """Seconds of CPU to make the answer again, and to pack it; the middle of five."""
    here = open_store(big.store.folder, system_clock)
    place, _, query = path.removeprefix("/v1/answers/").partition("?")

    def make() -> None:
        with here.database.reading() as connection:
            answer(connection, here, place, reduced(connection, place, parse_question(query.encode())))

    make()
    made = median(cpu_seconds(make, ROUNDS) for _ in range(5))
    packing = median(cpu_seconds(lambda: gzip.compress(raw, LEVEL, mtime=0), ROUNDS) for _ in range(5))
    here.database.close()
    return made, packing
