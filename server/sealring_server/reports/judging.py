"""When a store halts a release by itself (SPEC HL-2): the brand's plan says from which share of failures on.

Cheap while nothing happens: one look at the few releases that devices have reported on. Counted is who has a serial
of a model of the release's own brand, so that no other publisher's devices, however many he makes, halt it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, Select, and_, bindparam, case, delete, false, func, or_, select, update

from sealring.chain import read_claim
from sealring.halt import Halt
from sealring.moment import Moment
from sealring.names import covers
from sealring.statement import Release
from sealring.statement.software import Rollout
from sealring_server.catalogue import last_entry
from sealring_server.commit import begin_draft
from sealring_server.held import Held, below
from sealring_server.here import StoreHere
from sealring_server.prepared import Prepared
from sealring_server.reports.intake import ends_at, own_stores, serial_of
from sealring_server.reports.kept import FAILURES
from sealring_server.schema import halts, heads, progress, reporters, rollouts, statements

AWAY: Final = 900  # seconds without a look after which nobody's silence until now is held against him
NOTE: Final = 300  # seconds after which a look is noted again, though nothing changed
_GOVERN: Final = ("root", "brand", "delegation", "revocations")
AT_ONCE: Final = 20_000  # serials that are judged again in one look; about two seconds
AT_LEAST: Final = 2  # failing devices: one thief's key alone halts nothing

_CHECKED = Prepared(
    update(reporters)
    .where(reporters.c.device == bindparam("of"))
    .values(
        counted=bindparam("is_counted"),
        until=bindparam("ends"),
        serial_id=bindparam("named"),
        checked=bindparam("by"),
    )
)
_LOOKED = Prepared(
    update(rollouts)
    .where(rollouts.c.ground == bindparam("of"))
    .values(judged=bindparam("now"), watched=bindparam("since"))
)


class _Rollout(NamedTuple):
    """A row of `rollouts` that is not halted."""

    ground: str
    release: str
    judged: int
    watched: int


@dataclass(frozen=True)
class Tally:
    """The counted devices that have begun a release, those of them that said they failed, and those gone silent."""

    begun: int
    failed: int
    silent: int

    @property
    def is_enough(self) -> bool:
        """Whether so many have failed that anything may follow."""
        return self.failed + self.silent >= AT_LEAST

    def is_beyond(self, plan: Rollout) -> bool:
        """HL-2: whether so many have failed that the plan says stop."""
        return self.is_enough and (self.failed + self.silent) * 10_000 > plan.error_threshold * self.begun

    def __str__(self) -> str:
        return f"{self.failed} of {self.begun} devices failed, {self.silent} more fell silent"


def judge_halts(here: StoreHere) -> list[str]:
    """Halt what has to be halted; the subjects of the releases that were. Safe with any number of processes.

    Raises:
        SealringError, SQLAlchemyError, OSError: something failed; what is due stays due.
    """
    at = here.clock()
    with here.database.reading() as connection:
        if not _is_due(connection, int(at.timestamp())):
            return []
    with here.database.writing() as connection:
        _forget_old(connection)
        asked = select(rollouts.c.ground, rollouts.c.release, rollouts.c.judged, rollouts.c.watched)
        rows = connection.execute(asked.where(rollouts.c.ground.not_in(select(halts.c.id)))).all()
        judged = [_judged(here, connection, _Rollout(*row), at) for row in rows]
        found = [one for one in judged if one is not None]
        if found:
            draft = begin_draft(connection, last_entry(connection).sequence + 1)
            for one in found:
                draft.halt(one)
            draft.append(here, at)
    return [one.release for one in found]


def _is_due(connection: Connection, now: int) -> bool:
    """Whether a report came since the last look, or that is a while ago."""
    late = or_(rollouts.c.changed >= rollouts.c.judged, rollouts.c.judged <= now - NOTE, rollouts.c.judged > now)
    is_open = rollouts.c.ground.not_in(select(halts.c.id))
    is_old = rollouts.c.ground.not_in(_current())
    return connection.scalar(select(rollouts.c.ground).where(or_(late & is_open, is_old)).limit(1)) is not None


def _current() -> Select[tuple[str]]:
    """The release that is current in the place of a row of `rollouts`."""
    return select(heads.c.id).where(heads.c.type == "release", heads.c.subject == rollouts.c.release)


def _forget_old(connection: Connection) -> None:
    """Drop what is about releases that no channel points at any more: the brand's next signature begins anew (HL-2)."""
    for ground in connection.scalars(select(rollouts.c.ground).where(rollouts.c.ground.not_in(_current()))).all():
        connection.execute(delete(progress).where(progress.c.ground == ground))
        connection.execute(delete(rollouts).where(rollouts.c.ground == ground))


def _judged(here: StoreHere, connection: Connection, one: _Rollout, at: datetime) -> Halt | None:
    held, now = Held(connection), int(at.timestamp())
    # Who was away, or whose clock jumped, has not heard what devices said meanwhile: no silence counts from before.
    watched = one.watched if 0 <= now - one.judged <= AWAY else now
    looked = {"of": one.ground, "now": now, "since": watched}
    raw = held.current("release", one.release)
    said = read_claim(raw).statement if raw is not None else None
    if not isinstance(said, Release) or not isinstance(said.rollout, Rollout):
        _LOOKED.run(connection, [looked])
        return None
    late = now - said.rollout.silence
    # Who counts is looked up only where enough have failed, whoever they are.
    if not _tally(connection, said, one.ground, late, watched, also_uncounted=True).is_enough:
        _LOOKED.run(connection, [looked])
        return None
    if not _check_serials(here, held, one.ground, Moment(at)):
        return None  # nothing is noted: the next look goes on
    _LOOKED.run(connection, [looked])
    tally = _tally(connection, said, one.ground, late, watched)
    if not tally.is_beyond(said.rollout) or not _may_halt(here, held, said, Moment(at)):
        return None
    time = at.astimezone(UTC).replace(microsecond=0)
    return Halt(format=1, root=said.root, release=one.release, id=one.ground, reason=str(tally), time=time)


def _tally(
    connection: Connection, said: Release, ground: str, late: int, watched: int, *, also_uncounted: bool = False
) -> Tally:
    """How many have begun and failed.

    Args:
        late: who began before it and said nothing since is silent, if the store has been watching since then.
        also_uncounted: whether devices count whose serial had ended when it was last looked at.
    """
    is_silent = (progress.c.event == "begun") & (progress.c.begun <= late) if watched <= late else false()
    asked = (
        select(
            func.count(),
            func.coalesce(func.sum(case((progress.c.event.in_(FAILURES), 1), else_=0)), 0),
            func.coalesce(func.sum(case((is_silent, 1), else_=0)), 0),
        )
        .join(reporters, reporters.c.device == progress.c.device)
        # Another publisher makes serials of his own models, as many as he likes: they are not asked.
        .where(progress.c.ground == ground, below(reporters.c.model, said.authority))
        .where(reporters.c.serial_id != "" if also_uncounted else reporters.c.counted == 1)
    )
    begun, failed, silent = connection.execute(asked).one()
    return Tally(int(begun), int(failed), int(silent))


def _check_serials(here: StoreHere, held: Held, ground: str, moment: Moment) -> bool:
    """RP-3: judge again each serial of this release about which anything may have changed since it was looked at.

    Whether that were all of them: the lock is held meanwhile, and after new keys of a brand they may be a million.
    """
    connection, newest = held.connection, last_entry(held.connection).sequence
    changed = connection.scalar(select(func.max(statements.c.entry)).where(statements.c.type.in_(_GOVERN))) or 0
    serial = and_(heads.c.type == "serial", heads.c.subject == reporters.c.device, heads.c.format == 1)
    ended = reporters.c.until <= int(moment.at.timestamp())
    other = or_(heads.c.id.is_(None), heads.c.id != reporters.c.serial_id)
    asked = (
        select(reporters.c.device, reporters.c.key_id)
        .join(progress, and_(progress.c.device == reporters.c.device, progress.c.ground == ground))
        .outerjoin(heads, serial)
        .outerjoin(statements, statements.c.envelope == heads.c.envelope)
        .where(
            reporters.c.serial_id != "",
            or_(
                reporters.c.checked < changed,
                and_(reporters.c.counted == 1, or_(other, ended)),
                # One that had ended counts again once the brand has signed it anew.
                and_(reporters.c.counted == 0, statements.c.entry > reporters.c.checked),
            ),
        )
        .limit(AT_ONCE)
    )
    rows = []
    for device, key in connection.execute(asked).all():
        found = serial_of(held, here.grounds, device, moment)
        row = {"of": device, "is_counted": 0, "ends": 0, "named": "-", "by": newest}
        # With another key it is another device: what the old key said counts for nothing.
        if found is not None and found.statement.key.id == key:
            row |= {"is_counted": 1, "ends": ends_at(found), "named": found.envelope.id}
        rows.append(row)
    if rows:
        _CHECKED.run(connection, rows)
    return len(rows) < AT_ONCE


def _may_halt(here: StoreHere, held: Held, said: Release, moment: Moment) -> bool:
    """HL-2: whether the release's own brand lets this very store halt it."""
    chain = here.grounds.chain(held, {said.authority})
    mine = own_stores(held, chain, said.authority, moment)
    return any(one.may_halt and any(covers(pattern, said.name) for pattern in one.packages) for one in mine)
