"""The device, the store's command and the store together: bundles, reports and rollouts (SPEC BN-6, RP-1)."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from sealring.bundle import ReportEntry, write_bundle
from sealring.envelope import Envelope
from sealring.report import Report, report_bytes
from sealring.statement.software import Rollout
from sealring_client.reports import load_reports
from sealring_client.serial import install_serial, own_key
from sealring_server.catalogue import last_entry
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.commit import append
from sealring_server.here import open_store
from sealring_server.reports import curve_of, judge_halts
from tests.scenarios.devices import MODEL, Rig, image_of, new_device, now
from tests.stores import RunningStore, ask, running_store
from tests.world import NOW, Key, World

PLAN = Rollout("5e" * 32, 10_000, [], NOW, 500, 3600, 3600)


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[tuple[World, RunningStore, Rig]]:
    """A store that may halt, and a device with a serial; a first release goes out in phases."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store, new_device() as rig:
        store_said = world.store(store.url, store.pin, may_halt=True)
        seed = [world.signed(one) for one in (world.brand(), world.model(serial="required"), store_said)]
        rig.provision(world.root, seed)
        public = own_key(rig.device, None)
        serial = world.signed(world.serial(public))
        store.publish([*seed, serial, *release(world, 1)], [image_of("1")])
        install_serial(rig.device, serial.raw, rig.at)
        yield world, store, rig


def release(world: World, number: int) -> list[Envelope]:
    image = image_of(str(number))
    return [world.signed(world.revision(number, image)), world.signed(world.release(number, rollout=PLAN))]


def make(store: RunningStore, path: Path) -> Path:
    assert run(["bundle", str(store.folder), MODEL, "-o", str(path)], Outside(now, lambda _: "")) == 0
    return path


def test_a_real_store_counts_what_a_real_device_says(shop: tuple[World, RunningStore, Rig]) -> None:
    """SPEC RP-1, RP-3, HL-3: signed by its serial's key; nothing waits afterwards."""
    _, store, rig = shop
    assert rig.refresh().outcome == "installed"
    assert not load_reports(rig.folder).queue
    here = open_store(store.folder, now)
    with here.database.reading() as connection:
        curve = curve_of(connection, "acme/tool/latest/stable")
    here.database.close()
    assert curve is not None
    assert (curve.counted.begun, curve.counted.good, curve.counted.failed, curve.shown.begun) == (1, 1, 0, 0)


@pytest.mark.parametrize("paranoid", [False, True], ids=["as it is", "paranoid"])
def test_a_device_that_knows_the_store_takes_its_bundle(
    shop: tuple[World, RunningStore, Rig], tmp_path: Path, paranoid: bool
) -> None:
    """SPEC BN-6, LG-2, VW-4, HL-3: the log's path from what it saw, proof of no halt, and of each row."""
    world, store, rig = shop
    assert rig.refresh().outcome == "installed"
    for number in (2, 3, 4):
        store.publish(release(world, number), [image_of(str(number))])
    stick = make(store, tmp_path / "stick")
    store.stop()
    rig.at = now()
    report = rig.by_hand(stick, paranoid=paranoid)
    assert (report.outcome, rig.says()) == ("installed", "4"), report.as_json()
    assert len(load_reports(rig.folder).queue) == 2


def test_a_device_that_was_away_for_thousands_of_entries_takes_a_bundle(
    shop: tuple[World, RunningStore, Rig], tmp_path: Path
) -> None:
    """SPEC BN-6, LG-2: from the entry that it saw it finds its own way in the leaf hashes of the store's log."""
    world, store, rig = shop
    assert rig.refresh().outcome == "installed"
    here = open_store(store.folder, now)
    with here.database.writing() as connection:
        first = last_entry(connection).sequence + 1
        for number in range(first, first + 2000):
            append(here, connection, [], number, now())
    here.database.close()
    store.publish(release(world, 2), [image_of("2")])
    stick = make(store, tmp_path / "stick")
    store.stop()
    rig.at = now()
    report = rig.by_hand(stick)
    assert (report.outcome, rig.says()) == ("installed", "2"), report.as_json()
    assert report.stores[0].catalogue == first + 2000


def test_a_halt_travels_with_its_proof(shop: tuple[World, RunningStore, Rig], tmp_path: Path) -> None:
    """SPEC HL-2, HL-3, BN-6: two devices failed; a third hears it from a file, and begins when the halt is over."""
    world, store, rig = shop
    assert rig.refresh().outcome == "installed"
    store.publish(release(world, 2), [image_of("2")])
    ground = release(world, 2)[1]
    others = [Key(f"device-{n}") for n in range(2)]
    serials = [world.signed(world.serial(key.public, f"F-{n}")) for n, key in enumerate(others)]
    store.publish(serials)
    for n, key in enumerate(others):
        said = failed(world, n, ground.id)
        body = write_bundle([ReportEntry(report_bytes(said, key))])
        assert ask(store.url, "/v1/reports", "POST", body).status == 204
    here = open_store(store.folder, now)
    assert judge_halts(here) == ["acme/tool/latest/stable"]
    here.database.close()
    stick = make(store, tmp_path / "stick")
    rig.at = now()
    report = rig.by_hand(stick)
    assert (report.packages[0].rollout, rig.says()) == ("halted", "1"), report.as_json()
    rig.at += timedelta(hours=1)
    assert rig.by_hand(stick).outcome == "installed"
    assert rig.says() == "2"


def failed(world: World, n: int, ground: str) -> Report:
    return Report(
        format=1,
        root=world.root_id,
        store="acme/main",
        model=MODEL,
        serial=f"F-{n}",
        device=f"{n:064x}",
        number=1,
        at=now(),
        package="acme/tool",
        ground=ground,
        revision=2,
        event="failed",
    )
