"""What was judged becomes visible: one transaction, the timestamp last (SPEC MI-1).

Each entry is written by the code by which the store itself wrote it, and must come out byte for byte: its map,
its size, its log and what came before are in it. So what is served is what was signed, whatever the line or disk did.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, delete, func, insert, inspect, select

from sealring.authentic import Claim
from sealring.catalogue.entry import CatalogueEntry
from sealring.errors import TrustError
from sealring.statement import Root, Store
from sealring.tuf_set import check_snapshot, check_targets, check_timestamp, verify_roots
from sealring_server.audit.errors import Contradiction
from sealring_server.audit.observation import Observation
from sealring_server.audit.state import State
from sealring_server.catalogue import append_entry, last_entry
from sealring_server.commit import begin_draft
from sealring_server.held import Held
from sealring_server.here import StoreHere
from sealring_server.migrations.run import make_tables
from sealring_server.mirror.errors import NotTaken
from sealring_server.mirror.images import keep_images
from sealring_server.mirror.packages import Packages, keep_packages
from sealring_server.mirror.signed import Signed
from sealring_server.mirror.staged import News, Staged
from sealring_server.prepared import insert_or_ignore
from sealring_server.schema import FORMAT, entries, store, tuf
from sealring_server.views import update_views
from sealring_server.work import Admitted

_KEEP: Final = insert_or_ignore(tuf)


@dataclass(frozen=True)
class Ready:
    """All that is to become visible.

    Args:
        roots: the store's TUF roots from version 1 on, verified as one chain.
        is_pinned: whether somebody has said which TUF root is the store's; else a `store` statement must.
        came: images by digest with their sizes, whose bytes are here.
    """

    observation: Observation
    roots: Sequence[bytes]
    packages: Packages | None
    is_pinned: bool
    came: Mapping[str, int]


def newest_taken(connection: Connection) -> int:
    """The newest entry that is served; 0 before the first, and where there are no tables yet."""
    if not inspect(connection).has_table(entries.name):
        return 0
    return connection.scalar(select(func.max(entries.c.sequence))) or 0


def take_up(here: StoreHere, state: State, staged: Staged, ready: Ready) -> int:
    """After it returns the newest entry that was judged is what this mirror serves; how many entries are new.

    Raises:
        NotTaken, Contradiction: and nothing of it was taken.
    """
    newest = state.number("vouched")
    with here.database.writing() as connection:
        taken = newest_taken(connection)
        if not taken:
            make_tables(connection)
            connection.execute(insert(store).values(one=1, format=FORMAT, root_id=state.root.hex()))
        else:
            _check_same(connection, state)
        for sequence in range(taken + 1, newest + 1):
            entry = state.entry(sequence)
            assert entry is not None  # judged
            _write(here, connection, entry, staged.news(sequence))
        if not ready.is_pinned and not taken:
            _check_pinned(connection, ready)
        keep_images(connection, ready.came)
        _write_tuf(connection, ready)
    return newest - taken


def _check_same(connection: Connection, state: State) -> None:
    """CT-3: what is served already stands in the log that was judged."""
    mine = last_entry(connection)
    known = state.entry(mine.sequence)
    if known is None or known.raw != mine.raw:
        raise Contradiction(f"entry {mine.sequence} that this mirror serves is not the one that is shown now", "CT-3")


def _write(here: StoreHere, connection: Connection, entry: CatalogueEntry, news: News) -> None:
    signed = Signed(connection, here.grounds, news.claims, _first_root(news)) if news.claims else None
    draft = begin_draft(connection, entry.sequence)
    draft.add(Admitted(claim.statement, claim.envelope, is_news=True) for claim in news.claims)
    for halt in news.halts:
        draft.halt(halt)
    if signed is not None:
        _check_signed(signed, entry)
    try:
        updates = draft.updates | update_views(Held(connection), draft.root, entry.sequence, draft.news, here.documents)
        made = append_entry(connection, here.tiles, updates, root=draft.root, at=entry.time)
    except TrustError as err:
        raise NotTaken(f"entry {entry.sequence}: {err}") from None
    if made.raw != entry.raw:
        raise NotTaken(f"entry {entry.sequence}: what it brought gives map {made.map.hex()}, it says {entry.map.hex()}")


def _check_signed(signed: Signed, entry: CatalogueEntry) -> None:
    try:
        wrong = signed.check()
    except TrustError as err:
        raise NotTaken(f"entry {entry.sequence}: {err}") from None
    if wrong:
        what = f"{wrong[0].statement.title}, sequence {wrong[0].statement.sequence}"
        raise NotTaken(f"entry {entry.sequence}: {what}: nobody who may has signed it")


def _first_root(news: News) -> bytes:
    """Version 1 of the root, in the first entry; nothing in the others."""
    found = (claim.envelope.raw for claim in news.claims if _is_first_root(claim))
    return next(found, b"")


def _is_first_root(claim: Claim) -> bool:
    return isinstance(claim.statement, Root) and claim.statement.sequence == 1


def _check_pinned(connection: Connection, ready: Ready) -> None:
    """TF-8: nobody said which TUF root is the store's, so a brand must: in a `store` statement that counts today."""
    held = Held(connection)
    marks = {(found.version, found.sha256) for found in ready.observation.verify().roots}
    for subject in {subject for subject, _, _ in held.heads("store")}:
        raw = held.current("store", subject)
        if raw is None:
            continue
        brand = subject.partition("/")[0]
        chain = held.with_held_brand(held.chain(), brand)
        try:
            said = chain.authenticate(raw, Store, brand).statement
        except TrustError:
            continue
        if (said.tuf.version, said.tuf.sha256) in marks:
            return
    raise NotTaken("no `store` statement of it pins the TUF root that it shows; give --tuf-root", "TF-8")


def _write_tuf(connection: Connection, ready: Ready) -> None:
    """The origin's own bytes; of the timestamp the newest only, and it comes last."""
    shown = ready.observation
    root = verify_roots(shown.roots)
    timestamp = check_timestamp(root, shown.timestamp)
    snapshot = check_snapshot(root, timestamp, shown.snapshot)
    targets = check_targets(root, snapshot, shown.targets)
    rows = [("root", number, raw) for number, raw in enumerate(ready.roots, 1)]
    rows += [("targets", targets.version, shown.targets), ("snapshot", snapshot.version, shown.snapshot)]
    for role, version, raw in rows:
        connection.execute(_KEEP, {"role": role, "version": version, "raw": raw})
    keep_packages(connection, ready.packages)
    connection.execute(delete(tuf).where(tuf.c.role == "timestamp"))
    connection.execute(insert(tuf).values(role="timestamp", version=timestamp.version, raw=shown.timestamp))
