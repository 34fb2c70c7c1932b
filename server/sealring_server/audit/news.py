"""What one entry brought, in one request where the store can (SPEC CT-4): nobody's word until a leaf names it.

Only bytes with a digest that the entry's own changes name count here. A store that has no such answer, or a wrong one,
is asked for each by its digest: the answer saves requests, and decides nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import TypeAlias

from sealring.bundle import HaltEntry, StatementEntry, read_bundle
from sealring.catalogue.entry import CatalogueEntry
from sealring.catalogue.leaf import Head
from sealring.errors import TrustError
from sealring_server.audit.asking import Asking

MAX_NEWS = 65 * 1024 * 1024  # bytes of the longest bundle without images (SPEC BN-2)
FEW = 2  # leaves from which on one joint answer is less work


@dataclass
class Brought:
    """What came with one entry, and what of it was judged."""

    offered: Mapping[bytes, bytes] = field(default_factory=dict)
    """By digest, unverified: also what no leaf names, such as a version that the same entry replaced."""
    judged: dict[bytes, bytes] = field(default_factory=dict)

    def named(self, head: Head) -> bytes | None:
        """The bytes that a leaf names, where they came along."""
        return self.offered.get(head.envelope)

    def take(self, raw: bytes) -> None:
        """Note what a leaf names."""
        self.judged[sha256(raw).digest()] = raw

    @property
    def beside(self) -> list[bytes]:
        """What came along and no leaf names: nobody stands behind it but who signed it."""
        return [raw for digest, raw in self.offered.items() if digest not in self.judged]


Keeper: TypeAlias = Callable[[CatalogueEntry, Brought], None]


def fetch_news(ask: Asking, sequence: int, changes: Mapping[bytes, Head]) -> Brought:
    """What the store says that this entry brought; nothing where so few leaves changed that it is no less work.

    Raises:
        NoAnswer, UsedUp.
    """
    if len(changes) < FEW:
        return Brought()
    raw = ask.find(f"/v1/news/{sequence}", limit=MAX_NEWS)
    try:
        found = read_bundle(raw) if raw is not None else ()
    except TrustError:
        return Brought()
    raws = [one.envelope for one in found if isinstance(one, StatementEntry)]
    raws += [one.data for one in found if isinstance(one, HaltEntry)]
    return Brought({sha256(raw).digest(): raw for raw in raws})
