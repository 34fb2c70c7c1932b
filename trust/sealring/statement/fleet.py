"""Devices and where they look: models, stores, serials and revocations (SPEC MD, SR, RC)."""

import re
from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sealring.keys import PublicKey
from sealring.names import (
    NAME,
    ROOT,
    Channel,
    Count,
    FullName,
    Instant,
    Name,
    NamePattern,
    Sequence,
    Sha256Hex,
    Text,
    Url,
)
from sealring.statement.authorities import Kind
from sealring.statement.common import Common, distinct

DAY = 24 * 3600  # seconds
Serial = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]+(?:[._-][A-Za-z0-9]+)*\Z", max_length=64)]


class Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A package that a model runs, and the channel that it follows."""

    package: FullName
    channel: Channel
    kind: Kind
    presence: Literal["required", "optional"]


class Model(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="model"):
    """What devices of one model run, and where they may take it from.

    `agree` stores with disjoint keys must show a release; `offline_age` is in seconds (0: never).
    """

    lifetime: ClassVar[timedelta] = timedelta(days=2 * 366)
    model: Name
    architecture: Name
    packages: Annotated[list[Wanted], Meta(min_length=1, max_length=256)]
    stores: Annotated[list[FullName], Meta(min_length=1, max_length=8)]
    agree: Annotated[int, Meta(ge=1, le=8)]
    offline_age: Annotated[int, Meta(ge=0, le=400 * DAY)]
    serial: Literal["required", "none"]
    end_of_support: Instant
    revocations: Count
    stack: FullName | UnsetType = UNSET

    @property
    def name(self) -> str:
        """The model's full name."""
        return f"{self.authority}/{self.model}"

    @property
    def subject(self) -> str:
        return self.name

    def check(self) -> None:
        super().check()
        self.check_instants(self.end_of_support)
        if not distinct([p.package for p in self.packages]) or len(set(self.stores)) != len(self.stores):
            raise self.refuse("packages in ascending order and distinct stores needed", "MD-1")
        if self.agree > len(self.stores):
            raise self.refuse(f"{self.agree} stores must agree, {len(self.stores)} are named", "MD-1")
        # SR-1: a store is the word of the model's own brand, or a stranger could add one.
        if not all(s.startswith(f"{self.authority}/") for s in self.stores):
            raise self.refuse("a store of another brand", "SR-1")


class TufPin(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The store's TUF root that a device begins with: its version and the SHA-256 of its file."""

    version: Sequence
    sha256: Sha256Hex


class Store(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="store"):
    """Where a store is, its TUF root, for what it may be used; `max_age` in seconds, at most 14 days."""

    lifetime: ClassVar[timedelta] = timedelta(days=366)
    store: Name
    urls: Annotated[list[Url], Meta(min_length=1, max_length=8)]
    tuf: TufPin
    max_age: Annotated[int, Meta(ge=60, le=14 * DAY)]
    packages: Annotated[list[NamePattern], Meta(min_length=1, max_length=64)]
    may_halt: bool
    revocations: Count

    @property
    def name(self) -> str:
        """The store's full name."""
        return f"{self.authority}/{self.store}"

    @property
    def subject(self) -> str:
        return self.name

    def check(self) -> None:
        super().check()
        if not distinct(self.packages) or len(set(self.urls)) != len(self.urls):
            raise self.refuse("patterns in ascending order and distinct URLs needed", "ST-1")


class SerialStatement(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial"):
    """One device of a model, and its public key."""

    lifetime: ClassVar[timedelta] = timedelta(days=20 * 366)
    model: Name
    serial: Serial
    key: PublicKey

    @property
    def subject(self) -> str:
        return f"{self.authority}/{self.model}/{self.serial}"

    def check(self) -> None:
        super().check()
        self.key.check()


class Revoked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of a revocation list: a subject (`type subject`) or an id, since when, why, and what follows."""

    what: Annotated[str, Meta(pattern=r"\A(?:[0-9a-f]{64}|[a-z]+ [A-Za-z0-9._/-]+)\Z", max_length=200)]
    since: Instant
    why: Text
    action: Literal["keep", "replace", "stop"]


class Revocations(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="revocations"):
    """The whole list in force of one issuer: the authority itself (its own name) or one of its delegations."""

    lifetime: ClassVar[timedelta] = timedelta(days=366)
    issuer: Name
    revoked: Annotated[list[Revoked], Meta(max_length=256)]

    @property
    def subject(self) -> str:
        return f"{self.authority}/{self.issuer}"

    def check(self) -> None:
        super().check()
        self.check_instants(*(line.since for line in self.revoked))
        if not distinct([r.what for r in self.revoked]):
            raise self.refuse("lines are not in ascending order of distinct things", "ST-1")
        # AU-2: the root delegates nothing, so there is one list of its own.
        if self.authority == ROOT and self.issuer != ROOT:
            raise self.refuse(f"issuer {self.issuer} of a list of the root", "AU-2")
        # RK-4: what runs is stopped by the authority itself, and by no delegate.
        if self.issuer != self.authority and any(r.action == "stop" for r in self.revoked):
            raise self.refuse("a delegation's list says `stop`", "RK-4")
        if not all(self._is_own(r.what) for r in self.revoked):
            raise self.refuse("a line names what is not the authority's own", "RK-4")

    def _is_own(self, what: str) -> bool:
        """Whether a line names something of this authority: the root's brands, a brand's own; an id may be any."""
        kind, blank, subject = what.partition(" ")
        if not blank:
            return True
        # The root takes back brands, by their names; a brand everything below its own name but other lists.
        if self.authority == ROOT:
            return kind == "brand" and len(subject) <= 40 and re.fullmatch(NAME, subject) is not None
        return subject.startswith(f"{self.authority}/")
