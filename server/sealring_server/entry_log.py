"""The log of all entries, as rows: a hash for each whole subtree of RFC 6962's tree (SPEC LG-1, LG-2).

A subtree over 2^level entries is whole once its last entry is there, and never changes again. So an entry adds two
rows on average, and a path reads at most two rows a level. Rows are numbered as the leaves and inner nodes of a
binary tree stand from left to right: leaf n is 2n, and what a level is shows in the ones at a number's end.
"""

from collections.abc import Iterable, Mapping

from sqlalchemy import Connection, bindparam, insert, select

from sealring.catalogue.leaf import MAX_SEQUENCE
from sealring.catalogue.log import EMPTY_LOG, NotInLog, log_node_hash
from sealring_server.damaged import DamagedStore
from sealring_server.schema import log

_nodes = select(log.c.node, log.c.hash).where(log.c.node.in_(bindparam("nodes", expanding=True)))
_add = insert(log)


def node(level: int, place: int) -> int:
    """The number of the subtree over entries `place << level` to the next such (from 0)."""
    return (place << level + 1) + (1 << level) - 1


def append_leaf(connection: Connection, size: int, leaf: bytes) -> None:
    """Add the leaf hash of one more entry to a log of `size` entries, with each subtree that it makes whole."""
    level, place, done = 0, size, leaf
    rows = [{"node": node(0, place), "hash": done}]
    beside = _read(connection, [node(at, (size >> at) - 1) for at in range(_ones(size))])
    while place & 1:
        done = log_node_hash(beside[node(level, place - 1)], done)
        level, place = level + 1, place >> 1
        rows.append({"node": node(level, place), "hash": done})
    connection.execute(_add, rows)


def log_root(connection: Connection, size: int) -> bytes:
    """RFC 6962's hash over the first `size` entries, which are there (SPEC LG-1)."""
    if not size:
        return EMPTY_LOG
    return _fold(_read(connection, _peaks(0, size)), 0, size)


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


def _ones(number: int) -> int:
    """How many ones a number ends with."""
    return (~number & number + 1).bit_length() - 1


def _read(connection: Connection, numbers: Iterable[int]) -> dict[int, bytes]:
    wanted = list(numbers)
    found = {row.node: row.hash for row in connection.execute(_nodes, {"nodes": wanted})} if wanted else {}
    if len(found) != len(wanted):
        raise DamagedStore("the log of its entries has a gap")
    return found
