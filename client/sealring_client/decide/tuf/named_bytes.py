"""What signed metadata says of a file's bytes: their length and digests (SPEC TF-5, TF-12)."""

import hashlib
import re
from collections.abc import Mapping

from tuf.api.metadata import MetaFile, TargetFile

from sealring_client.decide.tuf.errors import WrongBytes

# Hex characters of each. Others are not looked at: nobody may rely on MD5, and a new one must blind no device.
ALGORITHMS = {"sha256": 64, "sha384": 96, "sha512": 128}
_HEX = re.compile(r"[0-9a-f]+")


class Tally:
    """Counts and hashes bytes as they come, and says in the end whether they are the named ones."""

    def __init__(self, named: MetaFile | TargetFile, file: str) -> None:
        """Raise WrongBytes where digests are named and none of them can be checked."""
        self._file, self._length, self._count = file, named.length, 0
        self._digests = known_digests(named.hashes, file) if named.hashes is not None else {}
        self._sums = {name: hashlib.new(name) for name in self._digests}

    def update(self, piece: bytes | memoryview) -> None:
        """Add the next bytes."""
        self._count += len(piece)
        for each in self._sums.values():
            each.update(piece)

    def check(self) -> None:
        """Return only if all of them together are the named file."""
        if self._length is not None and self._count != self._length:
            raise WrongBytes(self._file, f"{self._count} bytes found, {self._length} needed")
        for name, each in self._sums.items():
            if each.hexdigest() != self._digests[name]:
                raise WrongBytes(self._file, f"{name} {each.hexdigest()} found, {self._digests[name]} needed")


def check_bytes(raw: bytes, named: MetaFile | TargetFile, file: str) -> None:
    """Return only if these bytes have the length and every known digest that are named, as far as they are named."""
    tally = Tally(named, file)
    tally.update(raw)
    tally.check()


def known_digests(hashes: Mapping[str, str], file: str) -> dict[str, str]:
    """The digests that this device can check, in the order in which they are named; at least one.

    Raises:
        WrongBytes: none is known, or one is no digest: it also becomes part of an address.
    """
    found = {name: str(digest) for name, digest in hashes.items() if name in ALGORITHMS}
    if not found:
        raise WrongBytes(file, f"named without a digest of {', '.join(ALGORITHMS)}")
    for name, digest in found.items():
        if len(digest) != ALGORITHMS[name] or not _HEX.fullmatch(digest):
            raise WrongBytes(file, f"named by a {name} that is none")
    return found
