"""How a store is made: its folder, keys, database, and first catalogue entry (SPEC TF-1, CT-1)."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from securesystemslib.signer import Signer
from sqlalchemy import insert

from sealring.authentic import Authentic
from sealring.chain import Chain, begin_with_root, root_id
from sealring.durable import PRIVATE, write_durably
from sealring.errors import SealringError
from sealring.keyfile import create_key_file
from sealring.moment import Moment
from sealring.statement import Root
from sealring_server.blobs import BlobFolder, sync_folder
from sealring_server.commit import append
from sealring_server.database import Database
from sealring_server.here import Clock, StoreHere, online_signer
from sealring_server.schema import FORMAT, metadata, store
from sealring_server.tuf_repo import keep_root, make_root
from sealring_server.work import Admitted

PASSPHRASE_BYTES = 32


@dataclass(eq=False)
class AlreadyAStore(SealringError):
    """A folder that holds a store is never made anew."""

    folder: Path
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.folder}: there is a store already"

    def hint(self) -> str:
        return "give another folder; `sealring-store status DIR` shows what this one holds"


@dataclass(frozen=True)
class TufPinned:
    """What the security team pins in the `store` assertion: version and SHA-256 of the store's TUF root."""

    version: int
    sha256: str


def make_store(folder: Path, root: bytes, root_signer: Signer, clock: Clock) -> TufPinned:
    """After it returns the folder is a store with one catalogue entry, and `1.root.json` lies beside it.

    Args:
        root: envelope of the root assertion that the store's devices trust.
        root_signer: signs the store's TUF root, once; its key then goes offline.

    Raises:
        AlreadyAStore, TrustError, OSError.
    """
    check_root(folder, root, clock())
    _make_folders(folder)
    tuf_root = make_root(root_signer, online_signer(folder), clock())
    _make_database(folder, begin_with_root(root), tuf_root, clock)
    write_durably(folder / "1.root.json", tuf_root)
    return TufPinned(1, sha256(tuf_root).hexdigest())


def check_root(folder: Path, root: bytes, at: datetime) -> str:
    """The id of the root under which a store could be made here, or why it can't.

    Raises:
        AlreadyAStore, TrustError.
    """
    found = begin_with_root(root)
    Chain(found).verify(found, Moment(at), None)
    if (folder / "store.db").exists():
        raise AlreadyAStore(folder)
    return root_id(found)


def _make_folders(folder: Path) -> None:
    keys = folder / "keys"
    keys.mkdir(mode=0o700, parents=True, exist_ok=True)
    BlobFolder(folder / "blobs").create()
    if not (keys / "online.key").exists():
        passphrase = secrets.token_hex(PASSPHRASE_BYTES).encode()
        write_durably(keys / "online.passphrase", passphrase, mode=PRIVATE)
        # A random passphrase of 256 bits needs no slow derivation, and every worker opens the key at its start.
        create_key_file(keys / "online.key", "online", passphrase, strength="interactive")
    sync_folder(folder)


def _make_database(folder: Path, root: Authentic[Root], tuf_root: bytes, clock: Clock) -> None:
    """The database is filled under another name, so that a crash leaves no half-made store."""
    draft = folder / "store.db.new"
    for leftover in folder.glob("store.db.new*"):
        leftover.unlink()
    database = Database(draft)
    here = StoreHere(folder, database, BlobFolder(folder / "blobs"), online_signer(folder), clock)
    with database.writing() as connection:
        metadata.create_all(connection)
        connection.execute(insert(store).values(one=1, format=FORMAT, root_id=root_id(root)))
        keep_root(connection, tuf_root)
        append(here, connection, [Admitted(root.statement, root.envelope, is_news=True)], 1, clock())
    database.close()  # the last connection folds the write-ahead log into the file
    draft.rename(folder / "store.db")
    sync_folder(folder)
