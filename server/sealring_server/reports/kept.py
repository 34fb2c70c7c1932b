"""What is kept of reports: of each device the newest 64, and how far it is with each current release (RP-2, RP-3).

Bounded whatever comes: a counted device needs a serial that the brand signed, of the others the 10,000 are kept that
were heard of last, and none has more rows about releases than a model has packages.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from sealring.names import spell
from sealring.report import MAX_REPORTS, Report, ShownReport
from sealring_server.held import Held
from sealring_server.prepared import Prepared, insert_or_ignore, upsert
from sealring_server.reports.errors import NumberUsed
from sealring_server.reports.intake import Reporter, Taken, ends_at
from sealring_server.schema import heads, progress, reporters, reports, rollouts

MAX_SHOWN: Final = 10_000  # devices that are not counted (RP-3)
MAX_RELEASES: Final = 256  # of one device: as many as a model has packages
FAILURES: Final = ("rolled-back", "failed")

_KNOWN = Prepared(
    select(reports.c.digest).where(reports.c.device == bindparam("of"), reports.c.number == bindparam("at"))
)
_NUMBERS = Prepared(select(reports.c.number).where(reports.c.device == bindparam("of")).order_by(reports.c.number))
_KEY = Prepared(select(reporters.c.key_id).where(reporters.c.device == bindparam("of")))
_REPORTER = Prepared(
    upsert(reporters, ["device"], ("counted", "model", "seen", "serial_id", "key_id", "until", "checked"))
)
_FORGET = Prepared(delete(reporters).where(reporters.c.device == bindparam("of")))
_ADD = Prepared(insert(reports))
_CUT = Prepared(delete(reports).where(reports.c.device == bindparam("of"), reports.c.number < bindparam("first")))
_RELEASES = Prepared(
    select(heads.c.subject, heads.c.id).where(
        heads.c.type == "release", heads.c.subject >= bindparam("from"), heads.c.subject < bindparam("to")
    )
)
_STEP = Prepared(
    select(progress.c.begun, progress.c.event, progress.c.number, progress.c.reason).where(
        progress.c.ground == bindparam("ground"), progress.c.device == bindparam("of")
    )
)
_PUT_STEP = Prepared(upsert(progress, ["ground", "device"], ("begun", "event", "number", "reason")))
_STEPS = Prepared(select(func.count()).select_from(progress).where(progress.c.device == bindparam("of")))
_ROLLOUT = Prepared(insert_or_ignore(rollouts))
_CHANGED = Prepared(update(rollouts).where(rollouts.c.ground == bindparam("of")).values(changed=bindparam("now")))


def is_all_known(connection: Connection, taken: Iterable[Taken]) -> bool:
    """Whether each of these is here already: then nothing is written, however often it is sent (RP-2)."""
    return all(_is_known(connection, one.reporter.device, one.shown) for one in taken)


def keep(held: Held, taken: Iterable[Taken], now: int, entry: int) -> None:
    """Write what is news of these, in the caller's transaction.

    Args:
        now: the store's own clock, in seconds since 1970: a device's clock decides nothing.
        entry: the newest entry's number, by whose statements the reporters were judged.

    Raises:
        NumberUsed: and the caller rolls all of it back.
    """
    for one in taken:
        device, report = one.reporter.device, one.shown.report
        _make_room_for_key(held.connection, one.reporter)
        if _is_known(held.connection, device, one.shown):
            continue
        numbers = [row[0] for row in _NUMBERS.rows(held.connection, {"of": device})]
        # Older than all that is kept: it was here, or it came too late for anybody to see.
        if len(numbers) >= MAX_REPORTS and report.number < numbers[0]:
            continue
        _put_reporter(held.connection, one.reporter, now, entry)
        _ADD.run(held.connection, [_row(device, one.shown, now)])
        if len(numbers) >= MAX_REPORTS:
            kept = sorted([*numbers, report.number])[-MAX_REPORTS:]
            _CUT.run(held.connection, [{"of": device, "first": kept[0]}])
        _step(held, device, report, now)
    _drop_oldest(held.connection)


def _is_known(connection: Connection, device: str, one: ShownReport) -> bool:
    rows = _KNOWN.rows(connection, {"of": device, "at": one.report.number})
    if rows and rows[0][0] != one.digest:
        raise NumberUsed(one.report.number, max(row[0] for row in _NUMBERS.rows(connection, {"of": device})))
    return bool(rows)


def _make_room_for_key(connection: Connection, reporter: Reporter) -> None:
    """A serial that the brand gave another key is another device: what the old key said is forgotten with it."""
    if reporter.serial is None:
        return
    rows = _KEY.rows(connection, {"of": reporter.device})
    if rows and rows[0][0] != reporter.serial.statement.key.id:
        _FORGET.run(connection, [{"of": reporter.device}])


def _put_reporter(connection: Connection, reporter: Reporter, now: int, entry: int) -> None:
    serial = reporter.serial
    row = {"device": reporter.device, "model": reporter.model, "seen": now, "checked": entry}
    row |= {"counted": 0, "serial_id": "", "key_id": "", "until": 0}
    if serial is not None:
        row |= {"counted": 1, "serial_id": serial.envelope.id, "key_id": serial.statement.key.id}
        row |= {"until": ends_at(serial)}
    _REPORTER.run(connection, [row])


def _row(device: str, one: ShownReport, now: int) -> dict[str, object]:
    report = one.report
    return {
        "device": device,
        "number": report.number,
        "digest": one.digest,
        "came": now,
        "at": spell(report.at),
        "package": report.package,
        "ground": report.ground,
        "revision": report.revision,
        "previous": report.previous if isinstance(report.previous, int) else None,
        "event": report.event,
        "reason": _reason(report),
    }


def _step(held: Held, device: str, report: Report, now: int) -> None:
    """Note how far the device is with a release, where this is the one that its channel points at."""
    connection = held.connection
    rows = _RELEASES.rows(connection, {"from": f"{report.package}/", "to": f"{report.package}0"})
    subject = next((subject for subject, id in rows if id == report.ground), None)
    if subject is None:
        return
    found = _STEP.rows(connection, {"ground": report.ground, "of": device})
    if not found and _STEPS.rows(connection, {"of": device})[0][0] >= MAX_RELEASES:
        return
    begun, event, number, reason = found[0] if found else (now, report.event, report.number, _reason(report))
    # A failure stands: who tries again after it, and succeeds, had it all the same.
    if found and event not in FAILURES and (report.number > number or report.event in FAILURES):
        if event != "begun" and report.event == "begun":
            begun = now  # it was good, and begins again
        event, reason = report.event, _reason(report)
    step = {"ground": report.ground, "device": device, "begun": begun, "event": event, "reason": reason}
    _PUT_STEP.run(connection, [step | {"number": max(number, report.number)}])
    begins = {"ground": report.ground, "release": subject, "changed": now, "judged": 0, "watched": now}
    _ROLLOUT.run(connection, [begins])
    _CHANGED.run(connection, [{"of": report.ground, "now": now}])


def _reason(report: Report) -> str:
    return report.reason if isinstance(report.reason, str) else ""


def _drop_oldest(connection: Connection) -> None:
    """RP-3: of the devices that nobody vouches for only so many; a million made-up ones push each other out."""
    shown = connection.scalar(select(func.count()).select_from(reporters).where(reporters.c.counted == 0)) or 0
    if shown > MAX_SHOWN:
        oldest = (
            select(reporters.c.device)
            .where(reporters.c.counted == 0)
            .order_by(reporters.c.seen, reporters.c.device)
            .limit(shown - MAX_SHOWN)
        )
        connection.execute(delete(reporters).where(reporters.c.device.in_(oldest.scalar_subquery())))
