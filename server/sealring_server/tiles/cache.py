"""A process's memory of tiles and leaves: bounded, and safe for its threads.

What is remembered must never be of a transaction that is rolled back: the numbers of its tiles are given again. So
new tiles are remembered after the commit (`change.py`). And what a transaction reads is remembered as far as it was
there before: the number that a map's top has is the highest there is (`batch.py`), so the first change in a
transaction says up to where (`begin_change`). Numbers that were collected are below that one, and never come back.
"""

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, RootTransaction

from sealring.catalogue.log import Frontier
from sealring.catalogue.nodes import Leaf
from sealring_server.tiles.tile import Tile

KEPT_TILES: Final = 16_384  # at most 3 kB each
KEPT_LEAVES: Final = 16_384  # about 350 bytes each

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values that were used last."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._values: OrderedDict[K, V] = OrderedDict()

    def __len__(self) -> int:
        """Never more than the bound."""
        return len(self._values)

    def get(self, keys: Iterable[K]) -> dict[K, V]:
        """Those of these that are remembered."""
        found: dict[K, V] = {}
        with self._lock:
            for key in keys:
                value = self._values.get(key)
                if value is not None:
                    self._values.move_to_end(key)
                    found[key] = value
        return found

    def keep(self, new: Mapping[K, V]) -> None:
        """Remember these, and forget what was not used for longest."""
        with self._lock:
            self._values.update(new)
            while len(self._values) > self._most:
                self._values.popitem(last=False)


class Tiles:
    """What one process remembers of a store's map, and of the log of its entries.

    Args:
        tiles: how many tiles at most.
        leaves: how many leaves at most.
    """

    def __init__(self, tiles: int = KEPT_TILES, leaves: int = KEPT_LEAVES) -> None:
        self.most = tiles
        self.tiles: Kept[int, Tile] = Kept(tiles)
        self.leaves: Kept[bytes, Leaf] = Kept(leaves)
        """By hash: what a hash commits to is the same in every state of the store, committed or not."""
        self.log = Frontier()
        """The end of the log of entries, of some committed state: a log of that size has no other."""
        self._lock = threading.Lock()
        self._changing: WeakKeyDictionary[RootTransaction, int] = WeakKeyDictionary()

    def keep_log(self, end: Frontier) -> None:
        """Remember this end of the log, which was committed."""
        self.log = end

    def begin_change(self, connection: Connection, highest: int) -> None:
        """Say, before a change of the map is written, that its numbers go on from `highest`."""
        with self._lock:
            self._changing.setdefault(_transaction(connection), highest)

    def keep_tiles(self, connection: Connection, new: Mapping[int, Tile]) -> None:
        """Remember tiles that this transaction has read, if they are of a committed state."""
        with self._lock:
            highest = self._changing.get(_transaction(connection))
        if highest is not None:
            new = {number: tile for number, tile in new.items() if number <= highest}
        self.tiles.keep(new)


def _transaction(connection: Connection) -> RootTransaction:
    found = connection.get_transaction()
    assert found is not None  # the database is only ever used in one
    return found
