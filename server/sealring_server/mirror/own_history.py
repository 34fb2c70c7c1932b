"""Whether what is shown now goes on from what this mirror serves, and proof where it does not (SPEC CT-2, CT-3, CT-5).

The witness's state may be lost, or be a copy of long ago. What the mirror serves is signed by its store as well: the
TUF files and the entry in its own tables are an observation like any other.
"""

from contextlib import closing

from sqlalchemy import Connection, select

from sealring.bundle import PathEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.follows import CatalogueRollback
from sealring.catalogue.log import inclusion_path, leaf_hash
from sealring.tuf_set import mark_of
from sealring_server.audit.accuse import Accuser
from sealring_server.audit.asking import Asking
from sealring_server.audit.evidence import Evidence
from sealring_server.audit.log_path import fork_by_path
from sealring_server.audit.observation import Observation
from sealring_server.audit.state import State
from sealring_server.catalogue import last_entry
from sealring_server.here import StoreHere
from sealring_server.mirror.take import newest_taken
from sealring_server.schema import entries
from sealring_server.tuf_repo import metadata_bytes

_ONLINE = ("timestamp", "snapshot", "targets")


def check_own_history(here: StoreHere, state: State, ask: Asking, observation: Observation) -> None:
    """Nothing, where the log that was judged has the entry that is served.

    Raises:
        CatalogueRollback: what is shown is older, and of the same history.
        Contradiction: of another history; the evidence is kept.
        NoAnswer, UsedUp: try again.
    """
    with here.database.reading() as connection:
        if not newest_taken(connection):
            return
        mine = last_entry(connection)
        known = state.entry(mine.sequence)
        if known is not None and known.raw == mine.raw:
            return
        own = _own(connection, mine, mark_of(observation.roots[0]).version)
        shown = observation.verify()
        before = _entry(connection, shown.entry.sequence) if shown.entry.sequence < mine.sequence else None
        if before == shown.entry.raw:
            raise CatalogueRollback(shown.entry.sequence, mine.sequence)
        leaves = _leaves(connection, mine.sequence) if before is not None else []
    what = f"entry {mine.sequence} that this mirror serves is in another history than entry {shown.entry.sequence}"
    evidence = _evidence(ask, mine, own, observation, shown.entry, before, leaves)
    Accuser(state, observation, shown).accuse(evidence, what)


def _evidence(
    ask: Asking,
    mine: CatalogueEntry,
    own: Observation,
    observation: Observation,
    shown: CatalogueEntry,
    before: bytes | None,
    leaves: list[bytes],
) -> Evidence:
    """Both observations, the earlier one first, with what the later one's log has in the earlier one's place."""
    if before is not None:
        path = PathEntry(mine.sequence, shown.sequence, inclusion_path(leaves, shown.sequence - 1))
        files = observation.files("a/") | own.files("b/") | {"other.json": before}
        return Evidence("fork", files, (path,))
    files = own.files("a/") | observation.files("b/")
    if mine.sequence == shown.sequence:
        return Evidence("fork", files)
    return fork_by_path(ask, mine, shown, files)


def _own(connection: Connection, mine: CatalogueEntry, first: int) -> Observation:
    """What this mirror serves, with the TUF roots from this version on."""
    roots: list[bytes] = []
    while (raw := metadata_bytes(connection, "root", first + len(roots))) is not None:
        roots.append(raw)
    timestamp, snapshot, targets = (metadata_bytes(connection, role) or b"" for role in _ONLINE)
    return Observation(tuple(roots), timestamp, snapshot, targets, mine.raw)


def _entry(connection: Connection, sequence: int) -> bytes | None:
    return connection.scalar(select(entries.c.raw).where(entries.c.sequence == sequence))


def _leaves(connection: Connection, before: int) -> list[bytes]:
    """Of the log that stands in the entry with this number."""
    asked = select(entries.c.raw).where(entries.c.sequence < before).order_by(entries.c.sequence)
    with closing(connection.execute(asked)) as found:
        return [leaf_hash(raw) for (raw,) in found]
