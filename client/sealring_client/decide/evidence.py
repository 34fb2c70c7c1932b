"""Two statements that contradict each other: neither is installed, and both are kept as evidence (SPEC FL-6).

```
evidence/<sha256 of type and subject>   a bundle of the two envelopes; at most 8 subjects, one pair each
```
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar

from sealring.authentic import Authentic, Claim, read_claim
from sealring.bundle import StatementEntry, read_bundle, write_bundle
from sealring.chain import Chain
from sealring.envelope import MAX_ENVELOPE
from sealring.errors import SealringError, TrustError
from sealring.floors import reauthenticate
from sealring.statement import Brand, Common
from sealring_client.decide.state import read_small
from sealring_client.decide.trusted import Trusted
from sealring_client.disk import make_folder_durably, remove_durably, write_durably

MAX_SUBJECTS = 8
_LIMIT = 2 * MAX_ENVELOPE + 1024  # bytes


@dataclass(eq=False)
class Disputed(TrustError):
    """Two were signed for one place, so neither is installed anew (SPEC FL-6)."""

    what: str
    offered: str
    other: str
    rule: ClassVar[str] = "FL-6"
    exit_code: ClassVar[int] = 23

    def __str__(self) -> str:
        return f"{self.what}: id {self.offered[:16]} offered, and {self.other[:16]} was signed for the same place"

    def hint(self) -> str:
        return "issue a higher sequence, or revoke the wrong one by its id; `evidence/` has both"


@dataclass(frozen=True)
class Pair:
    """The two envelopes of one conflict; `held` is what was met first."""

    held: Claim
    offered: Claim

    @property
    def title(self) -> str:
        """Type and subject."""
        return self.held.statement.title

    @property
    def sequence(self) -> int:
        """Of the two the higher; what lies above it ends the quarrel."""
        return max(self.held.statement.sequence, self.offered.statement.sequence)

    @property
    def raws(self) -> frozenset[bytes]:
        """Both envelopes."""
        return frozenset((self.held.envelope.raw, self.offered.envelope.raw))

    def stands(self, trusted: Trusted) -> bool:
        """Whether nothing has ended it: a higher sequence, a revocation by id, or other keys (FL-3, FL-5)."""
        if _sequence_held(trusted, self.held.statement) > self.sequence:
            return False
        return all(_counts(trusted.chain, one) and not is_taken_back(trusted.chain, one) for one in self._both)

    def as_json(self, trusted: Trusted) -> dict[str, Any]:
        """One object for a report."""
        ids = [one.envelope.id for one in self._both]
        return {"about": self.title, "sequence": self.sequence, "ids": ids, "stands": self.stands(trusted)}

    @property
    def _both(self) -> tuple[Claim, Claim]:
        return self.held, self.offered


@dataclass(frozen=True)
class Disputes:
    """Every conflict that is kept."""

    pairs: tuple[Pair, ...] = ()

    def check(self, trusted: Trusted, found: Authentic[Common]) -> None:
        """Raise `Disputed` where another was signed for the same place, and nothing has ended that."""
        for pair in self.pairs:
            ids = [pair.held.envelope.id, pair.offered.envelope.id]
            if found.envelope.id in ids and pair.stands(trusted):
                other = ids[1 - ids.index(found.envelope.id)]
                raise Disputed(pair.title, found.envelope.id, other)

    def with_pair(self, held: bytes, offered: bytes, trusted: Trusted) -> "Disputes":
        """With this conflict too: one of a subject, the one that still stands and is the highest."""
        new = Pair(read_claim(held), read_claim(offered))
        known = next((pair for pair in self.pairs if pair.title == new.title), None)
        if known is not None and known.stands(trusted) and known.sequence >= new.sequence:
            return self
        others = [pair for pair in self.pairs if pair.title != new.title]
        while len(others) >= MAX_SUBJECTS:
            # What has ended goes first; a flood of new ones never pushes out a quarrel that stands.
            over = next((pair for pair in others if not pair.stands(trusted)), None)
            if over is None:
                return self
            others.remove(over)
        return replace(self, pairs=(*others, new))


def is_taken_back(chain: Chain, one: Claim | Authentic[Common]) -> bool:
    """Whether a revocation names this statement by its id (FL-5)."""
    found = chain.revocations.strongest(one.statement, one.envelope.id)
    return found is not None and found.line.what == one.envelope.id


def load_disputes(folder: Path) -> Disputes:
    """The conflicts that were kept; a file that has rotted is none."""
    return Disputes(tuple(_read(folder)))


def save_disputes(folder: Path, disputes: Disputes) -> None:
    """Keep them, durably; nothing is written where nothing has changed.

    Raises:
        DiskError, NoSpace: those that are there stay.
    """
    held = {_path(folder, pair): pair for pair in _read(folder)}
    wanted = {_path(folder, pair): pair for pair in disputes.pairs}
    if wanted and not held:
        make_folder_durably(folder / "evidence")
    for path, pair in wanted.items():
        if path not in held or held[path].raws != pair.raws:
            entries = [StatementEntry(one.envelope.raw) for one in (pair.held, pair.offered)]
            write_durably(path, write_bundle(entries))
    for path in held.keys() - wanted.keys():
        remove_durably(path)


def _read(folder: Path) -> Iterator[Pair]:
    try:
        names = sorted(path for path in (folder / "evidence").iterdir() if len(path.name) == 64)
    except OSError:
        return
    for path in names[: 2 * MAX_SUBJECTS]:
        with suppress(SealringError):
            raws = [e.envelope for e in read_bundle(read_small(path, _LIMIT) or b"") if isinstance(e, StatementEntry)]
            if len(raws) == 2:
                yield Pair(read_claim(raws[0]), read_claim(raws[1]))


def _path(folder: Path, pair: Pair) -> Path:
    return folder / "evidence" / sha256(pair.title.encode()).hexdigest()


def _sequence_held(trusted: Trusted, statement: Common) -> int:
    if isinstance(statement, Brand):
        brand = trusted.known_brand(statement.brand)
        return brand.statement.sequence if brand is not None else 0
    floor = trusted.floors.highest.get((statement.type, statement.subject))
    return floor.statement.sequence if floor is not None else 0


def _counts(chain: Chain, one: Claim) -> bool:
    """Whether today's keys still vouch for it; of a brand's statements it was judged when it came."""
    if isinstance(one.statement, Brand):
        return True
    try:
        reauthenticate(chain, one.envelope.raw)
    except TrustError:
        return False
    return True
