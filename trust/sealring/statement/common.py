"""What every assertion says about itself (SPEC ST-4 to ST-6), and the refusals that go with it."""

import itertools
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from sealring.errors import RuledError, TrustError
from sealring.names import Instant, Name, Sequence, Sha256Hex, Text, plain, spell
from sealring.strict import Malformed

FORMATS = (1,)
"""The formats that this edition reads, ascending; statements of others are passed over (SPEC ST-2, ST-8)."""
Extra = Annotated[dict[Name, Text], Meta(min_length=1, max_length=16)]


@dataclass(eq=False)
class BadLifetime(TrustError):
    """A statement lives longer than its type may: a thief would choose the date (SPEC ST-5)."""

    what: str
    days: int
    limit_days: int
    rule: ClassVar[str] = "ST-5"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.what}: a life of {self.days} days, more than 0 and at most {self.limit_days} needed"

    def hint(self) -> str:
        return f"issue it again with an expiry at most {self.limit_days} days after its issue"


@dataclass(eq=False)
class BadStatement(RuledError):
    """Well spelled, and still a statement that contradicts itself."""

    what: str
    reason: str
    by: str
    exit_code: ClassVar[int] = 20

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        return "it must be issued again without the contradiction"


class Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="type"):
    """Members that stand first in every assertion, in this order after `type`.

    `sequence` grows with each re-issue of the same subject; `issued`, `expires` and `not_before` are whole
    seconds, UTC; `x` is signed and ignored by who does not know it.
    """

    lifetime: ClassVar[timedelta]
    format: Literal[1]
    root: Sha256Hex
    authority: Name
    sequence: Sequence
    issued: Instant
    expires: Instant
    not_before: Instant | UnsetType = UNSET
    x: Extra | UnsetType = UNSET

    @property
    def type(self) -> str:
        """The type's name, as it stands in the payload."""
        return str(self.__struct_config__.tag)

    @property
    def subject(self) -> str:
        """What the statement is about, as one line of ASCII; unique within type and format."""
        raise AssertionError("every type names its subject")

    @property
    def title(self) -> str:
        """Type and subject, for people."""
        return f"{self.type} {self.subject}"

    def check(self) -> None:
        """Raise a `TrustError` unless the members agree with each other; every type adds its own."""
        self.check_instants(self.issued, self.expires)
        if isinstance(self.x, dict) and list(self.x) != sorted(self.x):
            raise Malformed(self.title, "members of x are not in ascending order")
        if not timedelta(0) < self.expires - self.issued <= self.lifetime:
            raise BadLifetime(self.title, (self.expires - self.issued).days, self.lifetime.days)
        if isinstance(self.not_before, datetime):
            self.check_instants(self.not_before)
            if not self.issued <= self.not_before < self.expires:
                reason = f"not_before {spell(self.not_before)} lies outside its life"
                raise BadStatement(self.title, reason, "ST-5")

    def check_instants(self, *instants: datetime) -> None:
        """Raise unless each stood there in its one spelling; types with instants of their own pass them in."""
        for at in instants:
            if not plain(at):
                raise Malformed(self.title, "an instant that is not spelt as 2026-03-01T12:00:00Z")

    def refuse(self, reason: str, by: str) -> BadStatement:
        """The error for a rule of this type."""
        return BadStatement(self.title, reason, by)


def distinct(values: list[str]) -> bool:
    """Whether a list is strictly ascending: distinct, and in its one order."""
    return all(a < b for a, b in itertools.pairwise(values))
