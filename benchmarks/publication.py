"""One publication by the command's own code, to its checked receipt: 1, 100 and 10,000 revisions with their images.

Beside it stands what nothing can go below: each signature verified once by the library, each image written and synced
once, in this process and in the same run.
"""

import io
import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import median

from nacl.bindings import crypto_sign_open

from benchmarks.figure import Figure
from sealring.bundle import StatementEntry, write_bundle
from sealring.command.main import run as sealring
from sealring.command.outside import Outside
from sealring.envelope import Envelope, seal
from sealring.strict import encode
from tests.stores import RunningStore, now, running_store
from tests.world import Key, World

SIZES = tuple(map(int, os.environ.get("PUBLICATION_SIZES", "1 100 10000").split()))
"""Revisions of one publication; others by the environment, for a quick look."""
IMAGE_BYTES = 4096
TURNS = 7  # of which the middle one counts, where one is short
LONG = 1000  # revisions from which on one turn is enough
SIGNERS = 2


def run() -> Iterator[Figure]:
    """The figures of `publication`."""
    world = World(at=now())
    with tempfile.TemporaryDirectory() as name, running_store(world, Path(name) / "store") as store:
        store.publish([world.signed(world.brand())])
        for number, revisions in enumerate(SIZES):
            turns = range(1 if revisions >= LONG else TURNS)
            pairs = [_turn(world, store, Path(name) / f"{number}-{turn}", revisions) for turn in turns]
            seconds, limit = median(ours for ours, _ in pairs), median(peer for _, peer in pairs)
            name_of = f"{revisions} revisions with their images, end to end"
            ratio = median(peer / ours for ours, peer in pairs)
            yield Figure("publication", name_of, len(pairs), seconds, "s", limit, ratio)
            yield Figure("publication", f"{revisions} revisions: each", len(pairs), seconds / revisions * 1e3, "ms")


def _turn(world: World, store: RunningStore, folder: Path, revisions: int) -> tuple[float, float]:
    """Seconds of one publication, and those of its limit."""
    envelopes, images = _made(world, folder, revisions)
    (folder / "all.bundle").write_bytes(write_bundle([StatementEntry(one.raw) for one in envelopes], parts=True))
    arguments = [str(folder / "all.bundle"), "--images", str(folder / "images")]
    pinned = str(store.folder / "1.root.json")
    begin = time.perf_counter()
    out, err = io.StringIO(), io.StringIO()
    outside = Outside(now, out, err, interactive=False, color=False, state=folder / "state")
    code = sealring(["publish", store.url, *arguments, "--tuf-root", pinned, "--json"], outside)
    ours = time.perf_counter() - begin
    assert code == 0, err.getvalue()
    begin = time.perf_counter()
    _limit(world, envelopes, images, folder)
    return ours, time.perf_counter() - begin


def _made(world: World, folder: Path, revisions: int) -> tuple[list[Envelope], list[bytes]]:
    """Signed by the library's fast signer: the world's own is for tests, and takes ten times as long."""
    (folder / "images").mkdir(parents=True)
    keys, envelopes, images = world.brand_keys("acme")[:SIGNERS], list[Envelope](), list[bytes]()
    for number in range(revisions):
        image = f"{folder.name} {number} ".encode().ljust(IMAGE_BYTES, b".")
        (folder / "images" / str(number)).write_bytes(image)
        images.append(image)
        payload = encode(world.revision(1, image, package=f"p{folder.name}-{number}"))
        pae = seal(payload, {}).pae
        envelopes.append(seal(payload, {key.id: _signed(key, pae) for key in keys}))
    return envelopes, images


def _signed(key: Key, message: bytes) -> bytes:
    return bytes(key.secret.sign(message).signature)


def _limit(world: World, envelopes: Sequence[Envelope], images: Sequence[bytes], folder: Path) -> None:
    publics = {key.id: key.public.public for key in world.brand_keys("acme")}
    for envelope in envelopes:
        for key, signature in envelope.signatures.items():
            crypto_sign_open(signature + envelope.pae, publics[key])
    for number, image in enumerate(images):
        handle = os.open(folder / f"limit-{number}", os.O_WRONLY | os.O_CREAT)
        sha256(image)
        os.write(handle, image)
        os.fsync(handle)
        os.close(handle)
