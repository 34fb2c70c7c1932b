"""Who may speak: the root, brands, and what a brand delegates (SPEC RT, BR, AU)."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from sealring.keys import KeySet
from sealring.names import NO_ROOT, ROOT, Count, Name, NamePattern
from sealring.statement.common import Common, distinct

Role = Literal["model", "release", "revision", "revocations", "serial", "store"]
Kind = Literal["app", "base", "boot", "kernel", "os"]


class RootRoles(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The two roles of a root: `root` signs roots, `brand` certifies brands."""

    root: KeySet
    brand: KeySet


class Root(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="root"):
    """Version n of the root; its sequence is its version."""

    lifetime: ClassVar[timedelta] = timedelta(days=5 * 366)
    roles: RootRoles

    @property
    def subject(self) -> str:
        return str(self.sequence)

    def check(self) -> None:
        super().check()
        self.roles.root.check()
        self.roles.brand.check()
        if self.authority != ROOT:
            raise self.refuse("the authority of a root is `root`", "AU-1")
        # RT-3: version 1 can't contain its own id; every later one names it.
        if (self.root == NO_ROOT) != (self.sequence == 1):
            raise self.refuse("version 1 names no root, every later version names version 1", "RT-3")


class Brand(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="brand"):
    """A device maker or publisher, its keys, and the sequence of its revocation list in force (0: none)."""

    lifetime: ClassVar[timedelta] = timedelta(days=2 * 366)
    brand: Name
    keys: KeySet
    revocations: Count

    @property
    def subject(self) -> str:
        return self.brand

    def check(self) -> None:
        super().check()
        self.keys.check()
        if self.authority != ROOT or self.brand == ROOT:
            raise self.refuse("a brand is certified by `root`, and none may have that name", "AU-1")


class Delegation(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="delegation"):
    """Keys that may sign listed roles for listed packages, models and kinds in a brand's name."""

    lifetime: ClassVar[timedelta] = timedelta(days=366)
    delegation: Name
    keys: KeySet
    roles: Annotated[list[Role], Meta(min_length=1, max_length=6)]
    packages: Annotated[list[NamePattern], Meta(max_length=64)]
    models: Annotated[list[NamePattern], Meta(max_length=64)]
    kinds: Annotated[list[Kind], Meta(min_length=1, max_length=5)]

    @property
    def subject(self) -> str:
        return f"{self.authority}/{self.delegation}"

    def check(self) -> None:
        super().check()
        self.keys.check()
        lists: list[list[str]] = [list(self.roles), self.packages, self.models, list(self.kinds)]
        if not all(distinct(values) for values in lists):
            raise self.refuse("a list is not in ascending order of distinct values", "ST-1")
        if not all(p.startswith(f"{self.authority}/") for p in self.packages + self.models):
            raise self.refuse("a pattern lies outside the brand", "AU-2")
        # AU-2: its name is the issuer of its revocations; the brand's name is the brand's own list.
        if self.authority in (ROOT, self.delegation):
            raise self.refuse("a delegation is a brand's, and bears another name than the brand", "AU-2")
