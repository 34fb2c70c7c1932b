"""What a mirror kept after the backup was taken, taken up again as a mirror would do it (SPEC BK-2, MI-1).

A store's own keys signed those entries, so they come back byte for byte, and nobody is shown a second history.
"""

import shutil
from contextlib import closing
from dataclasses import dataclass, replace
from hashlib import sha256

from sqlalchemy import select

from sealring.catalogue.entry import CatalogueEntry
from sealring.durable import write_durably
from sealring.request.tuf_root import parse_root
from sealring_server.audit.asking import Asking, Bounds
from sealring_server.audit.errors import Contradiction
from sealring_server.audit.shown import read_shown
from sealring_server.backup.resume import Resumed, go_on
from sealring_server.backup.stopped import find_stop, stop
from sealring_server.catalogue import last_entry
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.key_folder import ONLINE_ROLES
from sealring_server.mirror.folder import KEPT, ROOT
from sealring_server.mirror.run import Look, look
from sealring_server.schema import entries
from sealring_server.settings import Mirror
from sealring_server.tuf_repo import metadata_bytes, newest_root


@dataclass(frozen=True)
class CaughtUp:
    """What came back.

    Args:
        lacking: images that nobody shows: of revisions that were not released, or that the mirror does not hold.
    """

    resumed: Resumed
    entries: int
    images: int
    lacking: tuple[str, ...]


def look_for_later(here: StoreHere, url: str) -> CatalogueEntry | None:
    """The entry that is shown there by this store's own keys, where it is later than ours, or another of its number.

    The store is stopped then, with the next transaction: each entry that it signed after that would be a second one.

    Raises:
        TrustError, Unreachable: what is shown there is nothing that this store's keys signed.
    """
    shown = _shown(here, url)
    with here.database.writing() as connection:
        own = connection.scalar(select(entries.c.raw).where(entries.c.sequence == shown.sequence))
        if own == shown.raw:
            return None
        before = find_stop(connection)
        if before is None or before.why != "restored":
            stop(connection, "shown", shown.sequence)
        return shown


def resume_from(here: StoreHere, url: str) -> CaughtUp:
    """After it returns the store shows all that is shown there, and signs and takes again.

    Raises:
        Contradiction: two histories; the store stays stopped, and a new TUF root is the only way (BK-3).
        TrustError, Unreachable, KeyMissing: it stays stopped.
    """
    with here.database.reading() as connection:
        root, pin = Held(connection).root(), metadata_bytes(connection, "root", 1) or b""
        here.online.check(parse_root(newest_root(connection)).signed, ONLINE_ROLES)
    folder = here.folder / KEPT
    folder.mkdir(exist_ok=True)
    write_durably(folder / ROOT, root)
    # For this one look the store is its own mirror: the same steps, judged from the same root.
    mirror = replace(here, settings=replace(here.settings, mirror=Mirror(url, images="all")))
    taken = look(mirror, Look(sha256(pin).hexdigest()))
    shutil.rmtree(folder)
    with here.database.writing() as connection:
        here.online.close()
        here.online.check(parse_root(newest_root(connection)).signed, ONLINE_ROLES)
        go_on(here, connection)
        resumed = Resumed(last_entry(connection).sequence)
    return CaughtUp(resumed, taken.entries, len(taken.images.came), tuple(taken.images.lacking))


def _shown(here: StoreHere, url: str) -> CatalogueEntry:
    with here.database.reading() as connection:
        first = metadata_bytes(connection, "root", 1) or b""
        root = bytes.fromhex(Held(connection).root_id)
    with closing(Asking(url, Bounds())) as ask:
        shown = read_shown(ask, (first,))[1].entry
    if shown.root != root:
        raise Contradiction(f"entry {shown.sequence} is of another root", "CT-1")
    return shown
