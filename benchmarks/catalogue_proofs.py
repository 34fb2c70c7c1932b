"""Proofs from a store of this size: their bytes, and what it costs a device to verify them."""

from collections.abc import Iterator

from benchmarks.big_store import INSTALLED, BigStore, name_of
from benchmarks.figure import Figure, cpu_seconds
from sealring.catalogue.leaf import map_key
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.view import view_key
from sealring_server.catalogue import last_entry
from sealring_server.clock import system_clock
from sealring_server.here import open_store
from tests.scenarios.devices import MODEL

ROUNDS = 200


def figures(big: BigStore) -> Iterator[Figure]:
    """One view, and the releases of all installed packages at once."""
    n, root = big.packages, bytes.fromhex(big.world.root_id)
    here = open_store(big.store.folder, system_clock)
    with here.database.reading() as connection:
        top = last_entry(connection).map
    here.database.close()
    one = [view_key(root, MODEL)]
    many = sorted(map_key(root, "release", 1, f"acme/{name_of(k)}/latest/stable") for k in range(INSTALLED))
    for name, keys, unit, scale, aim in (
        ("a view's proof", one, "us", 1e6, "<= 60 us"),
        ("a joint proof of 50", many, "ms", 1e3, "<= 1.6 ms"),
    ):
        proof = big.store.get(f"/v1/proofs/{top.hex()}/{','.join(key.hex() for key in keys)}").body
        assert len(verify_proof(proof, top, keys).present) == len(keys)
        yield Figure("catalogue", name, n, len(proof), "B", aim="" if len(keys) == 1 else "<= 27 kB")
        took = min(cpu_seconds(lambda p=proof, k=keys: verify_proof(p, top, k), ROUNDS) for _ in range(5))  # type: ignore[misc]
        yield Figure("catalogue", f"{name}: to verify it", n, took * scale, unit, aim=aim)
