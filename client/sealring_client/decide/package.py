"""One package on its way through the choice, and what a store has offered for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sealring.approve import Approved
from sealring.authentic import Authentic
from sealring.errors import TrustError
from sealring.halt import Halted
from sealring.statement import Release, RevisionStatement, Stack
from sealring.statement.fleet import Wanted
from sealring_client.decide.store_view import StoreView
from sealring_client.part import Part
from sealring_client.report import HaltLine, Refusal, Turn

Ground = Authentic[Release] | Authentic[Stack]


@dataclass(frozen=True)
class Offer:
    """A release or a stack as one store has proved it, with the revisions that it means here, by package."""

    view: StoreView
    ground: Ground
    revisions: Mapping[str, Authentic[RevisionStatement]]

    @property
    def store(self) -> str:
        """Who offers it."""
        return self.view.store.statement.name


@dataclass
class Package:
    """One package on its way through the choice.

    Args:
        running: what runs of it, if anything that may go on running.
        reached: whether a revocation wants what runs to be replaced, by another statement of the same bytes too.
        stopped: whether it ran and a revocation has ended that; then it may be missing, whatever the model says.
        stack: the stack that it follows in place of its channel, and the revision there.
    """

    wanted: Wanted
    running: Part | None
    reached: bool = False
    stopped: bool = False
    approved: Approved | None = None
    store: str | None = None
    stack: tuple[str, int] | None = None
    rollout: Turn | None = None
    halted: HaltLine | None = None
    """Who holds its release back, where `rollout` says so."""
    final: frozenset[str] = frozenset()
    """Ids whose expiry the release has lifted, where it is a final one."""
    refusals: list[Refusal] = field(default_factory=list)
    wakes: list[datetime] = field(default_factory=list)
    """When what was refused today may be taken: the next check is due by then."""

    @property
    def name(self) -> str:
        """Its full name."""
        return self.wanted.package

    @property
    def channel(self) -> str:
        """The subject of the releases that it follows."""
        return f"{self.wanted.package}/{self.wanted.channel}"

    def refuse(self, about: str, err: TrustError) -> None:
        """Note why something was not taken."""
        self.refusals.append(Refusal.of(about, err))

    def leave(self, about: str, err: TrustError) -> None:
        """Leave it as it was, and say why."""
        self.refuse(about, err)
        self.approved, self.store = None, None

    def halt(self, store: str, err: Halted) -> None:
        """Leave it as it was until the halt has ended, and look again then (HL-3, DV-8)."""
        self.leave(store, err)
        self.rollout, self.halted = "halted", HaltLine(store, err.reason, err.since, err.until)
        self.wakes.append(err.until)

    @property
    def is_new(self) -> bool:
        """Whether the chosen revision is another one than runs."""
        if self.approved is None:
            return False
        found, running = self.approved.revision, self.running
        if running is None or (running.revision, running.sha256) != (
            found.statement.revision,
            found.statement.image.sha256,
        ):
            return True
        return self.reached and running.statement != found.envelope.digest

    def part(self) -> Part | None:
        """What the next generation holds of it: the chosen revision, else what runs."""
        if self.approved is None or not self.is_new:
            return self.running
        found, ground = self.approved.revision, self.approved.ground
        return Part(
            self.wanted.package,
            found.statement.revision,
            found.statement.architecture,
            found.statement.version,
            found.statement.image.sha256,
            found.statement.image.size,
            ground.envelope.digest,
            found.envelope.digest,
        )
