"""From the place that a person names to the key that is kept there."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sealring.keyfile import KeyFile, load_key_file, open_key, wipe
from sealring.keys import PublicKey
from sealring.keystores.holder import Ask, Holder
from sealring.signing import Signer

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:")


def is_uri(where: str) -> bool:
    """Whether this names a key by URI; a file whose name looks like one is given as `./name`."""
    return _SCHEME.match(where) is not None


def load_signer(where: str, ask: Ask) -> Holder:
    """The key at `where`, a key file's path or a URI.

    Raises:
        SealringError, OSError.
    """
    if is_uri(where):
        from sealring.keystores.foreign import find_foreign

        return find_foreign(where, ask)
    return FileHolder(load_key_file(Path(where)), ask)


@dataclass(frozen=True)
class FileHolder:
    """A key file that has been read and not opened."""

    file: KeyFile
    ask: Ask

    @property
    def public(self) -> PublicKey:
        """The half that statements list."""
        return self.file.public_key

    @contextmanager
    def open(self) -> Iterator[Signer]:
        """Ask for the passphrase; the key is wiped at the end."""
        passphrase = self.ask("passphrase", self.file.name)
        try:
            key = open_key(self.file, passphrase)
        finally:
            wipe(passphrase)
        with key:
            yield key
