"""Refresh and download of any TUF repository: the network and two folders around the decisions (SPEC TF-12, HF-1)."""

from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from sealring.names import spell
from sealring_client.decide.tuf import ANY_REPOSITORY, Repository, refresh_repository, search_target
from sealring_client.decide.tuf.names import target_file
from sealring_client.disk import make_folder_durably
from sealring_client.fetch.repository import RepositorySource
from sealring_client.tuf_folder import OneFolder, TrustedFolder, hold
from sealring_client.tuf_target import Brought, bring_target


@dataclass(frozen=True)
class Current:
    """A repository that is up to date, until when."""

    versions: dict[str, int]
    expires: datetime

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows."""
        return {"schema": 1, **self.versions, "expires": spell(self.expires)}

    def __str__(self) -> str:
        return f"{', '.join(f'{k} {v}' for k, v in self.versions.items())}; good until {spell(self.expires)}"


@dataclass(frozen=True)
class Downloaded:
    """A target that lies there, verified."""

    brought: Brought
    role: str
    length: int

    def as_json(self) -> dict[str, Any]:
        """What `--json` shows."""
        path, fetched = str(self.brought.path), self.brought.fetched
        return {"schema": 1, "path": path, "role": self.role, "length": self.length, "fetched": fetched}

    def __str__(self) -> str:
        return f"{self.brought.path}: {self.length} bytes{'' if self.brought.fetched else ', there already'}"


def refresh(folder: Path, url: str, at: datetime) -> Current:
    """The repository's top roles brought up to date in `folder`.

    Raises:
        TrustError, Unreachable, DiskError, NoSpace, Busy.
    """
    with hold(folder), closing(RepositorySource(url)) as source:
        found = refresh_repository(source, TrustedFolder(folder), at=at)
        return _current(found)


def download(folder: Path, url: str, name: str, target_url: str, target_folder: Path, at: datetime) -> Downloaded:
    """The target as a file in `target_folder`, after a refresh.

    Raises:
        TrustError, Unreachable, DiskError, NoSpace, Busy: as for `refresh`; no file of the target has changed.
    """
    make_folder_durably(target_folder)
    # A target named `root.json` would replace what the next refresh trusts.
    if folder.exists() and folder.samefile(target_folder):
        raise OneFolder(folder)
    with hold(folder), closing(RepositorySource(url)) as source:
        storage = TrustedFolder(folder)
        found = refresh_repository(source, storage, at=at)
        target_file(name)  # a name that no file can have need not be looked for
        hit = search_target(source, storage, found, name, at=at)
    consistent, limit = bool(found.root.content.consistent_snapshot), ANY_REPOSITORY.target
    with hold(target_folder), closing(RepositorySource(target_url)) as targets:
        brought = bring_target(targets, hit.target, target_folder, consistent=consistent, limit=limit)
    return Downloaded(brought, hit.role, hit.target.length)


def _current(found: Repository) -> Current:
    versions = {
        "root": found.root.content.version,
        "timestamp": found.timestamp.content.version,
        "snapshot": found.snapshot.content.version,
        "targets": found.targets.content.version,
    }
    return Current(versions, found.expires)
