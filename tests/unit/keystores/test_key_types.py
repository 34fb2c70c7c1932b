"""A key file holds a key of any type that this edition knows, and gives the one spelling of its signatures."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from nacl.bindings import crypto_sign_seed_keypair

from sealring.keyfile import (
    KEY_TYPES,
    BadKeyFile,
    KeyType,
    OpenKey,
    WrongPassphrase,
    create_key_file,
    load_key_file,
    open_key,
    parse_key_file,
    parse_public_file,
    public_file,
)
from sealring.keyfile.opened import unwrap_secret
from sealring.keyfile.private import SECRET_BYTES, draw_secret, open_private
from sealring.keyfile.tuf import TufSigner
from sealring.keys import PublicKey, signed_by
from sealring.strict import encode
from sealring.tuf_keys import NoTufKey

SECRET = b"correct horse battery staple"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[KeyType, Path]:
    """One key file of each type."""
    folder = tmp_path_factory.mktemp("types")
    for kind in KEY_TYPES:
        create_key_file(folder / kind, kind, SECRET, strength="interactive", kind=kind)
    return {kind: folder / kind for kind in KEY_TYPES}


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_key_of_each_type_signs_what_counts_for_its_public_half(files: dict[KeyType, Path], kind: KeyType) -> None:
    """SPEC KY-2, KY-5: also after the way through the disk and through the public file."""
    found = load_key_file(files[kind])
    assert found.type == kind
    assert found.format == 1
    public = parse_public_file(public_file(found.public_key))
    with open_key(found, SECRET) as key:
        # ECDSA: half of all signatures come with the high s, which counts for nothing.
        for number in range(20):
            message = b"message %d" % number
            assert signed_by(public, key.sign(message), message)
            assert not signed_by(public, key.sign(message), b"another")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa-p256", "ecdsa-p384"])
def test_classical_signatures_need_no_random_numbers(files: dict[KeyType, Path], kind: KeyType) -> None:
    """SPEC KY-5: an ECDSA nonce that came twice would give the key away, so none is drawn (RFC 6979)."""
    with open_key(load_key_file(files[kind]), SECRET) as key:
        assert key.sign(b"message") == key.sign(b"message")


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_the_file_is_small_private_and_its_secret_is_encrypted(files: dict[KeyType, Path], kind: KeyType) -> None:
    raw, secret = files[kind].read_bytes(), unwrap_secret(load_key_file(files[kind]), SECRET)
    assert len(secret) == SECRET_BYTES[kind]
    assert bytes(secret) not in raw
    assert len(raw) < 4096
    assert files[kind].stat().st_mode & 0o777 == 0o600


def test_scalars_are_those_of_the_curve_and_seeds_those_of_rfc_8032() -> None:
    """SPEC KY-5: the secret's form is fixed, so that another implementation opens the same files."""
    scalar = draw_secret("ecdsa-p256")
    numbers = ec.derive_private_key(int.from_bytes(scalar, "big"), ec.SECP256R1()).public_key().public_numbers()
    expected = b"\x04" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    assert open_private("ecdsa-p256", scalar).public == expected
    seed = draw_secret("ed25519")
    assert open_private("ed25519", seed).public == crypto_sign_seed_keypair(bytes(seed))[0]


def test_a_scalar_that_is_none_of_the_curve_opens_nothing() -> None:
    """The attack: a planted secret 0, or n, whose signatures anybody could make."""
    for scalar in (bytearray(32), bytearray(b"\xff" * 32)):
        with pytest.raises(ValueError, match=r"[Ii]nvalid|key"):
            open_private("ecdsa-p256", scalar)


@pytest.mark.parametrize("kind", KEY_TYPES)
def test_a_secret_is_wiped_whether_or_not_it_is_the_keys(files: dict[KeyType, Path], kind: KeyType) -> None:
    """SPEC KY-5: the buffer that was handed in holds zeros afterwards."""
    found = load_key_file(files[kind])
    good, bad = unwrap_secret(found, SECRET), draw_secret(kind)
    OpenKey(found.public_key, good).close()
    with pytest.raises(ValueError, match="another key"):
        OpenKey(found.public_key, bad)
    assert not any(good)
    assert not any(bad)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d.update(type="ed25519"), id="a P-256 key called Ed25519"),
        pytest.param(lambda d: d.update(type="ecdsa-p384"), id="a P-256 key called P-384"),
        pytest.param(lambda d: d.update(type="rsa-2048"), id="a type that no file holds"),
        pytest.param(lambda d: d.update(public=d["public"][:40]), id="a short public half"),
        pytest.param(lambda d: d.update(ciphertext=d["ciphertext"][:4] + d["ciphertext"]), id="a long secret"),
    ],
)
def test_a_file_that_mixes_types_up_is_refused(
    files: dict[KeyType, Path], change: Callable[[dict[str, str]], None]
) -> None:
    """SPEC KY-5: bounded by its type when it is read, before any passphrase is asked for."""
    said = json.loads(files["ecdsa-p256"].read_bytes())
    change(said)
    with pytest.raises(BadKeyFile):
        parse_key_file(json.dumps(said, separators=(",", ":")).encode(), "x")


def test_another_public_half_of_the_same_type_is_noticed(files: dict[KeyType, Path], tmp_path: Path) -> None:
    """SPEC KY-5: who plants a public half would have its holder sign as somebody else."""
    said = json.loads(files["ecdsa-p256"].read_bytes())
    other = create_key_file(tmp_path / "other", "other", SECRET, strength="interactive", kind="ecdsa-p256")
    said["public"] = json.loads(encode(other))["public"]
    planted = parse_key_file(json.dumps(said, separators=(",", ":")).encode(), "x")
    assert planted.public_key == PublicKey("ecdsa-p256", "ecdsa-p256", other.public)
    with pytest.raises(WrongPassphrase):
        open_key(planted, SECRET)


def test_a_stores_tuf_metadata_takes_what_every_client_verifies(files: dict[KeyType, Path]) -> None:
    """SPEC TF-1: Ed25519 and ECDSA sign as TUF spells it; a type that clients do not know would blind them."""
    for kind in ("ed25519", "ecdsa-p256", "ecdsa-p384"):
        signer = TufSigner(open_key(load_key_file(files[kind]), SECRET))
        signer.public_key.verify_signature(signer.sign(b"metadata"), b"metadata")
    with pytest.raises(NoTufKey) as refused:
        TufSigner(open_key(load_key_file(files["ml-dsa-65"]), SECRET))
    assert "ed25519" in str(refused.value)
