"""All that a running store may touch, as one argument: its folder, database, keys, clock and limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sealring_server.blobs import BlobFolder
from sealring_server.database import Database, open_database
from sealring_server.failures import Failures
from sealring_server.grounds import Grounds
from sealring_server.group import Group
from sealring_server.key_folder import KeyFolder
from sealring_server.online_keys import OnlineKeys
from sealring_server.surroundings import credentials_folder
from sealring_server.tiles.cache import Tiles
from sealring_server.views.listing import Documents

Clock = Callable[[], datetime]
"""Says the instant: aware, UTC."""


@dataclass(frozen=True)
class Limits:
    """How much may be under way at once, and be there at all; each authority has its own bounds (SPEC PB-7).

    What only delegations of a brand vouch for counts as the brand's, and fills at most half of each bound, so
    that a delegate can't keep the brand itself out.
    """

    open: int = 8
    idle: int = 16
    """Open publications without any news, of anybody: a stranger can open those."""
    pending_bytes: int = 16 * 1024**3
    seconds: int = 24 * 3600
    subjects: int = 1_000_000
    """Statements that are current, of one authority: most of them serials."""
    delegations: int = 64
    """Of one brand, with a list for each: they may stand in the view of every model that runs its software."""


@dataclass(frozen=True)
class StoreHere:
    """One store, as one process sees it."""

    folder: Path
    database: Database
    blobs: BlobFolder
    online: OnlineKeys
    clock: Clock
    limits: Limits = Limits()
    tiles: Tiles = field(default_factory=Tiles)
    documents: Documents = field(default_factory=Documents)
    """The newest views (SPEC VW-1)."""
    group: Group[Any, Any] = field(default_factory=Group)
    """The publications of this process that wait to be committed (SPEC PB-10)."""
    grounds: Grounds = field(default_factory=Grounds)
    failures: Failures = field(default_factory=Failures)


def open_store(folder: Path, clock: Clock, limits: Limits | None = None, failures: Failures | None = None) -> StoreHere:
    """The store in this folder.

    Args:
        failures: counters that other processes of the server share.

    Raises:
        NotAStore: none is there.
        OSError: files of it can't be read.
    """
    database = open_database(folder / "store.db")
    counted = failures or Failures()
    online = OnlineKeys(KeyFolder(folder, credentials_folder()), counted)
    return StoreHere(
        folder, database, BlobFolder(folder / "blobs"), online, clock, limits or Limits(), failures=counted
    )
