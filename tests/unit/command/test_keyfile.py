"""Key files hold what SPEC KY-5 says: encrypted, private, whole, and never overwritten."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import SigningKey, VerifyKey
from securesystemslib.signer import SSlibKey

from sealring.durable import create_durably, write_durably
from sealring.envelope import seal
from sealring.errors import TrustError
from sealring.keyfile import (
    BadKeyFile,
    KeyFile,
    WrongPassphrase,
    create_key_file,
    load_key_file,
    open_key,
    parse_key_file,
    parse_public_file,
    public_file,
)
from sealring.keyfile.opened import unwrap_secret
from sealring.keyfile.tuf import TufSigner
from sealring.keys import PublicKey
from sealring.signing import UselessSignature, add_signature
from sealring.strict import Malformed, encode
from sealring.threshold import check_threshold
from tests.world import Key, World, key_set

SECRET = b"correct horse battery staple"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One key file, made once."""
    path = tmp_path_factory.mktemp("keys") / "alice.key"
    create_key_file(path, "alice", SECRET, strength="interactive")
    return path


def test_a_key_that_was_created_signs_what_its_public_half_verifies(made: Path) -> None:
    with open_key(load_key_file(made), SECRET) as key:
        VerifyKey(key.public.public).verify(b"message", key.sign(b"message"))
    assert key.public.name == "alice"


def test_a_closed_key_signs_nothing(made: Path) -> None:
    """SPEC KY-5: after the `with` block the secret is gone, and what is left signs nothing."""
    with open_key(load_key_file(made), SECRET) as key:
        pass
    with pytest.raises(ValueError, match="closed"):
        key.sign(b"message")


def test_the_file_is_private_and_holds_the_secret_only_encrypted(made: Path) -> None:
    """SPEC KY-5: a stolen file alone is worth a passphrase guess at argon2id's price."""
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert [p.name for p in made.parent.iterdir()] == ["alice.key"]
    assert unwrap_secret(load_key_file(made), SECRET) not in made.read_bytes()
    said = json.loads(made.read_bytes())
    assert said["kdf"] == {"algorithm": "argon2id", "operations": 2, "memory": 64 * 1024 * 1024}


def test_an_existing_key_is_never_overwritten(made: Path) -> None:
    """SPEC KY-5: a slip of the finger must not destroy a root key."""
    before = made.read_bytes()
    with pytest.raises(FileExistsError):
        create_key_file(made, "alice", SECRET, strength="interactive")
    assert made.read_bytes() == before
    assert len(list(made.parent.iterdir())) == 1


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o666])
def test_a_key_file_that_others_can_reach_is_refused(made: Path, tmp_path: Path, mode: int) -> None:
    path = tmp_path / "open.key"
    path.write_bytes(made.read_bytes())
    path.chmod(mode)
    with pytest.raises(BadKeyFile) as refused:
        load_key_file(path)
    assert refused.value.rule == "KY-5"
    assert "chmod 600" in refused.value.hint()


def test_a_pipe_in_place_of_a_key_file_is_refused_and_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe", 0o600)
    with pytest.raises(BadKeyFile):
        load_key_file(tmp_path / "pipe")


def test_a_wrong_passphrase_opens_nothing(made: Path) -> None:
    with pytest.raises(WrongPassphrase):
        open_key(load_key_file(made), b"wrong")


def test_a_planted_public_half_is_noticed(made: Path) -> None:
    """The attack: another public key in the file, so that its holder reviews and signs under a name not his own."""
    file = load_key_file(made)
    planted = parse_key_file(
        encode(KeyFile(1, file.name, file.type, bytes(32), file.kdf, file.salt, file.nonce, file.ciphertext)), "x"
    )
    with pytest.raises(WrongPassphrase):
        open_key(planted, SECRET)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda d: d["kdf"].update(memory=2**31), id="more memory than any strength needs"),
        pytest.param(lambda d: d["kdf"].update(operations=17), id="more rounds than any strength needs"),
        pytest.param(lambda d: d["kdf"].update(operations=0), id="no rounds"),
        pytest.param(lambda d: d["kdf"].update(algorithm="scrypt"), id="another algorithm"),
        pytest.param(lambda d: d.update(format=2), id="a later format"),
        pytest.param(lambda d: d.update(name="Alice"), id="a name that no statement could list"),
        pytest.param(lambda d: d.update(more=1), id="an unknown member"),
        pytest.param(lambda d: d.pop("salt"), id="no salt"),
    ],
)
def test_parameters_are_bounded_when_a_file_is_read(made: Path, change: Callable[[dict[str, object]], None]) -> None:
    """SPEC KY-5: a planted file must take neither the machine's memory nor its afternoon."""
    said = json.loads(made.read_bytes())
    change(said)
    with pytest.raises(BadKeyFile):
        parse_key_file(json.dumps(said, separators=(",", ":")).encode(), "x")


@given(st.binary(max_size=5000))
def test_nothing_else_escapes_whatever_the_bytes(raw: bytes) -> None:
    """SPEC KY-5, KY-1: one refusal, whatever lies in a key file's place."""
    with pytest.raises(BadKeyFile):
        parse_key_file(raw, "x")
    with pytest.raises(TrustError):
        parse_public_file(raw)


def test_a_public_file_with_another_keys_fingerprint_is_refused() -> None:
    """SPEC KY-1: people compare fingerprints, so the one that is shown must be the key's."""
    mine, other = Key("mine").public, Key("other").public
    assert parse_public_file(public_file(mine)) == mine
    with pytest.raises(Malformed):
        parse_public_file(public_file(mine).replace(mine.id.encode(), other.id.encode()))


def test_the_tuf_signer_makes_signatures_that_securesystemslib_verifies(made: Path) -> None:
    def ask(what: str) -> str:
        assert what == "passphrase"
        return SECRET.decode()

    public = TufSigner(open_key(load_key_file(made), SECRET)).public_key
    signer = TufSigner.from_priv_key_uri(TufSigner.uri(made), public, ask)
    signer.public_key.verify_signature(signer.sign(b"metadata"), b"metadata")
    assert len(signer.public_key.keyid) == 64
    other = SSlibKey("0" * 64, "ed25519", "ed25519", {"public": "00" * 32})
    with pytest.raises(ValueError, match="needed"):
        TufSigner.from_priv_key_uri(TufSigner.uri(made), other, ask)


def test_signatures_are_added_one_by_one_and_keep_the_identity() -> None:
    """SPEC EN-5: each holder signs the same assertion, and the threshold is met by the last."""
    world, (a, b, c) = World(), [Key("a"), Key("b"), Key("c")]
    draft = seal(encode(world.release()), {})
    signed = add_signature(add_signature(draft, a), c)
    assert signed.id == draft.id
    assert check_threshold(signed, key_set(2, a, b, c), "release") == {a.id, c.id}
    damaged = seal(draft.payload, {a.id: b"\1" * 64})
    assert add_signature(damaged, a).signatures == {a.id: signed.signatures[a.id]}


def test_a_signer_with_another_key_than_it_says_is_noticed() -> None:
    """SPEC KY-2: the attack, or the accident: a token signs with a key that no statement lists."""

    class Liar:
        public = PublicKey("liar", "ed25519", bytes(Key("a").secret.verify_key))

        def sign(self, pae: bytes) -> bytes:
            return SigningKey(bytes(32)).sign(pae).signature

    with pytest.raises(UselessSignature):
        add_signature(seal(encode(World().release()), {}), Liar())


def test_writing_replaces_whole_and_creating_never_replaces(tmp_path: Path) -> None:
    path = tmp_path / "file"
    create_durably(path, b"one")
    write_durably(path, b"two")
    with pytest.raises(FileExistsError):
        create_durably(path, b"three")
    assert path.read_bytes() == b"two"
    with pytest.raises(OSError, match="directory"):
        write_durably(tmp_path, b"a folder stands there")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
