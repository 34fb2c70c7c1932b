"""What follows from what stores have proved: stacks, rollouts, agreement, ends of life, serials, conflicts."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from typing import Any

import pytest

from sealring.envelope import Envelope
from sealring.statement.fleet import Wanted
from sealring.statement.software import Final, Requirement, Rollout, Target
from sealring_client.poll import poll
from sealring_client.serial import install_serial, own_key
from sealring_client.status import read_status
from tests.scenarios.devices import image_of, new_device
from tests.scenarios.scene import A, B, Scene, words
from tests.simulated import SimulatedStore
from tests.world import DAY, NOW, World, sign

PAIR = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in ("more", "tool")]


def software(w: World, number: int, name: str = "tool", **more: Any) -> list[Envelope]:
    """A revision of this package whose program says its name and number."""
    return [w.signed(w.revision(number, image(name, number), package=name, **more))]


def image(name: str, number: int) -> bytes:
    return image_of(str(number) if name == "tool" else f"{name} {number}")


def publish(scene: Scene, statements: list[Envelope], *images: bytes) -> None:
    for store in (scene.main, scene.other):
        store.publish(statements, images)


def all_rules(report: Any) -> set[str]:
    return {refusal.rule for package in report.packages for refusal in package.refusals}


def running(scene: Scene) -> dict[str, int]:
    found = read_status(scene.device.device, scene.device.at).packages
    return {one.package.removeprefix("acme/"): one.revision for one in found}


# --- stacks


def with_stack(*parts: tuple[str, int], sequence: int = 1) -> Any:
    def more(w: World) -> list[Envelope]:
        return [w.signed(w.stack(*parts, sequence=sequence)), *software(w, 1, "more")]

    return more


@pytest.fixture
def stacked() -> Iterator[Scene]:
    """A model that follows the stack `line`: revision 1 of both of its packages."""
    with new_device(NOW) as device:
        found = Scene(device, model={"packages": PAIR, "stack": "acme/line"}, more=with_stack(("more", 1), ("tool", 1)))
        publish(found, [], image("more", 1))
        assert device.refresh().outcome == "installed"
        yield found


def test_a_stack_moves_all_or_none(stacked: Scene) -> None:
    """SPEC SK-1, SK-3: what was tested together changes together; the channels decide nothing."""
    w = stacked.world
    assert running(stacked) == {"more": 1, "tool": 1}
    stacked.release(2)
    assert stacked.device.refresh().outcome == "none"
    publish(stacked, [w.signed(w.stack(("more", 2), ("tool", 2), sequence=2))])
    report = stacked.device.refresh()
    assert (running(stacked), all_rules(report) & {"SK-3", "RL-3"}) == ({"more": 1, "tool": 1}, {"SK-3", "RL-3"})
    publish(stacked, software(w, 2, "more"), image("more", 2))
    report = stacked.device.refresh()
    assert (report.outcome, running(stacked)) == ("installed", {"more": 2, "tool": 2})
    assert [one.stack for one in report.packages] == ["acme/line", "acme/line"]


def test_an_image_of_a_stack_that_no_store_has_holds_back_all_of_it(stacked: Scene) -> None:
    """SPEC SK-3: also where it shows only while images are brought."""
    w = stacked.world
    stacked.release(2)
    publish(stacked, [*software(w, 2, "more"), w.signed(w.stack(("more", 2), ("tool", 2), sequence=2))])
    report = stacked.device.refresh()
    assert (report.exit_code, running(stacked)) == (11, {"more": 1, "tool": 1})


def test_what_no_store_has_holds_back_its_stack_and_nobody_else() -> None:
    """SPEC SK-3, DV-7: an optional package of the stack, and another publisher's beside it."""
    with new_device(NOW) as device:
        wanted = [Wanted(one.package, one.channel, "app", "optional") for one in PAIR]
        scene = Scene(
            device,
            model={"packages": [*wanted, Wanted("acme/zoo", "latest/stable", "app", "optional")], "stack": "acme/line"},
            more=with_stack(("more", 1), ("tool", 1)),
        )
        w = scene.world
        zoo = [*software(w, 1, "zoo"), w.signed(w.release(1, package="zoo"))]
        publish(scene, zoo, image("zoo", 1))
        assert device.refresh().outcome == "installed"
        assert running(scene) == {"zoo": 1}
        publish(scene, [], image("more", 1))
        device.refresh()
        assert running(scene) == {"more": 1, "tool": 1, "zoo": 1}


def test_a_stack_goes_not_below_a_minimum(stacked: Scene) -> None:
    """SPEC SK-2: what a release has ended stays ended, whoever chooses the revision."""
    w = stacked.world
    release = w.release(3, targets=[Target("amd64", 3, 3)])
    publish(stacked, [*software(w, 2), *software(w, 3), w.signed(release)], image("tool", 2), image("tool", 3))
    publish(stacked, [w.signed(w.stack(("more", 1), ("tool", 2), sequence=2))])
    report = stacked.device.refresh()
    assert ("SK-2" in all_rules(report), running(stacked)) == (True, {"more": 1, "tool": 1})
    assert [one.package for one in report.vulnerable] == ["acme/tool"]


def test_without_the_stack_nothing_of_its_brand_moves(stacked: Scene) -> None:
    """SPEC SK-1: a store that hides it does not bring the channels back."""
    for store in (stacked.main, stacked.other):
        del store.heads["stack", 1, "acme/line"]
    stacked.release(2)
    assert stacked.device.refresh().outcome == "none"
    assert running(stacked) == {"more": 1, "tool": 1}


# --- rollouts


def rollout(share: int, **more: Any) -> Rollout:
    base: dict[str, Any] = {"seed": sha256(b"seed").hexdigest(), "groups": [], "start": NOW}
    return Rollout(**{**base, "share": share, "error_threshold": 100, "silence": 3600, "halt": 3600, **more})


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        found = Scene(device)
        assert device.refresh().outcome == "installed"
        yield found


def release(scene: Scene, number: int, sequence: int, plan: Rollout, previous: int = 1, minimum: int = 1) -> None:
    w = scene.world
    said = w.release(number, sequence=sequence, targets=[Target("amd64", number, minimum, previous)], rollout=plan)
    publish(scene, [*software(w, number), w.signed(said)], image("tool", number))


def test_a_rollout_from_nobody_to_all(scene: Scene) -> None:
    """SPEC RO-1, RO-2: the unchosen keep the revision before; a wider share of the same seed brings them along."""
    release(scene, 2, 2, rollout(0))
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says(), report.packages[0].rollout) == ("none", "1", "waiting")
    release(scene, 2, 3, rollout(10_000))
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says(), report.packages[0].rollout) == ("installed", "2", "chosen")


def test_the_unchosen_go_to_the_revision_before(scene: Scene) -> None:
    """SPEC RO-2: it may be newer than what runs."""
    w = scene.world
    publish(scene, software(w, 2), image("tool", 2))
    release(scene, 3, 3, rollout(0), previous=2)
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_rollout_waits_for_its_start(scene: Scene) -> None:
    """SPEC RO-1, DV-8: and the device looks again by then."""
    hour = timedelta(hours=1)
    release(scene, 2, 2, rollout(10_000, start=NOW + hour))
    report = scene.device.refresh()
    assert (report.outcome, report.deadline) == ("none", NOW + hour)
    scene.device.at = NOW + hour
    assert poll(scene.device.folder, scene.device.outside(), running=True) is None
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_group_goes_first() -> None:
    """SPEC RO-1: where the device was given one of the plan's groups, whatever the share."""
    with new_device(NOW) as device:
        scene = Scene(device, groups=("lab",))
        device.refresh()
        release(scene, 2, 2, rollout(0, groups=["early"]))
        assert device.refresh().packages[0].rollout == "waiting"
        release(scene, 2, 3, rollout(0, groups=["early", "lab"]))
        assert (device.refresh().outcome, device.says()) == ("installed", "2")


def test_what_is_below_the_minimum_does_not_wait(scene: Scene) -> None:
    """SPEC RO-2, RO-3."""
    release(scene, 2, 2, rollout(0), minimum=2)
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_what_is_revoked_does_not_wait(scene: Scene) -> None:
    """SPEC RO-3, RK-6: it is this device's turn in every rollout."""
    w = scene.world
    publish(scene, [w.signed(w.revocations(1, ("revision acme/tool/1/amd64", "replace")))])
    release(scene, 2, 2, rollout(0))
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


# --- agreement


def agreeing(names: tuple[str, str]) -> Iterator[Scene]:
    with new_device(NOW) as device:
        yield Scene(device, keys=names, model={"agree": 2})


def test_two_stores_must_show_the_same_release() -> None:
    """SPEC AG-1: what only one of them shows is not installed, however well signed."""
    for scene in agreeing(("main", "other")):
        assert scene.device.refresh().outcome == "installed"
        scene.release(2, stores="m")
        report = scene.device.refresh()
        assert ("AG-1" in all_rules(report), scene.device.says()) == (True, "1")
        scene.release(2, stores="o")
        assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_two_stores_with_one_root_key_are_one_voice() -> None:
    """SPEC AG-1: who holds that key could show both."""
    for scene in agreeing(("main", "main")):
        report = scene.device.refresh()
        assert (report.problem and report.problem.rule, all_rules(report)) == ("DV-7", {"AG-1"})
        assert words(report) == {"main": "fresh", "other": "fresh"}


# --- requirements and epochs


def test_what_lacks_its_requirement_stays_and_nobody_waits_for_it() -> None:
    """SPEC RQ-1: judged over the whole generation."""
    with new_device(NOW) as device:
        scene = Scene(device, model={"packages": PAIR})
        w = scene.world
        for number in (1, 2, 3):
            needs = [Requirement("acme/tool", 3)] if number == 2 else []
            more = {"requires": needs} if needs else {}
            said = [*software(w, number, "more", **more), w.signed(w.release(number, package="more"))]
            scene.release(number)
            publish(scene, said, image("more", number))
            report = device.refresh()
            assert report.outcome == "installed"
            assert running(scene) == {"more": 1 if number == 2 else number, "tool": number}
            assert ("RQ-1" in all_rules(report)) == (number == 2)


def test_a_required_package_that_lacks_its_requirement_is_missing() -> None:
    """SPEC RQ-1, DV-7: with nothing to leave it at, nothing is installed."""
    with new_device(NOW) as device:
        scene = Scene(device, model={"packages": PAIR})
        w = scene.world
        needs = [Requirement("acme/tool", 2)]
        said = [*software(w, 1, "more", requires=needs), w.signed(w.release(1, package="more"))]
        publish(scene, said, image("more", 1))
        report = device.refresh()
        assert (report.problem and report.problem.rule, "RQ-1" in all_rules(report)) == ("DV-7", True)


def test_an_epoch_does_not_fall(scene: Scene) -> None:
    """SPEC EP-1: data written by the later one would be lost."""
    w = scene.world
    publish(scene, [*software(w, 2, epoch=1), w.signed(w.release(2))], image("tool", 2))
    scene.device.refresh()
    publish(scene, [*software(w, 3), w.signed(w.release(3))], image("tool", 3))
    report = scene.device.refresh()
    assert ("EP-1" in all_rules(report), scene.device.says()) == (True, "2")


# --- the end of a product


def test_a_final_release_outlives_everything() -> None:
    """SPEC EL-1, EL-2: the ends of the named lives are reported; a store and its clock still have to be current."""
    with new_device(NOW) as device:
        scene = Scene(device)
        w, later = scene.world, NOW + 1000 * DAY
        revision = w.signed(w.revision(2, image_of("2")))
        rests = Final(scene.seed[0].id, [scene.seed[1].id], [revision.id])
        last = w.release(2, final=rests)
        keys = w.brand_keys("acme")[:2]
        long_root = w.signed(w.root_statement(sequence=2, root=w.root_id, expires=NOW + 1800 * DAY))
        for store in (scene.main, scene.other):
            store.publish([long_root])
        device.refresh()
        device.at = w.at = scene.main.at = scene.other.at = later
        for store in (scene.main, scene.other):
            store.tuf.at = later
            store.tuf.next_root()
        stores = [
            w.signed(w.store(A, scene.main.pin, sequence=2)),
            w.signed(w.store(B, scene.other.pin, store="other", sequence=2)),
        ]
        publish(scene, [*stores, revision, sign(last, *keys)], image_of("2"))
        report = device.refresh()
        assert (report.outcome, report.exit_code, device.says()) == ("stale", 4, "1")
        publish(scene, [sign(last, *keys, *w.brand_role)])
        report = device.refresh()
        assert (report.outcome, device.says()) == ("installed", "2")
        assert {note.split(" expired")[0] for note in report.notes} == {
            "brand acme",
            "model acme/door-1",
            "release acme/tool/latest/stable",
            "revision acme/tool/2/amd64",
        }
        report = device.refresh()
        assert (report.outcome, report.exit_code) == ("none", 0)
        warnings = read_status(device.device, later).warnings
        assert sum("a final release has lifted that" in one for one in warnings) == 3
        publish(scene, [w.signed(w.revocations(1, ("revision acme/tool/2/amd64", "keep")))])
        assert "RK-1" in all_rules(device.refresh())


# --- serials


def test_a_model_that_wants_known_devices_installs_nothing_on_others() -> None:
    """SPEC SN-1: until the brand has signed this device's own key; and what ran would run on."""
    with new_device(NOW) as device:
        scene = Scene(device, model={"serial": "required"})
        w = scene.world
        report = device.refresh()
        assert (report.exit_code, report.problem and report.problem.rule) == (24, "SN-1")
        key = own_key(device.device, "door-4711")
        assert own_key(device.device, None) == key
        assert (device.folder / "serial.key").stat().st_mode & 0o777 == 0o600
        other = w.serial(w.key("stranger").public)
        with pytest.raises(Exception, match="another key") as refused:
            install_serial(device.device, w.signed(other).raw, NOW)
        assert refused.value.rule == "SN-1"  # type: ignore[attr-defined]
        install_serial(device.device, w.signed(w.serial(key)).raw, NOW)
        assert read_status(device.device, NOW).serial == "acme/door-1/SN-1"
        assert (device.refresh().outcome, device.says()) == ("installed", "1")
        publish(scene, [w.signed(w.revocations(1, ("serial acme/door-1/SN-1", "keep")))])
        scene.release(2)
        report = device.refresh()
        assert (report.problem and report.problem.rule, device.says()) == ("SN-1", "1")


# --- conflicts


def conflict(scene: Scene) -> tuple[Envelope, Envelope]:
    """Two releases of sequence 2, one in each store."""
    w = scene.world
    publish(scene, [*software(w, 2), *software(w, 3)], image("tool", 2), image("tool", 3))
    one, other = w.signed(w.release(2)), w.signed(w.release(3, sequence=2))
    scene.main.publish([one])
    scene.other.publish([other])
    return one, other


def test_of_two_releases_for_one_place_neither_is_installed_and_both_are_kept(scene: Scene) -> None:
    """SPEC FL-3, FL-6: across restarts, also when only one of them is shown any more."""
    one, other = conflict(scene)
    report = scene.device.refresh()
    assert ("FL-3" in all_rules(report), scene.device.says()) == (True, "1")
    [found] = read_status(scene.device.device, NOW).evidence
    assert (found["about"], set(found["ids"]), found["stands"]) == (
        "release acme/tool/latest/stable",
        {one.id, other.id},
        True,
    )
    [file] = (scene.device.folder / "evidence").iterdir()
    raw = file.read_bytes()
    assert one.raw in raw
    assert other.raw in raw
    scene.other.publish([one])
    report = scene.device.refresh()
    assert ("FL-6" in all_rules(report), scene.device.says()) == (True, "1")
    before = scene.device.everything()
    scene.device.refresh()
    assert scene.device.everything() == before


def test_a_higher_sequence_ends_a_conflict(scene: Scene) -> None:
    """SPEC FL-6."""
    conflict(scene)
    scene.device.refresh()
    w = scene.world
    publish(scene, [w.signed(w.release(3))])
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says(), report.evidence[0]["stands"]) == ("installed", "3", False)


def test_a_revocation_by_id_ends_a_conflict(scene: Scene) -> None:
    """SPEC FL-5: the other one takes the place."""
    one, other = conflict(scene)
    scene.device.refresh()
    w = scene.world
    publish(scene, [w.signed(w.revocations(1, (other.id, "keep")))])
    scene.other.publish([one])
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_revision_with_two_images_is_evidence(scene: Scene) -> None:
    """SPEC FL-3, FL-6: one number, two builds: neither is installed anew."""
    w = scene.world
    build, other = image("tool", 2), image("tool", 3)
    released = w.signed(w.release(2))
    scene.main.publish([w.signed(w.revision(2, build)), released], [build])
    scene.other.publish([w.signed(w.revision(2, other)), released], [other])
    report = scene.device.refresh()
    assert ("FL-3" in all_rules(report), scene.device.says()) == (True, "1")
    assert read_status(scene.device.device, NOW).evidence[0]["about"] == "revision acme/tool/2/amd64"


def test_evidence_is_bounded() -> None:
    """SPEC FL-6: one conflict a subject, eight subjects, whoever signs more."""
    with new_device(NOW) as device:
        wanted = [Wanted(f"acme/p{n:02}", "latest/stable", "app", "optional") for n in range(10)]
        scene = Scene(device, model={"packages": wanted})
        w = scene.world
        for store, more in ((scene.main, 0), (scene.other, 1)):
            assert isinstance(store, SimulatedStore)
            store.publish([w.signed(w.release(1, package=f"p{n:02}", revocations=more)) for n in range(10)])
        device.check()
        assert len(list((device.folder / "evidence").iterdir())) == 8
