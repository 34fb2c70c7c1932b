"""Key files on the disk: made, read, and put under another passphrase (SPEC KY-5)."""

import os
import stat
from pathlib import Path

from sealring.durable import PRIVATE, create_durably, write_durably
from sealring.keyfile.form import MAX_KEY_FILE, STRENGTHS, BadKeyFile, Kdf, KeyFile, Strength, parse_key_file
from sealring.keyfile.opened import OpenKey, WrongPassphrase, derive_key, unwrap_secret
from sealring.keyfile.private import KeyType, draw_secret, open_private
from sealring.keyfile.sodium import NONCE_BYTES, SALT_BYTES, draw, seal_box, wipe
from sealring.keys import PublicKey
from sealring.strict import encode


def create_key_file(
    path: Path,
    name: str,
    passphrase: bytes | bytearray,
    *,
    strength: Strength = "moderate",
    kind: KeyType = "ed25519",
    kdf: Kdf | None = None,
) -> PublicKey:
    """Draw a new key and keep it at `path`, encrypted, mode 0600, durably; an existing file is never touched.

    Args:
        name: how statements call it, for people; lower case, such as `alice`.
        passphrase: not empty, the caller's to wipe; how it was asked for is the caller's affair (SPEC KY-6).
        strength: 64 MiB, 256 MiB or 1 GiB of memory for each guess.
        kdf: instead of `strength`; a program whose passphrase is 256 random bits needs no slow one.

    Raises:
        FileExistsError, OSError, TrustError.
    """
    secret = draw_secret(kind)
    try:
        public = PublicKey(name, kind, open_private(kind, secret).public)
        raw = _wrap(public, kind, secret, passphrase, kdf or Kdf("argon2id", *STRENGTHS[strength]), str(path))
    finally:
        wipe(secret)
    create_durably(path, raw, mode=PRIVATE)
    return public


def rewrap_key_file(
    path: Path, passphrase: bytes | bytearray, new: bytes | bytearray, *, strength: Strength | None = None
) -> KeyFile:
    """The same key under another passphrase or other parameters; after a power cut the file is the old or the new.

    Copies of the old file still open with the old passphrase.

    Args:
        strength: as for a new file; None keeps the parameters that the file has.

    Raises:
        WrongPassphrase, BadKeyFile, OSError: and the file is as it was.
    """
    place = path.resolve()  # a link keeps pointing at the file, and the old file does not stay behind it
    file = load_key_file(place)
    kdf = file.kdf if strength is None else Kdf("argon2id", *STRENGTHS[strength])
    secret = unwrap_secret(file, passphrase)
    try:
        _check_secret(file, secret)
        raw = _wrap(file.public_key, file.type, secret, new, kdf, str(path))
    finally:
        wipe(secret)
    write_durably(place, raw, mode=PRIVATE)
    return parse_key_file(raw, str(path))


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


def _wrap(
    public: PublicKey, kind: KeyType, secret: bytearray, passphrase: bytes | bytearray, kdf: Kdf, path: str
) -> bytes:
    """A key file's bytes; what could not be read again is refused here, before anything is written."""
    salt, nonce = bytes(draw(SALT_BYTES)), bytes(draw(NONCE_BYTES))
    key = derive_key(kdf, salt, passphrase, path)
    ciphertext = seal_box(secret, nonce, key)
    wipe(key)
    raw = encode(KeyFile(1, public.name, kind, public.public, kdf, salt, nonce, ciphertext))
    parse_key_file(raw, path)
    return raw


def _check_secret(file: KeyFile, secret: bytearray) -> None:
    # A planted public half must not get a new wrapping that vouches for it.
    try:
        OpenKey(file.public_key, secret[:]).close()
    except ValueError:
        raise WrongPassphrase(file.name) from None
