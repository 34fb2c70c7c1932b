"""The log of all entries, as rows: a hash for each whole subtree of RFC 6962's tree (SPEC LG-1, LG-2).

A subtree over 2^level entries is whole once its last entry is there, and never changes again. So an entry adds two
rows on average, and a path reads at most two rows a level. Rows are numbered as the leaves and inner nodes of a
binary tree stand from left to right: leaf n is 2n, and what a level is shows in the ones at a number's end.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, insert

from sealring.catalogue.leaf import MAX_SEQUENCE
from sealring.catalogue.log import Frontier, NotInLog, log_node_hash
from sealring_server.damaged import DamagedStore
from sealring_server.prepared import NumberedRows, Prepared
from sealring_server.schema import log

_nodes = NumberedRows(log.c.node, log.c.hash)
_add = Prepared(insert(log))


def node(level: int, place: int) -> int:
    """The number of the subtree over entries `place << level` to the next such (from 0)."""
    return (place << level + 1) + (1 << level) - 1


def frontier(connection: Connection, size: int) -> Frontier:
    """The end of a log of `size` entries, which are there; it knows the root (SPEC LG-1)."""
    peaks = _peaks(0, size)
    found = _read(connection, peaks)
    return Frontier(size, tuple(found[peak] for peak in peaks))


def append_leaf(connection: Connection, end: Frontier, leaf: bytes) -> None:
    """Add the leaf hash of one more entry after this end of the log, with each subtree that it makes whole."""
    level, place, done, peaks = 0, end.size, leaf, list(end.peaks)
    rows = [{"node": node(0, place), "hash": done}]
    while place & 1:
        done = log_node_hash(peaks.pop(), done)
        level, place = level + 1, place >> 1
        rows.append({"node": node(level, place), "hash": done})
    _add.run(connection, rows)


def inclusion_path(connection: Connection, size: int, index: int) -> bytes:
    """RFC 6962's audit path of entry `index` (from 0) among the first `size`, which are there (SPEC LG-2).

    Raises:
        NotInLog: there is no such entry.
    """
    if not 0 <= index < size <= MAX_SEQUENCE:
        raise NotInLog(index, size, "there is no such entry")
    # On each level the node beside; only the last one of a level may not be whole.
    beside = [(level, index >> level ^ 1) for level in range((size - 1).bit_length())]
    beside = [(level, place) for level, place in beside if place << level < size]
    found = _read(
        connection, {number for level, place in beside for number in _peaks(place << level, _end(level, place, size))}
    )
    return b"".join(_fold(found, place << level, _end(level, place, size)) for level, place in beside)


def _end(level: int, place: int, size: int) -> int:
    return min((place + 1) << level, size)


def _peaks(first: int, end: int) -> list[int]:
    """The whole subtrees that entries `first` (where a subtree as large as them all may begin) to `end` consist of."""
    peaks = []
    while first < end:
        level = (end - first).bit_length() - 1
        peaks.append(node(level, first >> level))
        first += 1 << level
    return peaks


def _fold(found: Mapping[int, bytes], first: int, end: int) -> bytes:
    *earlier, last = _peaks(first, end)
    done = found[last]
    for peak in reversed(earlier):
        done = log_node_hash(found[peak], done)
    return done


def _read(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    wanted = list(numbers)
    found = dict(_nodes.read(connection, wanted))
    if len(found) != len(wanted):
        raise DamagedStore("the log of its entries has a gap")
    return found
