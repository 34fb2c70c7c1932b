"""Pass two: what one store proves, and nothing else that it says (SPEC DV-4).

TUF refresh, the log, the proof of the model's view, the view; what follows from that is in `listed`.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path

from sealring.catalogue.entry import CatalogueEntry, parse_entry
from sealring.catalogue.follows import CatalogueRollback, Fork, needs_path, verify_entry
from sealring.catalogue.log import MAX_PATH
from sealring.catalogue.proof import MAX_PROOF, verify_proof
from sealring.catalogue.view import MAX_VIEW, View, verify_view, view_key
from sealring.chain import Verified, WrongStatement
from sealring.errors import TrustError
from sealring.moment import MAX_AHEAD, Moment
from sealring.names import spell
from sealring.statement import Store
from sealring_client.decide.answer.source import Reads
from sealring_client.decide.state import Mark, StoreSeen, read_small
from sealring_client.decide.tuf import Refreshed, RootMark, Start, refresh_tuf
from sealring_client.decide.tuf.errors import DatedAhead, TufExpired
from sealring_client.decide.tuf.metadata import root_materials
from sealring_client.disk import make_folder_durably, write_durably

CATALOGUE = "catalogue.json"


@dataclass(frozen=True)
class StoreView:
    """What a store has proved for one model: its catalogue entry, its view, and until when they hold.

    `root_keys` are the keys of its TUF root: stores that have one in common are one voice (AG-1).
    """

    store: Verified[Store]
    entry: CatalogueEntry
    view: View
    seen: StoreSeen
    expires: datetime
    root_keys: frozenset[str]


class StoreFiles:
    """A store's TUF files on the device's disk."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def load(self, name: str) -> bytes | None:
        """The file as it was kept last."""
        return read_small(self.folder / name, 1024 * 1024)

    def save(self, name: str, data: bytes) -> None:
        """Keep it, durably."""
        make_folder_durably(self.folder)
        write_durably(self.folder / name, data)


class TufSource:
    """The store's paths below `tuf/`; notes the timestamp, which the next poll compares."""

    def __init__(self, source: Reads) -> None:
        self._source = source
        self.etag: str | None = None
        self.sha256: str | None = None

    def fetch(self, path: str, *, limit: int) -> bytes:
        """One file of the store's repository."""
        if path != "timestamp.json":
            return self._source.fetch(f"tuf/{path}", limit=limit)
        answer = self._source.fetch_if_changed(f"tuf/{path}", etag=None, limit=limit)
        body = answer.body or b""
        self.sha256 = sha256(body).hexdigest()
        # A timestamp that came in an answer has no tag of its own; one by its digest is what such stores give it, and
        # any other store sends its 400 bytes at the next poll.
        self.etag = answer.etag or f'"{self.sha256}"'
        return body


def open_view(
    store: Verified[Store],
    source: Reads,
    tuf: TufSource,
    files: StoreFiles,
    seen: StoreSeen | None,
    *,
    root: str,
    model: str,
    grace: timedelta = timedelta(),
) -> StoreView:
    """The store's view of the model, proved under its current catalogue.

    Args:
        source: the store's paths, or a bundle that is read as such.
        seen: what this store has shown before; it never goes below that.
        root: id of version 1 of the root.
        grace: for how long after their end TUF metadata and catalogue still count; more than nothing only for a bundle
            that a person handed over, and never more than the model's `offline_age` (BN-7).

    Raises:
        TrustError, Unreachable: nothing of this store counts in this check.
    """
    held = held_entry(files, seen)
    start, moment = _start(store.statement, seen), store.moment.raised(held.time if held is not None else None)
    # TF-8: under a new pin the old keys' dates count only if one chain leads through both; a thief on a device
    # without a clock may have dated them far ahead. `_check_age` judges by them again.
    at = moment.at if start.held_pin in (None, start.pin) else store.moment.at
    found = refresh_tuf(tuf, files, start, at=at - grace, target=CATALOGUE)
    if found.rekeyed:
        seen, held, moment = None, None, store.moment
    entry = _entry(source, found, held, seen, bytes.fromhex(root))
    expires = _check_age(entry, store.statement, found, moment, grace)
    if held is None or held.raw != entry.raw:
        files.save(CATALOGUE, entry.raw)
    key = view_key(bytes.fromhex(root), model)
    proof = source.fetch(f"v1/proofs/{entry.map.hex()}/{key.hex()}", limit=MAX_PROOF)
    leaf = verify_proof(proof, entry.map, [key]).present.get(key)
    # VW-3: a store that has no view of this model has nothing for it, and has proved that.
    if leaf is None:
        raise WrongStatement(store.statement.title, "no view", f"a view of {model}", "VW-3")
    raw = source.fetch(f"v1/views/{leaf.envelope.hex()}", limit=MAX_VIEW)
    view = verify_view(raw, leaf, root=bytes.fromhex(root), model=model)
    pin, mark = store.statement.tuf, found.root.mark
    now_seen = StoreSeen(
        store.statement.name,
        Mark(pin.version, pin.sha256),
        Mark(mark.version, mark.sha256),
        Mark(entry.sequence, entry.digest.hex()),
    )
    return StoreView(store, entry, view, now_seen, expires, root_materials(found.root.content))


def _start(store: Store, seen: StoreSeen | None) -> Start:
    pin = RootMark(store.tuf.version, store.tuf.sha256)
    if seen is None:
        return Start(pin)
    return Start(pin, RootMark(seen.pin.number, seen.pin.sha256), RootMark(seen.root.number, seen.root.sha256))


def held_entry(files: StoreFiles, seen: StoreSeen | None) -> CatalogueEntry | None:
    """The last entry of this store, which was verified before it was kept; None where there is none, or rot."""
    raw = files.load(CATALOGUE)
    if raw is None or seen is None or seen.catalogue is None:
        return None
    try:
        entry = parse_entry(raw)
    except TrustError:
        return None
    # A later one than the trust state names was kept just before a kill.
    return entry if entry.sequence >= seen.catalogue.number else None


def _entry(
    source: Reads, found: Refreshed, held: CatalogueEntry | None, seen: StoreSeen | None, root: bytes
) -> CatalogueEntry:
    offered, path = parse_entry(found.target), b""
    if held is not None and needs_path(offered, held):
        path = source.fetch(f"v1/log/{offered.sequence - 1}/{held.sequence - 1}", limit=MAX_PATH)
    entry = verify_entry(found.target, root=root, held=held, path=path)
    # CT-2, CT-3: the mark in the trust state stands even where the entry's own file has rotted.
    if seen is not None and seen.catalogue is not None:
        mark = seen.catalogue
        if entry.sequence < mark.number:
            raise CatalogueRollback(entry.sequence, mark.number)
        if entry.sequence == mark.number and entry.digest.hex() != mark.sha256:
            raise Fork(entry.sequence, entry.digest, bytes.fromhex(mark.sha256))
    return entry


def _check_age(entry: CatalogueEntry, store: Store, found: Refreshed, moment: Moment, grace: timedelta) -> datetime:
    """TF-6: whoever holds the store's online keys can't keep one state alive longer than the brand allows."""
    expires = min(found.expires, entry.time + timedelta(seconds=store.max_age))
    if moment.at - grace >= expires:
        raise TufExpired(f"{CATALOGUE} of {spell(entry.time)}", expires, moment.at)
    if moment.proven and entry.time > moment.at + MAX_AHEAD:
        raise DatedAhead(CATALOGUE, entry.time, moment.at)
    return expires
