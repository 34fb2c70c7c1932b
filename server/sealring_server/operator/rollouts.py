"""How releases go out, as devices report it: shares over time, and what runs where (SPEC RP-3, HL-2).

Counted devices have a serial that their brand vouches for; the others are shown beside them, since anybody may have
made them up. All of it is asked at once and kept (`Kept`): a fleet's reports are too many to be read for each look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, func, select

from sealring.envelope import parse_envelope
from sealring.statement import Release, parse_statement
from sealring.statement.software import Rollout
from sealring_server.database import Database
from sealring_server.held import Held
from sealring_server.reports import Curve, FleetLine, HaltShown, curves, fleet, halts
from sealring_server.schema import progress, reporters, reports

MOST = 100  # rollouts
POINTS = 24  # of one curve
FAILED = ("rolled-back", "failed")


@dataclass(frozen=True)
class Moment:
    """How many devices had got so far by an instant."""

    at: datetime
    begun: int
    good: int
    failed: int


@dataclass(frozen=True)
class Course:
    """One release's way out."""

    release: str
    sequence: int
    plan: Rollout | None
    curve: Curve
    moments: tuple[Moment, ...]
    counted: bool
    """Whether `moments` are of counted devices; where there are none, of those that are only shown."""
    devices: int
    """Those that reported on this package at all: of these the shares are."""
    halt: HaltShown | None


@dataclass(frozen=True)
class Fleet:
    """All that devices have reported."""

    lines: Sequence[FleetLine]
    courses: Sequence[Course]
    more: bool
    """Whether there are more rollouts than are shown."""
    halts: Sequence[HaltShown]


def collect_fleet(database: Database) -> Fleet:
    """Everything about the fleet, of one committed state."""
    with database.reading() as connection:
        lines, halted, held = fleet(connection), halts(connection), Held(connection)
        by_package: dict[str, int] = {}
        for line in lines:
            by_package[line.package] = by_package.get(line.package, 0) + line.counted + line.shown
        found: list[Course] = []
        for number, curve in enumerate(curves(connection)):
            if number == MOST:
                return Fleet(lines, found, True, halted)
            found.append(_course(held, curve, by_package, halted))
    return Fleet(lines, found, False, halted)


def _course(held: Held, curve: Curve, devices: dict[str, int], halted: Sequence[HaltShown]) -> Course:
    raw = held.current("release", curve.release)
    said = parse_statement(parse_envelope(raw).payload) if raw is not None else None
    plan = said.rollout if isinstance(said, Release) and isinstance(said.rollout, Rollout) else None
    counted = curve.counted.begun > 0
    moments = _moments(held.connection, curve.id, counted)
    package = "/".join(curve.release.split("/")[:2])
    known = max(devices.get(package, 0), curve.counted.begun + curve.shown.begun)
    halt = next((one for one in halted if one.id == curve.id), None)
    return Course(curve.release, said.sequence if said else 0, plan, curve, moments, counted, known, halt)


def _moments(connection: Connection, ground: str, counted: bool) -> tuple[Moment, ...]:
    """How many had begun, were good and had failed, at evenly spread instants from the first report to the last."""
    mine = reporters.c.counted == int(counted)
    joined = progress.join(reporters, reporters.c.device == progress.c.device)
    begun = select(progress.c.begun).select_from(joined).where(progress.c.ground == ground, mine).subquery()
    ended = (
        select(progress.c.event, func.min(reports.c.came).label("came"))
        .select_from(joined.join(reports, reports.c.device == progress.c.device))
        .where(progress.c.ground == ground, mine, reports.c.ground == ground, reports.c.event == progress.c.event)
        .where(progress.c.event != "begun")
        .group_by(progress.c.device, progress.c.event)
        .subquery()
    )
    first, last = connection.execute(select(func.min(begun.c.begun), func.max(begun.c.begun))).one()
    latest = connection.scalar(select(func.max(ended.c.came)))
    if first is None:
        return ()
    width = max(1, -(-(max(last, latest or 0) - first + 1) // POINTS))
    counts: dict[tuple[str, int], int] = {}
    started = select(((begun.c.begun - first) // width).label("slot")).subquery()
    asked = select(started.c.slot, func.count()).group_by(started.c.slot)
    for slot, some in connection.execute(asked):
        counts["begun", int(slot)] = int(some)
    over = select(ended.c.event, ((ended.c.came - first) // width).label("slot")).subquery()
    asked_over = select(over.c.event, over.c.slot, func.count()).group_by(over.c.event, over.c.slot)
    for event, slot, some in connection.execute(asked_over):
        place = "failed" if event in FAILED else "good", max(0, int(slot))
        counts[place] = counts.get(place, 0) + int(some)
    return tuple(_summed(counts, first, width))


def _summed(counts: dict[tuple[str, int], int], first: int, width: int) -> list[Moment]:
    totals = {"begun": 0, "good": 0, "failed": 0}
    found = [Moment(datetime.fromtimestamp(first, UTC), 0, 0, 0)]
    for slot in sorted({slot for _, slot in counts}):
        for kind in totals:
            totals[kind] += counts.get((kind, slot), 0)
        at = datetime.fromtimestamp(first + (slot + 1) * width, UTC)
        found.append(Moment(at, totals["begun"], totals["good"], totals["failed"]))
    return found
