"""A change of the map, written as rows in the caller's transaction (SPEC MP-5, MP-6)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, insert

from sealring.catalogue.leaf import map_leaf_hash
from sealring.catalogue.nodes import Leaf
from sealring.catalogue.sparse import SequenceFell
from sealring_server.database import after_commit
from sealring_server.prepared import Prepared
from sealring_server.schema import leaves, superseded, tiles
from sealring_server.tiles.batch import Batch, Set
from sealring_server.tiles.cache import Tiles
from sealring_server.tiles.tile import Slot, Tile
from sealring_server.tiles.ways import own_slot, walk

NUMBER_BYTES: Final = 8
ROWS: Final = 5000  # written at a time

_add_tile = Prepared(insert(tiles))
_add_leaf = Prepared(insert(leaves))
_add_superseded = Prepared(insert(superseded))


@dataclass(frozen=True, slots=True)
class Changed:
    """The map after a change: its top, none where it is empty, and how many leaves it has more."""

    top: Slot | None
    added: int


def change(
    connection: Connection, known: Tiles, top: Slot | None, items: Sequence[tuple[bytes, bytes]], entry: int
) -> Changed:
    """Put these leaves in; rows are written for what really changes, and nothing where that is nothing.

    Args:
        items: keys with their 72-byte values, ascending by key, each once.
        entry: the number of the entry whose change it is.

    Raises:
        SequenceFell: a sequence would fall; nothing was written then.
        DamagedStore: what is there is not what it should be.
    """
    opened, held = {}, dict[bytes, Leaf]()
    if top is not None and items:
        ways = walk(connection, known, top, [key for key, _ in items], own_slot)
        opened, held = ways.tiles, {leaf.key: leaf for leaf in ways.leaves.values()}
        _check_sequences(held, items)
        items = [(key, value) for key, value in items if key not in held or held[key].value != value]
    if not items:
        return Changed(top, 0)
    _add_leaf.run(connection, ({"entry": entry, "key": key, "value": value} for key, value in items))
    highest = 0 if top is None else top.number
    known.begin_change(connection, highest)
    rows = _Rows(connection, known.most)
    batch = Batch(opened, {leaf.hash: key for key, leaf in held.items()}, highest + 1, rows.write)
    after = batch.put(top, [Set(key, map_leaf_hash(key, value), entry) for key, value in items])
    rows.flush()
    after_commit(connection, lambda: known.tiles.keep(rows.new))
    if batch.superseded:
        numbers = b"".join([number.to_bytes(NUMBER_BYTES, "big") for number in sorted(batch.superseded)])
        _add_superseded.run(connection, [{"entry": entry, "numbers": numbers}])
    return Changed(after, sum(key not in held for key, _ in items))


def _check_sequences(held: Mapping[bytes, Leaf], items: Iterable[tuple[bytes, bytes]]) -> None:
    for key, value in items:
        if key in held:
            offered, before = (int.from_bytes(one[:8], "big") for one in (value, held[key].value))
            # MP-5: a store that took an older statement again would show a rollback as if it were news.
            if offered < before:
                raise SequenceFell(key, offered, before)


class _Rows:
    """New tiles on their way into the database: some thousand at a time, so that a map of millions takes no more."""

    def __init__(self, connection: Connection, most: int) -> None:
        self._connection = connection
        self._most = most
        self.new: dict[int, Tile] = {}
        """To be remembered; of very many, those that are written first: the next change asks for all the same."""
        self._rows: list[dict[str, object]] = []

    def write(self, number: int, tile: Tile) -> None:
        self._rows.append({"number": number, "raw": tile.to_bytes()})
        if len(self.new) < self._most:
            self.new[number] = tile
        if len(self._rows) >= ROWS:
            self.flush()

    def flush(self) -> None:
        if self._rows:
            _add_tile.run(self._connection, self._rows)
        self._rows = []
