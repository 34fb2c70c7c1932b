"""The folder of a store's secret keys, and the list that says which role uses which key (SPEC TF-1, TF-9, KY-5).

    keys/keys.json              strict JSON: of each key its TUF id, role, place, where its passphrase is, and the
                                version of the TUF root that first names it
    keys/timestamp-1f2e.key     an encrypted key file that this store made, and its passphrase beside it

A key may also lie in a token or a cloud; then the list has its URI. A key that no root names yet is pending. One that
the newest root does not name any more is deleted: first its files, then its line in the list, each durably, so that a
crash leaves a line too many and never a secret that nobody knows of.
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sealring.durable import PRIVATE, write_durably
from sealring.errors import SealringError
from sealring.keyfile import Kdf, create_key_file
from sealring.keys import PublicKey
from sealring.keystores import is_uri, load_signer
from sealring.names import Sha256Hex
from sealring.strict import decode_strict, encode
from sealring.tuf_keys import tuf_key
from sealring_server.disk import sync_folder

Role = Literal["timestamp", "snapshot", "targets", "packages"]
ONLINE_ROLES: tuple[Role, ...] = ("timestamp", "snapshot", "targets")
PACKAGES: Role = "packages"
MAX_KEYS = 64
MAX_LIST = 64 * 1024  # bytes
PASSPHRASE_BYTES = 32
# A passphrase of 256 random bits can't be guessed, however fast a guess is; and every worker opens the key.
_FAST = Kdf("argon2id", 1, 8192)

Place = Annotated[str, Meta(min_length=1, max_length=500, pattern=r"\A[ -~]*\Z")]


class OnlineKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One key in the list.

    Args:
        id: its id in TUF.
        place: a file of this folder, a path, or a URI.
        secret: `file:PATH` or `credential:NAME` for its passphrase or PIN; `none` where the key's keeper needs none.
        root: version of the TUF root that first names it; 0 for a key of the role `packages`, which no root names.
    """

    id: Sha256Hex
    role: Role
    place: Place
    secret: Annotated[str, Meta(max_length=500, pattern=r"\A(none|file:[ -~]+|credential:[A-Za-z0-9._-]+)\Z")]
    root: Annotated[int, Meta(ge=0, le=2**31)]


class _List(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    keys: Annotated[list[OnlineKey], Meta(max_length=MAX_KEYS)]


_decoder = msgspec.json.Decoder(_List)


@dataclass(eq=False)
class KeyMissing(SealringError):
    """A secret key that the store needs, and that this machine has not."""

    what: str
    exit_code: ClassVar[int] = 11

    def __str__(self) -> str:
        return self.what

    def hint(self) -> str:
        return "`sealring-store tuf show DIR` says which keys the newest root names; docs/store-keys.md what to do"


class KeyFolder:
    """One store's `keys/`; changes of its list are made one at a time, whichever process makes them."""

    def __init__(self, folder: Path, credentials: Path | None = None) -> None:
        """Look at the folder of a store.

        Args:
            credentials: where the service manager put this service's credentials.
        """
        self.folder = folder / "keys"
        self.list = self.folder / "keys.json"
        self.credentials = credentials

    def create(self) -> None:
        """The empty folder, for its owner only."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def read(self) -> list[OnlineKey]:
        """Every key of the list.

        Raises:
            TrustError, OSError: it is damaged, or not there.
        """
        with open(self.list, "rb") as file:
            return decode_strict(file.read(MAX_LIST + 1), _decoder, limit=MAX_LIST, what=str(self.list)).keys

    def make(self, role: Role, root: int) -> tuple[OnlineKey, PublicKey]:
        """Draw a new Ed25519 key for this role, encrypted under a passphrase of its own; not yet in the list."""
        name = f"{role}-{secrets.token_hex(4)}"
        passphrase = secrets.token_hex(PASSPHRASE_BYTES).encode()
        write_durably(self.folder / f"{name}.passphrase", passphrase, mode=PRIVATE)
        public = create_key_file(self.folder / f"{name}.key", name, passphrase, kdf=_FAST)
        return OnlineKey(tuf_key(public).keyid, role, f"{name}.key", f"file:{name}.passphrase", root), public

    def find(self, role: Role, place: str, secret: str, root: int) -> tuple[OnlineKey, PublicKey]:
        """A key that is kept elsewhere already, such as in a token; not yet in the list.

        Raises:
            SealringError, OSError: it can't be reached, or is of a type that TUF clients do not know.
        """
        where = place if is_uri(place) else str(Path(place).absolute())
        draft = OnlineKey("0" * 64, role, where, secret, root)
        public = self.public(draft)
        return msgspec.structs.replace(draft, id=tuf_key(public).keyid), public

    def add(self, new: Collection[OnlineKey]) -> None:
        """Put these keys into the list, durably."""
        with self._changing():
            held = self.read() if self.list.exists() else []
            known = {one.id for one in new}
            keys = [one for one in held if one.id not in known] + list(new)
            if len(keys) > MAX_KEYS:
                raise KeyMissing(f"{self.list}: {len(keys)} keys, at most {MAX_KEYS}")
            self._write(keys)

    def drop(self, gone: Callable[[OnlineKey], bool]) -> list[OnlineKey]:
        """Delete the keys of which this is true; what was deleted.

        unlink(key file)  unlink(passphrase)  fsync(keys)  write keys.json durably

        Only files of this folder are deleted: what lies in a token or elsewhere is its keeper's to destroy.
        """
        if not any(map(gone, self.read())):
            return []
        with self._changing():
            keys = self.read()
            dropped = [one for one in keys if gone(one)]
            for one in dropped:
                for file in self._own_files(one):
                    file.unlink(missing_ok=True)
            sync_folder(self.folder)
            self._write([one for one in keys if one not in dropped])
            return dropped

    def public(self, key: OnlineKey) -> PublicKey:
        """The public half of a key in the list.

        Raises:
            SealringError, OSError: it can't be reached.
        """
        return load_signer(self.where(key), self.asker(key)).public

    def where(self, key: OnlineKey) -> str:
        """The place of a key as the loader of keys takes it."""
        return key.place if is_uri(key.place) else str(self.folder / key.place)

    def asker(self, key: OnlineKey) -> Callable[[str, str], bytearray]:
        """Gives the key's passphrase or PIN, for its user to wipe (SPEC KY-6)."""

        def ask(what: str, name: str) -> bytearray:
            kind, _, place = key.secret.partition(":")
            if kind == "none":
                raise KeyMissing(f"key {name}: a {what} is needed, and the list names no place of one")
            if kind == "credential" and self.credentials is None:
                raise KeyMissing(f"key {name}: its {what} is the credential {place}, and this service was given none")
            file = self.folder / place if kind == "file" else (self.credentials or self.folder) / place
            with open(file, "rb") as found:
                return bytearray(found.read(4096)).rstrip(b"\r\n")

        return ask

    def _own_files(self, key: OnlineKey) -> Iterator[Path]:
        kind, _, secret = key.secret.partition(":")
        places = [key.place] if not is_uri(key.place) else []
        # A passphrase file of one's own for several keys is not this store's to delete.
        if places and kind == "file" and secret == f"{key.place.removesuffix('.key')}.passphrase":
            places.append(secret)
        for place in places:
            if "/" not in place and place not in (".", ".."):
                yield self.folder / place

    def _write(self, keys: list[OnlineKey]) -> None:
        # Under the lock, so one name is enough, and what a killed process left is written over.
        write_durably(self.list, encode(_List(1, keys)), mode=PRIVATE, beside=".keys.json.new")

    @contextmanager
    def _changing(self) -> Iterator[None]:
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
