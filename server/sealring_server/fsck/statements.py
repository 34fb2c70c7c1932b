"""Every envelope says what its row says, and the heads are the newest of each subject and format (SPEC ST-8, MP-2)."""

from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import Connection, bindparam, select

from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.view import view_key
from sealring.envelope import parse_envelope
from sealring.errors import TrustError
from sealring.statement import Release, RevisionStatement, Stack, UnknownFormat, parse_statement
from sealring_server.fsck.report import IMAGE, Report
from sealring_server.fsck.scratch import Scratch
from sealring_server.prepared import Prepared
from sealring_server.released import named_images
from sealring_server.schema import blobs, heads, leaves, released, statements, tallies

PAGE = 500  # rows in memory

_LEAF = Prepared(select(leaves.c.value).where(leaves.c.entry == bindparam("entry"), leaves.c.key == bindparam("key")))
_SIZE = Prepared(select(blobs.c.size).where(blobs.c.sha256 == bindparam("digest")))
_PLACE = ("type", "subject", "format")


def check_statements(
    connection: Connection, root: bytes, newest_entry: int, scratch: Scratch, report: Report, *, may_lack: bool = False
) -> None:
    """Each row's envelope has this digest and id, and a statement of this type, format, subject and sequence.

    Which images they name, and who does, goes to `scratch`.

    Args:
        may_lack: whether images may be missing, as in a mirror (SPEC MI-2).
    """
    for row in connection.execute(select(statements).execution_options(yield_per=PAGE)):
        report.checked["statements"] += 1
        name = f"statement {row.type} {row.subject} ({row.envelope})"
        if not 1 <= row.entry <= newest_entry:
            report.bad("statements", f"{name}: of entry {row.entry}, 1 to {newest_entry} needed")
        for what in _wrong(row):
            report.bad("statements", f"{name}: {what}")
        try:
            said = parse_statement(parse_envelope(row.raw).payload)
        except UnknownFormat as err:
            report.tell(f"{name}: {err}; its envelope was checked, and not what it says")
            continue
        except TrustError as err:
            report.bad("statements", f"{name}: {err}")
            continue
        if (said.type, said.format, said.subject, said.sequence) != (row.type, row.format, row.subject, row.sequence):
            report.bad("statements", f"{name}: the row says otherwise than the envelope, {said.title} {said.sequence}")
        _check_leaf(connection, root, row, name, report)
        if isinstance(said, RevisionStatement):
            scratch.image(said.image.sha256, said.authority)
            _check_image(connection, said, report, may_lack=may_lack)
        if isinstance(said, Release | Stack):
            _check_released(connection, said, name, scratch, report)


def check_heads(connection: Connection, root: bytes, scratch: Scratch, report: Report) -> None:
    """Each subject and format has one head, which is its newest statement; keys and values go to `scratch`."""
    order = [heads.c[name] for name in _PLACE]
    asked = select(*order, heads.c.sequence, heads.c.id, heads.c.envelope).order_by(*order)
    rows = iter(connection.execute(asked.execution_options(yield_per=PAGE)))
    newest = _newest(connection)
    head, wanted = next(rows, None), next(newest, None)
    tallied = Counter[str]()
    while head is not None or wanted is not None:
        place = min(tuple(one[:3]) for one in (head, wanted and wanted[0]) if one is not None)
        name = f"head {place[0]} {place[1]} (format {place[2]})"
        here = head if head is not None and tuple(head[:3]) == place else None
        best = wanted if wanted is not None and tuple(wanted[0][:3]) == place else None
        if here is None:
            report.bad("heads", f"{name}: missing")
        elif best is None or here.envelope not in best[1] or (here.sequence, here.id) != (best[0][3], best[0][4]):
            report.bad("heads", f"{name}: {here.envelope} is not its newest statement")
        if here is not None:
            _note(root, here, scratch, report)
            authority, slash, _ = here.subject.partition("/")
            tallied[authority] += bool(slash)
            head = next(rows, None)
        if best is not None:
            wanted = next(newest, None)
    said = {row.authority: row.subjects for row in connection.execute(select(tallies))}
    for authority in sorted(said.keys() | {name for name, count in tallied.items() if count}):
        if said.get(authority, 0) != tallied[authority]:
            what = f"{said.get(authority, 0)} said to be current, there are {tallied[authority]}"
            report.bad("heads", f"authority {authority}: {what}")


def _newest(connection: Connection) -> Iterator[tuple[Any, set[str]]]:
    """The newest row of each subject and format; and the envelopes that came with the same entry, which are as new."""
    order = [statements.c[name] for name in (*_PLACE, "sequence", "entry")]
    asked = select(*order[:4], statements.c.id, statements.c.entry, statements.c.envelope).order_by(*order)
    rows = connection.execute(asked.execution_options(yield_per=PAGE))
    for _, group in groupby(rows, key=lambda row: tuple(row[:3])):
        last, envelopes = None, set[str]()
        for row in group:
            if last is None or (row.sequence, row.entry) != (last.sequence, last.entry):
                envelopes = set()
            last = row
            envelopes.add(row.envelope)
        yield last, envelopes


def _note(root: bytes, head: Any, scratch: Scratch, report: Report) -> None:
    report.checked["heads"] += 1
    name = f"{head.type} {head.subject} (format {head.format})"
    try:
        value = Head(head.sequence, bytes.fromhex(head.id), bytes.fromhex(head.envelope)).to_bytes()
        scratch.head(map_key(root, head.type, head.format, head.subject), value, name)
        if head.type == "model":
            scratch.head(view_key(root, head.subject), None, f"view {head.subject}")
    except (TrustError, ValueError) as err:
        report.bad("heads", f"{name}: {err}")


def _check_released(connection: Connection, said: Release | Stack, name: str, scratch: Scratch, report: Report) -> None:
    """RD-1: whoever may install an image may read it."""
    for digest in sorted(named_images(connection, [said])):
        scratch.image(digest, "")
        if connection.scalar(select(released.c.sha256).where(released.c.sha256 == digest)) is None:
            report.bad("statements", f"{name}: releases image {digest}, and no row lets it be read")


def _wrong(row: Any) -> Iterator[str]:
    try:
        found = parse_envelope(row.raw)
    except TrustError as err:
        yield str(err)
        return
    if found.digest != row.envelope:
        yield f"its bytes have digest {found.digest}"
    if found.id != row.id:
        yield f"its id is {found.id}, the row says {row.id}"


def _check_leaf(connection: Connection, root: bytes, row: Any, name: str, report: Report) -> None:
    """CT-4: what an entry took in stands among its changes, unless the same entry took in something newer."""
    key = map_key(root, row.type, row.format, row.subject)
    found = _LEAF.rows(connection, {"entry": row.entry, "key": key})
    if not found or len(found[0][0]) < 8 or int.from_bytes(found[0][0][:8], "big") < row.sequence:
        report.bad("statements", f"{name}: the changes of entry {row.entry} don't have it")


def _check_image(connection: Connection, said: RevisionStatement, report: Report, *, may_lack: bool) -> None:
    rows = _SIZE.rows(connection, {"digest": said.image.sha256})
    if not rows and may_lack:
        return
    if not rows or rows[0][0] != said.image.size:
        found = f"{rows[0][0]} bytes" if rows else "not here"
        report.bad("images", f"{said.title}: image {said.image.sha256}: {found}, {said.image.size} bytes needed", IMAGE)
