"""A store's log for a bundle: leaf hashes, so that each device finds the way from the entry that it saw (SPEC BN-6)."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.log import leaf_hash, tree_hash
from sealring.catalogue.shelved_log import BLOCK, ShelvedLog
from sealring.tuf_form import NotVouched

MAX_KEPT: Final = 61  # blocks, of all stores of one bundle together: 999,424 entries, 31 of its 64 MiB


def shelved_log(raws: Iterable[bytes], newest: CatalogueEntry, kept: int = MAX_KEPT) -> ShelvedLog:
    """The log that the newest entry names; its oldest blocks by their hashes alone, where there are too many.

    Args:
        raws: every entry up to the one before `newest`; what is wrong with them shows in the log's root.
        kept: blocks whose leaf hashes go along, 1 or more.

    Raises:
        NotVouched: they are not the log that the newest entry names.
    """
    size, hashes, newer = 0, list[bytes](), deque[list[bytes]](maxlen=kept)
    for block in _blocks(leaf_hash(raw) for raw in raws):
        size += len(block)
        hashes.append(tree_hash(block))
        newer.append(block)
    if size != newest.sequence - 1 or tree_hash(hashes) != newest.log:
        raise NotVouched("entries", f"{size} that don't make the log of entry {newest.sequence}", "LG-1")
    return ShelvedLog(hashes[: len(hashes) - len(newer)], [leaf for block in newer for leaf in block])


def _blocks(leaves: Iterator[bytes]) -> Iterator[list[bytes]]:
    while block := list(islice(leaves, BLOCK)):
        yield block
