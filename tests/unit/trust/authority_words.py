"""What the model of an authority's life speaks of: records and sets of names, nothing of the product."""

from collections.abc import Iterable
from dataclasses import dataclass

Names = frozenset[str]


@dataclass(frozen=True)
class Said:
    """What one statement says; two that differ in anything have different ids.

    `name` is the brand of a `brand`, the issuer of a `list`, the delegation, or the package of a `release`. A line
    names a statement (by its id) or a kind and a name (by its subject).
    """

    kind: str
    name: str
    number: int
    issued: int = 0
    expires: int = 365
    keys: Names = frozenset()
    enough: int = 2
    certifiers: Names = frozenset()
    packages: Names = frozenset()
    roles: Names = frozenset()
    list_number: int = 0
    lines: tuple[tuple["Said | tuple[str, str]", str], ...] = ()

    @property
    def subject(self) -> tuple[str, str]:
        """What a device has one floor for."""
        return self.kind, self.name


@dataclass(frozen=True)
class Signed:
    """A statement and who has signed it."""

    said: Said
    by: Names = frozenset()


@dataclass(frozen=True)
class ListInForce:
    """A list, whether today's keys vouch for it, and the packages that it is limited to, if it is."""

    signed: Signed
    counts: bool
    limit: Names | None = None


def highest(found: Iterable[Signed]) -> Signed | None:
    """The one with the highest number; of several the first."""
    return max(found, key=lambda one: one.said.number, default=None)


def tops(found: Iterable[Signed]) -> list[Signed]:
    """All with the highest number."""
    listed = list(found)
    return [one for one in listed if one.said.number == max(other.said.number for other in listed)]
