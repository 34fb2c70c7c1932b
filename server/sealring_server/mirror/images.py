"""The images of a mirror: which it wants, and their way here, on from where they were broken off (SPEC MI-1, MI-2).

The bytes come by ranges into an upload of the mirror's own, and get their final place by their digest. Which ones are
served, rows say, that come with the entries.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import Final

from sqlalchemy import Connection, bindparam, delete, select

from sealring.statement import Release, Stack
from sealring_server.audit.asking import Asking
from sealring_server.audit.errors import NotThere
from sealring_server.audit.state import State
from sealring_server.here import StoreHere
from sealring_server.images.errors import OtherBlob
from sealring_server.mirror.staged import Staged
from sealring_server.prepared import insert_or_ignore
from sealring_server.schema import blobs
from sealring_server.settings import Mirror
from sealring_server.software import named_revisions

OWNER: Final = sha256(b"sealring mirror").hexdigest()
"""Whose uploads the images of a mirror are, while they come."""
CHUNK: Final = 4 * 1024 * 1024  # bytes in one request

_KEEP = insert_or_ignore(blobs)
_DROP = delete(blobs).where(blobs.c.sha256 == bindparam("digest"))


@dataclass
class Fetched:
    """What became of the images that are wanted."""

    came: dict[str, int] = field(default_factory=dict)
    """Digest and size of those that are here now."""
    lacking: list[str] = field(default_factory=list)
    """Those that the store does not show, or gave other bytes for; they are tried again with the next run."""
    wrong: list[str] = field(default_factory=list)


def wanted_images(state: State, staged: Staged, settings: Mirror) -> dict[str, int]:
    """Digest and size of each image that this mirror is to hold.

    Args:
        settings: `all` of every revision, those `released` (that a current release or stack names), or `none`; of some
            models, what their views list.
    """
    if settings.images == "none":
        return {}
    images = staged.images()
    subjects: Iterable[str] = images if settings.images == "all" else _released(state)
    if settings.models:
        listed = {of for model in settings.models for kind, of in state.wants(model) if kind == "revision"}
        subjects = [subject for subject in subjects if subject in listed]
    return dict(images[subject] for subject in subjects if subject in images)


def fetch_images(here: StoreHere, ask: Asking, wanted: Mapping[str, int]) -> Fetched:
    """Bring those that are not here; what came before a kill or a broken line is not asked for again.

    Raises:
        NoAnswer, UsedUp, DiskFull, ImagesUnreachable: and what came so far is kept.
    """
    found = Fetched()
    for digest, size in sorted(wanted.items()):
        try:
            _fetch(here, ask, digest, size)
            found.came[digest] = size
        except NotThere:
            found.lacking.append(digest)
        except OtherBlob:
            here.images.drop(OWNER, [digest])
            found.lacking.append(digest)
            found.wrong.append(digest)
    return found


def keep_images(connection: Connection, came: Mapping[str, int]) -> None:
    """Let these be served, with the caller's transaction."""
    for digest, size in came.items():
        connection.execute(_KEEP, {"sha256": digest, "size": size})


def known_images(connection: Connection) -> dict[str, int]:
    """Those that are served."""
    return {row.sha256: row.size for row in connection.execute(select(blobs.c.sha256, blobs.c.size))}


def prune_images(here: StoreHere, wanted: Mapping[str, int]) -> tuple[int, int]:
    """Remove what is not wanted any more; how many images, and their bytes.

    The rows go first: what no row names is garbage, and never a lie.
    """
    with here.database.writing() as connection:
        gone = {digest: size for digest, size in known_images(connection).items() if digest not in wanted}
        for digest in gone:
            connection.execute(_DROP, {"digest": digest})
    for digest in gone:
        here.images.remove(digest)
    return len(gone), sum(gone.values())


def _fetch(here: StoreHere, ask: Asking, digest: str, size: int) -> None:
    images = here.images
    if images.size(digest) == size:
        images.drop(OWNER, [digest])
        return
    there = images.received(OWNER, digest)
    if there == 0:
        images.check_space(size)
    while True:
        end = min(size, there + CHUNK)
        raw = ask.part(f"/v1/blobs/{digest}", there, end, size) if end > there else b""
        there = images.append(OWNER, digest, there, BytesIO(raw), size)
        if there >= size:
            break
    images.drop(OWNER, [digest])


def _released(state: State) -> Iterator[str]:
    """The revisions that current releases and stacks name, and those before them."""
    for said in state.grounds():
        if isinstance(said, Release | Stack):
            for subject, _ in named_revisions(said):
                yield subject
