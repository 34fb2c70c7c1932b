"""How many signatures are enough (SPEC TH-1, TH-2): one key set, distinct keys, each family by itself."""

from dataclasses import dataclass
from typing import ClassVar

from sealring.envelope import Envelope
from sealring.errors import RuledError, TrustError
from sealring.keys import FAMILIES, VERIFIED_TYPES, KeySet, PublicKey, signed_by
from sealring.names import KeyId

VERIFIED_FAMILIES = frozenset(FAMILIES[kind] for kind in VERIFIED_TYPES)


@dataclass(eq=False)
class TooFewSigners(TrustError):
    """Fewer distinct keys than the threshold have signed (SPEC TH-1)."""

    what: str
    family: str
    found: int
    needed: int
    missing: tuple[str, ...]
    rule: ClassVar[str] = "TH-1"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.what}: {self.found} of {self.needed} {self.family} signatures by current keys"

    def hint(self) -> str:
        return f"signatures of these keys would count: {', '.join(self.missing)}"


@dataclass(eq=False)
class UpdaterTooOld(RuledError):
    """The statement needs something that this edition can't do; taking it anyway would fail open (SPEC TH-2, ED-1)."""

    what: str
    needs: str
    by: str = "TH-2"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: needs {self.needs}, which this edition can't do"

    def hint(self) -> str:
        return "updater too old: publish a newer one that still needs only what this edition can do"


@dataclass(frozen=True)
class Progress:
    """Who has signed of one key set, for people; it decides nothing."""

    signed: tuple[PublicKey, ...]
    missing: tuple[PublicKey, ...]
    needed: tuple[tuple[str, int, int], ...]
    """(family, signatures found, signatures needed) for each threshold."""


def signing_progress(envelope: Envelope, keys: KeySet) -> Progress:
    """Who has signed so far, and what is still needed."""
    signed = tuple(_signed(envelope, keys))
    missing = tuple(k for k in keys.keys if k not in signed)
    needed = tuple(
        (t.family, sum(1 for k in signed if FAMILIES.get(k.type) == t.family), t.threshold) for t in keys.thresholds
    )
    return Progress(signed, missing, needed)


def check_threshold(envelope: Envelope, keys: KeySet, what: str) -> frozenset[KeyId]:
    """The ids of the keys that signed, when they are enough.

    Args:
        what: the noun for the message, such as `root 3 by the keys of root 2`.

    Raises:
        TooFewSigners, UpdaterTooOld.
    """
    signed, known = _signed(envelope, keys), False
    for wanted in keys.thresholds:
        if wanted.family not in VERIFIED_FAMILIES:
            # TH-2: a family enters as `if_known`; once `required`, a device that can't check it must not guess.
            if wanted.presence == "required":
                raise UpdaterTooOld(what, f"signatures of the family {wanted.family}")
            continue
        known = True
        found = [FAMILIES[key.type] for key in signed].count(wanted.family)
        if found < wanted.threshold:
            missing = tuple(key.name for key in keys.keys if key not in signed)
            raise TooFewSigners(what, wanted.family, found, wanted.threshold, missing)
    if not known:
        raise UpdaterTooOld(what, "a signature family that it knows")
    return frozenset([key.id for key in signed])


def _signed(envelope: Envelope, keys: KeySet) -> list[PublicKey]:
    """The keys of this set whose signature counts; each is asked for once, by the id of its material (TH-1, KY-1)."""
    message, offered = envelope.pae, envelope.signatures
    return [key for key in keys.keys if (found := offered.get(key.id)) is not None and signed_by(key, found, message)]
