"""The lines of a revocation list: which may be added, and how none is lost by accident (SPEC RC-1)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, get_args

import click

from sealring.errors import SealringError, TrustError
from sealring.names import ROOT
from sealring.statement.fleet import Revoked

Action = Literal["keep", "replace", "stop"]
ACTIONS: tuple[Action, ...] = get_args(Action)  # from the mildest to the strongest
SUBJECTS = {
    "brand": "BRAND",
    "delegation": "BRAND/DELEGATION",
    "model": "BRAND/MODEL",
    "release": "BRAND/PACKAGE/TRACK/RISK",
    "revision": "BRAND/PACKAGE/REVISION/ARCHITECTURE",
    "serial": "BRAND/MODEL/SERIAL",
    "stack": "BRAND/STACK",
    "store": "BRAND/STORE",
}


@dataclass(frozen=True)
class Line:
    """A line that the person adds; `since` is None where the person gave none, and `now` stands in for it."""

    what: str
    since: datetime | None
    now: datetime
    why: str
    action: Action


@dataclass(eq=False)
class WouldLift(SealringError):
    """A line in force would become milder, and nobody has said that it should."""

    what: str
    held: str
    offered: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.what}: the list in force says {self.held}, {self.offered} would be milder"

    def hint(self) -> str:
        return f'if that is meant, say so with --lift "{self.what}"'


@dataclass(eq=False)
class NotFollowing(SealringError):
    """A list that does not follow the one in force would drop its lines unseen."""

    what: str
    reason: str
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        return "give the list in force by --replaces; a single line leaves it by --lift"


@dataclass(eq=False)
class OutOfScope(TrustError):
    """A brand's list acts on what is that brand's, the root's on brands (SPEC AU-1)."""

    what: str
    authority: str
    rule: ClassVar[str] = "AU-1"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: not for the list of {self.authority}, which {self._needed()}"

    def hint(self) -> str:
        return "a line there would do nothing: add it to the list of whoever speaks for it"

    def _needed(self) -> str:
        return "names brands" if self.authority == ROOT else f"names what begins with {self.authority}/"


@dataclass(eq=False)
class MayNotStop(TrustError):
    """Only an authority itself stops what runs; a delegation's list does not reach so far (SPEC AU-2)."""

    what: str
    issuer: str
    rule: ClassVar[str] = "AU-2"
    exit_code: ClassVar[int] = 24

    def __str__(self) -> str:
        return f"{self.what}: stop found in the list of the delegation {self.issuer}, keep or replace needed"

    def hint(self) -> str:
        return f"let the brand stop it: --issuer {self.issuer.partition('/')[0]}"


def what_of(authority: str, title: str, what: str) -> str:
    """What a line names, once it is sure to be something that this list can revoke.

    Args:
        title: "TYPE SUBJECT" where that is known, else an id.
        what: what the line will hold: the same, or the id of the assertion with this title.
    """
    if re.fullmatch("[0-9a-f]{64}", title):
        return what
    kind, _, subject = title.partition(" ")
    parts = SUBJECTS.get(kind, "").count("/") + 1
    if kind not in ("root", "revocations") and (kind not in SUBJECTS or subject.count("/") + 1 != parts):
        # A word too few names nothing at all, and nobody would notice before it is needed.
        wanted = f'"{kind} {SUBJECTS[kind]}"' if kind in SUBJECTS else f"TYPE one of {', '.join(SUBJECTS)}"
        raise click.UsageError(f'--revoke wants an id or "TYPE SUBJECT": {title!a:.80} found, {wanted} needed')
    is_ours = kind == "brand" if authority == ROOT else kind in SUBJECTS and subject.startswith(f"{authority}/")
    if not is_ours:
        raise OutOfScope(title, authority)
    return what


def merged(old: Sequence[Revoked], added: Iterable[Line], lifted: Collection[str]) -> list[Revoked]:
    """The lines of before with the added ones; one leaves, or becomes milder, only where it is lifted.

    Raises:
        WouldLift: when an added line would weaken one in force.
    """
    held = {line.what: line for line in old}
    for what in lifted:
        if what not in held:
            raise click.UsageError(f"--lift {what!a:.80}: no line of --replaces")
    found = {what: line for what, line in held.items() if what not in lifted}
    for line in added:
        before = found.get(line.what)
        if before is not None and ACTIONS.index(line.action) < ACTIONS.index(before.action):
            raise WouldLift(line.what, before.action, line.action)
        since = line.since or (before.since if before is not None else line.now)
        found[line.what] = Revoked(line.what, since, line.why, line.action)
    return [found[what] for what in sorted(found)]


def check_lines(authority: str, issuer: str, lines: Iterable[Revoked]) -> None:
    """Raise when a delegation's list has a line that only its brand may write."""
    for line in lines:
        if issuer != authority and line.action == "stop":
            raise MayNotStop(line.what, f"{authority}/{issuer}")
