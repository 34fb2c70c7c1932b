"""The role `packages`: released images as plain TUF targets, for clients that know TUF only (SPEC TF-11).

Such a client trusts the store: no brand has signed what it sees, and no revocation reaches it. So the role is off until
the operator turns it on. Its list is made outside of every publication, at most every ten minutes.
"""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import timedelta

from sqlalchemy import Connection, delete, insert, select, update
from tuf.api.metadata import Metadata, TargetFile, Targets

from sealring.envelope import parse_envelope
from sealring.statement import Release, RevisionStatement, parse_statement
from sealring.tuf_keys import tuf_key
from sealring_server.catalogue import last_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.key_folder import PACKAGES
from sealring_server.reading.errors import ClosedWithPackages
from sealring_server.schema import blobs, heads, statements, tuf_packages
from sealring_server.software import named_revisions
from sealring_server.tuf_repo import Writing, has_packages, metadata_bytes

MAX_TARGETS = 10_000
EVERY = timedelta(minutes=10)
WARNING = (
    "clients of the role `packages` trust this store: no brand signs what they see, and no revocation reaches them"
)

_NAME = re.compile(r"([a-z0-9-]{1,40})~([a-z0-9-]{1,40})~([1-9][0-9]{0,9})~([a-z0-9-]{1,40})\.img")  # BRAND~NAME~N~ARCH


def turn_on(here: StoreHere) -> bool:
    """After it returns the store has the role, with a key of its own; false where it had it already.

    Raises:
        ClosedWithPackages: who may read has to sign (RD-2), which these clients can't.
    """
    if here.settings.reading.closed:
        raise ClosedWithPackages
    with here.database.reading() as connection:
        if has_packages(connection):
            return False
    listed, public = here.online.keys.make(PACKAGES, 0)
    here.online.keys.add([listed])
    key = tuf_key(public)
    with here.database.writing() as connection:
        if has_packages(connection):
            return False
        row = {"one": 1, "key": json.dumps({"keyid": key.keyid, **key.to_dict()}), "made": 0}
        connection.execute(insert(tuf_packages).values(row))
        _sign(connection, here, package_targets(connection))
    return True


def turn_off(here: StoreHere) -> bool:
    """After it returns no metadata names the role, and its secret key is deleted; false where it was off."""
    with here.database.writing() as connection:
        was_on = has_packages(connection)
        connection.execute(delete(tuf_packages))
        if was_on:
            _sign(connection, here, None)
    return was_on


def remake(here: StoreHere) -> bool:
    """Make the list again where ten minutes have passed, and sign it where it changed; whether it was signed."""
    at = here.clock()
    now = int(at.timestamp())
    with here.database.reading() as connection:
        made = connection.scalar(select(tuf_packages.c.made))
        # A clock that went back must not stop the list for as long as it went back.
        if made is None or 0 <= now - made < EVERY.total_seconds():
            return False
        # Read outside of the publication lock: thousands of statements may be read here.
        found, known = package_targets(connection), _published(connection)
    with here.database.writing() as connection:
        connection.execute(update(tuf_packages).values(made=now))
        if found == known or not has_packages(connection):
            return False
        _sign(connection, here, found)
    return True


def package_targets(connection: Connection) -> dict[str, TargetFile]:
    """A target for each image of a revision that a current release names, by name: at most 10,000, in their order."""
    found: dict[str, TargetFile] = {}
    held = Held(connection)
    for raw in _releases(connection):
        release = parse_statement(parse_envelope(raw).payload)
        assert isinstance(release, Release)  # admitted as one
        for subject, _ in named_revisions(release):
            target = _target(held, subject)
            if target is not None:
                found.setdefault(target.path, target)
            if len(found) == MAX_TARGETS:
                return found
    return found


def is_package(connection: Connection, digest: str, name: str) -> bool:
    """Whether this is the name of the image with this digest, for clients that know TUF only; never where it is off."""
    asked = _NAME.fullmatch(name)
    if asked is None or not has_packages(connection):
        return False
    target = _target(Held(connection), "/".join(asked.groups()))
    return target is not None and target.hashes["sha256"] == digest


def target_name(subject: str) -> str:
    """The name of a revision's image as a target: no slash, as one pattern covers all (SPEC TF-11)."""
    return subject.replace("/", "~") + ".img"


def _releases(connection: Connection) -> Iterable[bytes]:
    rows = select(statements.c.raw).join(heads, heads.c.envelope == statements.c.envelope)
    return connection.scalars(rows.where(heads.c.type == "release").order_by(heads.c.subject).limit(MAX_TARGETS))


def _target(held: Held, subject: str) -> TargetFile | None:
    raw = held.current("revision", subject)
    if raw is None:
        return None
    said = parse_statement(parse_envelope(raw).payload)
    assert isinstance(said, RevisionStatement)  # admitted as one
    there = held.connection.scalar(select(blobs.c.size).where(blobs.c.sha256 == said.image.sha256))
    return TargetFile(there, {"sha256": said.image.sha256}, target_name(subject)) if there is not None else None


def _published(connection: Connection) -> Mapping[str, TargetFile]:
    raw = metadata_bytes(connection, PACKAGES)
    return Metadata[Targets].from_bytes(raw).signed.targets if raw is not None else {}


def _sign(connection: Connection, here: StoreHere, found: Mapping[str, TargetFile] | None) -> None:
    """The targets name the role or not; the snapshot its newest list."""
    new = Writing(connection, here.online, here.clock())
    new.targets(last_entry(connection).raw)
    if found is not None:
        new.package_targets(found)
    new.snapshot()
    new.timestamp()
