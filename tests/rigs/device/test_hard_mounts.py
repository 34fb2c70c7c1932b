"""What runs can't be mounted, or its image is lost: newer keys are learnt and newer software is taken all the same."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sealring.statement.software import Health
from tests.rigs.device.interrupted import floors_of, take_down, tell, wait_until
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.stores import RunningStore, first_software, next_software, running_store
from tests.world import World


@pytest.fixture
def world() -> World:
    return World(at=now())


@pytest.fixture
def store(world: World, tmp_path: Path) -> Iterator[RunningStore]:
    with running_store(world, tmp_path / "store") as found:
        yield found


@pytest.fixture
def device(world: World, store: RunningStore) -> Iterator[Rig]:
    """It has installed release 1, and was started again: nothing is mounted."""
    with new_device() as found:
        software = first_software(world, store, image_of("one"))
        store.publish(software, [image_of("one")])
        found.provision(world.root, software[:3])
        assert found.refresh().outcome == "installed"
        take_down(found.folder)
        yield found


def test_newer_keys_are_learnt_by_a_device_that_cannot_mount(
    world: World, store: RunningStore, device: Rig, need: Callable[[str], Path]
) -> None:
    """SPEC DV-10: and it says why nothing was installed."""
    [place] = (device.folder / "mounts").iterdir()
    subprocess.run([need("mount"), "-t", "tmpfs", "none", place], check=True)
    store.publish([world.signed(world.root_statement(sequence=2, root=world.root_id))])
    report = device.refresh()
    assert (report.outcome, report.exit_code) == ("failed", 14)
    assert report.problem is not None
    assert report.problem.rule == "IM-4"
    assert floors_of(device.folder)["root"] == 2
    subprocess.run([need("umount"), place], check=True)
    assert device.refresh().exit_code == 0
    assert device.says() == "one"


def test_a_lost_image_that_no_store_has_any_more_does_not_hold_back_the_next_release(
    world: World, store: RunningStore, device: Rig
) -> None:
    """SPEC DV-5, DV-10: else one rotten sector would end all updates."""
    [image] = (device.folder / "images").iterdir()
    image.unlink()
    [blob] = store.folder.rglob(image.name)
    blob.unlink()
    report = device.refresh()
    assert report.outcome == "failed"
    store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
    report = device.refresh()
    assert report.outcome == "installed", report.as_json()
    assert device.says() == "two"


def test_a_hanging_check_dies_with_the_command_that_waits_for_it(
    world: World, store: RunningStore, device: Rig, need: Callable[[str], Path]
) -> None:
    """SPEC HC-1: nobody is left who would count its time."""
    hangs = image_of("two", "exec sleep 100")
    revision = world.revision(2, hangs, health=Health(["bin/check"], 60, 0))
    store.publish([world.signed(revision), world.signed(world.release(2))], [hangs])
    command = [str(need("sealring-device")), "refresh", "--state", str(device.folder)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as refresh:
        wait_until(lambda: len(checks_of(refresh.pid)) > 0, 20)
        checks = checks_of(refresh.pid)
        refresh.kill()
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in checks), 3)
    assert tell("status", device.folder)[0] == 0


def checks_of(parent: int) -> list[int]:
    """The processes of a check that runs, from its supervisor to its program; none before all three are there."""
    found, above = list[int](), [parent]
    while above:
        below = [int(pid) for one in above for pid in _children(one)]
        found, above = found + below, below
    return found if len(found) >= 3 and "sleep" in _name(found[-1]) else []


def _children(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""
