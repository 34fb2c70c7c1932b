"""What a device says that it has, in the one spelling of the question (SPEC AN-1)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from tuf.api.metadata import Root, Snapshot, Targets, Timestamp

from sealring.errors import TrustError
from sealring_client.decide.tuf.metadata import T, parse_metadata

MAX_BRANDS = 64
MAX_FILE = 512 * 1024  # bytes of a TUF file


@dataclass(frozen=True)
class Versions:
    """The TUF files that are held, by version; 0 for none."""

    root: int = 0
    timestamp: int = 0
    snapshot: int = 0
    targets: int = 0

    def __str__(self) -> str:
        return f"{self.root}.{self.timestamp}.{self.snapshot}.{self.targets}"


@dataclass(frozen=True)
class Question:
    """All that one store is told; nothing else about the device is in it.

    Args:
        root, brands: sequences of what is trusted, whoever showed it.
        tuf, entry: what this store has shown before.
        view: digest of a view of the model all of whose statements are held.
    """

    model: str
    root: int = 0
    brands: Mapping[str, int] = field(default_factory=dict)
    tuf: Versions = Versions()
    entry: int = 0
    view: str = ""

    @property
    def path(self) -> str:
        """The path of the answer, with its query."""
        members = [f"root={self.root}"] if self.root else []
        if self.brands:
            named = sorted(self.brands)[:MAX_BRANDS]
            members.append("brands=" + ",".join(f"{name}.{self.brands[name]}" for name in named))
        members += [f"tuf={self.tuf}"] if self.tuf != Versions() else []
        members += [f"entry={self.entry}"] if self.entry else []
        members += [f"view={self.view}"] if self.view else []
        return f"v1/answers/{self.model}" + (f"?{'&'.join(members)}" if members else "")


def version_of(raw: bytes | None, kind: type[T]) -> int:
    """The version that a TUF file names, unverified; 0 where it is no such file."""
    if raw is None:
        return 0
    try:
        return int(parse_metadata(raw, kind, limit=MAX_FILE, file=f"{kind.type}.json").content.version)
    except TrustError:
        return 0


def versions_held(load: Callable[[str], bytes | None]) -> Versions:
    """What of a store's files is on the disk; what is damaged there counts as none."""
    return Versions(
        version_of(load("root.json"), Root),
        version_of(load("timestamp.json"), Timestamp),
        version_of(load("snapshot.json"), Snapshot),
        version_of(load("targets.json"), Targets),
    )
