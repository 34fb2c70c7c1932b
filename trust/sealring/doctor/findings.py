"""What a doctor says: one finding a thing, under an id that never changes its meaning."""

from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["ended", "problem", "warning", "note"]
LEVELS: Final[tuple[Level, ...]] = ("ended", "problem", "warning", "note")

IDS: Final[dict[str, str]] = {
    "expired": "it has ended at the instant that is asked about",
    "ends-soon": "it ends within the horizon",
    "end-of-support": "a model's support has ended, or ends within the horizon",
    "not-yet": "devices wait with it: dated ahead, or `not_before`",
    "revoked": "what a device needs has been taken back, and nothing stands in its place",
    "conflict": "two statements were signed for one place, or two images for one revision",
    "revocations-missing": "a statement names a revocation list that is not here",
    "revocations-behind": "a statement names an older revocation list than the one in force",
    "not-countersigned": "the keys that came, or are about to come, do not vouch for it",
    "short-of-threshold": "a newer statement waits for signatures",
    "missing-successor": "versions between what is held and what was found are not here",
    "missing": "a model names something that is not here",
    "unused-delegation": "a delegation vouches for nothing that is in force",
    "delegation-wide": "a delegation covers a whole brand, or more kinds than its holders use",
    "lifetime-too-long-for-type": "it lives longer than is usual for its type",
    "one-person": "one person alone meets a threshold",
    "no-spare": "all keys of a set must sign: the loss of one is the loss of the set",
    "weak-threshold": "less than half of a set's keys are enough",
    "shared-key": "one key stands in sets that should fall one by one",
    "lone-algorithm": "a set rests on one family of algorithms",
    "unknown-key-type": "a key of a type that this edition can't verify: it never counts here",
    "tuf-not-verified": "a store's TUF files do not verify from the root that its statement pins",
    "tuf-not-pinned": "no `store` statement says which TUF root a store has",
    "unread": "a file that looks like a statement can't be read",
    "foreign-root": "a statement of another root",
}
"""Every id, and what it means."""


@dataclass(frozen=True)
class Finding:
    """One thing to look at.

    Args:
        about: what it is about, for example `release acme/tool/latest/stable`.
        words: what was found, in words.
        next: a command line, or what to do.
        code: the exit code of the rule behind a problem (SPEC section 15); 0 for the other levels.
    """

    id: str
    level: Level
    about: str
    words: str
    next: str = ""
    code: int = 0

    def __post_init__(self) -> None:
        assert self.id in IDS, self.id
