"""Every receipt that a publisher was given is still proved at the end (SPEC PB-3, PB-8, LG-2)."""

import json
from pathlib import Path

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.follows import check_follows, needs_path
from sealring.catalogue.proof import verify_proof
from sealring.errors import TrustError
from tests.rigs.store.reader import Seen
from tests.stores import RunningStore


def check_receipts(store: RunningStore, receipts: Path, newest: Seen) -> tuple[int, list[str]]:
    """How many there were, and which of them the store contradicts.

    Args:
        newest: what the store shows now, verified.
    """
    wrong, number = list[str](), 0
    for line in receipts.read_text().splitlines() if receipts.exists() else ():
        number += 1
        said = json.loads(line)
        entry = parse_entry(said["entry"].encode())
        try:
            _check(store, entry, said["statements"], newest.entry)
        except (TrustError, AssertionError) as err:
            wrong.append(f"receipt of entry {entry.sequence}: {err}")
    return number, wrong


def _check(
    store: RunningStore, entry: CatalogueEntry, statements: list[tuple[str, int, str, str]], newest: CatalogueEntry
) -> None:
    path = b""
    if needs_path(newest, entry):
        path = _get(store, f"/v1/log/{newest.sequence - 1}/{entry.sequence - 1}")
    check_follows(newest, entry, path)
    keys = sorted(bytes.fromhex(key) for key, _, _, _ in statements)
    proof = _get(store, f"/v1/proofs/{entry.map.hex()}/{','.join(key.hex() for key in keys)}")
    present = verify_proof(proof, entry.map, keys).present
    for key, sequence, name, envelope in statements:
        head = present[bytes.fromhex(key)]
        assert (head.sequence, head.id.hex(), head.envelope.hex()) == (sequence, name, envelope), key
        assert _get(store, f"/v1/statements/{envelope}")


def _get(store: RunningStore, path: str) -> bytes:
    answer = store.get(path)
    assert answer.status == 200, (path, answer.status)
    return answer.body
