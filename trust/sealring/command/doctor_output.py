"""What the doctor found, for people and for machines."""

from datetime import datetime
from typing import Any

from rich.console import Console
from rich.text import Text

from sealring.command.output import Output, Row, Sheet, counted
from sealring.command.outside import Outside
from sealring.doctor.deadlines import Deadline, Instants
from sealring.doctor.examine import Examined
from sealring.doctor.findings import LEVELS, Finding, Level
from sealring.doctor.signers import Signers
from sealring.doctor.world import World
from sealring.names import spell

SCHEMA = 1
HEADINGS: dict[Level, str] = {
    "ended": "ended: devices wait for this",
    "problem": "problems: devices refuse this now",
    "warning": "warnings",
    "note": "notes",
}
COLOURS: dict[Level, str] = {"ended": "bold red", "problem": "red", "warning": "yellow", "note": "dim"}
MAX_NOTES = 20  # of one id for people; `--json` has all


def examined_object(found: Examined, world: World, instants: Instants, notes: list[str], code: int) -> dict[str, Any]:
    """The one object of `--json`; members are only ever added to a schema."""
    return {
        "schema": SCHEMA,
        "at": spell(instants.at),
        "read": spell(instants.read),
        "within_seconds": int(instants.within.total_seconds()),
        "root": world.chain.root_id,
        "root_version": world.chain.root.statement.sequence,
        "exit": code,
        "deadlines": [_deadline_object(one) for one in found.deadlines],
        "findings": [
            {"id": f.id, "level": f.level, "about": f.about, "words": f.words, "next": f.next, "code": f.code}
            for f in found.findings
        ],
        "statements": len(world.held),
        "notes": notes,
    }


def signers_object(by: Signers) -> dict[str, Any]:
    """A key set: its keys by name and fingerprint, and how many of which family are enough."""
    return {
        "by": by.by,
        "instead": by.instead,
        "thresholds": [{"family": t.family, "threshold": t.threshold} for t in by.keys.thresholds],
        "keys": [{"name": key.name, "type": key.type, "id": key.id} for key in by.keys.keys],
    }


def _deadline_object(one: Deadline) -> dict[str, Any]:
    return {
        "type": one.type,
        "subject": one.subject,
        "event": one.event,
        "sequence": one.sequence,
        "ends": spell(one.ends),
        "judged_at": spell(one.judged),
        "state": one.state,
        "final": one.lifted,
        "signers": [signers_object(by) for by in one.signers],
        "stops": list(one.stops),
        "next": one.next,
    }


def show_examined(
    output: Output, outside: Outside, found: Examined, world: World, instants: Instants, where: str
) -> None:
    """Findings by urgency, then every deadline, earliest first."""
    root = world.chain.root.statement.sequence
    output.line(f"{where}: {counted(len(world.held), 'statement')} below root {root}, as of {spell(instants.at)}")
    for level in LEVELS:
        _show_level(output, outside, level, [one for one in found.findings if one.level == level])
    rows = [_deadline_row(one, instants.at) for one in found.deadlines]
    output.sheet(Sheet("deadlines, earliest first", rows, ("what ends", "when", "in", "who must sign", "what stops")))


def _show_level(output: Output, outside: Outside, level: Level, findings: list[Finding]) -> None:
    if not findings:
        return
    _heading(output, outside, level)
    shown: dict[str, int] = {}
    for one in findings:
        shown[one.id] = shown.get(one.id, 0) + 1
        if shown[one.id] <= MAX_NOTES:
            output.line(f"  {one.id}: {one.about}: {one.words}")
            if one.next:
                output.line(f"      next: {one.next}")
    for name, count in shown.items():
        if count > MAX_NOTES:
            output.line(f"  {name}: {count - MAX_NOTES} more; --json has all")


def _heading(output: Output, outside: Outside, level: Level) -> None:
    if output.is_terminal and outside.color:
        Console(file=outside.out, highlight=False, markup=False).print(Text(HEADINGS[level], COLOURS[level]))
    else:
        output.line(HEADINGS[level])


def _deadline_row(one: Deadline, at: datetime) -> Row:
    what = f"{one.title}, {one.sequence}" + ("" if one.event == "expires" else f", {one.event}")
    needed = " and ".join(by.in_words() for by in one.signers if not by.instead)
    instead = "".join(f"; or {by.in_words()}" for by in one.signers if by.instead)
    stops = "; ".join(one.stops) or "nothing"
    return (what, spell(one.ends), _days(one.ends, at), needed + instead, "nothing: final" if one.lifted else stops)


def _days(ends: datetime, at: datetime) -> str:
    days = (ends - at).days
    return f"{days} d" if ends > at else "ended"
