"""The role `packages` of a mirror, for clients that know TUF only: as the store shows it (SPEC TF-11, MI-1)."""

import json
from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert
from tuf.api.metadata import Snapshot, Targets

from sealring.tuf_form import FOREIGN, NotVouched, parse_tuf
from sealring_server.audit.asking import Asking
from sealring_server.audit.observation import Observation
from sealring_server.key_folder import PACKAGES
from sealring_server.prepared import insert_or_ignore
from sealring_server.schema import tuf, tuf_packages
from sealring_server.tuf_repo import KEPT_PACKAGES

MAX_PACKAGES = 16 * 1024 * 1024  # bytes: 10,000 targets
FILE = f"{PACKAGES}.json"

_KEEP = insert_or_ignore(tuf)


@dataclass(frozen=True)
class Packages:
    """The newest list; `key` is the row of who has the role, none where the targets delegate to nobody any more."""

    version: int
    raw: bytes
    key: str | None


def fetch_packages(ask: Asking, shown: Observation) -> Packages | None:
    """The list that the snapshot names, signed by the key that the targets name; None where there is no such role.

    Raises:
        NotVouched, NoAnswer, UsedUp.
    """
    meta = parse_tuf(shown.snapshot, Snapshot).signed.meta.get(FILE)
    targets = parse_tuf(shown.targets, Targets).signed
    if meta is None or targets.delegations is None:
        return None
    raw = ask.get(f"/tuf/{meta.version}.{FILE}", limit=MAX_PACKAGES)
    found = parse_tuf(raw, Targets, name=FILE, limit=MAX_PACKAGES)
    try:
        meta.verify_length_and_hashes(raw)
        targets.verify_delegate(PACKAGES, found.signed_bytes, dict(found.signatures))
        role = (targets.delegations.roles or {})[PACKAGES]
        (keyid,) = role.keyids
        key = targets.delegations.keys[keyid]
    except FOREIGN as err:
        raise NotVouched(FILE, f"not signed by the key that the targets name ({type(err).__name__})", "TF-11") from None
    if found.signed.version != meta.version:
        raise NotVouched(FILE, f"version {found.signed.version}, {meta.version} is named", "TF-11")
    return Packages(meta.version, raw, json.dumps({"keyid": keyid, **key.to_dict()}))


def keep_packages(connection: Connection, found: Packages | None) -> None:
    """Write it, with the caller's transaction; the newest three lists stay."""
    connection.execute(delete(tuf_packages))
    if found is None:
        return
    connection.execute(_KEEP, {"role": PACKAGES, "version": found.version, "raw": found.raw})
    connection.execute(delete(tuf).where(tuf.c.role == PACKAGES, tuf.c.version <= found.version - KEPT_PACKAGES))
    connection.execute(insert(tuf_packages).values(one=1, key=found.key, made=0))
