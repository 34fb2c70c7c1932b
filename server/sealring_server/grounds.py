"""Who may speak for an authority, judged once for as long as nothing about it changes (SPEC AU-2, RK-2, BR-3).

Most publications change nobody's keys, and before each of them the same root, brand, delegations and lists would be
verified anew. What comes out depends on their bytes alone, so it is kept under their digests, which one look at the
heads gives: another statement about any of them, of this process or of another one, is another name.
"""

import threading
from collections import OrderedDict
from collections.abc import Collection

from sqlalchemy import bindparam, or_, select

from sealring.chain import Chain
from sealring.furnished import furnished
from sealring.names import ROOT
from sealring_server.held import GOVERNING, Held
from sealring_server.prepared import Prepared
from sealring_server.schema import heads

KEPT = 256  # chains; each holds what a few authorities say

# A statement of any of these subjects moves its head, so the heads name all that is remembered of them too.
_SAYS = Prepared(
    select(heads.c.envelope).where(
        or_(
            (heads.c.type == "root") & (bindparam("name") == ROOT),
            (heads.c.type == "brand") & (heads.c.subject == bindparam("name")),
            *(
                (heads.c.type == kind) & (heads.c.subject >= bindparam("from")) & (heads.c.subject < bindparam("to"))
                for kind in GOVERNING
            ),
        )
    )
)


class Grounds:
    """The chains of one process, for all of its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, ...], Chain] = OrderedDict()

    def chain(self, held: Held, names: Collection[str]) -> Chain:
        """The chain with these brands, and all that they and the root delegate and revoke.

        Args:
            names: of brands, known or not.
        """
        key = tuple(part for name in (ROOT, *sorted(names)) for part in (name, *_says(held, name)))
        with self._lock:
            if (known := self._kept.get(key)) is not None:
                self._kept.move_to_end(key)
                return known
        found = _chain(held, names)
        with self._lock:
            self._kept[key] = found
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return found


def _says(held: Held, name: str) -> list[str]:
    """The digests of what an authority says of who speaks for it, and of what is said of it."""
    rows = _SAYS.rows(held.connection, {"name": name, "from": f"{name}/", "to": f"{name}0"})
    return sorted(digest for (digest,) in rows)


def _chain(held: Held, names: Collection[str]) -> Chain:
    chain, remembered = held.chain(), held.remembered(ROOT)
    for name in sorted(names):
        chain = held.with_held_brand(chain, name)
        remembered += held.remembered(name)
    return furnished(chain, remembered)
