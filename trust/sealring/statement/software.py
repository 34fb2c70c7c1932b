"""Which software: revisions, what a channel points at, and stacks (SPEC RV, RL)."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sealring.names import Bytes, Channel, Count, FullName, Instant, Name, Revision, Sha256Hex
from sealring.statement.authorities import Kind
from sealring.statement.common import Common, distinct

Seconds = Annotated[int, Meta(ge=1, le=7 * 24 * 3600)]
Argument = Annotated[str, Meta(pattern=r"\A[!#-\[\]-~][ !#-\[\]-~]*\Z", max_length=200)]
Hundredths = Annotated[int, Meta(ge=0, le=10_000)]


class Image(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The bytes of a revision: `squashfs`, or `raw` for a kernel, a boot loader or a bare file."""

    sha256: Sha256Hex
    size: Bytes
    content: Literal["squashfs", "raw"]
    verity: Sha256Hex | UnsetType = UNSET


class Requirement(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Another package that must be there, at this revision or later."""

    package: FullName
    revision: Revision


class Health(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program in the image that exits 0 within `timeout` seconds, over a soak of `soak` seconds."""

    command: Annotated[list[Argument], Meta(min_length=1, max_length=16)]
    timeout: Seconds
    soak: Annotated[int, Meta(ge=0, le=7 * 24 * 3600)]


class RevisionStatement(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="revision"):
    """One immutable build of a package for one architecture."""

    lifetime: ClassVar[timedelta] = timedelta(days=3 * 366)
    package: Name
    revision: Revision
    architecture: Name
    kind: Kind
    version: Argument
    epoch: Annotated[int, Meta(ge=0, le=1000)]
    image: Image
    purpose: Literal["security", "feature"]
    requires: Annotated[list[Requirement], Meta(min_length=1, max_length=32)] | UnsetType = UNSET
    health: Health | UnsetType = UNSET
    advisories: Annotated[list[Argument], Meta(min_length=1, max_length=32)] | UnsetType = UNSET
    sbom: Sha256Hex | UnsetType = UNSET

    @property
    def name(self) -> str:
        """The package's full name: it says who must sign it."""
        return f"{self.authority}/{self.package}"

    @property
    def subject(self) -> str:
        return f"{self.name}/{self.revision}/{self.architecture}"

    def check(self) -> None:
        super().check()
        if isinstance(self.requires, list) and not distinct([r.package for r in self.requires]):
            raise self.refuse("requirements are not in ascending order of distinct packages", "ST-1")


class Target(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a release means for one architecture: the revision, the lowest still acceptable, the one before."""

    architecture: Name
    revision: Revision
    minimum: Revision
    previous: Revision | UnsetType = UNSET


class Rollout(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who takes a release when; shares and thresholds in hundredths of a percent, limits in seconds."""

    seed: Sha256Hex
    share: Hundredths
    groups: Annotated[list[Name], Meta(max_length=32)]
    start: Instant
    error_threshold: Hundredths
    silence: Seconds
    halt: Seconds


class Final(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ids that the last release of a product rests on."""

    brand: Sha256Hex
    models: Annotated[list[Sha256Hex], Meta(min_length=1, max_length=64)]
    revisions: Annotated[list[Sha256Hex], Meta(min_length=1, max_length=64)]


class Release(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="release"):
    """What a channel points at."""

    lifetime: ClassVar[timedelta] = timedelta(days=180)
    package: Name
    channel: Channel
    targets: Annotated[list[Target], Meta(min_length=1, max_length=16)]
    revocations: Count
    rollout: Rollout | UnsetType = UNSET
    final: Final | UnsetType = UNSET

    @property
    def name(self) -> str:
        """The package's full name."""
        return f"{self.authority}/{self.package}"

    @property
    def subject(self) -> str:
        return f"{self.name}/{self.channel}"

    def target(self, architecture: str) -> Target | None:
        """What it releases for this architecture, if anything."""
        return next((t for t in self.targets if t.architecture == architecture), None)

    def check(self) -> None:
        super().check()
        if not distinct([t.architecture for t in self.targets]):
            raise self.refuse("targets are not in ascending order of distinct architectures", "ST-1")
        # RL-1: a minimum above the release would leave the device nothing that it may run.
        if any(t.minimum > t.revision for t in self.targets):
            raise self.refuse("a minimum lies above the revision that is released", "RL-1")
        sets: list[list[str]] = []
        if isinstance(self.rollout, Rollout):
            self.check_instants(self.rollout.start)
            sets.append(self.rollout.groups)
        if isinstance(self.final, Final):
            sets += [self.final.models, self.final.revisions]
        if not all(distinct(values) for values in sets):
            raise self.refuse("a list is not in ascending order of distinct values", "ST-1")


class StackPart(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One package of a stack, exactly."""

    package: FullName
    architecture: Name
    revision: Revision


class Stack(Common, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="stack"):
    """Exact revisions of several packages that go together."""

    lifetime: ClassVar[timedelta] = timedelta(days=180)
    stack: Name
    parts: Annotated[list[StackPart], Meta(min_length=1, max_length=256)]
    revocations: Count

    @property
    def subject(self) -> str:
        return f"{self.authority}/{self.stack}"

    def check(self) -> None:
        super().check()
        if not distinct([f"{p.package}/{p.architecture}" for p in self.parts]):
            raise self.refuse("parts are not in ascending order of distinct packages", "ST-1")
        # AU-1: a brand's statements act on its own packages only.
        if not all(p.package.startswith(f"{self.authority}/") for p in self.parts):
            raise self.refuse("a part of another brand", "AU-1")

    def part(self, package: str, architecture: str) -> StackPart | None:
        """What it says of this package, if anything."""
        return next((p for p in self.parts if (p.package, p.architecture) == (package, architecture)), None)
