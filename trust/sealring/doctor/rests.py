"""What rests on what: which devices install nothing new once something ends (SPEC TM-1, AU-6, SR-2, RL, SK, SN, EL-2).

The words are differences: what could be installed with everything current, and can't without this one thing.
"""

from collections.abc import Iterator
from functools import cached_property

from msgspec import UNSET

from sealring.authentic import Authentic, S
from sealring.doctor.paths import NOTHING, TUF, Paths
from sealring.doctor.world import World
from sealring.floors import Subject
from sealring.statement import Common, Model, Release, SerialStatement, Stack
from sealring.statement.fleet import Wanted

MAX_NAMED = 3  # packages of one model that are named; of more the number is said


class Rests:
    """The models of a world, and what each of their packages rests on."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.paths = Paths(world)

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
        return subject in self.paths.revoked

    def is_lifted(self, found: Authentic[Common]) -> bool:
        """Whether a final release lets this statement's expiry pass wherever it matters (SPEC EL-2)."""
        return found.envelope.id in self._lifted

    def stops(self, subject: Subject) -> tuple[str, ...]:
        """What stops once this ends; empty where nothing does."""
        words = [line for model in self.models for line in self._model_words(model, subject)]
        return tuple(words) or tuple(self._general(subject))

    @cached_property
    def _needs(self) -> dict[str, list[tuple[Wanted, frozenset[Subject]]]]:
        """What each package that can be installed now rests on: where a subject is not there, nothing need be asked."""
        return {
            model.statement.name: [
                (wanted, self.paths.needs(model.statement, wanted))
                for wanted in model.statement.packages
                if self.paths.installable(model.statement, wanted, NOTHING)
            ]
            for model in self.models
        }

    def touched(self, model: Authentic[Model]) -> frozenset[Subject]:
        """All that the packages of a model may rest on, delegations and TUF files included."""
        said = model.statement
        return frozenset().union(*(self.paths.needs(said, wanted) for wanted in said.packages))

    def _model_words(self, model: Authentic[Model], subject: Subject) -> Iterator[str]:
        said, gone, able = model.statement, frozenset([subject]), self._needs[model.statement.name]
        asked = [wanted for wanted, needs in able if subject in needs]
        lost = [wanted.package for wanted in asked if not self.paths.installable(said, wanted, gone)]
        if lost and len(lost) == len(able):
            yield f"devices of {said.name} install nothing new"
        elif len(lost) > MAX_NAMED:
            yield f"devices of {said.name} install nothing new of {len(lost)} of their {len(said.packages)} packages"
        else:
            yield from (f"devices of {said.name} install nothing new of {package}" for package in lost)
        if lost or subject[0] not in ("store", "delegation", TUF):
            return
        for store in said.stores:
            if self.paths.store_stands(store, NOTHING) and not self.paths.store_stands(store, gone):
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
        elif kind in ("release", "revision", "stack", "store"):
            yield from self._elsewhere(kind, name)
        elif kind == "delegation" and self.used_by(name):
            yield f"nothing that only {name} signed is acted upon: {len(self.used_by(name))} in force"
        elif one is not None and isinstance(one.statement, SerialStatement):
            said = one.statement
            model = self.world.held.get(("model", f"{said.authority}/{said.model}"))
            if model is not None and isinstance(model.statement, Model) and model.statement.serial == "required":
                yield f"the device {said.subject} installs nothing new"

    def _elsewhere(self, kind: str, name: str) -> Iterator[str]:
        """For a publisher whose readers' models are not here: what they would miss.

        A channel that no model follows, of a package that some model here has, is one that was left: nothing stops.
        """
        package = "/".join(name.split("/")[:2])
        if kind in ("release", "revision"):
            if not any(w.package == package for model in self.models for w in model.statement.packages):
                yield f"devices that follow {package} install nothing new of it"
        elif not any(model.statement.authority == name.partition("/")[0] for model in self.models):
            yield f"devices that use the {kind} {name} install nothing new by it"

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

    @cached_property
    def _lifted(self) -> frozenset[str]:
        return self.paths.lifted(tuple(model.statement for model in self.models))

    def _of(self, kind: type[S]) -> list[tuple[str, Authentic[S]]]:
        """All of one type that stand and are not revoked, with their subjects."""
        return [
            (subject[1], one)  # type: ignore[misc]
            for subject, one in self.world.held.items()
            if isinstance(one.statement, kind) and not self.revoked(subject)
        ]
