"""A store's TUF files, as the security team meets them: to pin a root, to explain a file, to check a receipt."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from tuf.api.exceptions import RepositoryError
from tuf.api.metadata import Metadata, Root, Snapshot, Targets, Timestamp
from tuf.api.serialization import DeserializationError

from sealring.command.files import read_file
from sealring.command.output import clean
from sealring.errors import TrustError
from sealring.names import spell

MAX_TUF_FILE = 512 * 1024  # bytes
S = TypeVar("S", Root, Timestamp, Snapshot, Targets)


@dataclass(eq=False)
class BadTufFile(TrustError):
    """Not the TUF metadata that it should be (SPEC TF-1)."""

    name: str
    reason: str
    rule: ClassVar[str] = "TF-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.name}: {self.reason}"

    def hint(self) -> str:
        return "take the file from the store's operator again"


def parse_tuf(raw: bytes, kind: type[S], name: str) -> Metadata[S]:
    """The metadata in these bytes, of this kind; nothing yet says who signed it.

    Raises:
        BadTufFile: and nothing else, whatever the bytes.
    """
    if len(raw) > MAX_TUF_FILE:
        raise BadTufFile(name, f"{len(raw)} bytes, at most {MAX_TUF_FILE} are read")
    try:
        found: Metadata[Any] = Metadata.from_bytes(raw)
    except (DeserializationError, RepositoryError, RecursionError, ValueError) as err:
        raise BadTufFile(name, f"no TUF metadata: {clean(err, 100)}") from None
    if not isinstance(found.signed, kind):
        raise BadTufFile(name, f"TUF {found.signed.type} found, {kind.type} needed")
    return found


def load_tuf_root(path: Path) -> Root:
    """The TUF root in a file, signed by its own threshold.

    Raises:
        BadTufFile, OSError.
    """
    metadata = parse_tuf(read_file(path, MAX_TUF_FILE), Root, path.name)
    try:
        metadata.signed.verify_delegate(Root.type, metadata.signed_bytes, metadata.signatures)
    except (RepositoryError, ValueError) as err:
        raise BadTufFile(path.name, f"not signed by its own keys: {clean(err, 100)}") from None
    return metadata.signed


def describe_tuf(raw: bytes) -> list[tuple[str, str]]:
    """What TUF metadata of any role says, as rows of harmless text."""
    if len(raw) > MAX_TUF_FILE:
        raise BadTufFile("TUF metadata", f"{len(raw)} bytes, at most {MAX_TUF_FILE} are read")
    try:
        found: Metadata[Any] = Metadata.from_bytes(raw)
    except (DeserializationError, RepositoryError, RecursionError, ValueError) as err:
        raise BadTufFile("TUF metadata", f"not read: {clean(err, 100)}") from None
    signed = found.signed
    rows = [("role", clean(signed.type)), ("version", str(signed.version)), ("expires", spell(signed.expires))]
    if isinstance(signed, Root):
        for name, role in signed.roles.items():
            rows.append((f"role {clean(name)}", f"{role.threshold} of {len(role.keyids)} keys"))
    if isinstance(signed, Timestamp):
        rows.append(("snapshot", f"version {signed.snapshot_meta.version}"))
    if isinstance(signed, Snapshot):
        rows += [(clean(name), f"version {meta.version}") for name, meta in signed.meta.items()]
    if isinstance(signed, Targets):
        rows += [(f"target {clean(name)}", f"{target.length} bytes") for name, target in signed.targets.items()]
    return rows + [("signature by key", clean(key)) for key in found.signatures]
