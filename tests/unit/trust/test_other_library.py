"""DSSE and Ed25519 once more, by another library and by DSSE's own words, without our code (SPEC EN-5, KY-1, KY-2)."""

import base64
import json
from hashlib import sha256
from itertools import combinations
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from tests.vectors.form import HERE, files, read_vector

TYPE = "application/vnd.sealring.assertion+json"
SIGNED = [path for path in files() if read_vector(path.read_text()).headers["check"] in ("chain", "approve")]
ACCEPTED = [path for path in SIGNED if not read_vector(path.read_text()).refused]


def pae(payload: bytes) -> bytes:
    """DSSE's pre-authentication encoding, as its protocol document has it."""
    return b"DSSEv1 %d %s %d %s" % (len(TYPE), TYPE.encode(), len(payload), payload)


def key_id(key: dict[str, str]) -> str:
    material = base64.b64decode(key["public"])
    return sha256(b"sealring key v1\0" + key["type"].encode() + b"\0" + material).hexdigest()


def good_signers(envelope: dict[str, object], keys: list[dict[str, str]]) -> int:
    """How many of these keys have signed."""
    payload, signatures = base64.b64decode(str(envelope["payload"])), envelope["signatures"]
    assert isinstance(signatures, list)
    by_id = {entry["keyid"]: base64.b64decode(entry["sig"]) for entry in signatures}
    count = 0
    for key in keys:
        if key["type"] != "ed25519" or key_id(key) not in by_id:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(base64.b64decode(key["public"])).verify(by_id[key_id(key)], pae(payload))
        except InvalidSignature:
            continue
        count += 1
    return count


def brand_keys(path: Path, authority: str) -> tuple[list[dict[str, str]], int]:
    """The keys and classical threshold of the last certificate of this brand in a vector."""
    for raw in reversed(read_vector(path.read_text()).all("held")):
        statement = json.loads(base64.b64decode(json.loads(raw)["payload"]))
        if statement["brand"] == authority:
            wanted = [t["threshold"] for t in statement["keys"]["thresholds"] if t["family"] == "classical"]
            return statement["keys"]["keys"], wanted[0]
    raise AssertionError(f"{path} has no certificate of {authority}")


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: str(path.relative_to(HERE)))
def test_another_library_finds_the_same_signatures_good(path: Path) -> None:
    """EN-5, KY-1, TH-1: every statement of every accepted vector, by its brand's keys; its id too."""
    vector = read_vector(path.read_text())
    for name in ("statement", "model", "release", "revision"):
        for raw in vector.all(name):
            envelope = json.loads(raw)
            payload = base64.b64decode(envelope["payload"])
            keys, wanted = brand_keys(path, json.loads(payload)["authority"])
            assert good_signers(envelope, keys) >= wanted
            if name == "statement" and "id" in vector.headers:
                assert sha256(pae(payload)).hexdigest() == vector.headers["id"]


@pytest.mark.parametrize("case", ["small-order-r", "small-order-key"])
def test_the_attacks_on_ed25519_are_real(case: str) -> None:
    """KY-2: a verifier in wide use takes these signatures; ours does not."""
    vector = read_vector((HERE / "ed25519" / f"{case}.vec").read_text())
    held = json.loads(base64.b64decode(json.loads(vector.one("held"))["payload"]))
    assert good_signers(json.loads(vector.one("statement")), held["keys"]["keys"]) == 1
    assert vector.refused == "TH-1"


def test_the_anchor_is_signed_by_two_of_its_three_keys() -> None:
    """RT-4: by exactly the pair that the world signs with."""
    envelope = json.loads(read_vector(ACCEPTED[0].read_text()).one("anchor"))
    keys = json.loads(base64.b64decode(envelope["payload"]))["roles"]["root"]["keys"]
    assert [good_signers(envelope, list(pair)) for pair in combinations(keys, 2)] == [2, 1, 1]
