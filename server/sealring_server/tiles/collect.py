"""Tiles that only old maps have are deleted in time (SPEC MP-6)."""

from sqlalchemy import Connection, bindparam, delete, select

from sealring_server.schema import superseded, tiles
from sealring_server.tiles.change import NUMBER_BYTES

AT_ONCE = 1000  # entries whose tiles go in one transaction

_old = (
    select(superseded.c.entry, superseded.c.numbers)
    .where(superseded.c.entry <= bindparam("until"))
    .order_by(superseded.c.entry)
    .limit(AT_ONCE)
)
_drop_tile = delete(tiles).where(tiles.c.number == bindparam("of_number"))
_drop_superseded = delete(superseded).where(superseded.c.entry <= bindparam("until"))


def collect_tiles(connection: Connection, until: int) -> int:
    """Delete what no map from entry `until` on has; the number of tiles deleted.

    The tiles of some entries at most, the oldest first: until it gives 0. The top tile of a map is among the first
    of its tiles to go, so that a map whose top is there is there as a whole.
    """
    old = connection.execute(_old, {"until": until}).all()
    gone = [{"of_number": number} for row in old for number in _numbers(row.numbers)]
    if old:
        connection.execute(_drop_tile, gone)
        connection.execute(_drop_superseded, {"until": old[-1].entry})
    return len(gone)


def _numbers(raw: bytes) -> list[int]:
    return [int.from_bytes(raw[at : at + NUMBER_BYTES], "big") for at in range(0, len(raw), NUMBER_BYTES)]
