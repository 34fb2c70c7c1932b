"""What no row names any more is removed: what ended publications uploaded, and images that were never committed.

Run as a program it does so for one store: the process that starts a server's workers may not use a bucket's client,
which does not survive a fork.
"""

import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, select

from sealring_server.held import AT_ONCE
from sealring_server.schema import blobs, publications, uploads

if TYPE_CHECKING:
    from sealring_server.here import StoreHere

SECONDS = 3600


def collect_images(here: "StoreHere", before: float | None = None) -> int:
    """Remove what belongs to no open publication and no row; how much that was (SPEC PB-3, PB-7).

    Args:
        before: only images that were there before this instant (POSIX seconds); left out: for as long as a publication
            may be open. What a mirror or a restored backup has just put may get its row later.

    Raises:
        ImagesUnreachable, SQLAlchemyError, OSError.
    """

    def owners() -> set[str]:
        with here.database.reading() as connection:
            return set(connection.scalars(select(publications.c.token)))

    long_ago = here.clock().timestamp() - here.limits.seconds
    gone = here.images.collect(owners, long_ago)
    found = here.images.digests(long_ago if before is None else before)
    while some := list(islice(found, AT_ONCE)):
        with here.database.reading() as connection:
            unnamed = _unnamed(connection, some)
        gone += sum(_remove(here, digest) for digest in unnamed)
    return gone


def collect_apart(folder: Path) -> None:
    """The same in a process of its own.

    Raises:
        OSError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", "sealring_server.images.collecting", str(folder)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    if done.returncode:
        raise OSError(f"collecting images: {done.stderr[-500:].strip() or done.returncode}")


def _unnamed(connection: Connection, digests: list[str]) -> list[str]:
    """Those that neither the store nor an open publication has a use for."""
    known = set(connection.scalars(select(blobs.c.sha256).where(blobs.c.sha256.in_(digests))))
    known |= set(connection.scalars(select(uploads.c.sha256).where(uploads.c.sha256.in_(digests))))
    return [digest for digest in digests if digest not in known]


def _remove(here: "StoreHere", digest: str) -> bool:
    # Asked again under the lock: no publication that needs it can be opened or committed before it is gone.
    with here.database.writing() as connection:
        if not _unnamed(connection, [digest]):
            return False
        here.images.remove(digest)
        return True


if __name__ == "__main__":
    from sealring_server.here import open_store

    collect_images(open_store(Path(sys.argv[1]), lambda: datetime.now(UTC)))
