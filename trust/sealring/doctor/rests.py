"""What rests on what: which devices install nothing new once something ends (SPEC TM-1, AU-6, SR-2, RL, SK, SN, EL-2).

The words are differences: what could be installed with everything current, and can't without this one thing.
"""

from collections.abc import Iterable, Iterator
from functools import cached_property

from msgspec import UNSET

from sealring.authentic import Authentic, S
from sealring.doctor.tuf_files import StoreTuf
from sealring.doctor.world import World
from sealring.end_of_life import final_ids
from sealring.errors import TrustError
from sealring.floors import Subject
from sealring.names import ROOT, covers
from sealring.statement import Brand, Common, Delegation, Model, Release, SerialStatement, Stack, Store
from sealring.statement.fleet import Wanted

Gone = frozenset[Subject]
NOTHING: Gone = frozenset()
MAX_NAMED = 3  # packages of one model that are named; of more the number is said
TUF = "tuf"
"""The type, in a `Subject`, of a store's TUF files."""


class Rests:
    """The models of a world, and what each of their packages rests on."""

    def __init__(self, world: World, stores: Iterable[StoreTuf] = ()) -> None:
        self.world = world
        self.tuf = {store.name: store for store in stores}

    @cached_property
    def models(self) -> tuple[Authentic[Model], ...]:
        """The models in force, by name."""
        return tuple(one for _, one in sorted(self._of(Model)))

    @cached_property
    def released(self) -> frozenset[Subject]:
        """Releases and stacks that a model follows, and the revisions that these and other current releases name."""
        found: set[Subject] = set()
        for model in self.models:
            for wanted in model.statement.packages:
                found.add(("release", f"{wanted.package}/{wanted.channel}"))
            if model.statement.stack is not UNSET:
                found.add(("stack", model.statement.stack))
        for _, one in self._of(Release):
            for target in one.statement.targets:
                for number in (target.revision, target.previous):
                    if number is not UNSET:
                        found.add(("revision", f"{one.statement.name}/{number}/{target.architecture}"))
        for _, stack in self._of(Stack):
            found.update(("revision", f"{p.package}/{p.revision}/{p.architecture}") for p in stack.statement.parts)
        return frozenset(found)

    def revoked(self, subject: Subject) -> bool:
        """Whether a list in force names what stands for this subject."""
        one = self.world.held.get(subject)
        if one is None:
            return False
        return self.world.chain.revocations.strongest(one.statement, one.envelope.id) is not None

    def is_lifted(self, found: Authentic[Common]) -> bool:
        """Whether a final release lets this statement's expiry pass wherever it matters (SPEC EL-2)."""
        return found.envelope.id in self._final

    def stops(self, subject: Subject) -> tuple[str, ...]:
        """What stops once this ends; empty where nothing does."""
        gone, words = frozenset([subject]), list[str]()
        for model in self.models:
            if subject in self._touched[model.statement.name]:
                words += self._model_words(model, gone)
        return tuple(words) or tuple(self._general(subject))

    @cached_property
    def _touched(self) -> dict[str, frozenset[Subject]]:
        """All that the packages of each model may rest on: where a subject is not there, nothing need be asked."""
        found: dict[str, frozenset[Subject]] = {}
        for model in self.models:
            said = model.statement
            touched: set[Subject] = {("root", ROOT), ("brand", said.authority), ("model", said.name)}
            for store in said.stores:
                touched |= {("store", store), (TUF, store)}
            for wanted in said.packages:
                ground = self._ground(said, wanted)
                touched |= {("brand", wanted.package.partition("/")[0]), ground}
                number = self._revision(said, wanted, ground)
                if number is not None:
                    touched.add(("revision", f"{wanted.package}/{number}/{said.architecture}"))
            under = [d for s in touched if (one := self.world.held.get(s)) is not None for d in one.under]
            found[said.name] = frozenset(touched | {("delegation", d.statement.subject) for d in under})
        return found

    def touched(self, model: Authentic[Model]) -> frozenset[Subject]:
        """All that the packages of a model may rest on, delegations and TUF files included."""
        return self._touched[model.statement.name]

    def _model_words(self, model: Authentic[Model], gone: Gone) -> Iterator[str]:
        said = model.statement
        before = [w.package for w in said.packages if self.installable(model, w, NOTHING)]
        after = {w.package for w in said.packages if self.installable(model, w, gone)}
        lost = [package for package in before if package not in after]
        if lost and not after:
            yield f"devices of {said.name} install nothing new"
        elif len(lost) > MAX_NAMED:
            yield f"devices of {said.name} install nothing new of {len(lost)} of their {len(said.packages)} packages"
        else:
            yield from (f"devices of {said.name} install nothing new of {package}" for package in lost)
        if lost:
            return
        for store in said.stores:
            if self._store_stands(store, NOTHING) and not self._store_stands(store, gone):
                yield f"devices of {said.name} do without the store {store}"

    def _general(self, subject: Subject) -> Iterator[str]:
        """For what no model here rests on, and what still ends with it."""
        kind, name = subject
        one = self.world.held.get(subject)
        if kind == "root":
            yield "no device below this root installs anything new"
        elif kind == "brand":
            yield f"no device installs anything new of {name}"
        elif kind == "model":
            yield f"devices of {name} install nothing new"
        elif kind == TUF:
            yield f"devices believe nothing new that the store {name} shows"
        elif kind == "delegation" and self.used_by(name):
            yield f"nothing that only {name} signed is acted upon: {len(self.used_by(name))} in force"
        elif one is not None and isinstance(one.statement, SerialStatement):
            said = one.statement
            model = self.world.held.get(("model", f"{said.authority}/{said.model}"))
            if model is not None and isinstance(model.statement, Model) and model.statement.serial == "required":
                yield f"the device {said.subject} installs nothing new"

    def used_by(self, delegation: str) -> tuple[Authentic[Common], ...]:
        """What stands today because this delegation vouches for it, revoked or superseded things left out."""
        return tuple(
            one
            for subject, one in self.world.held.items()
            if any(d.statement.subject == delegation for d in one.under) and self.matters(subject)
        )

    def matters(self, subject: Subject) -> bool:
        """Whether what stands for this subject is in force: not taken back, and no revision that nothing names."""
        return not self.revoked(subject) and (subject[0] != "revision" or subject in self.released)

    def installable(self, model: Authentic[Model], wanted: Wanted, gone: Gone) -> bool:
        """Whether a device of the model could take this package, were all current but what is `gone`."""
        said = model.statement
        brand = wanted.package.partition("/")[0]
        ground = self._ground(said, wanted)
        final = self._final_of(ground)
        needed: list[Subject] = [("brand", said.authority), ("brand", brand), ("model", said.name), ground]
        if ("root", ROOT) in gone or not all(self._stands(one, gone, final) for one in needed):
            return False
        number = self._revision(said, wanted, ground)
        if number is None:
            return False
        revision = ("revision", f"{wanted.package}/{number}/{said.architecture}")
        stores = [s for s in said.stores if self._store_stands(s, gone) and self._store_covers(s, wanted.package)]
        return self._stands(revision, gone, final) and len(stores) >= said.agree

    def _ground(self, model: Model, wanted: Wanted) -> Subject:
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
        if one is None or self.revoked(subject):
            return False
        if subject in gone and one.envelope.id not in final:
            return False
        # AU-6: what only delegations vouch for stands as long as one of them does.
        return not one.under or any(self._delegation_stands(d, gone) for d in one.under)

    def _delegation_stands(self, one: Authentic[Delegation], gone: Gone) -> bool:
        return ("delegation", one.statement.subject) not in gone

    def _store_stands(self, name: str, gone: Gone) -> bool:
        return self._stands(("store", name), gone) and (TUF, name) not in gone

    def _store_covers(self, name: str, package: str) -> bool:
        store = self.world.held[("store", name)].statement
        return isinstance(store, Store) and any(covers(pattern, package) for pattern in store.packages)

    def _final_of(self, ground: Subject) -> frozenset[str]:
        one = self.world.held.get(ground)
        if one is None or not isinstance(one.statement, Release):
            return frozenset()
        try:
            return final_ids(self.world.chain, Authentic(one.statement, one.envelope, one.signers, one.under))
        except TrustError:
            return frozenset()

    @cached_property
    def _final(self) -> frozenset[str]:
        """Ids whose expiry stops nothing, because whatever rests on them is final."""
        ids: set[str] = set()
        for subject, _ in self._of(Release):
            ids |= self._final_of(("release", subject))
        return frozenset(i for i in ids if not self._ends_something(i))

    def _ends_something(self, identity: str) -> bool:
        subject = next((s for s, one in self.world.held.items() if one.envelope.id == identity), None)
        if subject is None or not isinstance(self.world.held[subject].statement, Brand | Model):
            return False
        gone = frozenset([subject])
        return any(
            self.installable(model, wanted, NOTHING) and not self.installable(model, wanted, gone)
            for model in self.models
            for wanted in model.statement.packages
        )

    def _of(self, kind: type[S]) -> list[tuple[str, Authentic[S]]]:
        """All of one type that stand and are not revoked, with their subjects."""
        return [
            (subject[1], one)  # type: ignore[misc]
            for subject, one in self.world.held.items()
            if isinstance(one.statement, kind) and not self.revoked(subject)
        ]
