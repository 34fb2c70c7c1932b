"""The bytes of a key file and of its public half: one compact JSON object each, bounded when read (SPEC KY-5)."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Final, Literal

import msgspec
from msgspec import Meta
from nacl.pwhash import argon2id

from sealring.algorithm import ALGORITHMS
from sealring.errors import TrustError
from sealring.keyfile.private import SECRET_BYTES, KeyType
from sealring.keyfile.sodium import MAC_BYTES, NONCE_BYTES, SALT_BYTES
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
MAX_KEY_FILE = 4096  # bytes; the largest, of an ML-DSA-65 key, has about 3,000
MAX_PUBLIC_FILE = 8192  # bytes


class Kdf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How the passphrase becomes a key. Bounded (KY-5): a planted file must not take a machine's memory."""

    algorithm: Literal["argon2id"]
    operations: Annotated[int, Meta(ge=1, le=16)]
    memory: Annotated[int, Meta(ge=8192, le=2**30)]


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A key file as it stands on the disk: nothing in it is secret without the passphrase."""

    format: Literal[1]
    name: Name
    type: KeyType
    public: Annotated[bytes, Meta(min_length=32, max_length=1952)]
    kdf: Kdf
    salt: Annotated[bytes, Meta(min_length=SALT_BYTES, max_length=SALT_BYTES)]
    nonce: Annotated[bytes, Meta(min_length=NONCE_BYTES, max_length=NONCE_BYTES)]
    ciphertext: Annotated[bytes, Meta(min_length=48, max_length=64)]

    def __post_init__(self) -> None:
        if not ALGORITHMS[self.type].fits(self.public):
            raise ValueError(f"`public` is no {self.type} key")
        if len(self.ciphertext) != SECRET_BYTES[self.type] + MAC_BYTES:
            raise ValueError(f"`ciphertext` holds no {self.type} secret")

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


def parse_key_file(raw: bytes, path: str) -> KeyFile:
    """The key file that these bytes spell, within every bound; `path` is for messages.

    Raises:
        BadKeyFile: and nothing else, whatever the bytes.
    """
    try:
        return decode_strict(raw, _decoder, limit=MAX_KEY_FILE, what="key file")
    except (Malformed, TooLarge) as err:
        raise BadKeyFile(path, str(err).removeprefix("key file: "), "take it from its backup") from None


def public_file(key: PublicKey) -> bytes:
    """The bytes of `NAME.pub`: a public key and its fingerprint, to be handed around and compared by voice."""
    return encode(_PublicFile(key.name, key.type, key.public, key.id))


def parse_public_file(raw: bytes) -> PublicKey:
    """The public key in these bytes, if its fingerprint is its own (SPEC KY-1).

    Raises:
        TrustError: and nothing else, whatever the bytes.
    """
    found = decode_strict(raw, _public_decoder, limit=MAX_PUBLIC_FILE, what="public key")
    key = PublicKey(found.name, found.type, found.public)
    if key.id != found.fingerprint:
        raise Malformed("public key", f"its fingerprint is {key.id}, not the one that stands there")
    return key
