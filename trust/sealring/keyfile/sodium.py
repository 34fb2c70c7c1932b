"""libsodium on memory that can be overwritten: random bytes, argon2id, secretbox (SPEC KY-5, KY-8).

PyNaCl's own functions take and give `bytes`, which Python can't overwrite, by way of buffers of its own that it
frees as they are. So its binding is called here on `bytearray`s, which `wipe` overwrites in place.
"""

from typing import Any, Final

from nacl import _sodium

_lib: Any = _sodium.lib
_ffi: Any = _sodium.ffi
SALT_BYTES: Final = 16
NONCE_BYTES: Final = 24
KEY_BYTES: Final = 32
MAC_BYTES: Final = 16
_ARGON2ID13: Final[int] = _lib.crypto_pwhash_alg_argon2id13()


def wipe(secret: bytearray) -> None:
    """Overwrite a secret where it stands."""
    secret[:] = bytes(len(secret))


def draw(size: int) -> bytearray:
    """Random bytes from the operating system."""
    drawn = bytearray(size)
    _lib.randombytes(_ffi.from_buffer("unsigned char[]", drawn), size)
    return drawn


def derive(passphrase: bytes | bytearray, salt: bytes, operations: int, memory: int) -> bytearray | None:
    """The key that argon2id makes of a passphrase; None where there is no memory for it.

    Args:
        memory: bytes.
    """
    key = bytearray(KEY_BYTES)
    text = _ffi.from_buffer("char[]", passphrase)
    out = _ffi.from_buffer("unsigned char[]", key)
    failed = _lib.crypto_pwhash(out, KEY_BYTES, text, len(passphrase), salt, operations, memory, _ARGON2ID13)
    return None if failed else key


def seal_box(secret: bytearray, nonce: bytes, key: bytearray) -> bytes:
    """The secret, encrypted and authenticated by XSalsa20-Poly1305."""
    box = bytearray(MAC_BYTES + len(secret))
    _lib.crypto_secretbox_easy(*_buffers(box, secret), len(secret), nonce, _ffi.from_buffer("unsigned char[]", key))
    return bytes(box)


def open_box(box: bytes, nonce: bytes, key: bytearray) -> bytearray | None:
    """The secret in a box; None where the key is another or the box was altered."""
    secret = bytearray(len(box) - MAC_BYTES)
    key_buffer = _ffi.from_buffer("unsigned char[]", key)
    failed = _lib.crypto_secretbox_open_easy(*_buffers(secret, box), len(box), nonce, key_buffer)
    return None if failed else secret


def expand(seed: bytearray) -> tuple[bytes, bytearray]:
    """The Ed25519 public key of a seed, and the 64 bytes that sign, for the caller to wipe."""
    public, secret = bytearray(KEY_BYTES), bytearray(2 * KEY_BYTES)
    _lib.crypto_sign_seed_keypair(*_buffers(public, secret, seed))
    return bytes(public), secret


def sign(secret: bytearray, message: bytes) -> bytes:
    """The Ed25519 signature by an expanded secret."""
    signed = bytearray(64 + len(message))
    out, text, key = _buffers(signed, message, secret)
    _lib.crypto_sign(out, _ffi.NULL, text, len(message), key)
    return bytes(signed[:64])


def _buffers(*buffers: bytes | bytearray) -> list[Any]:
    return [_ffi.from_buffer("unsigned char[]", buffer) for buffer in buffers]
