"""The device against a real store: from an empty folder to a running program, an update, and back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.statement.fleet import Wanted
from sealring.statement.software import Health
from sealring_client.failures import load_failures
from sealring_client.poll import poll
from sealring_client.rollback import roll_back
from sealring_client.status import read_status
from tests.scenarios.devices import Rig, image_of, line, new_device, now
from tests.stores import RunningStore, first_software, next_software, running_store
from tests.world import DAY, World


@pytest.fixture
def world() -> World:
    return World(at=now())


@pytest.fixture
def store(world: World, tmp_path: Path) -> Iterator[RunningStore]:
    with running_store(world, tmp_path / "store") as found:
        yield found


@pytest.fixture
def device(world: World, store: RunningStore) -> Iterator[Rig]:
    with new_device() as found:
        software = first_software(world, store, image_of("one"))
        store.publish(software, [image_of("one")])
        found.provision(world.root, software[:3])
        yield found


def test_the_whole_path(world: World, store: RunningStore, device: Rig) -> None:
    """SPEC DV-1 to DV-9, DV-12: install, nothing new, update, a bad one, back by itself, back by hand."""
    report = device.check()
    assert (report.outcome, report.exit_code) == ("available", 3)
    assert not (device.folder / "current").exists()

    report = device.refresh()
    assert (report.outcome, report.exit_code, report.generation) == ("installed", 0, 1)
    assert line(report, "acme/main").word == "fresh"
    assert device.says() == "one"

    before = device.everything()
    assert device.refresh().outcome == "none"
    quiet = poll(device.folder, device.outside(), running=True)
    assert quiet is not None
    assert quiet.stores == {"acme/main": "same"}
    assert device.everything() == before

    store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
    assert poll(device.folder, device.outside(), running=True) is None
    assert device.check().outcome == "available"
    assert device.refresh().generation == 2
    assert device.says() == "two"

    bad = image_of("three", "echo broken; exit 7")
    revision = world.revision(3, bad, health=Health(["bin/check"], 5, 0))
    store.publish([world.signed(revision), world.signed(world.release(3))], [bad])
    report = device.refresh()
    assert (report.exit_code, report.problem and report.problem.rule) == (27, "HC-1")
    assert device.says() == "two"
    assert load_failures(device.folder)["acme/tool"].count == 1
    report = device.refresh()
    assert (report.outcome, report.packages[0].refusals[0].rule) == ("none", "DV-9")

    way = roll_back(device.device)
    assert (way.left, way.current, way.packages) == (2, 1, ("acme/tool",))
    assert device.says() == "one"
    status = read_status(device.device, device.at)
    assert (status.current, status.good, status.packages[0].sequence) == (1, 1, 1)
    assert status.packages[0].integrity == "digest checked at mount"
    report = device.refresh()
    assert device.says() == "one"
    store.publish(next_software(world, image_of("four"), 4), [image_of("four")])
    assert device.refresh().outcome == "installed"
    assert device.says() == "four"
    assert load_failures(device.folder) == {}


def test_a_store_that_is_gone_leaves_what_runs(store: RunningStore, device: Rig) -> None:
    """SPEC DV-6, DV-10: no answer is no reason to change anything."""
    device.refresh()
    store.kill()
    report = device.refresh()
    assert (report.outcome, report.exit_code) == ("unreachable", 10)
    assert device.says() == "one"
    quiet = poll(device.folder, device.outside(), running=True)
    assert quiet is not None
    assert not quiet.answered


def test_past_the_deadline_the_answer_is_stale(device: Rig) -> None:
    """SPEC DV-8, TF-6: "nothing new" is said only while it is known; after that the check is whole, and says so."""
    report = device.refresh()
    assert report.deadline is not None
    device.at = report.deadline
    assert poll(device.folder, device.outside(), running=True) is None
    report = device.check()
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert line(report, "acme/main").refusals[0].rule == "TF-6"
    assert device.says() == "one"


def test_an_expired_model_stops_new_software_only(world: World, device: Rig) -> None:
    """SPEC DV-10: what runs goes on, and a newer model is taken as soon as there is one."""
    device.refresh()
    device.at = world.at + 366 * DAY
    report = device.refresh()
    assert (report.outcome, report.problem and report.problem.rule) == ("stale", "TM-1")
    assert device.says() == "one"


def test_a_required_package_that_is_missing_switches_nothing(world: World, store: RunningStore, device: Rig) -> None:
    """SPEC DV-7: all required packages or none; an optional one may be missing."""
    device.refresh()
    packages = [Wanted("acme/more", "latest/stable", "app", "required"), *world.model().packages]
    store.publish([world.signed(world.model(sequence=2, packages=packages))])
    store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
    report = device.refresh()
    assert (report.problem and report.problem.rule, device.says()) == ("DV-7", "one")
    packages[0] = Wanted("acme/more", "latest/stable", "app", "optional")
    store.publish([world.signed(world.model(sequence=3, packages=packages))])
    assert device.refresh().outcome == "installed"
    assert device.says() == "two"


def test_a_new_root_and_new_brand_keys_are_followed(world: World, store: RunningStore, device: Rig) -> None:
    """SPEC DV-3: statements that authenticate themselves are taken whatever the catalogue lists."""
    device.refresh()
    store.publish([world.signed(world.root_statement(sequence=2, root=world.root_id))])
    report = device.refresh()
    assert report.outcome == "none"
    assert read_status(device.device, device.at).root == 2
