"""The store's TUF root: made, asked for, and published in one step (SPEC TF-1, TF-9).

    request   new online keys are made and kept pending; the draft goes to the holders of the root's keys
    publish   what they signed is verified against the root before; in one transaction it becomes visible with
              targets, packages, snapshot and timestamp signed anew by the keys that it names; then the secrets
              that it names no longer are deleted

A crash before the commit leaves the root as it was, and a store that serves; one after it leaves secrets that the
next publication, or the next start, deletes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar

from sqlalchemy import Connection
from tuf.api.metadata import Key, Role, Root

from sealring.durable import write_durably
from sealring.errors import SealringError
from sealring.keys import PublicKey
from sealring.moment import Expired
from sealring.request.tuf_root import (
    RootFile,
    RootRequest,
    check_first,
    check_follows,
    parse_root,
    unsigned,
    verify_next,
)
from sealring.tuf_keys import tuf_key
from sealring_server.catalogue import last_entry
from sealring_server.here import StoreHere
from sealring_server.key_folder import ONLINE_ROLES, KeyFolder, OnlineKey
from sealring_server.key_folder import Role as RoleName
from sealring_server.tuf_packages import package_targets
from sealring_server.tuf_repo import ROOT_LIFE, Writing, keep_root, newest_root, packages_key

MAX_DAYS = 3650


@dataclass(eq=False)
class NoSuchRootKey(SealringError):
    """A key that is to leave the root, and is not in it or not to be told from another."""

    ident: str
    found: int
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"root key {self.ident!a:.80}: {self.found} keys of the root begin so, one needed"

    def hint(self) -> str:
        return "`sealring-store tuf show DIR` tells their fingerprints; 8 digits or more are enough"


@dataclass(frozen=True)
class KeptKey:
    """Where a role's next key is kept, when not in a file that the store makes."""

    place: str
    secret: str = "none"


@dataclass(frozen=True)
class Change:
    """What the next root is to change; nothing: it is renewed.

    Args:
        rotate: online roles that get new keys; None for a key file that is made now.
        add: root keys that join.
        remove: root keys that leave, by the beginning of their fingerprint or of their id in TUF.
        threshold: of the role root; None keeps it.
    """

    rotate: Mapping[RoleName, KeptKey | None] = field(default_factory=dict)
    add: Sequence[PublicKey] = ()
    remove: Sequence[str] = ()
    threshold: int | None = None
    life: timedelta = ROOT_LIFE


def first_root(
    keys: KeyFolder, kept: Mapping[RoleName, KeptKey | None], root: Sequence[PublicKey], threshold: int, at: datetime
) -> RootFile:
    """The draft of version 1, each online role with a key of its own (SPEC TF-1); they stand in the key list.

    Raises:
        BadTufRoot: the threshold can't be met.
        SealringError, OSError: a key can't be had.
    """
    said = Root(version=1, expires=_whole(at + ROOT_LIFE), consistent_snapshot=True)
    for public in root:
        said.add_key(tuf_key(public), "root")
    said.roles["root"].threshold = threshold
    listed = []
    for role in ONLINE_ROLES:
        one, public = _new_key(keys, role, kept.get(role), 1)
        listed.append(one)
        said.add_key(tuf_key(public), role)
    draft = unsigned(said)
    check_first(draft)
    keys.add(listed)
    return draft


def request_root(here: StoreHere, change: Change) -> RootRequest:
    """The request for the next root; its new online keys are kept pending, and used again where one is asked for twice.

    Raises:
        BadTufRoot: no root could be so.
        SealringError, OSError: a key can't be had.
    """
    with here.database.reading() as connection:
        held = parse_root(newest_root(connection))
    said = parse_root(held.raw).signed
    said.version, said.expires = said.version + 1, _whole(here.clock() + change.life)
    _change_root_role(said, held, change)
    listed = []
    for role, kept in change.rotate.items():
        one, key = _pending_or_new(here.online.keys, role, kept, said.version)
        listed.append(one)
        said.keys[key.keyid] = key
        said.roles[role] = Role([key.keyid], 1)
    used = {ident for role in said.roles.values() for ident in role.keyids}
    said.keys = {ident: key for ident, key in said.keys.items() if ident in used}
    draft = unsigned(said)
    check_follows(held, draft)
    here.online.keys.add(listed)
    return RootRequest(held, draft)


def publish_root(here: StoreHere, raw: bytes) -> RootFile:
    """After it returns this is the store's root, all metadata is signed by the keys that it names, and others are gone.

    Once more with the same root it finishes what a crash left.

    Raises:
        BadTufRoot, Expired: it is not the store's next root; nothing was changed.
        KeyMissing, SealringError: an online key that it names is not here; nothing was changed.
    """
    with here.database.writing() as connection:
        held = parse_root(newest_root(connection))
        if held.raw == raw:
            found = held
        else:
            found = verify_next(held, raw)
            # TF-3: devices take it only while it is current.
            if found.signed.expires <= here.clock():
                raise Expired(found.name, found.signed.expires, here.clock())
            here.online.check(found.signed, ONLINE_ROLES)
            keep_root(connection, raw)
            sign_everything(connection, here, here.clock())
    write_durably(here.folder / f"{found.signed.version}.root.json", found.raw)
    tidy_keys(here)
    return found


def sign_everything(connection: Connection, here: StoreHere, at: datetime) -> None:
    """Targets, packages, snapshot and timestamp anew over what is there, by the keys that the newest root names."""
    new = Writing(connection, here.online, at)
    new.targets(last_entry(connection).raw)
    if new.packages is not None:
        new.package_targets(package_targets(connection))
    new.snapshot()
    new.timestamp()


def tidy_keys(here: StoreHere) -> list[OnlineKey]:
    """Delete the secret keys that no root names any more: after a rotation, and after a crash in one (SPEC TF-9)."""
    with here.database.reading() as connection:
        root = parse_root(newest_root(connection)).signed
        packages = packages_key(connection)
    used = {*root.keys, *([packages.keyid] if packages is not None else [])}
    # Pending are only those of a root that may still come.
    return here.online.keys.drop(lambda one: one.id not in used and one.root <= root.version)


def _change_root_role(said: Root, held: RootFile, change: Change) -> None:
    role, fingerprints = said.roles["root"], {ident: key.id for ident, key in held.keys("root").items()}
    for text in change.remove:
        plain = text.replace(" ", "").lower()
        found = [ident for ident, own in fingerprints.items() if ident.startswith(plain) or own.startswith(plain)]
        if len(found) != 1 or len(plain) < 8:
            raise NoSuchRootKey(text, len(found))
        role.keyids.remove(found[0])
    for public in change.add:
        key = tuf_key(public)
        said.keys[key.keyid] = key
        if key.keyid not in role.keyids:
            role.keyids.append(key.keyid)
    role.threshold = change.threshold or role.threshold


def _pending_or_new(keys: KeyFolder, role: RoleName, kept: KeptKey | None, version: int) -> tuple[OnlineKey, Key]:
    if kept is None:
        for one in keys.read():
            if one.role == role and one.root == version and one.place.endswith(".key"):
                return one, tuf_key(keys.public(one))
    one, public = _new_key(keys, role, kept, version)
    return one, tuf_key(public)


def _new_key(keys: KeyFolder, role: RoleName, kept: KeptKey | None, version: int) -> tuple[OnlineKey, PublicKey]:
    return keys.make(role, version) if kept is None else keys.find(role, kept.place, kept.secret, version)


def _whole(at: datetime) -> datetime:
    return at.replace(microsecond=0)
