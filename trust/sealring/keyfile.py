"""Key files: an Ed25519 key under a passphrase, and what signs with it (SPEC KY-5).

Standing at the edge of the core: it reads and writes disks and draws random bytes. The file is one compact
JSON object: name, public key, argon2id parameters, and the secret seed in a secretbox.
"""

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Annotated, ClassVar, Final, Literal, Self
from urllib.parse import quote, unquote

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta
from nacl.bindings import crypto_sign, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError
from nacl.pwhash import argon2id
from nacl.secret import SecretBox
from nacl.utils import random
from securesystemslib.signer import Key, SecretsHandler, Signature, Signer, SSlibKey

from sealring.durable import PRIVATE, create_durably
from sealring.errors import TrustError
from sealring.keys import PublicKey
from sealring.names import Name, Sha256Hex
from sealring.strict import Malformed, TooLarge, decode_strict, encode

Strength = Literal["interactive", "moderate", "sensitive"]
STRENGTHS: Final[dict[Strength, tuple[int, int]]] = {
    "interactive": (argon2id.OPSLIMIT_INTERACTIVE, argon2id.MEMLIMIT_INTERACTIVE),
    "moderate": (argon2id.OPSLIMIT_MODERATE, argon2id.MEMLIMIT_MODERATE),
    "sensitive": (argon2id.OPSLIMIT_SENSITIVE, argon2id.MEMLIMIT_SENSITIVE),
}
"""Operations and bytes of memory: 64 MiB, 256 MiB, 1 GiB."""
MAX_KEY_FILE = 4096  # bytes
SEED_BYTES = 32


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key. Bounded (KY-5): a planted file must not take a machine's memory."""

    algorithm: Literal["argon2id"]
    operations: Annotated[int, Meta(ge=1, le=16)]
    memory: Annotated[int, Meta(ge=8192, le=2**30)]


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key file as it stands on the disk: nothing in it is secret without the passphrase."""

    format: Literal[1]
    name: Name
    type: Literal["ed25519"]
    public: Annotated[bytes, Meta(min_length=32, max_length=32)]
    kdf: Kdf
    salt: Annotated[bytes, Meta(min_length=16, max_length=16)]
    nonce: Annotated[bytes, Meta(min_length=24, max_length=24)]
    ciphertext: Annotated[bytes, Meta(min_length=48, max_length=48)]

    @property
    def public_key(self) -> PublicKey:
        """The public half, as statements list it."""
        return PublicKey(self.name, self.type, self.public)


class _PublicFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: Name
    type: Name
    public: Annotated[bytes, Meta(min_length=1, max_length=4096)]
    fingerprint: Sha256Hex


_decoder = msgspec.json.Decoder(KeyFile)
_public_decoder = msgspec.json.Decoder(_PublicFile)


@dataclass(eq=False)
class BadKeyFile(TrustError):
    """A key file that is damaged, planted, or open to others (SPEC KY-5)."""

    path: str
    reason: str
    advice: str
    rule: ClassVar[str] = "KY-5"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"key file {self.path}: {self.reason}"

    def hint(self) -> str:
        return self.advice


@dataclass(eq=False)
class WrongPassphrase(TrustError):
    """The passphrase does not open the key file, or the file's secret was altered (SPEC KY-5)."""

    name: str
    rule: ClassVar[str] = "KY-5"
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"key {self.name}: the passphrase does not open it"

    def hint(self) -> str:
        return "try again; without the passphrase nobody can open it, so a lost one means a new key"


class OpenKey:
    """A private key in memory, for as short as possible: use it in a `with` block, which wipes it.

    PyNaCl hands out and takes `bytes`, which Python can't wipe; such copies live within one call only.
    """

    def __init__(self, public: PublicKey, seed: bytearray) -> None:
        self._public = public
        self._seed = seed

    @property
    def public(self) -> PublicKey:
        """The public half, as statements list it."""
        return self._public

    def sign(self, message: bytes, /) -> bytes:
        """The Ed25519 signature of these bytes, 64 bytes."""
        if not any(self._seed):
            raise ValueError("the key was closed")
        _, secret = crypto_sign_seed_keypair(bytes(self._seed))
        return crypto_sign(message, secret)[:64]

    def close(self) -> None:
        """Overwrite the secret; the key signs nothing any more."""
        self._seed[:] = bytes(len(self._seed))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, err: BaseException | None, at: TracebackType | None) -> None:
        self.close()


class TufSigner(Signer):
    """A key file for python-tuf: `securesystemslib`'s signer, with its usual hash key id.

    URI scheme for `from_priv_key_uri`: `sealring-key:/path/to/file`, the path percent-encoded.
    """

    SCHEME: ClassVar[str] = "sealring-key"

    def __init__(self, key: OpenKey) -> None:
        self._key = key
        self._public_key = SSlibKey.from_crypto(Ed25519PublicKey.from_public_bytes(key.public.public))

    @property
    def public_key(self) -> Key:
        """The public half as TUF metadata lists it."""
        return self._public_key

    @classmethod
    def uri(cls, path: Path) -> str:
        """The URI of a key file."""
        return f"{cls.SCHEME}:{quote(str(path.absolute()))}"

    @classmethod
    def from_priv_key_uri(
        cls, priv_key_uri: str, public_key: Key, secrets_handler: SecretsHandler | None = None
    ) -> "TufSigner":
        """The signer behind a URI; the handler is asked for "passphrase" (SPEC KY-6: no argument carries one)."""
        scheme, _, path = priv_key_uri.partition(":")
        if scheme != cls.SCHEME or secrets_handler is None:
            raise ValueError(f"{cls.SCHEME}:PATH and a secrets handler needed")
        signer = cls(open_key(load_key_file(Path(unquote(path))), secrets_handler("passphrase").encode()))
        if signer.public_key.keyid != public_key.keyid:
            raise ValueError(f"the file holds key {signer.public_key.keyid}, {public_key.keyid} needed")
        return signer

    def sign(self, payload: bytes) -> Signature:
        """A TUF signature of this payload."""
        return Signature(self._public_key.keyid, self._key.sign(payload).hex())


def create_key_file(
    path: Path, name: str, passphrase: bytes | bytearray, *, strength: Strength = "moderate"
) -> PublicKey:
    """Draw a new key and keep it at `path`, encrypted, mode 0600, durably; an existing file is never touched.

    Args:
        name: how statements call it, for people; lower case, such as `alice`.
        passphrase: not empty; how it was asked for is the caller's affair (SPEC KY-6).
        strength: 64 MiB, 256 MiB or 1 GiB of memory for each guess.

    Raises:
        FileExistsError, OSError, TrustError.
    """
    operations, memory = STRENGTHS[strength]
    kdf, salt, nonce = Kdf("argon2id", operations, memory), random(16), random(24)
    seed = bytearray(random(SEED_BYTES))
    public, _ = crypto_sign_seed_keypair(bytes(seed))
    box = SecretBox(_derive(kdf, salt, passphrase, str(path)))
    ciphertext = box.encrypt(bytes(seed), nonce).ciphertext
    seed[:] = bytes(SEED_BYTES)
    raw = encode(KeyFile(1, name, "ed25519", public, kdf, salt, nonce, ciphertext))
    found = parse_key_file(raw, str(path))  # what could not be read again is not written
    create_durably(path, raw, mode=PRIVATE)
    return found.public_key


def parse_key_file(raw: bytes, path: str) -> KeyFile:
    """The key file that these bytes spell, within every bound; `path` is for messages.

    Raises:
        BadKeyFile: and nothing else, whatever the bytes.
    """
    try:
        return decode_strict(raw, _decoder, limit=MAX_KEY_FILE, what="key file")
    except (Malformed, TooLarge) as err:
        raise BadKeyFile(path, str(err).removeprefix("key file: "), "take it from its backup") from None


def load_key_file(path: Path) -> KeyFile:
    """The key file at `path`, refused where others than its owner may read or write it (SPEC KY-5).

    Raises:
        BadKeyFile, OSError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with open(descriptor, "rb") as file:
        # The open file is asked, not the path: what stands there may change between two looks.
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise BadKeyFile(str(path), "not a regular file", "give the path of a key file")
        if status.st_mode & 0o077:
            reason = f"mode {stat.S_IMODE(status.st_mode):04o} lets others at it, 0600 needed"
            raise BadKeyFile(str(path), reason, f"chmod 600 {path}; if others had access, rotate the key")
        return parse_key_file(file.read(MAX_KEY_FILE + 1), str(path))


def open_key(file: KeyFile, passphrase: bytes | bytearray) -> OpenKey:
    """The private key in this file.

    Raises:
        WrongPassphrase: also when the file's public key is not the secret's: signing as somebody else is refused.
        BadKeyFile: when there is no memory for its parameters.
    """
    box = SecretBox(_derive(file.kdf, file.salt, passphrase, file.name))
    try:
        seed = bytearray(box.decrypt(file.ciphertext, file.nonce))
    except CryptoError:
        raise WrongPassphrase(file.name) from None
    public, _ = crypto_sign_seed_keypair(bytes(seed))
    if public != file.public:
        seed[:] = bytes(SEED_BYTES)
        raise WrongPassphrase(file.name)
    return OpenKey(file.public_key, seed)


def wipe(secret: bytearray) -> None:
    """Overwrite a secret in place."""
    secret[:] = bytes(len(secret))


def public_file(key: PublicKey) -> bytes:
    """The bytes of `NAME.pub`: a public key and its fingerprint, to be handed around and compared by voice."""
    return encode(_PublicFile(key.name, key.type, key.public, key.id))


def parse_public_file(raw: bytes) -> PublicKey:
    """The public key in these bytes, if its fingerprint is its own (SPEC KY-1).

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _public_decoder, limit=2 * MAX_KEY_FILE, what="public key")
    key = PublicKey(found.name, found.type, found.public)
    if key.id != found.fingerprint:
        raise Malformed("public key", f"its fingerprint is {key.id}, not the one that stands there")
    return key


def _derive(kdf: Kdf, salt: bytes, passphrase: bytes | bytearray, path: str) -> bytes:
    derive: Callable[..., bytes] = argon2id.kdf
    try:
        return derive(SecretBox.KEY_SIZE, bytes(passphrase), salt, opslimit=kdf.operations, memlimit=kdf.memory)
    except CryptoError:
        raise BadKeyFile(path, f"no {kdf.memory} bytes of memory for it", "use a machine with more memory") from None
