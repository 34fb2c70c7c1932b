"""Is this software right for this device? The last step of the chain (SPEC MD, RL, RV, RC, ED)."""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import UNSET

from sealring.chain import Authentic, Verified, WrongStatement
from sealring.errors import TrustError
from sealring.names import covers
from sealring.statement import Brand, Model, Release, RevisionStatement, Store
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from sealring.threshold import UpdaterTooOld

KINDS = frozenset({"app"})  # the kinds of image that this edition can install


@dataclass(eq=False)
class BelowMinimum(TrustError):
    """A revision below the lowest that the brand has called acceptable (SPEC RL-4)."""

    what: str
    offered: int
    minimum: int
    rule: ClassVar[str] = "RL-4"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: revision {self.offered} offered, {self.minimum} or later needed"

    def hint(self) -> str:
        return "release a revision at or above the minimum; it never falls"


@dataclass(eq=False)
class MinimumFell(TrustError):
    """A release that calls acceptable what the brand had ended (SPEC RL-4)."""

    what: str
    offered: int
    minimum: int
    rule: ClassVar[str] = "RL-4"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: minimum {self.offered} offered, {self.minimum} or later needed"

    def hint(self) -> str:
        return f"a minimum never falls: sign a release with minimum {self.minimum} or later"


@dataclass(eq=False)
class RevocationsMissing(TrustError):
    """The brand says that a revocation list exists which is not held: nothing is installed without it (SPEC RC-1)."""

    what: str
    held: int
    needed: int
    rule: ClassVar[str] = "RC-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: revocation list {self.needed} needed, {self.held} held"

    def hint(self) -> str:
        return "the store must show the brand's revocation list; this edition can't hold one yet"


@dataclass(frozen=True)
class Approved:
    """One package's revision that every rule of the chain allows on this model."""

    wanted: Wanted
    release: Verified[Release]
    revision: Verified[RevisionStatement]
    target: Target


def approve(
    model: Verified[Model],
    brand: Verified[Brand],
    wanted: Wanted,
    release: Verified[Release],
    revision: Verified[RevisionStatement],
    *,
    before: Authentic[Release] | None,
) -> Approved:
    """The revision that this release means for this model, or the rule that says no.

    Args:
        brand: the package's own brand, current.
        before: the release held so far of this subject; its `minimum` is a floor.

    Raises:
        TrustError.
    """
    check_edition(model, release)
    for statement in (model.statement, brand.statement, release.statement):
        _check_revocations(statement)
    if wanted not in model.statement.packages:
        raise WrongStatement(model.statement.title, f"package {wanted.package}", "one that the model lists", "MD-1")
    # AU-1: the package's name says who must sign it, so no other brand's certificate stands in for its own.
    if not wanted.package.startswith(f"{brand.statement.brand}/"):
        raise WrongStatement("certificate", brand.statement.title, f"that of {wanted.package}'s brand", "AU-1")
    # RL-2: a release of another channel is genuine, and still not what the model follows.
    needed = f"{wanted.package}/{wanted.channel}"
    if release.statement.subject != needed:
        raise WrongStatement("release", release.statement.subject, needed, "RL-2")
    target = _target(model.statement, release.statement, before)
    found = revision.statement
    # RV-1: exactly what was released, in the kind that the model expects: an app can't become a kernel.
    wanted_revision = f"{wanted.package}/{target.revision}/{model.statement.architecture}"
    if found.subject != wanted_revision:
        raise WrongStatement("revision", found.subject, wanted_revision, "RV-1")
    if found.kind != wanted.kind:
        raise WrongStatement(found.title, f"kind {found.kind}", f"kind {wanted.kind}", "RV-1")
    if found.kind not in KINDS or found.image.content != "squashfs" or found.requires is not UNSET or found.epoch:
        raise UpdaterTooOld(found.title, "an image kind, requirement or epoch of a later edition", "ED-1")
    return Approved(wanted, release, revision, target)


def check_edition(model: Verified[Model], release: Verified[Release]) -> None:
    """Refuse what is defined and not yet done here: ignoring it would fail open (SPEC ED-1)."""
    said = model.statement
    if said.agree > 1 or said.serial == "required" or said.stack is not UNSET:
        raise UpdaterTooOld(said.title, "agreement of stores, a serial, or a stack", "ED-1")
    if release.statement.rollout is not UNSET:
        raise UpdaterTooOld(release.statement.title, "a rollout in phases", "ED-1")


def check_store(store: Authentic[Store], package: str) -> None:
    """Refuse a store that its brand has not named for this package (SPEC SR-2, RC-1)."""
    _check_revocations(store.statement)
    if not any(covers(pattern, package) for pattern in store.statement.packages):
        patterns = ", ".join(store.statement.packages)
        raise WrongStatement(store.statement.title, f"package {package}", f"one of {patterns}", "SR-2")


def _check_revocations(statement: Brand | Model | Release | Store) -> None:
    # RC-1: the brand, not a store, says whether the list of revocations is complete.
    if statement.revocations > 0:
        raise RevocationsMissing(statement.title, 0, statement.revocations)


def _target(model: Model, release: Release, before: Authentic[Release] | None) -> Target:
    target = release.target(model.architecture)
    if target is None:
        have = ", ".join(t.architecture for t in release.targets)
        raise WrongStatement(release.title, have, model.architecture, "RL-3")
    held = before.statement.target(model.architecture) if before is not None else None
    # RL-4: a newer release may name a lower revision, never one below what was called the minimum.
    if held is not None and target.revision < held.minimum:
        raise BelowMinimum(release.title, target.revision, held.minimum)
    # RL-4: nor does the minimum fall, or two releases would do what one can't.
    if held is not None and target.minimum < held.minimum:
        raise MinimumFell(release.title, target.minimum, held.minimum)
    return target
