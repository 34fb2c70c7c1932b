"""One look of a mirror at its store, from where the last one ended; a kill at any point loses nothing (SPEC MI-1).

witness: entries, maps, statements and views, one transaction an entry   (audit, staged)
images: by ranges                                                        (images)
all of it visible: one transaction                                       (take)
what is taken up is forgotten by the witness, and the look is noted
"""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from sealring.catalogue.entry import CatalogueEntry
from sealring.durable import write_durably
from sealring.errors import SealringError
from sealring.tuf_form import MAX_TUF_FILE, NotVouched
from sealring.tuf_set import mark_of, verify_roots
from sealring_server.audit.asking import Asking, Bounds
from sealring_server.audit.follow import Follower, Found
from sealring_server.audit.observation import Observation, read_files
from sealring_server.audit.run import OBSERVATION, OtherState
from sealring_server.audit.state import State, open_state
from sealring_server.here import StoreHere
from sealring_server.mirror.errors import NotTaken
from sealring_server.mirror.folder import WITNESS, anchor_of, mirror_folder
from sealring_server.mirror.images import Fetched, fetch_images, prune_images, wanted_images
from sealring_server.mirror.noted import note_failure, note_good
from sealring_server.mirror.own_history import check_own_history
from sealring_server.mirror.packages import fetch_packages
from sealring_server.mirror.staged import Staged
from sealring_server.mirror.take import Ready, newest_taken, take_up
from sealring_server.settings import Mirror
from sealring_server.tuf_repo import metadata_bytes

BOUNDS = Bounds(requests=100_000_000, total_bytes=2**50)
"""Of one look: a mirror may take a store of years, image by image."""


@dataclass(frozen=True)
class Taken:
    """What one look took up."""

    entry: CatalogueEntry
    entries: int
    found: Found
    images: Fetched
    pruned: tuple[int, int]
    """Images, and their bytes."""
    requests: int
    received: int


@dataclass(frozen=True)
class Look:
    """How one look is made.

    Args:
        pin: SHA-256 of the store's TUF root, hex; without it a `store` statement must pin the one that is shown.
        prune: whether images that are not wanted any more are removed.
    """

    pin: str | None = None
    prune: bool = False
    bounds: Bounds = field(default_factory=lambda: BOUNDS)


def look(here: StoreHere, how: Look) -> Taken:
    """Take up all that the store shows now; after it returns, that is what this mirror serves.

    Raises:
        Contradiction, NotShown, NotTaken, TrustError: exit 25; what was taken before stays, evidence is kept.
        Unreachable, DiskFull, SealringError, OSError: the next look goes on where this one ended.
    """
    settings = here.settings.mirror
    assert settings is not None  # opened as a mirror
    folder = mirror_folder(here)
    try:
        done = _look(here, settings, how, folder / WITNESS)
    except SealringError as err:
        if isinstance(err, NotTaken):
            _forget_first(here, folder / WITNESS)
        note_failure(folder, here.clock(), str(err))
        raise
    note_good(folder, done.entry.sequence, here.clock(), len(done.images.lacking))
    return done


def _look(here: StoreHere, settings: Mirror, how: Look, folder: Path) -> Taken:
    ask = Asking(settings.url, how.bounds)
    with closing(ask):
        _forget_if_behind(here, folder)
        with open_state(folder, create=True) as state:
            found, staged = _follow(here, state, ask, how)
            raw = state.fact("shown")
            assert raw is not None  # kept with the entry that was judged
            shown = Observation.from_files(read_files(raw))
            check_own_history(here, state, ask, shown)
            wanted = wanted_images(state, staged, settings)
            images = fetch_images(here, ask, wanted)
            roots = _all_roots(here, ask, shown)
            packages = fetch_packages(ask, shown)
            is_pinned = state.number("pinned") == 1
            new = take_up(here, state, staged, Ready(shown, roots, packages, is_pinned, images.came))
            staged.drop(found.entry.sequence)
            _write_beside(here, folder, raw, roots[0])
            pruned = prune_images(here, wanted) if how.prune else (0, 0)
            return Taken(found.entry, new, found, images, pruned, ask.requests, ask.received)


def _follow(here: StoreHere, state: State, ask: Asking, how: Look) -> tuple[Found, Staged]:
    """Everything up to what the store shows now, judged and staged."""
    with here.database.reading() as connection:
        staged = Staged(state, ask, newest_taken(connection))
    held = state.fact("pin")
    if how.pin is not None and held is not None and held.decode() != how.pin:
        raise OtherState(f"is about TUF root {held.decode()}")
    with state.writing():
        state.keep("mode", b"all")
        if how.pin is not None:
            state.keep("pinned", 1)
    follower = Follower(state, ask, here.clock(), keeper=staged.keep)
    anchor, own, version = anchor_of(here.folder)
    follower.root_must_be(bytes.fromhex(anchor))
    found = follower.run(held.decode() if held is not None else how.pin)
    head = state.heads(("root", str(version)))
    if own not in {one.id.hex() for one in head.values()}:
        raise NotTaken(f"the store's root, version {version}, is not the one that was given")
    return found, staged


def _forget_if_behind(here: StoreHere, folder: Path) -> None:
    """A database that is older than what the witness says was taken (a restored one) needs it all again."""
    if not (folder / "audit.db").exists():
        return
    with here.database.reading() as connection:
        mine = newest_taken(connection)
    with open_state(folder) as state:
        taken = state.number("taken")
    if mine < taken:
        _forget(folder)


def _forget_first(here: StoreHere, folder: Path) -> None:
    """Of a store that was never taken up nothing is believed: who answered may not have been it at all (TF-8)."""
    with here.database.reading() as connection:
        mine = newest_taken(connection)
    if not mine:
        _forget(folder)


def _forget(folder: Path) -> None:
    for name in ("audit.db", "audit.db-wal", "audit.db-shm"):
        (folder / name).unlink(missing_ok=True)


def _all_roots(here: StoreHere, ask: Asking, shown: Observation) -> Sequence[bytes]:
    """The TUF roots from version 1 on: devices may have been given any of them (TF-3)."""
    first = mark_of(shown.roots[0]).version
    older = []
    with here.database.reading() as connection:
        known = newest_taken(connection) > 0
        for version in range(1, first):
            raw = metadata_bytes(connection, "root", version) if known else None
            raw = raw or ask.find(f"/tuf/{version}.root.json", limit=MAX_TUF_FILE)
            if raw is None:
                raise NotVouched(f"{version}.root.json", "not there", "TF-3")
            older.append(raw)
    verify_roots([*older, *shown.roots])
    return [*older, *shown.roots]


def _write_beside(here: StoreHere, folder: Path, shown: bytes, first: bytes) -> None:
    """What others read as files: the observation, and the first TUF root as any store has it."""
    write_durably(folder / OBSERVATION, shown)
    if not (here.folder / "1.root.json").exists():
        write_durably(here.folder / "1.root.json", first)
