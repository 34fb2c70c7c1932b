"""What has been taken back: the lists in force, and what a line does (SPEC RC, RK).

A list that was verified once stays in force, expired or not. If its signatures no longer count it is weakened: it
still keeps new installations away, and stops nothing. Who computes which lists are in force is `floors`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import ClassVar, Final, Literal, NamedTuple

from sealring.delegation import NotDelegated, check_scope
from sealring.errors import TrustError
from sealring.names import ROOT, spell
from sealring.statement import Brand, Common, Delegation, Revocations
from sealring.statement.fleet import Revoked as Line

Action = Literal["keep", "replace", "stop"]
STRENGTH: Final[Mapping[Action, int]] = {"keep": 0, "replace": 1, "stop": 2}


@dataclass(eq=False)
class Revoked(TrustError):
    """The authority has taken it back: nothing new is done because of it (SPEC RK-1)."""

    what: str
    named: str
    issuer: str
    action: Action
    since: datetime
    why: str
    rule: ClassVar[str] = "RK-1"
    exit_code: ClassVar[int] = 21

    def __str__(self) -> str:
        return f"{self.what}: revoked by {self.issuer} since {spell(self.since)} ({self.action}): {self.why}"

    def hint(self) -> str:
        return "issue another that the list does not name; only a list of a higher sequence lifts a revocation"


@dataclass(frozen=True)
class ListInForce:
    """One issuer's list. `counts`: today's keys vouch for it. `scope`: the delegation that limits it, if one does."""

    statement: Revocations
    counts: bool
    scope: Delegation | None


class Found(NamedTuple):
    """A line that names a statement, what it does, and whose list it stands in."""

    line: Line
    action: Action
    issuer: str


@dataclass(frozen=True)
class InForce:
    """The union of all lists in force."""

    lists: tuple[ListInForce, ...] = ()

    def sequence(self, authority: str) -> int:
        """How far the authority's own list is held, by today's keys; 0 where none is (SPEC RC-1)."""
        own = [
            one.statement for one in self.lists if one.counts and one.statement.subject == f"{authority}/{authority}"
        ]
        return max((one.sequence for one in own), default=0)

    def strongest(self, statement: Common, identity: str) -> Found | None:
        """The strongest line that names this statement, by its id or its type and subject (SPEC RK-1, RK-4)."""
        if not self._lines:
            return None  # mostly nothing is taken back, and nothing need be looked up for each statement
        found = [*self._naming(statement, identity), *self._naming(statement, statement.title)]
        return max(found, key=lambda one: STRENGTH[one.action], default=None)

    def names_id(self, statement: Common, identity: str) -> bool:
        """Whether a line names this very statement by its id, whatever others say of its subject (SPEC FL-5)."""
        return bool(self._naming(statement, identity))

    def _naming(self, statement: Common, what: str) -> list[Found]:
        # RK-5: a list never takes back a list, or whoever signs one could lift another.
        if isinstance(statement, Revocations) or (statement.authority == ROOT and not isinstance(statement, Brand)):
            return []
        lines = self._lines.get((statement.authority, what), ())
        return [found for found, scope in lines if _within(scope, statement)]

    def check(self, statement: Common, identity: str) -> None:
        """Raise `Revoked` if any line in force names this statement: nothing new is done because of it."""
        found = self.strongest(statement, identity)
        if found is not None:
            line = found.line
            raise Revoked(statement.title, line.what, found.issuer, found.action, line.since, line.why)

    @cached_property
    def _lines(self) -> Mapping[tuple[str, str], list[tuple[Found, Delegation | None]]]:
        found: dict[tuple[str, str], list[tuple[Found, Delegation | None]]] = {}
        for one in self.lists:
            for line in one.statement.revoked:
                # RK-3: what today's keys no longer vouch for stops nothing, and still lets nothing new in.
                action: Action = line.action if one.counts else "keep"
                key = (one.statement.authority, line.what)
                found.setdefault(key, []).append((Found(line, action, one.statement.subject), one.scope))
        return found


def lists_in_force(
    counting: Iterable[ListInForce], silent: Iterable[ListInForce], numbers: Mapping[str, int]
) -> tuple[ListInForce, ...]:
    """The lists that count today, and of those that no longer do the ones that nothing has lifted (SPEC RK-2, RK-3).

    Args:
        silent: lists that were verified once; the highest of each issuer speaks, and where keys that no longer count
            have signed two of one sequence, both: the order in which they came says nothing of who was the thief.
        numbers: for each brand the list that its certificate in force names.
    """
    found = {one.statement.subject: one for one in counting}
    last: dict[str, list[ListInForce]] = {}
    for one in silent:
        known = last.get(one.statement.subject, [])
        ahead = one.statement.sequence - known[0].statement.sequence if known else 1
        if ahead >= 0:
            last[one.statement.subject] = [one] if ahead else [*known, one]
    highest = [one for those in last.values() for one in those]
    stays = [one for one in highest if not _lifted(one.statement, found.get(one.statement.subject), numbers)]
    return (*found.values(), *stays)


def _lifted(silent: Revocations, counting: ListInForce | None, numbers: Mapping[str, int]) -> bool:
    if counting is None:
        return False
    if counting.statement.sequence > silent.sequence or silent.issuer != silent.authority:
        return True
    # RK-3: a thief's last list ends when the brand's new certificate names one that its new keys have signed.
    return 1 <= numbers.get(silent.authority, 0) <= counting.statement.sequence


def _within(scope: Delegation | None, statement: Common) -> bool:
    if scope is None:
        return True
    try:
        # RK-4: a delegate takes back only what lies within his delegation, also where he names it by its id.
        check_scope(scope, statement)
    except NotDelegated:
        return False
    return True
