"""Who holds what in a rehearsal: the shape of the real authorities, or a made-up one (SPEC TH-1 to TH-3)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, count, cycle, islice
from typing import ClassVar, Final

import msgspec

from sealring.errors import SealringError
from sealring.keys import FAMILIES, FamilyThreshold
from sealring.names import ROOT, Name

REHEARSAL: Final = "rehearsal"
MAX_NAME = 40  # characters, as of every name
MAX_BRANDS = 8  # more drafts than one request takes would come of more
PEOPLE: Final = {
    "root": ("ruth", "rosa", "rene", "rita"),
    "role": ("bert", "bea", "bill", "britt"),
    "brand": ("alice", "bob", "carol", "cleo"),
    "delegates": ("dave", "dora", "dirk", "dina"),
}


@dataclass(eq=False)
class NotRehearsable(SealringError):
    """A plan that no ceremony could follow."""

    reason: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"this plan can't be rehearsed: {self.reason}"

    def hint(self) -> str:
        return "`sealring rehearse --help` begins with examples; a plan file names holders, thresholds and brands"


@dataclass(frozen=True)
class Holder:
    """Who holds one key: its name, which is the holder's, and its type."""

    name: str
    type: str = "ed25519"


@dataclass(frozen=True)
class Party:
    """One key set and its holders, such as the root's role `brand`."""

    title: str
    holders: tuple[Holder, ...]
    thresholds: tuple[FamilyThreshold, ...]

    @property
    def needed(self) -> int:
        """How many keys must sign, over all families."""
        return sum(one.threshold for one in self.thresholds)

    @property
    def words(self) -> str:
        """Such as `2 of 3 classical: ruth, rosa, rene`."""
        parts = [f"{t.threshold} of {len(self._of(t.family))} {t.family}" for t in self.thresholds]
        return f"{' and '.join(parts)}: {names(self.holders)}"

    def pick(self, without: Collection[Holder] = ()) -> tuple[Holder, ...] | None:
        """The first holders that meet every threshold together; None where too few are left."""
        found: list[Holder] = []
        for wanted in self.thresholds:
            able = [one for one in self._of(wanted.family) if one not in without]
            if len(able) < wanted.threshold:
                return None
            found += able[: wanted.threshold]
        return tuple(found)

    def signers(self) -> tuple[Holder, ...]:
        """The first holders that meet every threshold; `check` has seen that there are enough."""
        found = self.pick()
        assert found is not None
        return found

    def after(self, lost: Collection[Holder]) -> "Party":
        """The party once each lost key has a successor: who is left comes first, so that they sign first."""
        left = [one for one in self.holders if one not in lost]
        return replace(self, holders=(*left, *(successor(one) for one in self.holders if one in lost)))

    def check(self) -> None:
        """Raise unless each threshold can be met (SPEC TH-3)."""
        for one in self.holders:
            if one.type not in FAMILIES:
                raise NotRehearsable(f"{self.title}: no throw-away key of type {one.type} can be made")
        for wanted in self.thresholds:
            able = len(self._of(wanted.family))
            if able < wanted.threshold or wanted.threshold < 1:
                raise NotRehearsable(f"{self.title}: {wanted.threshold} of {able} {wanted.family} keys")
        if not self.thresholds:
            raise NotRehearsable(f"{self.title}: no threshold")

    def _of(self, family: str) -> list[Holder]:
        return [one for one in self.holders if FAMILIES[one.type] == family]


@dataclass(frozen=True)
class BrandPlan:
    """A brand, its keys, and those whom it delegates a package to."""

    name: str
    own: Party
    delegates: Party
    delegation: str = "builders"


@dataclass(frozen=True)
class Plan:
    """All of it; `notes` are what whoever reads the runbook should know about this shape."""

    root: Party
    role: Party
    brands: tuple[BrandPlan, ...]
    notes: tuple[str, ...] = field(default=())

    @property
    def parties(self) -> tuple[Party, ...]:
        """Every key set."""
        return (self.root, self.role, *chain.from_iterable((one.own, one.delegates) for one in self.brands))

    def holders(self) -> Iterator[Holder]:
        """Everybody who needs a throw-away key: the holders, and who follows those that are lost."""
        for party in self.parties:
            yield from party.holders
            yield from (successor(one) for one in party.signers())


def successor(one: Holder) -> Holder:
    """Who follows a lost key: the same person or another, with a new key of the same type."""
    return Holder(f"{one.name[: MAX_NAME - 4].rstrip('-')}-new", one.type)


def invented(title: str, people: str, keys: int, threshold: int) -> Party:
    """A party of made-up people with Ed25519 keys."""
    found = (Holder(name) for name in _numbered(PEOPLE[people]))
    return Party(title, tuple(islice(found, keys)), (FamilyThreshold("classical", threshold, "required"),))


def settled(plan: Plan) -> Plan:
    """The plan as it is played: names that say what they are, each of one key only.

    Raises:
        NotRehearsable.
    """
    for party in plan.parties:
        party.check()
    brands = [one.name for one in plan.brands]
    if not 1 <= len(brands) <= MAX_BRANDS or len(set(brands)) != len(brands) or not all(map(_is_brand, brands)):
        raise NotRehearsable(
            f"brands {', '.join(brands)[:200] or 'none'}: 1 to {MAX_BRANDS} distinct names needed, none of them `root`"
        )
    taken: dict[str, str] = {}
    notes = list(plan.notes)

    def named(party: Party) -> Party:
        for one in party.holders:
            if one.name in taken:
                notes.append(
                    f"{one.name} holds keys of {taken[one.name]} and of {party.title}: whoever robs one person robs"
                    " both roles at once. Here each has a key of its own"
                )
            taken.setdefault(one.name, party.title)
        return replace(party, holders=tuple(Holder(next(fresh[_begin(one)]), one.type) for one in party.holders))

    fresh = {_begin(one): _names_of(_begin(one)) for party in plan.parties for one in party.holders}
    root, role = named(plan.root), named(plan.role)
    played = tuple(replace(one, own=named(one.own), delegates=named(one.delegates)) for one in plan.brands)
    notes += [_lone(party) for party in plan.parties if party.needed == 1]
    if root.needed > 1 and not root.pick(root.signers()[:1]):
        notes.append("the root: every key of it must sign, so that one that is lost, to nobody even, ends the root")
    return Plan(root, role, played, tuple(notes))


def names(holders: Iterable[Holder]) -> str:
    """Their names in one line."""
    return ", ".join(one.name for one in holders)


def together(*groups: Iterable[Holder]) -> tuple[Holder, ...]:
    """Everybody of these groups once, in this order."""
    return tuple(dict.fromkeys(chain.from_iterable(groups)))


def _is_brand(name: str) -> bool:
    try:
        return msgspec.convert(name, Name) != ROOT
    except msgspec.ValidationError:
        return False


def _lone(party: Party) -> str:
    return f"{party.title}: one key alone is enough, so that every loss is a loss at the threshold"


def _begin(one: Holder) -> str:
    """Short enough that a number and a successor's ending fit behind it."""
    return f"{REHEARSAL}-{one.name}"[: MAX_NAME - 8].rstrip("-")


def _names_of(begin: str) -> Iterator[str]:
    """A name that says rehearsal, then the same with numbers, without end."""
    yield begin
    for number in count(2):
        yield f"{begin}-{number}"


def _numbered(people: Sequence[str]) -> Iterator[str]:
    """These names, and then the same with numbers, without end."""
    yield from people
    for number, name in enumerate(cycle(people)):
        yield f"{name}-{2 + number // len(people)}"
