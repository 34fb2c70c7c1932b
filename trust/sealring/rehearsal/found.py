"""What came of a rehearsal's steps; made by who plays them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from sealring.errors import SealringError
from sealring.rehearsal.steps import Begun, Copied, Handed, Made, Reached, Runs, Shown, Situation, Step, Typed


@dataclass(frozen=True)
class Found:
    """How one step ended, in the words of `expected`; `told` are lines of its review."""

    step: Step
    ending: str
    told: tuple[str, ...] = ()
    said: str = ""

    @property
    def is_right(self) -> bool:
        """Whether it ended as it must."""
        return self.ending == expected(self.step)


@dataclass(frozen=True)
class PlayedOut:
    """A situation with all its steps done, and when what it names ends by itself."""

    situation: Situation
    steps: tuple[Found, ...]
    ends: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(eq=False)
class StepFailed(SealringError):
    """A step of the rehearsal that did not end as it must."""

    situation: str
    number: int
    line: str
    wanted: str
    ending: str
    said: str
    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        said = f": {self.said}" if self.said else ""
        return f"{self.situation}, step {self.number}, {self.line}: {self.ending} found, {self.wanted} needed{said}"

    def hint(self) -> str:
        return (
            "with --keep the folder stays: type the step there; if sealring is at fault, SECURITY.md says whom to tell"
        )


def expected(step: Step) -> str:
    """How this step must end, in words."""
    match step:
        case Typed(wanted=wanted):
            return str(wanted)
        case Copied() | Made() | Handed() | Begun():
            return "done"
        case Shown(rule=rule):
            return refused(step, rule) if rule else "takes all of it"
        case Runs(package=package, revision=revision):
            return f"would install revision {revision}" if revision else f"would install nothing for {package}"
        case Reached(action=action):
            return f"a list says {action}" if action else "no list reaches it"


def refused(step: Shown, rule: str) -> str:
    """The words for a refusal of the last file, and of it alone."""
    return f"refuses {'it' if len(step.files) == 1 else 'the last'} [{rule}]"
