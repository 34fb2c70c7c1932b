"""The lines of a revocation list: which may be added, and how none is lost by accident (SPEC CE-8)."""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import ClassVar, Literal, get_args

import click

from sealring.chain import WrongStatement
from sealring.command.files import load_claim
from sealring.errors import SealringError
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
    """A line in force would become milder, and nobody has said that it should (SPEC CE-8)."""

    what: str
    held: str
    offered: str
    rule: ClassVar[str] = "CE-8"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.what}: the list in force says {self.held}, {self.offered} would be milder"

    def hint(self) -> str:
        return f'if that is meant, say so with --lift "{self.what}"'


@dataclass(eq=False)
class NotFollowing(SealringError):
    """A list that does not follow the one in force would drop its lines unseen (SPEC CE-8)."""

    what: str
    reason: str
    rule: ClassVar[str] = "CE-8"
    exit_code: ClassVar[int] = 2

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"

    def hint(self) -> str:
        return "give the list in force by --replaces; a single line leaves it by --lift"


def check_named(what: str) -> None:
    """Raise unless a line that names this could ever meet a statement.

    A word too few names nothing at all, and nobody would notice before it is needed.
    """
    if re.fullmatch("[0-9a-f]{64}", what):
        return
    kind, _, subject = what.partition(" ")
    if kind in SUBJECTS and subject.count("/") == SUBJECTS[kind].count("/"):
        return
    wanted = f'"{kind} {SUBJECTS[kind]}"' if kind in SUBJECTS else f"TYPE one of {', '.join(SUBJECTS)}"
    raise click.UsageError(f'--revoke wants an id or "TYPE SUBJECT": {what!a:.80} found, {wanted} needed')


def named_in(path: Path, authority: str, *, by_subject: bool) -> str:
    """What a line names to revoke the assertion in this file: its id, or its type and subject.

    Raises:
        WrongStatement: when the list of this authority can't revoke it.
    """
    claim = load_claim(path)
    said = claim.statement
    # An id tells nobody whose it is, so that a line in the wrong list would do nothing, unseen.
    if said.authority != authority or said.type not in SUBJECTS:
        raise WrongStatement(str(path), said.title, f"what the list of {authority} can take back", "AU-1")
    return said.title if by_subject else claim.envelope.id


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
