"""How a store is made: its folder, keys, database, and first catalogue entry (SPEC TF-1, CT-1).

Where one key signs the store's TUF root, the store is made at once. Where several people hold root keys, it is begun:
the request for root 1 goes round, and the store is finished with what they signed. Between, `init/` holds the roots
that its devices trust.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import ClassVar

from securesystemslib.signer import Signer
from sqlalchemy import Connection, insert, inspect

from sealring.authentic import Authentic, read_claim
from sealring.chain import Chain, begin_with_root, root_id
from sealring.durable import write_durably
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError
from sealring.keys import PublicKey
from sealring.moment import Moment
from sealring.request.tuf_root import BadTufRoot, RootFile, RootRequest, parse_root_request, verify_next
from sealring.statement import Root
from sealring.tuf_keys import public_of
from sealring_server.commit import append
from sealring_server.database import FILE, Database, is_made, sqlite_url
from sealring_server.disk import sync_folder
from sealring_server.failures import Failures
from sealring_server.here import Clock, StoreHere
from sealring_server.images.chosen import images_of
from sealring_server.key_folder import ONLINE_ROLES, KeyFolder, Role
from sealring_server.migrations.run import make_tables
from sealring_server.online_keys import OnlineKeys
from sealring_server.schema import FORMAT, store
from sealring_server.settings import FILE as SETTINGS
from sealring_server.settings import Settings, documented, load_settings
from sealring_server.surroundings import credentials_folder
from sealring_server.tuf_repo import keep_root
from sealring_server.tuf_roots import KeptKey, first_root
from sealring_server.work import Admitted

BEGUN = "init"
REQUEST = "tuf-root-1.request"


@dataclass(eq=False)
class AlreadyAStore(SealringError):
    """What holds a store, a folder or a database, is never made anew."""

    place: Path | str
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        return f"{self.place}: there is a store already"

    def hint(self) -> str:
        return "give another folder, or another database; `sealring-store status DIR` shows what this one holds"


@dataclass(frozen=True)
class TufPinned:
    """What the security team pins in the `store` assertion: version and SHA-256 of the store's TUF root."""

    version: int
    sha256: str


def make_store(
    folder: Path,
    roots: Sequence[bytes],
    root_signer: Signer,
    clock: Clock,
    kept: Mapping[Role, KeptKey | None] | None = None,
    settings: Settings | None = None,
) -> TufPinned:
    """After it returns the folder is a store with one catalogue entry, and `1.root.json` lies beside it.

    Args:
        roots: envelopes of the root assertion, all versions from 1 on; devices that trust any of them can follow.
        root_signer: signs the store's TUF root, once; its key then goes offline.
        kept: where the keys of online roles are kept, of those that get no key file.
        settings: where rows and images are; what `store.toml` says unless given, and written there if it is not there.

    Raises:
        AlreadyAStore, TrustError, BadSettings, DatabaseAway, OSError.
    """
    settings = settings or load_settings(folder)
    history = check_roots(folder, roots, clock(), settings)
    public = public_of(root_signer.public_key)
    assert public is not None  # a signer of ours
    keys = _make_folders(folder, settings)
    draft = first_root(keys, kept or {}, [public], 1, clock())
    signature = root_signer.sign(draft.signed_bytes)
    return _finish(folder, history, draft.with_signatures({signature.keyid: signature.signature}), clock)


def begin_store(
    folder: Path,
    roots: Sequence[bytes],
    root_keys: Sequence[PublicKey],
    threshold: int,
    clock: Clock,
    kept: Mapping[Role, KeptKey | None] | None = None,
    settings: Settings | None = None,
) -> RootRequest:
    """The request for the store's first TUF root; `finish_store` goes on with what its holders signed.

    Args:
        settings: as for `make_store`.

    Raises:
        AlreadyAStore, TrustError, BadSettings, DatabaseAway, OSError.
    """
    settings = settings or load_settings(folder)
    check_roots(folder, roots, clock(), settings)
    keys = _make_folders(folder, settings)
    request = RootRequest(None, first_root(keys, kept or {}, root_keys, threshold, clock()))
    begun = folder / BEGUN
    begun.mkdir(exist_ok=True)
    for raw in roots:
        write_durably(begun / f"root.{read_claim(raw).statement.sequence}.json", raw)
    write_durably(begun / REQUEST, request.raw)
    return request


def is_begun(folder: Path) -> bool:
    """Whether a store was begun here and waits for its first TUF root."""
    return (folder / BEGUN / REQUEST).exists() and not is_made(folder, load_settings(folder))


def finish_store(folder: Path, raw: bytes, clock: Clock) -> TufPinned:
    """Make the store that was begun here, with its first TUF root as the holders signed it.

    Raises:
        AlreadyAStore, TrustError, OSError.
    """
    begun = folder / BEGUN
    request = parse_root_request((begun / REQUEST).read_bytes())
    found = verify_next(None, raw)
    # Another root would name online keys of somebody else's, or none that are here.
    if found.signed_bytes != request.draft.signed_bytes:
        raise BadTufRoot(found.name, f"not what was asked for in {begun / REQUEST}")
    history = check_roots(
        folder, [file.read_bytes() for file in begun.glob("root.*.json")], clock(), load_settings(folder)
    )
    pinned = _finish(folder, history, found, clock)
    shutil.rmtree(begun)
    return pinned


def check_roots(
    folder: Path, roots: Sequence[bytes], at: datetime, settings: Settings | None = None
) -> list[Authentic[Root]]:
    """The roots under which a store could be made here, oldest first, or why it can't.

    The first may be expired, and so may all but the last: devices that are older than it walk from root to root (RT-2).

    Args:
        settings: what `store.toml` says unless given.

    Raises:
        AlreadyAStore, TrustError, DatabaseAway.
    """
    raws = sorted((raw[: MAX_ENVELOPE + 1] for raw in roots), key=lambda raw: read_claim(raw).statement.sequence)
    chain = Chain(begin_with_root(raws[0]))
    history = [chain.root]
    for raw in raws[1:]:
        chain = chain.with_root(raw)
        history.append(chain.root)
    chain.verify(chain.root, Moment(at), None)
    settings = settings or load_settings(folder)
    if (folder / FILE).exists():
        raise AlreadyAStore(folder)
    if is_made(folder, settings):
        raise AlreadyAStore(f"database {Database(settings.database.url).shown}")
    return history


def _make_folders(folder: Path, settings: Settings) -> KeyFolder:
    keys = KeyFolder(folder, credentials_folder())
    keys.create()
    images_of(settings.images, folder).create()
    if settings != Settings() and not (folder / SETTINGS).exists():
        write_durably(folder / SETTINGS, documented(settings.database, settings.images).encode())
    sync_folder(folder)
    return keys


def _finish(folder: Path, history: Sequence[Authentic[Root]], tuf_root: RootFile, clock: Clock) -> TufPinned:
    online = OnlineKeys(KeyFolder(folder, credentials_folder()), Failures())
    online.check(tuf_root.signed, ONLINE_ROLES)
    _make_database(folder, history, tuf_root.raw, online, clock)
    online.close()
    write_durably(folder / "1.root.json", tuf_root.raw)
    return TufPinned(1, sha256(tuf_root.raw).hexdigest())


def _make_database(
    folder: Path, history: Sequence[Authentic[Root]], tuf_root: bytes, online: OnlineKeys, clock: Clock
) -> None:
    """In PostgreSQL all of it is one transaction; a crash leaves a whole store or none, either way."""
    settings = load_settings(folder)

    def fill(database: Database) -> None:
        images = images_of(settings.images, folder)
        here = StoreHere(folder, database, images, online, clock, settings.limits, settings)
        with database.writing() as connection:
            _check_empty(connection, database)
            make_tables(connection)
            connection.execute(insert(store).values(one=1, format=FORMAT, root_id=root_id(history[0])))
            keep_root(connection, tuf_root)
            news = [Admitted(one.statement, one.envelope, is_news=True) for one in history]
            append(here, connection, news, 1, clock())
        database.close()  # of SQLite the last connection folds the write-ahead log into the file

    if settings.database.url:
        fill(Database(settings.database.url))
        return
    # A file is filled under another name.
    draft = folder / f"{FILE}.new"
    for leftover in folder.glob(f"{FILE}.new*"):
        leftover.unlink()
    fill(Database(sqlite_url(draft)))
    draft.rename(folder / FILE)
    sync_folder(folder)


def _check_empty(connection: Connection, database: Database) -> None:
    """Another `init` may have been faster: this one has the lock now, and sees what that one made."""
    if inspect(connection).has_table(store.name):
        raise AlreadyAStore(f"database {database.shown}")
