"""Key files: a private key under a passphrase, at rest and in use (SPEC KY-5).

`form` is the file as bytes, `sodium` and `private` what is done with its secret, `opened` a key in use, `disk` the
file on the disk, and `tuf` the same key as python-tuf wants it (imported by who needs it: it loads much).
"""

from sealring.keyfile.disk import create_key_file, load_key_file, rewrap_key_file
from sealring.keyfile.form import (
    STRENGTHS,
    BadKeyFile,
    Kdf,
    KeyFile,
    Strength,
    parse_key_file,
    parse_public_file,
    public_file,
)
from sealring.keyfile.opened import OpenKey, WrongPassphrase, open_key
from sealring.keyfile.private import KEY_TYPES, KeyType
from sealring.keyfile.sodium import wipe

__all__ = [
    "KEY_TYPES",
    "STRENGTHS",
    "BadKeyFile",
    "Kdf",
    "KeyFile",
    "KeyType",
    "OpenKey",
    "Strength",
    "WrongPassphrase",
    "create_key_file",
    "load_key_file",
    "open_key",
    "parse_key_file",
    "parse_public_file",
    "public_file",
    "rewrap_key_file",
    "wipe",
]
