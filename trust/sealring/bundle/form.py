"""The bundle's form: kinds, names, limits and order (SPEC BN-1, BN-2)."""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar, Final

from sealring.errors import TrustError

MAGIC: Final = b"sealring bundle 1\n"
MAX_ENTRIES: Final = 100_000
MAX_METADATA: Final = 64 * 1024 * 1024  # bytes of all entries but images together, headers included
MAX_NAME: Final = 4352  # bytes; 64 keys and a root in hex need 4,224
HEADER_BYTES: Final = 11

_SEGMENT = r"[a-z0-9][a-z0-9._-]*"
_TUF_NAME: Final = re.compile(rf"(?=.{{1,255}}\Z){_SEGMENT}(?:/{_SEGMENT})*")
_PROOF_NAME: Final = re.compile(r"[0-9a-f]{64}/[0-9a-f]{64}(?:,[0-9a-f]{64}){0,63}")
_PATH_NAME: Final = re.compile(r"[1-9][0-9]{0,15}/[1-9][0-9]{0,15}")
_DIFFERENCE_NAME: Final = re.compile(r"[0-9a-f]{64}/[0-9a-f]{64}")
_IMAGE_NAME: Final = re.compile(r"[0-9a-f]{64}")
_NO_NAME: Final = re.compile(r"")


class Kind(IntEnum):
    """The first byte of an entry; entries stand in this order, and the last one ends the file."""

    END = 0
    STATEMENT = 1
    TUF = 2
    VIEW = 3
    PROOF = 4
    PATH = 5
    PARTS = 6
    DIFFERENCE = 7
    REPORT = 8
    HALT = 9
    IMAGE = 16  # the kinds between are for what else is small and comes before images


_NAMES: Final = {
    Kind.END: _NO_NAME,
    Kind.STATEMENT: _NO_NAME,
    Kind.TUF: _TUF_NAME,
    Kind.VIEW: _NO_NAME,
    Kind.PROOF: _PROOF_NAME,
    Kind.PATH: _PATH_NAME,
    Kind.PARTS: _NO_NAME,
    Kind.DIFFERENCE: _DIFFERENCE_NAME,
    Kind.REPORT: _NO_NAME,
    Kind.HALT: _NO_NAME,
    Kind.IMAGE: _IMAGE_NAME,
}
_LIMITS: Final = {
    Kind.END: 0,
    Kind.STATEMENT: 256 * 1024,
    Kind.TUF: 512 * 1024,
    Kind.VIEW: 1024 * 1024,
    Kind.PROOF: 256 * 1024,
    Kind.PATH: 64 * 32,
    Kind.PARTS: 256 * 1024,
    Kind.DIFFERENCE: 1024 * 1024,
    Kind.REPORT: 8 * 1024,
    Kind.HALT: 1024,
}


@dataclass(eq=False)
class NotABundle(TrustError):
    """Bytes that do not begin and end as a bundle does (SPEC BN-1)."""

    why: str

    rule: ClassVar[str] = "BN-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"not a whole bundle: {self.why}"

    def hint(self) -> str:
        return "fetch or copy it again"


@dataclass(eq=False)
class BadBundleEntry(TrustError):
    """An entry with a name that its kind can't have (SPEC BN-1)."""

    number: int
    kind: int
    why: str

    rule: ClassVar[str] = "BN-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"bundle entry {self.number} of kind {self.kind}: {self.why}"

    def hint(self) -> str:
        return "fetch the bundle from another source; this one was not made by sealring"


@dataclass(eq=False)
class UnknownBundleKind(TrustError):
    """An entry of a kind that this edition does not know (SPEC BN-2)."""

    number: int
    kind: int

    rule: ClassVar[str] = "BN-2"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        known = ", ".join(str(kind.value) for kind in Kind)
        return f"bundle entry {self.number}: kind {self.kind} found, {known} known"

    def hint(self) -> str:
        return "make the bundle again with the version of sealring that the reader has"


@dataclass(eq=False)
class BundleTooLarge(TrustError):
    """More than a reader of bundles takes; refused before it is read (SPEC BN-2)."""

    what: str
    found: int
    allowed: int

    rule: ClassVar[str] = "BN-2"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"bundle: {self.what} is {self.found}, at most {self.allowed} allowed"

    def hint(self) -> str:
        return "split the bundle, or make one for fewer models"


@dataclass(eq=False)
class BadBundleOrder(TrustError):
    """An entry that should have come earlier, or came already (SPEC BN-1)."""

    number: int
    kind: int
    name: str

    rule: ClassVar[str] = "BN-1"
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"bundle entry {self.number} of kind {self.kind}, {self.name!a}: out of order or there twice"

    def hint(self) -> str:
        return "make the bundle again: kinds ascending, and names ascending within a kind"


@dataclass(slots=True)
class HeaderChecks:
    """The rules that an entry's header must meet, for reader and writer alike, before its data is touched."""

    image_limit: int
    count: int = 0
    metadata_bytes: int = 0
    last: tuple[Kind, str] = (Kind.STATEMENT, "")

    def check(self, code: int, raw_name: bytes, size: int) -> tuple[Kind, str]:
        """The kind and name of the next entry, or the rule that it breaks."""
        self.count += 1
        kind = self._kind(code)
        name = raw_name.decode("ascii", "replace")
        if not _NAMES[kind].fullmatch(name):
            raise BadBundleEntry(self.count, kind, f"name {name[:80]!a}")
        self._check_size(kind, len(raw_name), size)
        self._check_order(kind, name)
        return kind, name

    def _kind(self, code: int) -> Kind:
        try:
            return Kind(code)
        except ValueError:
            raise UnknownBundleKind(self.count, code) from None

    def _check_size(self, kind: Kind, name_bytes: int, size: int) -> None:
        # BN-2 comes before any allocation: a length field must not fill a device's memory or disk.
        limit = self.image_limit if kind is Kind.IMAGE else _LIMITS[kind]
        if size > limit:
            raise BundleTooLarge(f"entry {self.count} of kind {kind.value}, in bytes,", size, limit)
        if kind is not Kind.END and self.count > MAX_ENTRIES:
            raise BundleTooLarge("number of entries", self.count, MAX_ENTRIES)
        self.metadata_bytes += HEADER_BYTES + name_bytes + (0 if kind is Kind.IMAGE else size)
        if self.metadata_bytes > MAX_METADATA:
            raise BundleTooLarge("metadata, in bytes,", self.metadata_bytes, MAX_METADATA)

    def _check_order(self, kind: Kind, name: str) -> None:
        # BN-1: what a file says of one name can't be said twice, and images come when all else is known.
        last_kind, last_name = self.last
        is_after = name > last_name if kind is last_kind and name else kind >= last_kind
        if kind is not Kind.END and not is_after:
            raise BadBundleOrder(self.count, kind, name[:80])
        self.last = (kind, name)
