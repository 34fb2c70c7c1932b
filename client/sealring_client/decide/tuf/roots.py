"""Which root a refresh begins with, and the walk to the newest one (SPEC TF-3, TF-8; TUF's specification, 5.3)."""

from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256

from tuf.api.metadata import Root

from sealring.errors import TrustError
from sealring_client.decide.tuf.errors import NotThePin, TufError
from sealring_client.decide.tuf.metadata import parse_metadata
from sealring_client.decide.tuf.workflow import Limits, RootMark, TrustedRoot, begin_with_root, next_root
from sealring_client.decide.tuf.world import Source, Storage
from sealring_client.fetch.errors import NotThere


@dataclass(frozen=True)
class Start:
    """Where a chain of roots begins and what it must pass through.

    Args:
        pin: what the brand's current `store` statement names.
        held_pin: what it named when this store was refreshed last; None at first.
        seen: the highest root seen of this store; None at first.
    """

    pin: RootMark
    held_pin: RootMark | None = None
    seen: RootMark | None = None


def find_root(source: Source, storage: Storage, start: Start, limits: Limits) -> tuple[TrustedRoot, bool]:
    """The newest root that the store shows, and whether the brand has re-keyed the store (TF-3, TF-8)."""
    seen = start.seen
    if seen is None or start.held_pin == start.pin:
        first = _held_root(storage, seen, limits, newer=True) or _pinned(source, start.pin, limits)
        return walk_roots(source, storage, first, (start.pin, seen), limits), False
    # The brand names another root than last time. If one chain leads through both, nothing was replaced.
    with suppress(TufError):
        ahead = start.pin.version > seen.version
        first = (_held_root(storage, seen, limits, newer=False) if ahead else None) or _pinned(
            source, start.pin, limits
        )
        return walk_roots(source, storage, first, (start.pin, seen), limits), False
    # TF-8: a newer statement of the brand replaces the store's root; its old chain no longer counts.
    return walk_roots(source, storage, _pinned(source, start.pin, limits), (start.pin,), limits), True


def _held_root(storage: Storage, seen: RootMark | None, limits: Limits, *, newer: bool) -> TrustedRoot | None:
    """The kept root, if it is the one that was seen; or, with `newer`, one that was walked to since."""
    raw = storage.load("root.json") if seen is not None else None
    if raw is None or seen is None:
        return None
    try:
        version = parse_metadata(raw, Root, limit=limits.root, file="root.json").content.version
        # A root is verified before it is kept, so one that is ahead of the trust state was walked to before a kill.
        mark = RootMark(version, sha256(raw).hexdigest()) if newer and version > seen.version else seen
        return begin_with_root(raw, mark, limits)
    except TrustError:
        return None  # damaged: begin at the pin again


def _pinned(source: Source, pin: RootMark, limits: Limits) -> TrustedRoot:
    return begin_with_root(source.fetch(f"{pin.version}.root.json", limit=limits.root), pin, limits)


def walk_roots(
    source: Source, storage: Storage, root: TrustedRoot, marks: tuple[RootMark | None, ...], limits: Limits
) -> TrustedRoot:
    """Every root after `root` that the repository has (5.3.2 to 5.3.9); each is kept before the next is asked for.

    Args:
        marks: roots through which the chain must pass (TF-8); none for a repository that nobody pins.
    """
    first, wanted = root.content.version, [mark for mark in marks if mark is not None]
    _check_marks(root, wanted)
    for _ in range(limits.new_roots):
        try:
            raw = source.fetch(f"{root.content.version + 1}.root.json", limit=limits.root)
        except NotThere:
            break
        root = next_root(root, raw, limits)
        _check_marks(root, wanted)
        storage.save("root.json", root.raw)
    # TF-8: a store that hides the roots after an old one would bring retired keys back to life.
    highest = max((mark.version for mark in wanted), default=0)
    if root.content.version < highest:
        raise NotThePin(f"{highest}.root.json", f"a chain that ends at {root.content.version}", str(highest))
    if root.content.version == first and storage.load("root.json") != root.raw:
        storage.save("root.json", root.raw)
    return root


def _check_marks(root: TrustedRoot, wanted: list[RootMark]) -> None:
    for mark in wanted:
        # TF-8: two chains of one store can't both be right; the one that the brand or this device knows is.
        if mark.version == root.content.version and mark != root.mark:
            file = f"{mark.version}.root.json"
            raise NotThePin(file, f"sha256 {root.mark.sha256}", f"sha256 {mark.sha256}")
