"""Which software next: of what all stores have proved, the newest that every rule allows (SPEC DV-5, DV-9).

One package at a time by its channel, or all packages of a stack by the stack; `settle` then looks at them together.
"""

from collections.abc import Sequence

from msgspec import UNSET

from sealring.approve import Approved, approve
from sealring.authentic import Authentic, Verified, WrongStatement
from sealring.errors import TrustError
from sealring.statement import Release, Stack
from sealring_client.decide.ballot import final_of, pick
from sealring_client.decide.grounds import Grounds
from sealring_client.decide.package import Ground, Offer, Package
from sealring_client.decide.refusals import HeldBack, NotRaised, Waits
from sealring_client.decide.turn import turn_of
from sealring_client.failures import keeps_away


def choose(grounds: Grounds, package: Package, offers: Sequence[Offer]) -> Grounds:
    """Choose for one package by its channel, and say what is known afterwards."""
    before = grounds.trusted.floors.get(Release, package.channel)
    grounds, good = pick(grounds, offers, [package])
    _approve_first(grounds, package, good, before)
    return grounds


def choose_stack(grounds: Grounds, packages: Sequence[Package], offers: Sequence[Offer]) -> Grounds:
    """Choose for all packages of the model's stack, and say what is known afterwards (SPEC SK-1, SK-2).

    Args:
        packages: all of the model; those that the stack lists are marked, and the others are left to their channels.
    """
    subject = str(grounds.model.statement.stack)
    shown = [offer for offer in offers if isinstance(offer.ground.statement, Stack)]
    about = _members(packages, [offer.ground.statement for offer in shown], grounds.architecture)
    grounds, good = pick(grounds, shown, about)
    held = grounds.trusted.floors.get(Stack, subject)
    if held is None:
        # AU-1: which packages it would list is not known, but all of them are its brand's.
        for package in packages:
            if package.name.startswith(f"{subject.partition('/')[0]}/"):
                package.stack = (subject, 0)
                package.refuse(
                    package.name, WrongStatement(f"stack {subject}", "none", "one that a store shows", "SK-1")
                )
        return grounds
    for package in packages:
        part = held.statement.part(package.name, grounds.architecture)
        if part is not None:
            package.stack = (subject, part.revision)
            _approve_first(grounds, package, good, grounds.trusted.floors.get(Release, package.channel))
    return grounds


def _members(packages: Sequence[Package], stacks: Sequence[object], architecture: str) -> list[Package]:
    listed = {
        part.package
        for stack in stacks
        if isinstance(stack, Stack)
        for part in stack.parts
        if part.architecture == architecture
    }
    return [package for package in packages if package.name in listed]


def _approve_first(
    grounds: Grounds, package: Package, offers: Sequence[Offer], before: Authentic[Release] | None
) -> None:
    for offer in offers:
        try:
            package.approved, package.store = approve_one(grounds, package, offer, before), offer.store
            return
        except TrustError as err:
            package.refuse(offer.store, err)


def approve_one(grounds: Grounds, package: Package, offer: Offer, before: Authentic[Release] | None) -> Approved:
    """The revision that the release or stack means here, or the rule that says no.

    Args:
        before: the release of the package's channel that was held before this one.
    """
    wanted, times, final = package.wanted, grounds.times, final_of(grounds, offer.ground)
    ground: Verified[Release] | Verified[Stack] = times.verify(offer.ground, final=final)  # type: ignore[assignment]
    model = times.verify(grounds.model, final=final)
    brand = times.verify(grounds.brand(package.name.partition("/")[0]), final=final)
    listed = offer.revisions.get(package.name)
    if listed is None:
        raise WrongStatement(ground.statement.title, "no revision listed", "one for this model", "RL-3")
    for one in (offer.ground, listed):
        grounds.disputes.check(grounds.trusted, one)
    found = approve(
        grounds.trusted.chain,
        model,
        brand,
        wanted,
        ground,
        times.verify(listed, final=final),
        before=before,
        running=grounds.past.revisions.get(package.name),
        chosen=_turn(grounds, package, offer.ground) != "waiting",
    )
    _check_failures(grounds, package, offer.ground)
    _check_raised(grounds, package, offer.ground)
    package.final = final
    return found


def _turn(grounds: Grounds, package: Package, ground: Ground) -> str | None:
    statement = ground.statement
    if not isinstance(statement, Release):
        return None
    package.rollout = turn_of(grounds, package, ground)  # type: ignore[arg-type]
    at = grounds.times.of_statement(ground).at
    if package.rollout == "waiting" and statement.rollout is not UNSET and statement.rollout.start > at:
        package.wakes.append(statement.rollout.start)
    return package.rollout


def _check_failures(grounds: Grounds, package: Package, ground: Ground) -> None:
    failure, sequence = grounds.failures.get(package.name), ground.statement.sequence
    if failure is None or not keeps_away(failure, ground.envelope.id, grounds.times.of_statement(ground).at):
        return
    if failure.not_before is None:
        raise HeldBack(package.name, sequence)
    package.wakes.append(failure.not_before)
    raise Waits(package.name, sequence, failure.count, failure.not_before)


def _check_raised(grounds: Grounds, package: Package, ground: Ground) -> None:
    if grounds.times.of_statement(ground).proven or package.running is None:
        return
    held = grounds.trusted.envelopes().get(package.running.release)
    if held is None or held.envelope.digest == ground.envelope.digest or held.statement.title != ground.statement.title:
        # Between a channel and a stack the model decides, whose own sequence never falls.
        return
    # TM-5: with a clock that may be years behind, whatever is not newer may long have been withdrawn.
    if ground.statement.sequence <= held.statement.sequence:
        raise NotRaised(package.name, ground.statement.sequence, held.statement.sequence)
