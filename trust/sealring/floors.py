"""What was seen before, and what of it still counts (SPEC FL): floors are computed, never stored as numbers.

Whoever remembers (a device on its disk, a store in its database) remembers whole envelopes. After each
change of keys the floors are computed again: a statement that today's keys still vouch for stands, expired
or not; one that they don't vouch for is passed over, and the highest earlier one that they do takes its
place. So a thief's fast-forward ends with his keys, and a routine rotation opens no way back.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from sealring.authentic import Authentic, S, check_floor, read_claim
from sealring.chain import Chain
from sealring.errors import TrustError
from sealring.furnished import furnished, gives_way
from sealring.statement import TYPES, Common

MAX_KEPT = 8  # statements of one subject
MAX_UNCHECKED = 4  # of one subject, up to which one stays for a signature that does not count today
Subject = tuple[str, str]
"""A type and a subject."""


@dataclass(frozen=True)
class Floors:
    """The highest statement of each subject under today's keys; `chain` has what they delegate and revoke."""

    chain: Chain
    highest: dict[Subject, Authentic[Common]] = field(default_factory=dict)

    @classmethod
    def of(cls, chain: Chain, raws: Iterable[bytes]) -> "Floors":
        """The floors that these remembered envelopes make under this chain (SPEC FL-2).

        Args:
            chain: root and brands; what it holds of delegations and revocations is found again in `raws`.
            raws: envelopes that were authentic once, in the order in which they were accepted.
        """
        remembered = list(raws)
        chain = furnished(chain, remembered, once_verified=True)
        highest: dict[Subject, Authentic[Common]] = {}
        for raw in remembered:
            try:
                found = reauthenticate(chain, raw)
            except TrustError:
                continue  # its keys no longer count: passed over, and kept for the day they may again
            key = (found.statement.type, found.statement.subject)
            if key not in highest or _goes_before(chain, found, highest[key]):
                highest[key] = found
        return cls(chain, highest)

    def get(self, kind: type[S], subject: str) -> Authentic[S] | None:
        """The floor of one subject."""
        found = self.highest.get((str(kind.__struct_config__.tag), subject))
        return found if found is not None and isinstance(found.statement, kind) else None  # type: ignore[return-value]

    def check(self, found: Authentic[Common]) -> None:
        """Raise when the statement lies below its floor, or beside it (SPEC FL-1, FL-3, FL-5)."""
        held = self.highest.get((found.statement.type, found.statement.subject))
        if held is not None and not gives_way(self.chain.revocations, held, found):
            check_floor(found, held)

    def learn(self, found: Authentic[S]) -> "Floors":
        """The floors after this authentic statement, expired or not.

        What it delegates or revokes is in force only once the floors are computed again, by `of`.

        Raises:
            Rollback, Conflict, SecondImage: and the floors in hand stay as they were.
        """
        self.check(found)
        return replace(self, highest={**self.highest, (found.statement.type, found.statement.subject): found})


def reauthenticate(chain: Chain, raw: bytes) -> Authentic[Common]:
    """One remembered statement of a brand, judged again by today's keys."""
    claim = read_claim(raw)
    return chain.authenticate_claim(claim, TYPES[claim.statement.type], claim.statement.authority)


def _goes_before(chain: Chain, found: Authentic[Common], held: Authentic[Common]) -> bool:
    """Whether `found` is the floor rather than what is held."""
    return found.statement.sequence > held.statement.sequence or gives_way(chain.revocations, held, found)


def kept(found: Iterable[Authentic[Common]]) -> list[Authentic[Common]]:
    """Which statements of one subject are worth remembering, highest first: at most 8 (SPEC FL-4).

    A lower one matters only if it has a signer that no higher one has: else, whenever it counts, a higher one
    does too. Where more than 8 are left, those that bring a signer of their own stay, so that a thief of some
    keys, whatever subsets of them he signs with, can't push out what a key that he lacks has signed.
    """
    ranked = sorted(found, key=lambda one: one.statement.sequence, reverse=True)
    useful: list[Authentic[Common]] = []
    for one in ranked:
        if not any(one.signers <= higher.signers for higher in _above(useful, one)):
            useful.append(one)
    seen: set[str] = set()
    new: list[bool] = []
    for one in useful:
        new.append(not one.signers <= seen)
        seen |= one.signers
    # A stable sort: first the bearers of new signers, each part still highest first.
    chosen = [one for _, one in sorted(zip(new, useful, strict=True), key=lambda pair: not pair[0])][:MAX_KEPT]
    # Signed ahead of a change of keys, or by a delegate beside the brand: it may count when the others do not. Nobody
    # has checked such signatures, so what they keep takes no place of another.
    for one in ranked:
        known = [other.envelope.signatures.keys() for other in _above(chosen, one)]
        if len(chosen) < MAX_UNCHECKED and one not in chosen:
            chosen += [] if any(one.envelope.signatures.keys() <= ids for ids in known) else [one]
    return sorted(chosen, key=lambda one: one.statement.sequence, reverse=True)


def _above(those: list[Authentic[Common]], one: Authentic[Common]) -> list[Authentic[Common]]:
    """FL-5: of two with one sequence neither makes the other needless, for either may be taken back by its id."""
    return [other for other in those if other.statement.sequence > one.statement.sequence]


__all__ = ["MAX_KEPT", "Floors", "Subject", "kept", "reauthenticate"]
