"""Images are read by anybody once they are released, and by nobody before (SPEC RD-1).

A row for each image that a release or stack ever named is written with the entry that brings it, so that an answer
costs one look by its key. A row may come before the image does, as in a mirror that fetches images later.
"""

from collections.abc import Iterable

from sqlalchemy import Connection, bindparam, select

from sealring.authentic import read_claim
from sealring.statement import Common, Release, RevisionStatement, Stack
from sealring_server.held import AT_ONCE, batched
from sealring_server.prepared import Prepared, insert_or_ignore
from sealring_server.schema import blobs, heads, released, statements
from sealring_server.software import named_revisions

_REVISIONS = (
    select(statements.c.raw)
    .join(heads, heads.c.envelope == statements.c.envelope)
    .where(heads.c.type == "revision", heads.c.subject.in_(bindparam("subjects", expanding=True)))
)
_ADD = Prepared(insert_or_ignore(released))
_SIZE = Prepared(
    select(blobs.c.size)
    .join(released, released.c.sha256 == blobs.c.sha256)
    .where(blobs.c.sha256 == bindparam("digest"))
)


def note_released(connection: Connection, news: Iterable[Common]) -> None:
    """Let the images be served that these releases and stacks name, as `revision` or `previous` (SPEC RD-1).

    Args:
        news: what was admitted; the revisions are heads by now.
    """
    if rows := [{"sha256": digest} for digest in sorted(named_images(connection, news))]:
        _ADD.run(connection, rows)


def named_images(connection: Connection, said: Iterable[Common]) -> set[str]:
    """The digests of the images of all revisions that these releases and stacks name."""
    grounds = [one for one in said if isinstance(one, Release | Stack)]
    subjects = sorted({subject for ground in grounds for subject, _ in named_revisions(ground)})
    found = set()
    for some in batched(subjects, AT_ONCE):
        for raw in connection.scalars(_REVISIONS, {"subjects": some}):
            # PB-5: a revision has one image, whichever of its statements is asked.
            revision = read_claim(raw).statement
            if isinstance(revision, RevisionStatement):
                found.add(revision.image.sha256)
    return found


def readable_size(connection: Connection, digest: str) -> int | None:
    """How long an image is that may be read, or None where there is none."""
    rows = _SIZE.rows(connection, {"digest": digest})
    return int(rows[0][0]) if rows else None
