"""Counter-signing in bulk with a key file, beside as many raw signatures: 100,000 assertions through the real work."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair

from benchmarks.figure import Figure
from sealring.bundle import StatementEntry, write_bundle
from sealring.command.bulk import Job, run_job
from sealring.keyfile import OpenKey
from sealring.request.bulk import Bulk
from sealring.request.standing import Standing
from tests.world import NOW, Key, World, key_set, sign

ASSERTIONS = 100_000
EACH = 50_000  # statements of one bundle, so that it stays below its 64 MiB
MESSAGE = bytes(600)


def run() -> Iterator[Figure]:
    """The figures of `countersign`."""
    world, fresh = World(), Key("fresh")
    old, fresh_set = world.brand(), key_set(1, fresh)
    before = Standing(world.root_statement(), {"acme": old})
    after = Standing(before.root, {"acme": msgspec.structs.replace(old, keys=fresh_set)})
    with tempfile.TemporaryDirectory() as place:
        inputs = _bundles(world, Path(place))
        for name, vouching, aim in (
            ("100,000 with a key file", None, "<= 2"),
            ("the same, and each verified (2 of 3)", before, ""),
        ):
            job = Job(Bulk(fresh.public, vouching, after, NOW), inputs, Path(place) / name.replace(",", ""))
            raw = _raw_seconds()
            spent = _seconds(job, fresh)
            peer = (raw + _raw_seconds()) / 2
            yield Figure("countersign", name, ASSERTIONS, spent, "s", peer, spent / peer, aim)


def _bundles(world: World, place: Path) -> tuple[Path, ...]:
    keys, paths = world.brand_keys("acme")[:2], list[Path]()
    for first in range(0, ASSERTIONS, EACH):
        entries = [StatementEntry(sign(world.release(n + 1), *keys).raw) for n in range(first, first + EACH)]
        paths.append(place / f"{first:06}.bundle")
        paths[-1].write_bytes(write_bundle(entries))
    return tuple(paths)


def _seconds(job: Job, key: Key) -> float:
    @contextmanager
    def opened() -> Iterator[OpenKey]:
        with OpenKey(key.public, bytearray(bytes(key.secret))) as found:
            yield found

    begin, signed = time.perf_counter(), 0
    for piece in run_job(job, opened):
        signed += piece.counts["sign"]
    assert signed == ASSERTIONS
    return time.perf_counter() - begin


def _raw_seconds() -> float:
    _, secret = crypto_sign_seed_keypair(bytes(32))
    begin = time.perf_counter()
    for _ in range(ASSERTIONS):
        crypto_sign(MESSAGE, secret)
    return time.perf_counter() - begin


if __name__ == "__main__":
    for figure in run():
        print(figure)
