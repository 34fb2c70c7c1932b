"""Is this software right for this device? The last step of the chain (SPEC MD, SK, RL, RV, RC, EP, ED)."""

from dataclasses import dataclass
from typing import ClassVar

from msgspec import UNSET

from sealring.authentic import Authentic, Verified, WrongStatement
from sealring.chain import Chain
from sealring.delegation import NotDelegated
from sealring.errors import RuledError, TrustError
from sealring.moment import Moment, check_time
from sealring.names import covers
from sealring.statement import Brand, Delegation, Model, Release, RevisionStatement, SerialStatement, Stack, Store
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from sealring.threshold import UpdaterTooOld

KINDS = frozenset({"app"})  # the kinds of image that this edition can install


@dataclass(eq=False)
class BelowMinimum(RuledError):
    """A revision below the lowest that the brand has called acceptable (SPEC RL-4; SK-2 where a stack names it)."""

    what: str
    offered: int
    minimum: int
    by: str = "RL-4"
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
        return "the store must show the brand's revocation list, signed by the brand's keys of today"


@dataclass(eq=False)
class SerialMissing(TrustError):
    """The model wants devices that the brand knows one by one, and this one can't show that it is known (SPEC SN-1)."""

    model: str
    found: str
    rule: ClassVar[str] = "SN-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"model {self.model}: {self.found}, a serial statement for this device's key needed"

    def hint(self) -> str:
        return "let the brand sign a serial for the key of `sealring-device serial key`, and give it to the device"


@dataclass(eq=False)
class EpochFell(TrustError):
    """Data written by a later epoch would meet software that can't read it (SPEC EP-1)."""

    what: str
    offered: int
    running: int
    rule: ClassVar[str] = "EP-1"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: epoch {self.offered} offered, {self.running} runs"

    def hint(self) -> str:
        return "release a revision of the epoch that runs, or of a later one"


@dataclass(frozen=True)
class Approved:
    """One package's revision that every rule of the chain allows on this model."""

    wanted: Wanted
    ground: Verified[Release | Stack]
    revision: Verified[RevisionStatement]


def approve(
    chain: Chain,
    model: Verified[Model],
    brand: Verified[Brand],
    wanted: Wanted,
    ground: Verified[Release | Stack],
    revision: Verified[RevisionStatement],
    *,
    before: Authentic[Release] | None,
    running: RevisionStatement | None = None,
    chosen: bool = True,
) -> Approved:
    """The revision that this release or stack means for this model, or the rule that says no.

    Args:
        brand: the package's own brand, current.
        before: the release held so far of the channel that the model follows; its `minimum` is a floor.
        running: what runs of this package, if anything.
        chosen: whether it is this device's turn (`rollout.is_chosen`); else the revision is the one before (RO-2).

    Raises:
        TrustError.
    """
    # RC-1: the brand, not a store, says whether the list of revocations is complete.
    for statement in (model.statement, brand.statement, ground.statement):
        check_revocations(chain, statement)
    if wanted not in model.statement.packages:
        raise WrongStatement(model.statement.title, f"package {wanted.package}", "one that the model lists", "MD-1")
    # AU-1: the package's name says who must sign it, so no other brand's certificate stands in for its own.
    if not wanted.package.startswith(f"{brand.statement.brand}/"):
        raise WrongStatement("certificate", brand.statement.title, f"that of {wanted.package}'s brand", "AU-1")
    number = _number(model.statement, wanted, ground.statement, before, chosen)
    found = revision.statement
    # RV-1: exactly what was released, in the kind that the model expects: an app can't become a kernel.
    wanted_revision = f"{wanted.package}/{number}/{model.statement.architecture}"
    if found.subject != wanted_revision:
        raise WrongStatement("revision", found.subject, wanted_revision, "RV-1")
    if found.kind != wanted.kind:
        raise WrongStatement(found.title, f"kind {found.kind}", f"kind {wanted.kind}", "RV-1")
    _check_kind(ground, found)
    # EP-1: the way back after a failed trial is another way; this one would strand what runs.
    if running is not None and running.epoch > found.epoch:
        raise EpochFell(found.title, found.epoch, running.epoch)
    if found.kind not in KINDS or found.image.content != "squashfs":
        raise UpdaterTooOld(found.title, f"an image of kind {found.kind}, {found.image.content}", "ED-1")
    return Approved(wanted, ground, revision)


def check_store(chain: Chain, store: Authentic[Store], package: str) -> None:
    """Refuse a store that its brand has not named for this package (SPEC SR-2, RC-1)."""
    check_revocations(chain, store.statement)
    if not any(covers(pattern, package) for pattern in store.statement.packages):
        patterns = ", ".join(store.statement.packages)
        raise WrongStatement(store.statement.title, f"package {package}", f"one of {patterns}", "SR-2")


def check_revocations(chain: Chain, statement: Brand | Model | Release | Stack | Store) -> None:
    """Refuse to act before the brand's list is held as far as this statement says that it goes (SPEC RC-1)."""
    held = chain.revocations.sequence(statement.brand if isinstance(statement, Brand) else statement.authority)
    if held < statement.revocations:
        raise RevocationsMissing(statement.title, held, statement.revocations)


def check_serial(model: Model, serial: Verified[SerialStatement] | None, public: bytes | None) -> None:
    """Refuse a device that its model wants known and that can't show that it is (SPEC SN-1).

    Args:
        serial: the statement that the device holds about itself, current and not revoked.
        public: the public half of the device's own Ed25519 key.
    """
    if model.serial != "required":
        return
    if serial is None or public is None:
        raise SerialMissing(model.name, "no serial")
    said = serial.statement
    if f"{said.authority}/{said.model}" != model.name or (said.key.type, said.key.public) != ("ed25519", public):
        raise SerialMissing(model.name, f"serial {said.subject} with another key")


def _check_kind(ground: Verified[Release | Stack], revision: RevisionStatement) -> None:
    """AU-3: who may release apps only can't release a kernel, though a release does not say what it points at."""
    under = [one.statement for one in ground.under]
    # AU-6: a delegation whose time is over makes floors, and gives its kinds to no other.
    if not under or any(revision.kind in one.kinds and _is_current(one, ground.moment) for one in under):
        return
    raise NotDelegated(ground.statement.title, under[0].title, f"kind {revision.kind}", ", ".join(under[0].kinds))


def _is_current(delegation: Delegation, moment: Moment) -> bool:
    try:
        check_time(delegation, moment)
    except TrustError:
        return False
    return True


def _number(
    model: Model, wanted: Wanted, ground: Release | Stack, before: Authentic[Release] | None, chosen: bool
) -> int:
    """The revision that is meant, never one that an earlier release has ended."""
    held = before.statement.target(model.architecture) if before is not None else None
    if isinstance(ground, Stack):
        return _of_stack(model, wanted, ground, held)
    # RL-2: a release of another channel is genuine, and still not what the model follows.
    needed = f"{wanted.package}/{wanted.channel}"
    if ground.subject != needed:
        raise WrongStatement("release", ground.subject, needed, "RL-2")
    target = ground.target(model.architecture)
    if target is None:
        raise WrongStatement(
            ground.title, ", ".join(t.architecture for t in ground.targets), model.architecture, "RL-3"
        )
    # RL-4: a newer release may name a lower revision, never one below what was called the minimum.
    if held is not None and target.revision < held.minimum:
        raise BelowMinimum(ground.title, target.revision, held.minimum)
    # RL-4: nor does the minimum fall, or two releases would do what one can't.
    if held is not None and target.minimum < held.minimum:
        raise MinimumFell(ground.title, target.minimum, held.minimum)
    return revision_for(target, chosen=chosen)


def revision_for(target: Target, *, chosen: bool) -> int:
    """The revision that a release means for a device whose turn it is, or is not yet (SPEC RO-2)."""
    previous = target.previous
    # RO-2: what lies below the minimum is nothing to wait with.
    if chosen or previous is UNSET or previous < target.minimum:
        return target.revision
    return previous


def _of_stack(model: Model, wanted: Wanted, stack: Stack, held: Target | None) -> int:
    # SK-1: the one that the model names, or any certified publisher's stack could choose revisions.
    if model.stack != stack.subject:
        raise WrongStatement("stack", stack.subject, str(model.stack or "none"), "SK-1")
    part = stack.part(wanted.package, model.architecture)
    if part is None:
        raise WrongStatement(stack.title, "no such part", f"{wanted.package} on {model.architecture}", "SK-1")
    # SK-2: a stack chooses among what is acceptable; what a release has ended stays ended.
    if held is not None and part.revision < held.minimum:
        raise BelowMinimum(stack.title, part.revision, held.minimum, "SK-2")
    return part.revision
