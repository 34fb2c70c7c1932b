"""Who must sign a renewal, in key sets and in words (SPEC TH-1, BR-2, AU-2), and which keys one person holds."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sealring.authentic import Authentic
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.keys import FAMILIES, KeySet, PublicKey
from sealring.statement import Brand, Common, Root

SPARE = re.compile(r"-(?:backup|spare)(?:-[0-9]+)?\Z")
NUMBERED = re.compile(r"-[0-9]+\Z")


@dataclass(frozen=True)
class Signers:
    """One key set, and how to call it. `instead`: it may sign in place of the set before it."""

    by: str
    keys: KeySet
    instead: bool = False

    def in_words(self) -> str:
        """Such as `brand acme (2 of 3 classical: alice, bob, carol)`."""
        return f"{self.by} ({set_in_words(self.keys)})"


def set_in_words(keys: KeySet) -> str:
    """A key set in one line: how many of whom."""
    counts = " and ".join(f"{t.threshold} of {able(keys, t.family)} {t.family}" for t in keys.thresholds)
    return f"{counts}: {', '.join(key.name for key in keys.keys)}"


def able(keys: KeySet, family: str) -> int:
    """How many keys of a set count for a family."""
    return sum(1 for key in keys.keys if FAMILIES.get(key.type) == family)


def renewal_signers(chain: Chain, found: Authentic[Common]) -> tuple[Signers, ...]:
    """The key sets whose signatures the next statement of this subject needs."""
    said, root = found.statement, chain.root.statement
    if isinstance(said, Root):
        return (Signers(f"root {said.sequence}, role root", said.roles.root),)
    if isinstance(said, Brand):
        own = Signers(f"brand {said.brand}", said.keys)
        stand_in = Signers(f"root {root.sequence}, role root, in place of the brand's keys", root.roles.root, True)
        return (Signers(f"root {root.sequence}, role brand", root.roles.brand), own, stand_in)
    sets: list[Signers] = []
    for speaker in chain.speakers(said.authority):
        try:
            speaker.check_allowed(said)
        except TrustError:
            continue
        sets.append(Signers(speaker.title, speaker.keys, bool(sets)))
    return tuple(sets)


@dataclass(frozen=True)
class Holders:
    """Which person holds which key: told (`named`, by a key's name or fingerprint), else by the names of keys.

    Without a word of the team, `alice-backup` and `alice-spare` are held by `alice`, and `alice-2` is where there is a
    key `alice` too: numbered keys alone (`root-1`, `root-2`) are taken for keys of several people.
    """

    named: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, keys: Iterable[PublicKey], named: Mapping[str, str]) -> "Holders":
        """The holders of these keys."""
        return cls(named, frozenset(key.name for key in keys))

    def person(self, key: PublicKey) -> str:
        """Who holds this key."""
        told = self.named.get(key.id) or self.named.get(key.name)
        if told is not None:
            return told
        name = SPARE.sub("", key.name)
        base = NUMBERED.sub("", name)
        return base if base in self.names else name

    def alone(self, keys: KeySet) -> tuple[str, ...]:
        """The people each of whom meets every threshold of this set alone."""
        wanted = [t for t in keys.thresholds if t.family in FAMILIES.values()]
        people = sorted({self.person(key) for key in keys.keys})
        return tuple(p for p in people if wanted and all(self._has(p, keys, t.family) >= t.threshold for t in wanted))

    def _has(self, person: str, keys: KeySet, family: str) -> int:
        return sum(1 for key in keys.keys if FAMILIES.get(key.type) == family and self.person(key) == person)
