"""Which software next: of what all stores have proved, the newest that every rule allows (SPEC DV-5, DV-7, DV-9)."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sealring.approve import Approved, approve, check_revocations, check_store
from sealring.chain import Authentic, Conflict, Verified, WrongStatement, read_claim
from sealring.errors import TrustError
from sealring.moment import Expired, FromTheFuture, TooEarly
from sealring.names import spell
from sealring.statement import Brand, Model, Release
from sealring.statement.fleet import Wanted
from sealring_client.decide.store_view import Listed, StoreView
from sealring_client.decide.trusted import Times, Trusted
from sealring_client.failures import Failure, keeps_away
from sealring_client.part import Part
from sealring_client.report import Refusal


@dataclass(eq=False)
class Waits(TrustError):
    """A release that did not work is not tried again yet (SPEC DV-9)."""

    package: str
    sequence: int
    count: int
    not_before: datetime
    rule: ClassVar[str] = "DV-9"
    exit_code: ClassVar[int] = 27

    def __str__(self) -> str:
        return f"{self.package}: release {self.sequence} failed {self.count} times, next try {spell(self.not_before)}"

    def hint(self) -> str:
        return "a newer release is taken at once"


@dataclass(eq=False)
class HeldBack(TrustError):
    """A person went back from this release (SPEC DV-12)."""

    package: str
    sequence: int
    rule: ClassVar[str] = "DV-12"
    exit_code: ClassVar[int] = 27

    def __str__(self) -> str:
        return f"{self.package}: release {self.sequence} was rolled back by hand"

    def hint(self) -> str:
        return "a newer release is taken at once"


@dataclass(eq=False)
class Missing(TrustError):
    """A package that the model requires is not to be had, so nothing is switched (SPEC DV-7)."""

    package: str
    rule: ClassVar[str] = "DV-7"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.package}: required by the model, and no store has a release that may be installed"

    def hint(self) -> str:
        return "the refusals of each store say why; publish a release for this model"


@dataclass(eq=False)
class NotRaised(TrustError):
    """Without a proven time only a higher release is taken: an old one may have expired (SPEC TM-5)."""

    package: str
    offered: int
    running: int
    rule: ClassVar[str] = "TM-5"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.package}: release {self.offered} offered, above {self.running} needed while the time is unproven"

    def hint(self) -> str:
        return "set the clock, or publish a newer release"


@dataclass(frozen=True)
class Offer:
    """One package's release as one store has proved it."""

    view: StoreView
    listed: Listed


@dataclass
class Package:
    """One package on its way through the choice."""

    wanted: Wanted
    running: Part | None
    approved: Approved | None = None
    store: str | None = None
    refusals: list[Refusal] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    """When what was refused today may be taken: the next check is due by then."""

    def refuse(self, about: str, err: TrustError) -> None:
        """Note why something was not taken."""
        self.refusals.append(Refusal.of(about, err))

    @property
    def is_new(self) -> bool:
        """Whether the chosen revision is another one than runs."""
        if self.approved is None:
            return False
        found = self.approved.revision.statement
        return self.running is None or (self.running.revision, self.running.sha256) != (
            found.revision,
            found.image.sha256,
        )

    def part(self) -> Part | None:
        """What the next generation holds of it: the chosen revision, else what runs."""
        if self.approved is None or not self.is_new:
            return self.running
        found, release = self.approved.revision, self.approved.ground
        return Part(
            self.wanted.package,
            found.statement.revision,
            found.statement.architecture,
            found.statement.version,
            found.statement.image.sha256,
            found.statement.image.size,
            release.envelope.digest,
            found.envelope.digest,
        )


@dataclass(frozen=True)
class Grounds:
    """What every choice of one check rests on: the model and its certificates, current and verified."""

    model: Verified[Model]
    brands: Mapping[str, Verified[Brand]]
    times: Times
    trusted: Trusted
    failures: Mapping[str, Failure]


def check_grounds(trusted: Trusted, times: Times, model_name: str, failures: Mapping[str, Failure]) -> Grounds:
    """Root, brand and model, current: nothing is installed by anything less (SPEC DV-10).

    Raises:
        TrustError: which of them is missing, expired or not certified.
    """
    times.verify(trusted.chain.root)
    authority = model_name.partition("/")[0]
    certificate = trusted.brand(authority)
    if certificate is None:
        raise WrongStatement(f"brand {authority}", "no current certificate", "one", "BR-1")
    model = trusted.floors.get(Model, model_name)
    if model is None:
        raise WrongStatement(f"model {model_name}", "none held", "one signed by its brand", "MD-1")
    own = times.verify(certificate)
    brands = {own.statement.brand: own}
    for name in {wanted.package.partition("/")[0] for wanted in model.statement.packages} - brands.keys():
        # Another publisher's certificate that has ended ends his packages' updates, and nobody else's.
        with suppress(TrustError):
            if (found := trusted.brand(name)) is not None:
                brands[name] = times.verify(found)
    # RC-1: the model rests on its own brand, whoever's packages it lists.
    check_revocations(trusted.chain, own.statement)
    return Grounds(times.verify(model), brands, times, trusted, failures)


def choose(grounds: Grounds, package: Package, offers: Sequence[Offer]) -> Trusted:
    """Choose for one package, and say what is known afterwards.

    The release of the highest sequence wins, whichever store has it (DV-5); what was seen is a floor from now
    on, installed or not.
    """
    counted = [offer for offer in offers if _counts(grounds, package, offer)]
    if not counted:
        return grounds.trusted
    best = max(counted, key=lambda offer: offer.listed.release.statement.sequence)
    release = best.listed.release
    rival = next((o for o in counted if _conflict(o.listed.release, release)), None)
    if rival is not None:
        # FL-3: neither is taken as new, whichever store is believed.
        other = rival.listed.release.envelope.id
        package.refuse(
            rival.view.store.statement.name,
            Conflict(release.statement.title, release.statement.sequence, other, release.envelope.id),
        )
        return grounds.trusted
    trusted = grounds.trusted.learn(release)
    if best.listed.revision is not None:
        trusted = trusted.learn(best.listed.revision)
    for offer in (o for o in counted if o.listed.release.envelope.id == release.envelope.id):
        name = offer.view.store.statement.name
        try:
            package.approved, package.store = _approve(grounds, package, offer), name
            break
        except TrustError as err:
            package.refuse(name, err)
    return trusted


def _counts(grounds: Grounds, package: Package, offer: Offer) -> bool:
    """Whether the release is one that this device may know of: authentic, allowed here, and not below the floor."""
    release, name = offer.listed.release, offer.view.store.statement.name
    try:
        check_store(grounds.trusted.chain, offer.view.store, package.wanted.package)
        # FL-1, FL-3: below what was seen, or beside it, a release is no news, whoever has signed it.
        grounds.trusted.learn(release)
        if offer.listed.revision is not None:
            grounds.trusted.learn(offer.listed.revision)
        grounds.times.verify(release)
    except (TooEarly, FromTheFuture) as err:
        package.refuse(name, err)
        package.wakes.append(err.not_before if isinstance(err, TooEarly) else err.issued)
        return False
    except TrustError as err:
        package.refuse(name, err)
        return isinstance(err, Expired)  # no reason to install, and still a floor
    return True


def _approve(grounds: Grounds, package: Package, offer: Offer) -> Approved:
    """The revision that the release means here, or the rule that says no."""
    wanted, listed, times = package.wanted, offer.listed, grounds.times
    release = times.verify(listed.release)
    brand = grounds.brands.get(wanted.package.partition("/")[0])
    if brand is None:
        raise WrongStatement(f"brand of {wanted.package}", "no current certificate", "one", "BR-1")
    if listed.revision is None:
        raise WrongStatement(release.statement.title, "no revision listed", "one for this model", "RL-3")
    before = grounds.trusted.floors.get(Release, release.statement.subject)
    found = approve(
        grounds.trusted.chain, grounds.model, brand, wanted, release, times.verify(listed.revision), before=before
    )
    failure, sequence = grounds.failures.get(wanted.package), release.statement.sequence
    if failure is not None and keeps_away(failure, release.envelope.id, times.of_statement(release.statement).at):
        if failure.not_before is None:
            raise HeldBack(wanted.package, sequence)
        package.wakes.append(failure.not_before)
        raise Waits(wanted.package, sequence, failure.count, failure.not_before)
    _check_raised(grounds, package, release)
    return found


def _check_raised(grounds: Grounds, package: Package, release: Verified[Release]) -> None:
    if grounds.times.proven or package.running is None:
        return
    running = next(
        (sequence for raw_id, sequence in _releases(grounds.trusted) if raw_id == package.running.release), 0
    )
    # TM-5: with a clock that may be years behind, whatever is not newer may long have been withdrawn.
    if release.statement.sequence <= running and release.envelope.digest != package.running.release:
        raise NotRaised(package.wanted.package, release.statement.sequence, running)


def _releases(trusted: Trusted) -> list[tuple[str, int]]:
    """(envelope digest, sequence) of each release that is remembered."""
    found = []
    for raw in trusted.others:
        claim = read_claim(raw)
        if isinstance(claim.statement, Release):
            found.append((claim.envelope.digest, claim.statement.sequence))
    return found


def _conflict(one: Authentic[Release], other: Authentic[Release]) -> bool:
    same = one.statement.sequence == other.statement.sequence
    return same and one.envelope.id != other.envelope.id
