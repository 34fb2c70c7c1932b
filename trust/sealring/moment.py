"""When is it? The instant of a check, and the signed lower bounds that a poor clock is held to (SPEC TM)."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar

from sealring.errors import TrustError
from sealring.names import spell
from sealring.statement import Common

MAX_AHEAD = timedelta(minutes=10)


@dataclass(eq=False)
class Expired(TrustError):
    """It was true once (SPEC TM-1). Expiry stops a new installation, never what runs."""

    what: str
    expires: datetime
    at: datetime
    rule: ClassVar[str] = "TM-1"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.what}: expired {spell(self.expires)}, now {spell(self.at)}"

    def hint(self) -> str:
        return "it must be issued again with a later expiry; if the clock is wrong, set it"


@dataclass(eq=False)
class FromTheFuture(TrustError):
    """Issued after now: signing is releasing, so nothing is signed for later by its date (SPEC TM-2)."""

    what: str
    issued: datetime
    at: datetime
    rule: ClassVar[str] = "TM-2"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.what}: issued {spell(self.issued)}, now {spell(self.at)}"

    def hint(self) -> str:
        return "set the clock; to release later, sign a `not_before`"


@dataclass(eq=False)
class TooEarly(TrustError):
    """Signed to wait until `not_before` (SPEC TM-3)."""

    what: str
    not_before: datetime
    at: datetime
    rule: ClassVar[str] = "TM-3"
    exit_code: ClassVar[int] = 22

    def __str__(self) -> str:
        return f"{self.what}: not before {spell(self.not_before)}, now {spell(self.at)}"

    def hint(self) -> str:
        return "wait: devices act on it, and stores take it in, when its time has come"


@dataclass(frozen=True)
class Moment:
    """The instant of one check, fixed once. `proven` is false where the clock is known to be poor or behind."""

    at: datetime
    proven: bool = True

    def raised(self, floor: datetime | None) -> "Moment":
        """The same moment, not before this signed lower bound (SPEC TM-4).

        A clock behind something that was signed is wrong, so the result is no longer proven.
        """
        if floor is None or floor <= self.at:
            return self
        # A device's clock and a signer's may honestly differ by what TM-2 allows.
        return Moment(floor, self.proven and floor - self.at <= MAX_AHEAD)


def check_time(statement: Common, moment: Moment, *, may_end: bool = True) -> None:
    """Raise unless the statement may be acted upon at this moment (SPEC TM-1 to TM-3).

    Args:
        may_end: false for what a `final` release rests on, whose expiry is reported and not enforced (EL-2).
    """
    # TM-1: the last good instant is the one before `expires`; equality is refused.
    if may_end and moment.at >= statement.expires:
        raise Expired(statement.title, statement.expires, moment.at)
    # TM-2 needs a clock: a device without one learns the time from exactly such statements (TM-5).
    if moment.proven and statement.issued - moment.at > MAX_AHEAD:
        raise FromTheFuture(statement.title, statement.issued, moment.at)
    wait: Any = statement.not_before
    if isinstance(wait, datetime) and wait > moment.at:
        raise TooEarly(statement.title, wait, moment.at)
