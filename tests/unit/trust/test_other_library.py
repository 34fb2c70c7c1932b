"""DSSE and the signatures once more, by `cryptography` as it is and DSSE's own words, without our code (SPEC EN-5, KY).

Where the library's own verdict differs from SPEC KY-2 stands here by the vectors' names: there our rule decides. The
second reader (tests/second) judges the same vectors with the libraries of another language.
"""

import base64
import json
from hashlib import sha256
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384

from tests.vectors.form import HERE, Vector, files, read_vector

TYPE = "application/vnd.sealring.assertion+json"
SIGNED = [path for path in files() if read_vector(path.read_text()).headers["check"] in ("chain", "approve")]
FAMILIES = {"classical": ("ed25519", "ecdsa-p256", "ecdsa-p384"), "ml-dsa": ("ml-dsa-65",)}
CURVES = {"ecdsa-p256": (ec.SECP256R1(), SHA256()), "ecdsa-p384": (ec.SECP384R1(), SHA384())}
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
    return sum(1 for key in keys if key_id(key) in by_id and takes(key, by_id[key_id(key)], pae(payload)))


def takes(key: dict[str, str], signature: bytes, message: bytes) -> bool:
    """What the library says when it is just asked; an ECDSA signature as it stands, or as two numbers put into DER."""
    material = base64.b64decode(key["public"])
    try:
        if key["type"] == "ed25519":
            Ed25519PublicKey.from_public_bytes(material).verify(signature, message)
        elif key["type"] == "ml-dsa-65":
            MLDSA65PublicKey.from_public_bytes(material).verify(signature, message)
        else:
            curve, digest = CURVES[key["type"]]
            half = len(signature) // 2
            pair = [int.from_bytes(part, "big") for part in (signature[:half], signature[half:])]
            der = (
                signature
                if signature[:1] == b"\x30" and signature[1] == len(signature) - 2
                else encode_dss_signature(*pair)
            )
            ec.EllipticCurvePublicKey.from_encoded_point(curve, material).verify(der, message, ec.ECDSA(digest))
    except (InvalidSignature, ValueError):
        return False
    return True


def statement_in(raw: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(raw)["payload"]))
    return found


def key_sets(vector: Vector, authority: str) -> list[dict[str, Any]]:
    """The sets that may sign for this authority: of its last certificate in a vector, and of what it delegates."""
    if authority == "root":
        root: dict[str, Any] = statement_in([*vector.all("anchor"), *vector.all("root")][-1])["roles"]["root"]
        return [root]
    brands = [one for one in map(statement_in, vector.all("held")) if one["brand"] == authority]
    given = [statement_in(raw) for name in ("known", "remembered") for raw in vector.all(name)]
    return [brands[-1]["keys"], *(one["keys"] for one in given if one["type"] == "delegation")]


def met(envelope: dict[str, object], keys: dict[str, Any]) -> bool:
    """Whether each threshold of a family that we know is met."""
    wanted = [(FAMILIES[t["family"]], t["threshold"]) for t in keys["thresholds"] if t["family"] in FAMILIES]
    return all(good_signers(envelope, [key for key in keys["keys"] if key["type"] in f]) >= n for f, n in wanted)


@pytest.mark.parametrize("path", ACCEPTED, ids=lambda path: str(path.relative_to(HERE)))
def test_another_library_finds_the_same_signatures_good(path: Path) -> None:
    """EN-5, KY-1, TH-1: every statement of every accepted vector, by its brand's keys or a delegate's; its id too."""
    vector = read_vector(path.read_text())
    for name in ("statement", "model", "release", "stack", "revision"):
        for raw in vector.all(name):
            envelope = json.loads(raw)
            payload = base64.b64decode(envelope["payload"])
            assert any(met(envelope, keys) for keys in key_sets(vector, json.loads(payload)["authority"]))
            if name == "statement" and "id" in vector.headers:
                assert sha256(pae(payload)).hexdigest() == vector.headers["id"]


def laxer(folder: str) -> set[str]:
    """The vectors of a folder that we refuse and the library takes."""
    found = set()
    for path in sorted((HERE / folder).glob("*.vec")):
        vector = read_vector(path.read_text())
        if vector.headers["check"] == "chain" and vector.refused:
            held = json.loads(base64.b64decode(json.loads(vector.one("held"))["payload"]))
            if good_signers(json.loads(vector.one("statement")), held["keys"]["keys"]):
                found.add(path.stem)
    return found


def test_where_the_library_takes_an_ed25519_signature_that_we_refuse() -> None:
    """KY-2: keys of small order in any spelling, and R of small order. A key of small order signs whatever is asked."""
    keys = {path.stem for path in (HERE / "ed25519").glob("small-key-*.vec")}
    commitments = {f"small-r-{n}-of-8" for n in range(8)}
    named = {"small-order-r", "small-order-key", "taming-00", "taming-01", "taming-02", "taming-10"}
    assert len(keys) == 14
    assert laxer("ed25519") == keys | commitments | named


def test_where_the_library_takes_an_ecdsa_signature_that_we_refuse() -> None:
    """KY-2: the higher of two s, DER, other lengths: ways to make a second signature of a first without the key."""
    ways = ("high-s", "s-above-half", "in-der", "zero-before")
    assert laxer("ecdsa") == {f"{curve}-{way}" for curve in ("p256", "p384") for way in ways}


def test_the_library_takes_no_ml_dsa_signature_that_we_refuse() -> None:
    """KY-2: FIPS 204 leaves one signature one spelling, so the library needs no rule of ours beside it."""
    assert laxer("ml-dsa") == set()


def test_the_anchor_is_signed_by_two_of_its_three_keys() -> None:
    """RT-4: by exactly the pair that the world signs with."""
    envelope = json.loads(read_vector(ACCEPTED[0].read_text()).one("anchor"))
    keys = json.loads(base64.b64decode(envelope["payload"]))["roles"]["root"]["keys"]
    assert [good_signers(envelope, list(pair)) for pair in combinations(keys, 2)] == [2, 1, 1]
