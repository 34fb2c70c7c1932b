"""A store changes its own keys while a device is off, and serves foreign clients beside it (SPEC TF-3, TF-9, TF-11)."""

from pathlib import Path

from sealring_server.here import open_store
from sealring_server.tuf_packages import turn_off, turn_on
from tests.rotations import rotate
from tests.scenarios.devices import image_of, line, new_device
from tests.stores import first_software, next_software, now, running_store, tuf_root_signer
from tests.world import World


def test_a_device_that_was_off_during_three_rotations_catches_up(tmp_path: Path) -> None:
    """TF-3: root by root, then everything by the newest keys; the role for foreign clients does not disturb it."""
    world = World(at=now())
    with running_store(world, tmp_path / "store", workers=2) as store, new_device(now()) as rig:
        images = [image_of(f"tool {number}") for number in (1, 2, 3)]
        software = first_software(world, store, images[0])
        store.publish(software, images[:1])
        rig.provision(world.root, software[:3])
        assert rig.refresh().outcome == "installed"
        for role in (("timestamp",), ("snapshot", "targets"), ("timestamp", "snapshot", "targets")):
            rotate(store.folder, tuf_root_signer(world), now(), role)
        store.publish(next_software(world, images[1], 2), images[1:2])
        report = rig.refresh()
        assert (report.outcome, line(report, "acme/main").word) == ("installed", "fresh")
        assert rig.says("acme/tool") == "tool 2"
        here = open_store(store.folder, now)
        turn_on(here)
        store.publish(next_software(world, images[2], 3), images[2:])
        assert rig.refresh().outcome == "installed"
        assert rig.says("acme/tool") == "tool 3"
        turn_off(here)
        assert rig.check().outcome == "none"
        assert line(rig.check(), "acme/main").word == "fresh"
