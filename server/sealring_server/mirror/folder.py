"""A mirror's folder: an ordinary store's, without keys, and what it knows of its origin (SPEC MI-1).

DIR/store.toml          [mirror] url, which images
DIR/mirror/root.json    the root assertion that its operator gave
DIR/mirror/witness/     an audit's state: `sealring-store audit compare` takes it
DIR/mirror/noted.json   when it last heard of the store
DIR/store.db, blobs/    as any store has them; from the first complete look on
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from sealring.chain import begin_with_root, root_id
from sealring.durable import write_durably
from sealring.errors import SealringError
from sealring_server.database import Database, database_url, is_made
from sealring_server.disk import sync_folder
from sealring_server.failures import Failures
from sealring_server.here import Clock, StoreHere
from sealring_server.images.chosen import images_of
from sealring_server.key_folder import KeyFolder
from sealring_server.mirror.errors import OtherMirror
from sealring_server.online_keys import OnlineKeys
from sealring_server.settings import FILE, Mirror, load_settings, parse_settings
from sealring_server.surroundings import credentials_folder

KEPT = "mirror"
ROOT = "root.json"
WITNESS = "witness"


@dataclass(eq=False)
class NoRoot(SealringError):
    """A new mirror without the root assertion from which all of it is verified (SPEC MI-1)."""

    folder: Path
    rule: ClassVar[str] = "MI-1"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.folder}: nothing says under which root the store publishes"

    def hint(self) -> str:
        return "give --root FILE: the root assertion that devices of this store trust, of any version"


def mirror_folder(here: StoreHere) -> Path:
    """Where a mirror keeps what it knows of its origin."""
    return here.folder / KEPT


def open_mirror(folder: Path, clock: Clock, failures: Failures | None = None) -> StoreHere:
    """The mirror in this folder, also before its first complete look, when there is no database yet.

    Raises:
        OtherMirror: it is none.
        BadSettings, OSError.
    """
    settings = load_settings(folder)
    if settings.mirror is None:
        raise OtherMirror(folder, "no mirror; its store.toml has no table [mirror]")
    counted = failures or Failures()
    online = OnlineKeys(KeyFolder(folder, credentials_folder()), counted)
    images = images_of(settings.images, folder)
    database = Database(database_url(folder, settings))
    return StoreHere(folder, database, images, online, clock, settings.limits, settings, failures=counted)


def make_mirror(folder: Path, wanted: Mirror, root: bytes | None) -> None:
    """After it returns the folder is one of a mirror of this store, under this root; any number of times.

    Args:
        root: a root assertion of any version; needed the first time.

    Raises:
        OtherMirror: the folder holds a store, or a mirror of another one or under another root.
        NoRoot, TrustError, BadSettings, OSError.
    """
    settings = load_settings(folder)
    kept = folder / KEPT / ROOT
    if settings.mirror is None:
        if is_made(folder, settings) or (folder / "keys").exists():
            raise OtherMirror(folder, "a store with keys of its own, or what is left of one")
    elif settings.mirror.url != wanted.url:
        raise OtherMirror(folder, f"a mirror of {settings.mirror.url}, which its store.toml names")
    if root is None and not kept.exists():
        raise NoRoot(folder)
    if root is not None:
        anchor = root_id(begin_with_root(root))
        if kept.exists() and root_id(begin_with_root(kept.read_bytes())) != anchor:
            raise OtherMirror(folder, "a mirror under another root")
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_durably(kept, root)
    images_of(settings.images, folder).create()
    if settings.mirror != wanted:
        _write_settings(folder, wanted)
    sync_folder(folder)


def anchor_of(folder: Path) -> tuple[str, str, int]:
    """The root assertion that the operator gave: id of version 1, its own id, and its version."""
    found = begin_with_root((folder / KEPT / ROOT).read_bytes())
    return root_id(found), found.envelope.id, found.statement.sequence


def _write_settings(folder: Path, wanted: Mirror) -> None:
    """The table [mirror] as it is wanted; the operator's other tables stay, and his comments."""
    file = folder / FILE
    lines = file.read_text().splitlines() if file.exists() else ["# What the operator of this mirror has decided."]
    kept, inside = [], False
    for line in lines:
        inside = line.strip() == "[mirror]" if line.strip().startswith("[") else inside
        kept += [] if inside else [line]
    said = [
        "[mirror]",
        f'url = "{wanted.url}"',
        f'images = "{wanted.images}"',
        f"models = {json.dumps(wanted.models)}",
        f"seconds = {wanted.seconds}",
    ]
    raw = "\n".join([*kept, *([""] if kept else []), *said, ""]).encode()
    parse_settings(raw, file)
    write_durably(file, raw)
