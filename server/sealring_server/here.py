"""All that a running store may touch, as one argument: its folder, database, keys, clock and limits."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sealring_server.bulky import Bulky
from sealring_server.database import Database, open_database
from sealring_server.failures import Failures
from sealring_server.grounds import Grounds
from sealring_server.group import Group
from sealring_server.images.chosen import images_of
from sealring_server.images.driver import Images
from sealring_server.key_folder import KeyFolder
from sealring_server.online_keys import OnlineKeys
from sealring_server.settings import Limits, Settings, load_settings
from sealring_server.surroundings import credentials_folder
from sealring_server.tiles.cache import Tiles
from sealring_server.views.listing import Documents

__all__ = ["Clock", "Limits", "StoreHere", "open_store"]

Clock = Callable[[], datetime]
"""Says the instant: aware, UTC."""


@dataclass(frozen=True)
class StoreHere:
    """One store, as one process sees it."""

    folder: Path
    database: Database
    images: Images
    online: OnlineKeys
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    settings: Settings = field(default_factory=Settings)
    tiles: Tiles = field(default_factory=Tiles)
    documents: Documents = field(default_factory=Documents)
    """The newest views (SPEC VW-1)."""
    group: Group[Any, Any] = field(default_factory=Group)
    """The publications of this process that wait to be committed (SPEC PB-10)."""
    notes: Group[Any, Any] = field(default_factory=Group)
    """The images that have come to this process whole, and wait to be noted (SPEC PB-11)."""
    reported: Group[Any, Any] = field(default_factory=Group)
    """The bundles of reports that wait to be kept (SPEC RP-2)."""
    bulky: Bulky = field(default_factory=Bulky)
    """The turns of large publications (SPEC HT-4)."""
    grounds: Grounds = field(default_factory=Grounds)
    failures: Failures = field(default_factory=Failures)


def open_store(folder: Path, clock: Clock, limits: Limits | None = None, failures: Failures | None = None) -> StoreHere:
    """The store in this folder.

    Args:
        limits: in place of those of its settings.
        failures: counters that other processes of the server share.

    Raises:
        NotAStore: none is there.
        DatabaseAway: its PostgreSQL can't be reached.
        BadSettings: its settings are not to be understood.
        OSError: files of it can't be read.
    """
    settings = load_settings(folder)
    database = open_database(folder, settings)
    counted = failures or Failures()
    online = OnlineKeys(KeyFolder(folder, credentials_folder()), counted)
    images = images_of(settings.images, folder)
    bounds = limits or settings.limits
    return StoreHere(folder, database, images, online, clock, bounds, settings, failures=counted)
