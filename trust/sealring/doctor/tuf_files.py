"""What a store's TUF files say, as values: read and verified by a shell, judged here (SPEC TF)."""

from dataclasses import dataclass
from datetime import datetime

from sealring.keys import PublicKey

ONLINE = ("timestamp", "snapshot", "targets")


@dataclass(frozen=True)
class TufRole:
    """One role of a store's TUF root; keys that no statement could list are left out."""

    name: str
    threshold: int
    keys: tuple[PublicKey, ...]


@dataclass(frozen=True)
class TufDeadline:
    """When one of the files ends. `online`: the store renews it by itself, with its own key."""

    file: str
    version: int
    ends: datetime
    online: bool


@dataclass(frozen=True)
class StoreTuf:
    """The TUF repository of one store, verified from the root that its `store` assertion pins.

    `pinned` is false where no such assertion was found: then its first root was believed.
    """

    name: str
    source: str
    roles: tuple[TufRole, ...]
    deadlines: tuple[TufDeadline, ...]
    pinned: bool
    refused: str = ""
    """Why it does not verify, in words; empty where it does."""
