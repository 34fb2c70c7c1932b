"""For whom images are there: rows that say more than the statements do (SPEC RD-1)."""

from sqlalchemy import Connection, select

from sealring_server.fsck.report import Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.schema import image_owners, released

PAGE = 500  # rows in memory


def check_readers(connection: Connection, scratch: Scratch, report: Report) -> None:
    """No row opens an image without a statement; that none is missing was checked statement by statement.

    Args:
        scratch: with the images that statements name.
    """
    others = 0
    for (digest,) in connection.execute(select(released.c.sha256).execution_options(yield_per=PAGE)):
        report.checked["released images"] += 1
        others += not scratch.has_image(digest, "")
    if others:
        # Format 2 served every image; those that it had stay readable (migration 0002), so that this is no fault.
        report.tell(f"{others} images may be read that no release or stack names: right for those from before format 3")
    owners = select(image_owners.c.sha256, image_owners.c.authority)
    for digest, authority in connection.execute(owners.execution_options(yield_per=PAGE)):
        if not scratch.has_image(digest, authority):
            report.bad("images", f"image {digest}: there for {authority}, none of whose revisions names it")
