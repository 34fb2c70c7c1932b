"""What one check or refresh found, for people and for `--json` (SPEC DV-6)."""

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal

from sealring.errors import SealringError
from sealring.names import spell

Word = Literal["fresh", "behind", "stale", "unreachable", "refused"]
Outcome = Literal["none", "available", "installed", "stopped", "stale", "unreachable", "refused", "failed"]
Turn = Literal["waiting", "chosen", "halted"]


@dataclass(frozen=True)
class Refusal:
    """One thing that was not taken, and the rule that said no.

    Args:
        address: of the store, where that says more than its name: it has several, and another may have been taken.
    """

    about: str
    rule: str
    message: str
    hint: str
    exit_code: int
    address: str | None = None

    @classmethod
    def of(cls, about: str, err: SealringError) -> "Refusal":
        """The refusal in the error's own words."""
        return cls(about, err.rule, str(err), err.hint(), err.exit_code)

    def as_json(self) -> dict[str, Any]:
        """One object."""
        where = {"address": self.address} if self.address is not None else {}
        return {"about": self.about, "rule": self.rule, "message": self.message, "hint": self.hint, **where}


@dataclass(frozen=True)
class Vulnerable:
    """A package whose installed revision was taken back, or called too old: what it says to people."""

    package: str
    revision: int
    action: str
    why: str


@dataclass(frozen=True)
class HaltLine:
    """Which store holds a release back, why, since when, and until when at the latest (SPEC HL-3)."""

    store: str
    reason: str
    since: datetime
    until: datetime

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {"store": self.store, "reason": self.reason, "since": spell(self.since), "until": spell(self.until)}


@dataclass(frozen=True)
class StoreLine:
    """A store's word in one check.

    Args:
        requests: that it was sent, and `transferred` the bytes of the bodies that came; images are not counted.
    """

    name: str
    word: Word
    refusals: tuple[Refusal, ...] = ()
    catalogue: int | None = None
    time: datetime | None = None
    requests: int = field(default=0, compare=False)
    transferred: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "store": self.name,
            "word": self.word,
            "catalogue": self.catalogue,
            "time": spell(self.time) if self.time else None,
            "requests": self.requests,
            "bytes": self.transferred,
            "refusals": [one.as_json() for one in self.refusals],
        }


@dataclass(frozen=True)
class PackageLine:
    """One package: what runs, what was chosen, and why not where nothing was.

    Args:
        stack: what it follows in place of its channel.
        rollout: whether it is this device's turn, where the release goes out in phases, and `halted` by whom if not.
    """

    package: str
    running: int | None
    chosen: int | None
    version: str | None
    sequence: int | None
    store: str | None
    refusals: tuple[Refusal, ...] = ()
    stack: str | None = None
    rollout: Turn | None = None
    halted: HaltLine | None = None

    def as_json(self) -> dict[str, Any]:
        """One object."""
        return {
            "package": self.package,
            "running": self.running,
            "chosen": self.chosen,
            "version": self.version,
            "sequence": self.sequence,
            "store": self.store,
            "stack": self.stack,
            "rollout": self.rollout,
            "halted": self.halted.as_json() if self.halted is not None else None,
            "refusals": [one.as_json() for one in self.refusals],
        }


@dataclass(frozen=True)
class Report:
    """The end of a check or refresh; `problem` is what decided the exit code where something stood in the way."""

    outcome: Outcome
    exit_code: int
    at: datetime
    proven: bool
    generation: int | None
    stores: tuple[StoreLine, ...] = ()
    packages: tuple[PackageLine, ...] = ()
    problem: Refusal | None = None
    deadline: datetime | None = None
    vulnerable: tuple[Vulnerable, ...] = ()
    stopped: tuple[Vulnerable, ...] = ()
    evidence: tuple[dict[str, Any], ...] = ()
    notes: tuple[str, ...] = ()
    asked: int = field(default=0, compare=False)

    def as_json(self) -> dict[str, Any]:
        """One object, for `--json`."""
        return {
            "schema": 1,
            "outcome": self.outcome,
            "at": spell(self.at),
            "time": "proven" if self.proven else "unproven",
            "generation": self.generation,
            "deadline": spell(self.deadline) if self.deadline else None,
            "stores": [one.as_json() for one in self.stores],
            "packages": [one.as_json() for one in self.packages],
            "vulnerable": [asdict(one) for one in self.vulnerable],
            "stopped": [asdict(one) for one in self.stopped],
            "evidence": list(self.evidence),
            "notes": list(self.notes),
            "problem": self.problem.as_json() if self.problem else None,
        }
