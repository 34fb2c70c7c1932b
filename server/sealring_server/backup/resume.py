"""What ends a restored store's silence: its operator's word, or a new TUF root (SPEC BK-2, BK-3).

Versions of TUF metadata that were shown after the backup are unknown here, so the next ones lie far above: no cache and
no device then holds another file of the same name.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256

from securesystemslib.signer import Signer
from sqlalchemy import Connection, delete, func, select

from sealring.durable import write_durably
from sealring.keys import PublicKey
from sealring.request.tuf_root import BadTufRoot, RootFile, RootRequest, parse_root, verify_next
from sealring.tuf_keys import public_of
from sealring_server.backup.errors import NotStopped, Stopped
from sealring_server.backup.stopped import find_stop, lift
from sealring_server.catalogue import last_entry
from sealring_server.here import StoreHere
from sealring_server.key_folder import ONLINE_ROLES, PACKAGES, Role
from sealring_server.making import TufPinned
from sealring_server.schema import tuf, tuf_packages
from sealring_server.tuf_packages import package_targets
from sealring_server.tuf_repo import Writing, keep_root, newest_root
from sealring_server.tuf_roots import KeptKey, first_root, tidy_keys

MARGIN = 1_000_000
"""Versions that are left out: more than a store signs in years after a backup."""


@dataclass(frozen=True)
class Resumed:
    """The entry from which the store goes on; with a new TUF root, what is to be pinned."""

    entry: int
    pin: TufPinned | None = None


def resume_as_it_was(here: StoreHere) -> Resumed:
    """The operator says that nothing newer was shown: the store signs and takes again, by the keys that it has.

    Raises:
        NotStopped: there is nothing to end.
        Stopped: a later entry was shown, so the word would be false.
        KeyMissing, SealringError: it could not sign; it stays stopped.
    """
    with here.database.writing() as connection:
        found = _stop_of(here, connection)
        if found.why != "restored":
            raise found
        here.online.close()
        here.online.check(parse_root(newest_root(connection)).signed, ONLINE_ROLES)
        go_on(here, connection)
        return Resumed(last_entry(connection).sequence)


def request_new_root(
    here: StoreHere, keys: Sequence[PublicKey], threshold: int, kept: Mapping[Role, KeptKey | None]
) -> RootRequest:
    """The request for a TUF root that no earlier one leads to (BK-3); its online keys are made now and kept."""
    return RootRequest(None, first_root(here.online.keys, kept, keys, threshold, here.clock()))


def resume_with_key(here: StoreHere, signer: Signer, kept: Mapping[Role, KeptKey | None]) -> Resumed:
    """As `request_new_root` and `resume_with_root`, where one key signs the store's TUF root."""
    public = public_of(signer.public_key)
    assert public is not None  # a signer of ours
    draft = request_new_root(here, [public], 1, kept).draft
    signature = signer.sign(draft.signed_bytes)
    return resume_with_root(here, draft.with_signatures({signature.keyid: signature.signature}))


def resume_with_root(here: StoreHere, new: RootFile) -> Resumed:
    """After it returns the store shows its entry under a new TUF root, and nothing under the old one (BK-3).

    Whoever has seen the old one takes nothing from this store until a newer `store` statement pins the new one. A
    server that runs meanwhile holds the keys of the old one: it is to be started again.

    Raises:
        BadTufRoot, KeyMissing: nothing was changed.
    """
    found = verify_next(None, new.raw)
    # Whether the store is stopped is not asked: who resumed it by a wrong word goes on so too.
    with here.database.writing() as connection:
        if found.signed.version != 1 or new.raw == newest_root(connection):
            raise BadTufRoot(found.name, "the first of a new chain is needed")
        here.online.close()
        here.online.check(found.signed, ONLINE_ROLES)
        versions = _versions(connection)
        connection.execute(delete(tuf_packages))
        connection.execute(delete(tuf))
        keep_root(connection, new.raw)
        go_on(here, connection, versions)
        entry = last_entry(connection).sequence
    write_durably(here.folder / "1.root.json", new.raw)
    tidy_keys(here)
    return Resumed(entry, TufPinned(1, sha256(new.raw).hexdigest()))


def _stop_of(here: StoreHere, connection: Connection) -> Stopped:
    found = find_stop(connection)
    if found is None:
        raise NotStopped(here.folder)
    return found


def _versions(connection: Connection) -> dict[str, int]:
    rows = connection.execute(select(tuf.c.role, func.max(tuf.c.version)).group_by(tuf.c.role))
    return {row.role: int(row[1]) for row in rows}


def go_on(here: StoreHere, connection: Connection, versions: Mapping[str, int] | None = None) -> None:
    """End the stop with the caller's transaction: all metadata anew over the newest entry, far above what it was."""
    lift(connection)
    new = Writing(connection, here.online, here.clock())
    for role in ONLINE_ROLES:
        new.versions[role] = (versions or new.versions)[role] + MARGIN
    if new.packages is not None:
        new.versions[PACKAGES] += MARGIN
    new.targets(last_entry(connection).raw)
    if new.packages is not None:
        new.package_targets(package_targets(connection))
    new.snapshot()
    new.timestamp()
