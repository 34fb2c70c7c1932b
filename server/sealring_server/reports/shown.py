"""What an operator sees of reports: how a release goes out, what is halted, what runs where (SPEC RP-3, HL-1).

Nothing here decides anything: unsigned reports are shown beside the counted ones, and never among them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, case, func, select

from sealring.halt import parse_halt
from sealring_server.reports.kept import FAILURES
from sealring_server.schema import halts as kept_halts
from sealring_server.schema import heads, progress, reporters, reports, rollouts


@dataclass(frozen=True)
class Step:
    """Devices by how far they are with a release."""

    begun: int
    """Of these the others are a part: all that have begun it."""
    good: int
    failed: int

    @property
    def waiting(self) -> int:
        """Those that have begun it and not said how it went."""
        return self.begun - self.good - self.failed


@dataclass(frozen=True)
class Point:
    """How many devices had begun a release by an instant, in all; the same for those that are only shown."""

    at: datetime
    counted: int
    shown: int


@dataclass(frozen=True)
class Curve:
    """How a current release goes out, as devices report it."""

    release: str
    id: str
    counted: Step
    """Devices with a serial that the brand vouches for."""
    shown: Step
    """Devices that anybody may have made up."""
    points: tuple[Point, ...]
    """At most 48, ascending; evenly spread from the first report to the last."""
    reasons: tuple[tuple[str, int], ...]
    """What failing devices said, the most frequent first, at most 8; a device's own words."""


@dataclass(frozen=True)
class HaltShown:
    """A release that this store has halted."""

    release: str
    id: str
    digest: str
    reason: str
    time: datetime
    entry: int
    is_current: bool
    """Whether the channel still points at it: the brand's next release ends a halt (HL-2)."""


@dataclass(frozen=True)
class FleetLine:
    """Devices of a model that run one revision of a package, as they said last."""

    model: str
    package: str
    revision: int
    counted: int
    shown: int
    newest: datetime


POINTS = 48
REASONS = 8


def curves(connection: Connection) -> Iterator[Curve]:
    """One for each current release that devices have reported on, by subject."""
    for release in connection.scalars(select(rollouts.c.release).order_by(rollouts.c.release)).all():
        found = curve_of(connection, release)
        if found is not None:
            yield found


def curve_of(connection: Connection, release: str) -> Curve | None:
    """How the current release of this subject (package, slash, channel) goes out; none where nobody reported on it."""
    ground = connection.scalar(
        select(rollouts.c.ground).join(heads, heads.c.id == rollouts.c.ground).where(rollouts.c.release == release)
    )
    if ground is None:
        return None
    steps = {1: Step(0, 0, 0), 0: Step(0, 0, 0)}
    for counted, *numbers in connection.execute(
        select(
            reporters.c.counted,
            func.count(),
            func.sum(case((progress.c.event == "good", 1), else_=0)),
            func.sum(case((progress.c.event.in_(FAILURES), 1), else_=0)),
        )
        .join(reporters, reporters.c.device == progress.c.device)
        .where(progress.c.ground == ground)
        .group_by(reporters.c.counted)
    ):
        steps[counted] = Step(*(int(number) for number in numbers))
    return Curve(release, ground, steps[1], steps[0], _points(connection, ground), _reasons(connection, ground))


def halts(connection: Connection) -> list[HaltShown]:
    """Every halt of this store, the newest first."""
    rows = connection.execute(
        select(kept_halts.c.digest, kept_halts.c.raw, kept_halts.c.entry, heads.c.id)
        .outerjoin(heads, (heads.c.type == "release") & (heads.c.id == kept_halts.c.id))
        .order_by(kept_halts.c.entry.desc(), kept_halts.c.release)
    )
    found = []
    for digest, raw, entry, current in rows:
        halt = parse_halt(bytes(raw))
        is_current = current is not None
        found.append(HaltShown(halt.release, halt.id, digest, halt.reason, halt.time, entry, is_current))
    return found


def fleet(connection: Connection) -> list[FleetLine]:
    """What runs where: of each device and package the newest report that ended in one way or the other."""
    newest = (
        select(
            reports.c.device,
            reports.c.package,
            reports.c.came,
            case((reports.c.event == "good", reports.c.revision), else_=reports.c.previous).label("runs"),
            func.row_number()
            .over(partition_by=(reports.c.device, reports.c.package), order_by=reports.c.number.desc())
            .label("place"),
        )
        .where(reports.c.event != "begun")
        .subquery()
    )
    rows = connection.execute(
        select(
            reporters.c.model,
            newest.c.package,
            newest.c.runs,
            func.sum(reporters.c.counted),
            func.count(),
            func.max(newest.c.came),
        )
        .join(reporters, reporters.c.device == newest.c.device)
        .where(newest.c.place == 1, newest.c.runs.is_not(None))
        .group_by(reporters.c.model, newest.c.package, newest.c.runs)
        .order_by(reporters.c.model, newest.c.package, newest.c.runs)
    )
    return [
        FleetLine(model, package, runs, int(counted), int(every) - int(counted), _instant(came))
        for model, package, runs, counted, every, came in rows
    ]


def _points(connection: Connection, ground: str) -> tuple[Point, ...]:
    begun = progress.c.begun
    first, last = connection.execute(select(func.min(begun), func.max(begun)).where(progress.c.ground == ground)).one()
    if first is None:
        return ()
    width = max(1, -(-(last - first + 1) // POINTS))
    slot = (begun - first) // width
    rows = connection.execute(
        select(slot, reporters.c.counted, func.count())
        .join(reporters, reporters.c.device == progress.c.device)
        .where(progress.c.ground == ground)
        .group_by(slot, reporters.c.counted)
        .order_by(slot)
    )
    by_slot: dict[int, list[int]] = {}
    for number, counted, some in rows:
        by_slot.setdefault(int(number), [0, 0])[int(counted)] += int(some)
    points, totals = [], [0, 0]
    for number, (shown, counted) in sorted(by_slot.items()):
        totals = [totals[0] + shown, totals[1] + counted]
        end = min(last, first + (number + 1) * width - 1)
        points.append(Point(_instant(end), totals[1], totals[0]))
    return tuple(points)


def _reasons(connection: Connection, ground: str) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        select(progress.c.reason, func.count())
        .where(progress.c.ground == ground, progress.c.event.in_(FAILURES))
        .group_by(progress.c.reason)
        .order_by(func.count().desc(), progress.c.reason)
        .limit(REASONS)
    )
    return tuple((reason, int(number)) for reason, number in rows)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
