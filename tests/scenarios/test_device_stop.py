"""The stop-switch on a real device: what a list has ended no longer runs, whoever is out of reach (SPEC RK-6)."""

import os
import shutil
import subprocess
from collections.abc import Iterator

import pytest

from sealring.statement.fleet import Wanted
from sealring_client.apply.mount import is_mounted
from sealring_client.poll import poll
from sealring_client.rollback import NoWayBack, find_way_back, roll_back
from sealring_client.status import read_status
from tests.scenarios.devices import image_of, new_device
from tests.scenarios.scene import A, Scene, words
from tests.world import NOW, key_set, sign

WANTED = [
    Wanted("acme/more", "latest/stable", "app", "optional"),
    Wanted("acme/tool", "latest/stable", "app", "required"),
]


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A device that runs revision 1 of `acme/tool`, which it must have, and of `acme/more`."""
    with new_device(NOW) as device:
        found = Scene(device, model={"packages": WANTED})
        release_more(found, 1)
        assert device.refresh().outcome == "installed"
        assert packages(found) == {"acme/more": 1, "acme/tool": 1}
        yield found


def release_more(scene: Scene, number: int) -> None:
    w, image = scene.world, image_of(f"more {number}")
    statements = [w.signed(w.revision(number, image, package="more")), w.signed(w.release(number, package="more"))]
    for store in (scene.main, scene.other):
        store.publish(statements, [image])


def revoke(scene: Scene, sequence: int, *lines: tuple[str, str]) -> None:
    scene.publish([scene.world.signed(scene.world.revocations(sequence, *lines))])


def packages(scene: Scene) -> dict[str, int]:
    return {one.package: one.revision for one in read_status(scene.device.device, scene.device.at).packages}


def go_offline(scene: Scene) -> None:
    scene.main.down = scene.other.down = True


def test_what_is_stopped_is_left_out_at_once(scene: Scene) -> None:
    """SPEC RK-6: also a package that the model requires, and nothing else changes for it."""
    device = scene.device
    digest = os.path.basename(os.readlink(device.folder / "current/acme/tool"))
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    report = device.refresh()
    assert (report.outcome, report.exit_code, report.generation) == ("stopped", 0, 2)
    assert [(one.package, one.revision) for one in report.stopped] == [("acme/tool", 1)]
    assert "revoked by acme/acme since" in report.stopped[0].why
    assert not (device.folder / "current/acme/tool").exists()
    assert device.says("acme/more") == "more 1"
    assert is_mounted(device.folder / "mounts" / digest) is None
    assert not (device.folder / "images" / digest).exists()
    status = read_status(device.device, NOW)
    assert [one.package for one in status.stopped] == ["acme/tool"]
    before = device.everything()
    assert poll(device.folder, device.outside(), running=True) is not None
    assert device.refresh().outcome == "none"
    assert device.everything() == before


def test_others_get_their_updates_and_the_stopped_one_its_successor(scene: Scene) -> None:
    """SPEC RK-6, DV-7: nobody waits for a package that was stopped; what follows it is taken."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.refresh()
    release_more(scene, 2)
    assert scene.device.refresh().outcome == "installed"
    assert packages(scene) == {"acme/more": 2}
    scene.release(2)
    assert scene.device.refresh().outcome == "installed"
    assert packages(scene) == {"acme/more": 2, "acme/tool": 2}
    assert scene.device.check().outcome == "none"
    assert read_status(scene.device.device, NOW).stopped == []


def test_a_list_and_its_successor_release_come_together(scene: Scene) -> None:
    """SPEC RK-6: first without, then with the new one, in one refresh."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.release(2)
    report = scene.device.refresh()
    assert (report.outcome, report.generation, scene.device.says()) == ("installed", 3, "2")


def test_a_list_that_is_held_needs_no_network(scene: Scene) -> None:
    """SPEC RK-6: whoever cuts the line after the list came can't keep the program running."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    assert scene.device.check().outcome == "available"
    go_offline(scene)
    assert poll(scene.device.folder, scene.device.outside(), running=True) is None
    report = scene.device.refresh()
    assert (report.outcome, report.exit_code) == ("unreachable", 10)
    assert [one.package for one in report.stopped] == ["acme/tool"]
    assert packages(scene) == {"acme/more": 1}


def test_no_way_back_leads_to_it(scene: Scene) -> None:
    """SPEC RK-6, DV-12: neither by hand, nor after a trial that fails."""
    scene.release(2)
    scene.device.refresh()
    assert find_way_back(scene.device.device).current == 1
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.refresh()
    with pytest.raises(NoWayBack):
        roll_back(scene.device.device)
    assert scene.device.says() == "2"


def test_a_rollback_by_hand_obeys_the_list_first(scene: Scene) -> None:
    """SPEC RK-6: it asks no store, and still does not run what the device knows to be stopped."""
    scene.release(2)
    scene.device.refresh()
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.check()
    with pytest.raises(NoWayBack):
        find_way_back(scene.device.device)
    with pytest.raises(NoWayBack):
        roll_back(scene.device.device)
    assert scene.device.says() == "2"


def test_after_a_restart_it_is_not_mounted_again(scene: Scene) -> None:
    """SPEC RK-6, GN-3: a trial that was going on when the power went."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.refresh()
    current = scene.device.folder / "current"
    shutil.copytree(scene.device.folder / "generations/2", scene.device.folder / "generations/3", symlinks=True)
    current.unlink()
    current.symlink_to("generations/3")
    go_offline(scene)
    scene.device.refresh()
    assert os.readlink(current) == "generations/2"
    assert packages(scene) == {"acme/more": 1}


def test_keep_leaves_what_runs(scene: Scene) -> None:
    """SPEC RK-6: nothing new, and the device says what it runs."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "keep"))
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("none", "1")
    assert [(one.package, one.action) for one in report.vulnerable] == [("acme/tool", "keep")]


def test_replace_waits_for_something_better(scene: Scene) -> None:
    """SPEC RK-6, RO-3: it runs on, and then its successor is taken."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "replace"))
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says(), report.vulnerable[0].action) == ("none", "1", "replace")
    scene.release(2)
    assert scene.device.refresh().outcome == "installed"
    assert (scene.device.says(), read_status(scene.device.device, NOW).vulnerable) == ("2", [])


def test_the_same_build_under_a_new_statement_replaces_it(scene: Scene) -> None:
    """SPEC RK-6, FL-5: the statement was wrong and not the build; what is revoked by its id is left."""
    w = scene.world
    first = w.signed(w.revision(1, image_of("1")))
    revoke(scene, 1, (first.id, "replace"))
    scene.publish([w.signed(w.revision(1, image_of("1"), sequence=2)), w.signed(w.release(1, sequence=2))], 1)
    assert scene.device.refresh().outcome == "installed"
    assert (scene.device.says(), read_status(scene.device.device, NOW).vulnerable) == ("1", [])


def test_a_list_whose_keys_are_gone_stops_nothing(scene: Scene) -> None:
    """SPEC RK-3: weakened to `keep`; the second store tells of the new keys before anything was done."""
    w = scene.world
    new = key_set(2, *w.brand_keys("acme", 2))
    scene.publish([w.signed(w.revocations(1, ("revision acme/tool/1/amd64", "stop")))], stores="m")
    scene.publish([sign(w.brand(sequence=2, keys=new), *w.brand_role, *w.brand_keys("acme")[:2])], stores="o")
    report = scene.device.refresh()
    assert scene.device.says() == "1"
    assert [(one.package, one.action) for one in report.vulnerable] == [("acme/tool", "keep")]


def test_after_a_rotation_still_nobody_waits_for_what_was_stopped(scene: Scene) -> None:
    """SPEC RK-3, RK-6: the weakened list keeps its revision away, and the rest of the model goes on."""
    w, new = scene.world, scene.world.brand_keys("acme", 2)
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.refresh()
    brand = sign(w.brand(sequence=2, keys=key_set(2, *new)), *w.brand_role, *w.brand_keys("acme")[:2])
    more = [w.revision(2, image_of("more 2"), package="more"), w.release(2, package="more")]
    rest = [
        w.model(stores=["acme/main", "acme/other"], packages=WANTED),
        w.store(A, scene.main.pin),
        *more,
    ]
    scene.main.publish([brand, *(sign(one, *new[:2]) for one in rest)], [image_of("more 2")])
    assert scene.device.refresh().outcome == "installed"
    assert packages(scene) == {"acme/more": 2}
    assert [one.package for one in read_status(scene.device.device, NOW).stopped] == ["acme/tool"]


def test_a_lifted_stop_lets_the_release_in_again(scene: Scene) -> None:
    """SPEC RK-2: only a list of a higher sequence lifts it."""
    revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
    scene.device.refresh()
    revoke(scene, 2)
    assert scene.device.check().outcome == "available"
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says(), report.stopped) == ("installed", "1", ())


def test_a_program_that_still_runs_from_it_keeps_its_mount_until_it_ends(scene: Scene) -> None:
    """SPEC RK-6: the generation is without it at once; the image goes when nothing uses it."""
    device = scene.device
    at = device.folder / "mounts" / os.path.basename(os.readlink(device.folder / "current/acme/tool"))
    with subprocess.Popen(["sleep", "60"], cwd=at) as program:
        revoke(scene, 1, ("revision acme/tool/1/amd64", "stop"))
        assert device.refresh().outcome == "stopped"
        assert is_mounted(at) is not None
        program.kill()
    release_more(scene, 2)
    device.refresh()
    assert is_mounted(at) is None


def test_below_the_minimum_is_vulnerable(scene: Scene) -> None:
    """SPEC RK-6, RO-3: said, and not stopped."""
    w = scene.world
    target = w.release(3).targets[0]
    released = w.release(2, targets=[type(target)("amd64", 3, 3)])
    for store in (scene.main, scene.other):
        store.publish([w.signed(w.revision(3, image_of("3"))), w.signed(released)])
    report = scene.device.refresh()
    assert scene.device.says() == "1"
    assert [(one.package, one.why) for one in report.vulnerable] == [("acme/tool", "below the minimum 3 of release 2")]
    assert words(report) == {"main": "fresh", "other": "fresh"}
