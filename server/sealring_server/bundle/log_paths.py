"""Paths in a store's log for devices that saw an earlier entry of it (SPEC LG-2).

A stick can't be asked, so it has the path of each of the newest entries; who saw an older one needs a network.
"""

from collections.abc import Iterable, Iterator
from typing import Final

from sealring.bundle import PathEntry
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.log import leaf_hash, log_node_hash
from sealring.tuf_form import NotVouched

MAX_PATHS: Final = 1024
MAX_LOG: Final = 1_000_000  # entries: 32 MB of hashes twice over; one a minute for two years


def log_paths(raws: Iterable[bytes], newest: CatalogueEntry) -> Iterator[PathEntry]:
    """The paths of the entries before the newest one, those that lie furthest back left out.

    Args:
        raws: every entry up to the one before `newest`; what is wrong with them shows in the log's root.

    Raises:
        NotVouched: they are not the log that the newest entry names.
    """
    size = newest.sequence - 1
    if size > MAX_LOG:
        return
    levels = _levels([leaf_hash(raw) for raw in raws])
    if len(levels[0]) != size or (size and levels[-1][0] != newest.log):
        raise NotVouched("entries", f"{len(levels[0])} that don't make the log of entry {newest.sequence}", "LG-1")
    # Of the entry just before, the newest one itself says which it is: nobody asks for its path (CT-3).
    for sequence in range(max(1, size - MAX_PATHS), size):
        yield PathEntry(newest.sequence, sequence, _path(levels, sequence - 1))


def _levels(leaves: list[bytes]) -> list[list[bytes]]:
    """All nodes of RFC 6962's tree, level by level; where a level is odd its last node goes up as it is."""
    levels = [leaves]
    while len(levels[-1]) > 1:
        level = levels[-1]
        pairs = [log_node_hash(level[at], level[at + 1]) for at in range(0, len(level) - 1, 2)]
        levels.append(pairs + level[len(pairs) * 2 :])
    return levels


def _path(levels: list[list[bytes]], index: int) -> bytes:
    found = b""
    for level in levels[:-1]:
        if index ^ 1 < len(level):
            found += level[index ^ 1]
        index >>= 1
    return found
