"""What one package on one model rests on, and whether it could be installed without some of it (SPEC RL, SK, SR, AU-6).

Structure only: everything else is taken for current, and what is not here is taken to be elsewhere. What an expiry
stops is then a difference of two answers, and a folder that lacks a build does not make a release's end look harmless.
"""

from functools import cached_property

from msgspec import UNSET

from sealring.authentic import Authentic
from sealring.doctor.world import World
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.floors import Subject
from sealring.names import ROOT, covers
from sealring.statement import Brand, Model, Release, Stack, Store
from sealring.statement.fleet import Wanted

Gone = frozenset[Subject]
NOTHING: Gone = frozenset()
TUF = "tuf"
"""The type, in a `Subject`, of a store's TUF files."""


class Paths:
    """The ways from the root to a package on a device."""

    def __init__(self, world: World) -> None:
        self.world = world

    @cached_property
    def revoked(self) -> frozenset[Subject]:
        """The subjects whose statement a list in force names."""
        strongest = self.world.chain.revocations.strongest
        held = self.world.held.items()
        return frozenset(subject for subject, one in held if strongest(one.statement, one.envelope.id) is not None)

    def needs(self, model: Model, wanted: Wanted) -> frozenset[Subject]:
        """All that a package may rest on, every one of several stores and delegations among it."""
        ground = self._ground(model, wanted)
        brand = wanted.package.partition("/")[0]
        found: set[Subject] = {
            ("root", ROOT),
            ("brand", model.authority),
            ("brand", brand),
            ("model", model.name),
            ground,
        }
        for store in model.stores:
            found |= {("store", store), (TUF, store)}
        number = self._revision(model, wanted, ground)
        if number is not None:
            found.add(("revision", f"{wanted.package}/{number}/{model.architecture}"))
        under = [d for subject in found if (one := self.world.held.get(subject)) is not None for d in one.under]
        return frozenset(found | {("delegation", d.statement.subject) for d in under})

    def installable(self, model: Model, wanted: Wanted, gone: Gone) -> bool:
        """Whether a device of the model could take this package, were all current but what is `gone`."""
        ground = self._ground(model, wanted)
        final = self._final_of(ground)
        brand = wanted.package.partition("/")[0]
        needed: list[Subject] = [("brand", model.authority), ("brand", brand), ("model", model.name), ground]
        if ("root", ROOT) in gone or not all(self._stands(one, gone, final) for one in needed):
            return False
        number = self._revision(model, wanted, ground)
        if number is None and ground in self.world.held:
            return False  # RL-3: it releases nothing for this architecture
        revision = ("revision", f"{wanted.package}/{number}/{model.architecture}")
        stores = [s for s in model.stores if self.store_stands(s, gone) and self._store_covers(s, wanted.package)]
        return self._stands(revision, gone, final) and len(stores) >= model.agree

    def store_stands(self, name: str, gone: Gone) -> bool:
        """Whether a store could be believed."""
        return self._stands(("store", name), gone) and (TUF, name) not in gone

    def _ground(self, model: Model, wanted: Wanted) -> Subject:
        """SK-1: the model's stack, where it lists the package; else its channel's release."""
        stack = self.world.held.get(("stack", str(model.stack))) if model.stack is not UNSET else None
        said = stack.statement if stack is not None else None
        if isinstance(said, Stack) and said.part(wanted.package, model.architecture) is not None:
            return ("stack", said.subject)
        return ("release", f"{wanted.package}/{wanted.channel}")

    def _revision(self, model: Model, wanted: Wanted, ground: Subject) -> int | None:
        held = self.world.held.get(ground)
        one = held.statement if held is not None else None
        if isinstance(one, Stack):
            part = one.part(wanted.package, model.architecture)
            return part.revision if part else None
        target = one.target(model.architecture) if isinstance(one, Release) else None
        return target.revision if target else None

    def _stands(self, subject: Subject, gone: Gone, final: frozenset[str] = frozenset()) -> bool:
        one = self.world.held.get(subject)
        if one is None:
            return True
        if subject in self.revoked:
            return False
        if subject in gone and one.envelope.id not in final:
            return False
        # AU-6: what only delegations vouch for stands as long as one of them does.
        return not one.under or any(("delegation", d.statement.subject) not in gone for d in one.under)

    def _store_covers(self, name: str, package: str) -> bool:
        held = self.world.held.get(("store", name))
        store = held.statement if held is not None else None
        return not isinstance(store, Store) or any(covers(pattern, package) for pattern in store.packages)

    def _final_of(self, ground: Subject) -> frozenset[str]:
        """The ids whose expiry a final release lifts (SPEC EL-2)."""
        one = self.world.held.get(ground)
        if one is None or not isinstance(one.statement, Release):
            return frozenset()
        try:
            return final_ids(self.world.chain, Authentic(one.statement, one.envelope, one.signers, one.under))
        except TrustError:
            return frozenset()

    def lifted(self, models: tuple[Model, ...]) -> frozenset[str]:
        """Ids whose expiry stops nothing, because whatever rests on them here is final."""
        ids: set[str] = set()
        for subject in self.world.held:
            ids |= self._final_of(subject)
        return frozenset(identity for identity in ids if not self._ends_something(identity, models))

    def _ends_something(self, identity: str, models: tuple[Model, ...]) -> bool:
        subject = next((s for s, one in self.world.held.items() if one.envelope.id == identity), None)
        if subject is None or not isinstance(self.world.held[subject].statement, Brand | Model):
            return False
        gone = frozenset([subject])
        return any(
            self.installable(model, wanted, NOTHING) and not self.installable(model, wanted, gone)
            for model in models
            for wanted in model.packages
        )
