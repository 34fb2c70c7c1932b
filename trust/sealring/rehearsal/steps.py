"""What a rehearsal is made of: steps that a person could take, each with the ending that it must have."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from shlex import join

from sealring.rehearsal.plan import Holder

YOU = "you"
THIEF = "the thief"


class At(str):
    """A path below the rehearsal's folder; people read it as it stands."""

    __slots__ = ()


@dataclass(frozen=True)
class Ending:
    """How a step must end: an exit code and, where a rule says no, its id."""

    code: int = 0
    rule: str = ""

    def __str__(self) -> str:
        return f"exit {self.code}" + (f" [{self.rule}]" if self.rule else "") if self.code else "done"


DONE = Ending()
SHORT = Ending(21, "TH-1")
HASTY = Ending(21, "CE-6")


@dataclass(frozen=True)
class Typed:
    """A command of `sealring`. `told`: its review belongs into the runbook, since holders look at it."""

    words: tuple[str, ...]
    wanted: Ending = DONE
    by: str = YOU
    told: bool = False

    @property
    def line(self) -> str:
        """As it is typed in the rehearsal's folder."""
        return join(self.words)


@dataclass(frozen=True)
class Copied:
    """A file that travels to a holder."""

    source: At
    target: At
    by: str = YOU

    @property
    def line(self) -> str:
        """As it is typed."""
        return join(("cp", self.source, self.target))


@dataclass(frozen=True)
class Made:
    """A small file: what stands for an image."""

    path: At
    text: str
    by: str = YOU

    @property
    def line(self) -> str:
        """As it is typed."""
        return f"{join(('printf', self.text))} > {self.path}"


@dataclass(frozen=True)
class Handed:
    """A TUF root that a store's operator has made with this key, and hands over."""

    path: At
    key: At
    by: str

    @property
    def line(self) -> str:
        """In words, since `sealring-server` makes it."""
        return f"# {self.by} hands over {self.path}"


@dataclass(frozen=True)
class Begun:
    """A device is provisioned with a root and a seed of other assertions (SPEC DV-11)."""

    device: str
    root: At
    model: str
    seed: tuple[At, ...] = ()

    @property
    def line(self) -> str:
        """In words."""
        return f"{self.device} is provisioned with {self.root}" + (" and what was released" if self.seed else "")


@dataclass(frozen=True)
class Shown:
    """A store shows files to a device, which keeps them, or refuses the last by this rule."""

    device: str
    files: tuple[At, ...]
    rule: str = ""

    @property
    def line(self) -> str:
        """In words."""
        return f"{self.device} is shown {', '.join(self.files)}"


@dataclass(frozen=True)
class Runs:
    """Which revision of a package a device would install now; 0 is none."""

    device: str
    package: str
    revision: int

    @property
    def line(self) -> str:
        """In words."""
        return f"{self.device} is asked for {self.package}"


@dataclass(frozen=True)
class Reached:
    """What the lists in force say about an installed revision: `stop`, `replace`, `keep`, or nothing (SPEC RK-6)."""

    device: str
    revision: At
    action: str

    @property
    def line(self) -> str:
        """In words."""
        return f"{self.device} runs {self.revision}"


Played = Typed | Copied | Made | Handed
Judged = Begun | Shown | Runs | Reached
Step = Played | Judged


@dataclass(frozen=True)
class Deadline:
    """When something ends by itself, taken from the assertion in a file."""

    file: At
    stops: str


@dataclass(frozen=True)
class Section:
    """Steps that belong together, under a heading of the runbook."""

    title: str
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Situation:
    """One ceremony or one loss, and all that the runbook says about it."""

    name: str
    title: str
    lost: str
    needed: tuple[str, ...]
    sections: tuple[Section, ...]
    checks: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    wait: tuple[str, ...] = ()
    deadlines: tuple[Deadline, ...] = ()
    undone: tuple[str, ...] = ()
    ends: str = field(default="recovered")

    @property
    def folders(self) -> tuple[str, ...]:
        """The folders that somebody makes before the first step."""
        words = [word for step in self.steps if isinstance(step, Typed) for word in step.words]
        words += [step.path for step in self.steps if isinstance(step, Made)]
        return tuple(dict.fromkeys(word.partition("/")[0] for word in words if isinstance(word, At) and "/" in word))

    @property
    def steps(self) -> Iterator[Step]:
        """All steps in their order."""
        for section in self.sections:
            yield from section.steps


def key_file(one: Holder) -> At:
    """Where a holder's throw-away key is."""
    return At(f"keys/{one.name}.key")


def public_half(one: Holder) -> At:
    """Where its public half is."""
    return At(f"keys/{one.name}.pub")
