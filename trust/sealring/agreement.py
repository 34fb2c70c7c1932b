"""How many stores have shown it? Stores that share a key are one witness (SPEC AG)."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations
from typing import ClassVar

from sealring.errors import TrustError


@dataclass(eq=False)
class TooFewStores(TrustError):
    """Fewer independent stores have shown it than the model demands (SPEC AG-1)."""

    what: str
    found: int
    needed: int
    rule: ClassVar[str] = "AG-1"
    exit_code: ClassVar[int] = 25

    def __str__(self) -> str:
        return f"{self.what}: shown by {self.found} stores without a common key, {self.needed} needed"

    def hint(self) -> str:
        return "publish it in the model's other stores too; stores that share a TUF root key count once"


def check_agreement(what: str, stores: Mapping[str, frozenset[str]], needed: int) -> tuple[str, ...]:
    """The stores that vouch for it together, the most there are with disjoint root keys.

    Args:
        stores: for each store that has shown it (at most 8, SPEC MD-1), the ids of its TUF root keys.

    Raises:
        TooFewStores.
    """
    for count in range(len(stores), 0, -1):
        for names in combinations(sorted(stores), count):
            # Eight stores have 255 subsets; a shared key makes two of them one voice.
            if sum(len(stores[name]) for name in names) == len(frozenset().union(*(stores[name] for name in names))):
                if count < needed:
                    raise TooFewStores(what, count, needed)
                return names
    raise TooFewStores(what, 0, needed)
