"""What a store takes of reports, and from whom (SPEC RP-1 to RP-3, HT-4)."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from sqlalchemy import func, select

from sealring.bundle import Entry, ReportEntry, StatementEntry, write_bundle
from sealring.envelope import BadEnvelope, envelope_bytes, seal
from sealring.report import REPORT_TYPE, ShownReport, open_report, report_bytes
from sealring.strict import encode
from sealring_server.group import Ticket
from sealring_server.publication import OnlyStatements, open_publication
from sealring_server.reports import curve_of, fleet
from sealring_server.reports.errors import NotForThisStore, NumberUsed, OnlyReports
from sealring_server.reports.intake import MAX_BODY
from sealring_server.reports.kept import MAX_SHOWN
from sealring_server.reports.routes import keep_all, take_reports
from sealring_server.schema import progress, reporters, reports
from tests.unit.server.reports.conftest import Factory
from tests.world import DAY, Key

RELEASE = "acme/tool/latest/stable"


def counted(factory: Factory) -> tuple[int, int]:
    """Devices that count, and devices that are only shown, by their rows."""
    with factory.shop.here.database.reading() as connection:
        asked = select(func.count()).select_from(reporters).where
        return connection.scalar(asked(reporters.c.counted == 1)) or 0, connection.scalar(
            asked(reporters.c.counted == 0)
        ) or 0


def rows(factory: Factory, table: Any) -> int:
    """How many rows a table has."""
    with factory.shop.here.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def test_a_report_signed_by_its_serial_counts(factory: Factory) -> None:
    """RP-3: and what the operator sees of it."""
    factory.device().says("begun", "good")
    assert counted(factory) == (1, 0)
    with factory.shop.here.database.reading() as connection:
        curve = curve_of(connection, RELEASE)
        (line,) = fleet(connection)
    assert curve is not None
    assert (curve.counted.begun, curve.counted.good, curve.counted.failed, curve.shown.begun) == (1, 1, 0, 0)
    assert [(point.counted, point.shown) for point in curve.points] == [(1, 0)]
    assert (line.model, line.package, line.revision, line.counted, line.shown) == ("acme/door-1", "acme/tool", 2, 1, 0)


def by_another(factory: Factory) -> bytes:
    factory.device("sn-2")
    return report_bytes(factory.device("sn-1").report(), Key("device-sn-2"))


def altered(factory: Factory) -> bytes:
    device = factory.device()
    good = device.key.sign(b"another report")
    return envelope_bytes(REPORT_TYPE, encode(device.report()), {device.key.id: good})


def revoked(factory: Factory) -> bytes:
    device, world = factory.device(), factory.shop.world
    factory.shop.publish([world.signed(world.revocations(1, ("serial acme/door-1/sn-1", "keep")))])
    return report_bytes(device.report(), device.key)


def expired(factory: Factory) -> bytes:
    device = factory.device(expires=factory.shop.at + DAY)
    factory.shop.later(days=1)
    return report_bytes(device.report(), device.key)


def of_another_model(factory: Factory) -> bytes:
    world = factory.shop.world
    factory.shop.publish([world.signed(world.model("gate"))])
    device = factory.device()
    return report_bytes(device.report(model="acme/gate"), device.key)


def unsigned(factory: Factory) -> bytes:
    return report_bytes(factory.device().report())


def not_published(factory: Factory) -> bytes:
    stranger = factory.stranger()
    return report_bytes(stranger.report(), stranger.key)


def rotated_away(factory: Factory) -> bytes:
    """The serial got another key; the old one was in the device that was thrown away."""
    device, world = factory.device(), factory.shop.world
    factory.shop.publish([world.signed(world.serial(Key("new").public, "sn-1", sequence=2))])
    return report_bytes(device.report(), device.key)


@pytest.mark.parametrize(
    "forge", [by_another, altered, revoked, expired, of_another_model, unsigned, not_published, rotated_away]
)
def test_what_no_good_serial_signed_is_shown_and_never_counts(factory: Factory, forge: Any) -> None:
    """RP-3: each of these would otherwise let a stranger, or a thief of an old key, halt releases."""
    factory.send(forge(factory))
    assert counted(factory) == (0, 1)


def test_the_device_s_clock_changes_nothing(factory: Factory) -> None:
    """RP-3: an expired serial is no better for a report dated to when it was good."""
    device = factory.device(expires=factory.shop.at + DAY)
    early = factory.shop.at
    factory.shop.later(days=2)
    device.says("failed", at=early)
    assert counted(factory) == (0, 1)


def test_the_same_report_again_is_no_news(factory: Factory) -> None:
    """RP-2: a replay, by the device or by whoever listened, gets the same answer and writes nothing."""
    device = factory.device()
    raw = write_bundle([ReportEntry(report_bytes(device.report("failed"), device.key))])
    for _ in range(3):
        answer = factory.client.post("/v1/reports", data=raw)
        assert (answer.status_code, answer.data, answer.headers["Cache-Control"]) == (204, b"", "no-store")
        factory.shop.later(minutes=1)
    assert (rows(factory, reports), rows(factory, progress)) == (1, 1)
    with factory.shop.here.database.reading() as connection:
        assert connection.scalar(select(reporters.c.seen)) == int((factory.shop.at - 3 * DAY / 1440).timestamp())


def test_another_report_of_the_same_number_is_refused_and_all_with_it(factory: Factory) -> None:
    """RP-2: a device tells one story; a thief of its key can't rewrite what it said."""
    device = factory.device()
    device.says("begun", "good", "begun")
    device.number = 0
    other = report_bytes(device.report("failed"), device.key)
    device.number = 3
    new = report_bytes(device.report("failed"), device.key)
    with pytest.raises(NumberUsed) as caught:
        factory.send(new, other)
    assert (caught.value.number, caught.value.held) == (1, 4)
    assert rows(factory, reports) == 3
    answer = factory.client.post("/v1/reports", data=write_bundle([ReportEntry(other)]))
    problem = answer.get_json()
    assert (answer.status_code, problem["rule"], problem["held"]) == (409, "RP-2", 3)


def test_the_newest_64_of_a_device_are_kept(factory: Factory) -> None:
    """RP-2: in the order of their numbers, in whatever order they come; older ones change nothing."""
    device = factory.device()
    raws = [report_bytes(device.report(ground=f"{n:064x}"), device.key) for n in range(100)]
    factory.send(*raws[64:])
    factory.send(*raws[:64])
    with factory.shop.here.database.reading() as connection:
        numbers = list(connection.scalars(select(reports.c.number).order_by(reports.c.number)))
    assert numbers == list(range(37, 101))
    factory.send(*raws[:30])
    assert rows(factory, reports) == 64


def test_a_stranger_can_not_use_up_a_device_s_numbers(factory: Factory) -> None:
    """RP-2, RP-3: who learned the name that a device gives says the highest number, without its key."""
    device = factory.device()
    factory.send(report_bytes(device.report(number=2**53 - 1)))
    device.number = 0
    device.says("begun", "good")
    assert counted(factory) == (1, 1)


def test_a_thief_of_one_key_is_one_device(factory: Factory) -> None:
    """RP-3: whatever names he gives; so one serial is never two of the devices that HL-2 asks for."""
    device = factory.device()
    for n in range(5):
        device.says("failed", device=f"{n:064x}")
    assert counted(factory) == (1, 0)


def test_made_up_devices_push_only_each_other_out(factory: Factory) -> None:
    """RP-3: of a million of them 10,000 are kept, and no counted one goes."""
    factory.device().says("begun")
    stranger = factory.stranger()
    for start in range(0, MAX_SHOWN + 192, 64):
        factory.shop.later(seconds=1)
        factory.send(*[report_bytes(stranger.report(device=f"{n:064x}")) for n in range(start, start + 64)])
    assert counted(factory) == (1, MAX_SHOWN)
    with factory.shop.here.database.reading() as connection:
        first = connection.scalar(select(func.min(reporters.c.device)).where(reporters.c.counted == 0))
        assert first is not None
        assert int(first, 16) >= 128
    assert rows(factory, reports) == MAX_SHOWN + 1


def test_reports_of_releases_that_are_not_current_make_no_progress(factory: Factory) -> None:
    """RP-3: bounded rows; a made-up release, or one that the brand has replaced, is nobody's concern."""
    device = factory.device()
    device.says("failed", ground="f" * 64)
    device.says("failed", package="acme/other")
    assert rows(factory, progress) == 0


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"root": "e" * 64}, id="another root"),
        pytest.param({"store": "acme/second"}, id="a store that is not here"),
        pytest.param({"store": "acme/elsewhere"}, id="another store, whose statement is here"),
        pytest.param({"model": "acme/made-up"}, id="a model that nobody published"),
    ],
)
def test_a_report_for_another_place_is_refused(factory: Factory, more: dict[str, Any]) -> None:
    """RP-1: what a device told one store is not carried to another by whoever reads it there."""
    world = factory.shop.world
    factory.shop.publish([world.signed(world.store(store="elsewhere"))])
    device = factory.device()
    with pytest.raises(NotForThisStore) as caught:
        device.says("failed", **more)
    assert caught.value.rule == "RP-1"
    assert counted(factory) == (0, 0)


def test_a_report_is_no_statement_and_a_statement_no_report(factory: Factory) -> None:
    """EN-3: over the two doors of a store."""
    device = factory.device()
    raw = report_bytes(device.report(), device.key)
    for statements in ([StatementEntry(raw)], [ReportEntry(raw)]):
        body = write_bundle(list[Entry](statements))
        with pytest.raises((BadEnvelope, OnlyStatements)):
            open_publication(factory.shop.here, body)
    statement = factory.shop.world.signed(factory.shop.world.model()).raw
    draft = seal(encode(device.report()), {}).raw
    for body in (statement, draft):
        with pytest.raises(BadEnvelope) as caught:
            factory.send(body)
        assert caught.value.rule == "EN-3"
    assert counted(factory) == (0, 0)


def test_a_bundle_holds_1_to_64_reports_and_nothing_else(factory: Factory) -> None:
    """RP-1, HT-4: bounded before it is read."""
    device = factory.device()
    raw = report_bytes(device.report(), device.key)
    many: list[list[Entry]] = [[], [ReportEntry(raw)] * 65, [StatementEntry(raw), ReportEntry(raw)]]
    for entries in many:
        with pytest.raises(OnlyReports):
            take_reports(factory.shop.here, write_bundle(entries))
    client = factory.client
    answer = client.post("/v1/reports", data=b" " * (MAX_BODY + 1))
    assert (answer.status_code, answer.get_json()["rule"]) == (413, "ST-7")
    whole = write_bundle([ReportEntry(b" " * 8192)] * 64)
    assert len(whole) <= MAX_BODY
    assert client.post("/v1/reports", data=whole).status_code == 400
    assert client.get("/v1/reports").status_code == 405
    assert client.get(f"/v1/halts/{'0' * 64}").status_code == 404
    assert counted(factory) == (0, 0)


def test_a_device_that_leaves_its_previous_away_is_in_no_line_of_the_fleet(factory: Factory) -> None:
    """RP-1: what it runs after a failure nobody knows."""
    factory.device().says("begun", "rolled-back", previous=msgspec.UNSET)
    with factory.shop.here.database.reading() as connection:
        assert fleet(connection) == []
    factory.device().says("begun", "rolled-back", reason="exit 3")
    with factory.shop.here.database.reading() as connection:
        assert [(line.revision, line.counted) for line in fleet(connection)] == [(1, 1)]
        curve = curve_of(connection, RELEASE)
    assert curve is not None
    assert curve.reasons == (("", 1), ("exit 3", 1))


def test_reports_that_arrive_together_are_kept_each_by_itself(factory: Factory) -> None:
    """RP-2: one turn of the lock for many; of a bundle that is refused nothing is kept, and all of the others."""
    devices = [factory.device(f"sn-{number}") for number in range(3)]
    said = [devices[0].report(), devices[1].report(root="00" * 32), devices[2].report()]
    raws = [report_bytes(one, device.key) for one, device in zip(said, devices, strict=True)]
    tickets: list[Ticket[Sequence[ShownReport], None]] = [Ticket([open_report(raw)], 1) for raw in raws]
    keep_all(factory.shop.here, tickets)
    tickets[0].outcome()
    tickets[2].outcome()
    with pytest.raises(NotForThisStore):
        tickets[1].outcome()
    assert rows(factory, reports) == 2
