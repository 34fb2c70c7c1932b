"""Which of the releases, or stacks, that stores have shown counts here (SPEC DV-5, FL-6, AG-1)."""

from collections.abc import Sequence
from dataclasses import replace

from sealring.agreement import check_agreement
from sealring.approve import check_store
from sealring.authentic import Authentic, Conflict, SecondImage
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.moment import Expired, FromTheFuture, TooEarly
from sealring.revocation import Revoked
from sealring.statement import Common, Release
from sealring_client.decide.evidence import is_taken_back
from sealring_client.decide.grounds import Grounds
from sealring_client.decide.package import Ground, Offer, Package


def pick(grounds: Grounds, offers: Sequence[Offer], packages: Sequence[Package]) -> tuple[Grounds, list[Offer]]:
    """The offers of the one that counts, and what is known afterwards.

    The highest sequence wins, whichever store has it (DV-5). What was seen is a floor from now on, installed or not.

    Args:
        packages: those that it is about; each refusal is noted there.
    """
    counted: list[Offer] = []
    for offer in offers:
        grounds, counts = _judge(grounds, offer, packages)
        counted += [offer] if counts else []
    if not counted:
        return grounds, []
    chain = grounds.trusted.chain
    best = max(counted, key=lambda o: (o.ground.statement.sequence, not is_taken_back(chain, o.ground)))
    rival = next((o for o in counted if _contradict(grounds, o.ground, best.ground)), None)
    if rival is not None:
        # FL-3: neither is taken as new, whichever store is believed.
        said, held = best.ground.statement, best.ground.envelope
        err = Conflict(said.title, said.sequence, rival.ground.envelope.id, held.id)
        return _noted(grounds, best.ground, rival.ground, rival.store, err, packages), []
    same = [o for o in counted if o.ground.envelope.id == best.ground.envelope.id]
    grounds = replace(grounds, trusted=grounds.trusted.learn(best.ground))
    for offer in same:
        grounds = _learn_revisions(grounds, offer, packages)
    try:
        check_agreement(
            best.ground.statement.title, {o.store: o.view.root_keys for o in same}, grounds.model.statement.agree
        )
    except TrustError as refusal:
        for package in packages:
            package.refuse(package.name, refusal)
        return grounds, []
    return grounds, same


def final_of(grounds: Grounds, ground: Ground) -> frozenset[str]:
    """The ids whose expiry is not enforced because of it.

    Raises:
        TrustError: it says that it is final, and may not.
    """
    found: Authentic[Common] = ground
    if not isinstance(found.statement, Release):
        return frozenset()
    return final_ids(grounds.trusted.chain, ground)  # type: ignore[arg-type]


def _judge(grounds: Grounds, offer: Offer, packages: Sequence[Package]) -> tuple[Grounds, bool]:
    """Whether it is one that this device may know of: authentic, allowed here, and not below the floor."""
    try:
        for package in packages:
            check_store(grounds.trusted.chain, offer.view.store, package.name)
        # FL-1, FL-3: below what was seen, or beside it, a release is no news, whoever has signed it.
        for found in (offer.ground, *offer.revisions.values()):
            try:
                grounds.trusted.learn(found)
            except (Conflict, SecondImage) as err:
                held = grounds.trusted.floors.highest[found.statement.type, found.statement.subject]
                return _noted(grounds, held, found, offer.store, err, packages), False
        grounds.times.verify(offer.ground, final=final_of(grounds, offer.ground))
    except (TooEarly, FromTheFuture) as early:
        _refuse(packages, offer.store, early)
        for package in packages:
            package.wakes.append(early.not_before if isinstance(early, TooEarly) else early.issued)
        return grounds, False
    except TrustError as refusal:
        _refuse(packages, offer.store, refusal)
        return grounds, isinstance(refusal, Expired | Revoked)  # no reason to install, and still a floor
    return grounds, True


def _learn_revisions(grounds: Grounds, offer: Offer, packages: Sequence[Package]) -> Grounds:
    """FL-3: two stores may show the same release with two builds of what it names."""
    for revision in offer.revisions.values():
        try:
            grounds = replace(grounds, trusted=grounds.trusted.learn(revision))
        except (Conflict, SecondImage) as err:
            held = grounds.trusted.floors.highest["revision", revision.statement.subject]
            grounds = _noted(grounds, held, revision, offer.store, err, packages)
        except TrustError as err:
            _refuse(packages, offer.store, err)
    return grounds


def _noted(
    grounds: Grounds,
    held: Authentic[Common],
    offered: Authentic[Common],
    store: str,
    err: TrustError,
    packages: Sequence[Package],
) -> Grounds:
    _refuse(packages, store, err)
    disputes = grounds.disputes.with_pair(held.envelope.raw, offered.envelope.raw, grounds.trusted)
    return replace(grounds, disputes=disputes)


def _refuse(packages: Sequence[Package], about: str, err: TrustError) -> None:
    for package in packages:
        package.refuse(about, err)


def _contradict(grounds: Grounds, one: Ground, other: Ground) -> bool:
    if one.statement.sequence != other.statement.sequence or one.envelope.id == other.envelope.id:
        return False
    # FL-5: what a line takes back by its id is no rival to the other.
    return not any(is_taken_back(grounds.trusted.chain, found) for found in (one, other))
