"""Tiles that only old maps have are deleted in time (SPEC MP-6)."""

from sqlalchemy import Connection, Integer, bindparam, delete, select

from sealring_server.prepared import Prepared
from sealring_server.schema import superseded, tiles
from sealring_server.tiles.change import NUMBER_BYTES

AT_ONCE = 1000  # entries whose tiles go in one transaction

_old = Prepared(
    select(superseded.c.entry, superseded.c.numbers)
    .where(superseded.c.entry <= bindparam("until"))
    .order_by(superseded.c.entry)
    .limit(bindparam("most", type_=Integer))
)
_drop_tile = Prepared(delete(tiles).where(tiles.c.number == bindparam("of_number")))
_drop_superseded = Prepared(delete(superseded).where(superseded.c.entry <= bindparam("until")))


def collect_tiles(connection: Connection, until: int) -> int:
    """Delete what no map from entry `until` on has; the number of tiles deleted.

    The tiles of some entries at most, the oldest first: until it gives 0. The top tile of a map is among the first
    of its tiles to go, so that a map whose top is there is there as a whole.
    """
    old = _old.rows(connection, {"until": until, "most": AT_ONCE})
    gone = [{"of_number": number} for _, raw in old for number in _numbers(raw)]
    if old:
        _drop_tile.run(connection, gone)
        _drop_superseded.run(connection, [{"until": old[-1][0]}])
    return len(gone)


def _numbers(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + NUMBER_BYTES], "big") for at in range(0, len(raw), NUMBER_BYTES)]
