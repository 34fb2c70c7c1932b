"""Software that is published must be there, and be what its signers may release (SPEC AU-3, PB-5, PB-6, RK-1, RL-4)."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar

from sealring.approve import BelowMinimum, MinimumFell
from sealring.authentic import Authentic, read_claim
from sealring.delegation import NotDelegated
from sealring.errors import TrustError
from sealring.revocation import InForce
from sealring.statement import Common, Delegation, Release, RevisionStatement, Stack

Lookup = Callable[[str], bytes | None]
"""The envelope of a revision by its subject, as it would be after the publication."""


@dataclass(eq=False)
class SecondDigest(TrustError):
    """A revision is one immutable build: it never gets a second image (SPEC PB-5)."""

    what: str
    offered: str
    held: str
    rule: ClassVar[str] = "PB-5"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: image {self.offered[:16]} offered, {self.held[:16]} was published"

    def hint(self) -> str:
        return "publish other bytes under another revision number"


@dataclass(eq=False)
class RevisionMissing(TrustError):
    """A release or stack of something that the store does not have (SPEC PB-6)."""

    what: str
    revision: str
    rule: ClassVar[str] = "PB-6"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: names revision {self.revision}, which was never published here"

    def hint(self) -> str:
        return "publish the revision with its image first, or in the same publication"


def check_image(held: bytes | None, revision: RevisionStatement) -> None:
    """PB-5: a second digest for one revision would give two devices two softwares under one name."""
    if held is None:
        return
    known = _revision(held).statement
    if (known.image.sha256, known.image.size) != (revision.image.sha256, revision.image.size):
        raise SecondDigest(revision.title, revision.image.sha256, known.image.sha256)


def check_minimum(release: Release, floor: Authentic[Common] | None) -> None:
    """RL-4: what a device that holds the release before would refuse is refused here."""
    held = floor.statement if floor is not None else None
    if not isinstance(held, Release):
        return
    for target in release.targets:
        known = held.target(target.architecture)
        if known is not None and target.revision < known.minimum:
            raise BelowMinimum(release.title, target.revision, known.minimum)
        if known is not None and target.minimum < known.minimum:
            raise MinimumFell(release.title, target.minimum, known.minimum)


def check_released(
    ground: Release | Stack, under: tuple[Authentic[Delegation], ...], revocations: InForce, lookup: Lookup
) -> None:
    """What devices are told to install must be there, not taken back, and of a kind that its signers may release.

    Args:
        under: the delegations that vouch for `ground`, where its brand does not.

    Raises:
        RevisionMissing, Revoked, NotDelegated.
    """
    for subject, is_previous in named_revisions(ground):
        raw = lookup(subject)
        # PB-6: what devices are told to install must be there to be installed.
        if raw is None:
            raise RevisionMissing(ground.title, subject)
        found = _revision(raw)
        # RK-1: nobody could install it. The one before may be what runs, and keeps running where it says `keep`.
        if not is_previous:
            revocations.check(found.statement, found.envelope.id)
        # AU-3: a release does not say what kind it points at, so who may release apps could release a kernel.
        kinds = [one.statement for one in under]
        if kinds and not any(found.statement.kind in one.kinds for one in kinds):
            kind = f"kind {found.statement.kind}"
            raise NotDelegated(ground.title, kinds[0].title, kind, ", ".join(kinds[0].kinds))


def named_revisions(ground: Release | Stack) -> Iterator[tuple[str, bool]]:
    """The subject of each revision that is named, and whether it is only the one before."""
    if isinstance(ground, Stack):
        for part in ground.parts:
            yield f"{part.package}/{part.revision}/{part.architecture}", False
        return
    for target in ground.targets:
        yield f"{ground.name}/{target.revision}/{target.architecture}", False
        if isinstance(target.previous, int):
            yield f"{ground.name}/{target.previous}/{target.architecture}", True


def _revision(raw: bytes) -> Authentic[RevisionStatement]:
    """What was admitted before, as it was."""
    claim = read_claim(raw)
    assert isinstance(claim.statement, RevisionStatement)  # admitted as one
    return Authentic(claim.statement, claim.envelope, frozenset())
