"""How a device would judge what it is shown: the chain, and floors of all that it remembers (SPEC FL-2, RK-2, TM-4).

A device of the rehearsal has no disk and no store: it meets assertions in the order in which somebody shows them.
"""

from sealring.approve import approve, check_store
from sealring.authentic import Authentic, S, Verified, WrongStatement, read_claim
from sealring.chain import Chain, begin_with_root
from sealring.floors import Floors
from sealring.installed import reached
from sealring.moment import Moment, check_time
from sealring.statement import TYPES, Brand, Model, Release, RevisionStatement, Root, Store
from sealring.time_floors import TimeFloors


class Device:
    """One device of the model, from its provisioning on.

    Args:
        root: the root assertion of its image.
        model: the model's full name.
    """

    def __init__(self, root: bytes, model: str) -> None:
        self.chain = Chain(begin_with_root(root))
        self.model = model
        self.remembered: list[bytes] = []

    def take(self, raw: bytes) -> None:
        """Keep what today's keys vouch for, above its floor; a next root or brand changes what those keys are.

        Raises:
            TrustError: and nothing has changed.
        """
        claim = read_claim(raw)
        said = claim.statement
        if isinstance(said, Root):
            if claim.envelope.id != self.chain.root.envelope.id:
                self.chain = self.chain.with_root(raw)
        elif isinstance(said, Brand):
            self.chain = self.chain.with_brand([raw])
        else:
            floors = self.floors()
            floors.check(floors.chain.authenticate(raw, TYPES[said.type], said.authority))
            self.remembered.append(raw)

    def floors(self) -> Floors:
        """What counts today of all that was ever taken."""
        return Floors.of(self.chain, self.remembered)

    def revision(self, package: str, moment: Moment) -> int:
        """The revision of this package that may be installed now; 0 where the model or the brand names none.

        Raises:
            TrustError: the rule that keeps it from being installed.
        """
        floors = self.floors()
        held = floors.chain
        times = _times(floors, moment)
        check_time(held.root.statement, times.moment("root"))
        model = _verified(floors, times, floors.get(Model, self.model))
        wanted = next((one for one in model.statement.packages if one.package == package), None) if model else None
        if model is None or wanted is None:
            return 0
        found = floors.get(Release, f"{package}/{wanted.channel}")
        release = _verified(floors, times, found)
        target = release.statement.target(model.statement.architecture) if release else None
        if release is None or target is None:
            return 0
        subject = f"{package}/{target.revision}/{model.statement.architecture}"
        revision = _verified(floors, times, floors.get(RevisionStatement, subject))
        if revision is None:
            return 0
        _check_stores(floors, times, model.statement, package)
        brand = held.brands[release.statement.authority]
        current = held.verify(brand, times.moment_of(brand), None)
        approved = approve(held, model, current, wanted, release, revision, before=found)
        return approved.revision.statement.revision

    def reached(self, revision: bytes) -> str:
        """What the lists in force say about this revision, once it is installed; empty where they say nothing."""
        installed = read_claim(revision).envelope
        # Of the copies of one statement the last counts: who has signed it since vouches for what runs.
        known = [one for one in (read_claim(raw).envelope for raw in self.remembered) if one.id == installed.id]
        found = reached(self.floors().chain, self.remembered, (known or [installed])[-1])
        return found.action if found is not None else ""


def _verified(floors: Floors, times: TimeFloors, found: Authentic[S] | None) -> Verified[S] | None:
    """What is held of a subject, as something that may be acted upon."""
    if found is None:
        return None
    return floors.chain.verify(found, times.moment_of(found), None)


def _check_stores(floors: Floors, times: TimeFloors, model: Model, package: str) -> None:
    """A device asks the stores of its model only; at least one must be there for this package (SPEC SR-2)."""
    held = [_verified(floors, times, floors.get(Store, name)) for name in model.stores]
    known = [one for one in held if one is not None]
    if not known:
        raise WrongStatement(model.title, "no store that counts", "one of its stores", "SR-1")
    for store in known:
        check_store(floors.chain, store, package)


def _times(floors: Floors, moment: Moment) -> TimeFloors:
    chain = floors.chain
    return TimeFloors.of(moment, [chain.root, *chain.brands.values(), *floors.highest.values()])
