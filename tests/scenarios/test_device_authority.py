"""What a brand delegates and takes back, on a real device between two stores that may say anything."""

from collections.abc import Iterator

import pytest

from sealring.envelope import Envelope
from sealring.statement import Common
from sealring_client.status import read_status
from tests.scenarios.devices import image_of, new_device
from tests.scenarios.scene import A, Scene, rules, words
from tests.world import DAY, NOW, key_set, sign


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        found = Scene(device)
        assert device.refresh().outcome == "installed"
        yield found


def by_partner(scene: Scene, *statements: Common) -> list[Envelope]:
    return [sign(one, scene.world.delegate_keys()[0]) for one in statements]


def ship(scene: Scene, number: int, stores: str = "mo") -> None:
    """The partner builds and releases revision `number`."""
    w = scene.world
    scene.publish(
        by_partner(scene, w.revision(number, image_of(str(number))), w.release(number)), number, stores=stores
    )


def delegate(scene: Scene, stores: str = "mo", **more: object) -> None:
    scene.publish([scene.world.signed(scene.world.delegation(**more))], stores=stores)  # type: ignore[arg-type]


def revoke(scene: Scene, sequence: int, *lines: tuple[str, str], stores: str = "mo") -> None:
    scene.publish([scene.world.signed(scene.world.revocations(sequence, *lines))], stores=stores)


def all_rules(report: object) -> list[str]:
    return [refusal.rule for package in report.packages for refusal in package.refusals]  # type: ignore[attr-defined]


def test_a_delegated_publisher_ships(scene: Scene) -> None:
    """SPEC AU-2, AU-3, DV-3: by his own keys, once the brand's word about him is there; not before."""
    ship(scene, 2)
    report = scene.device.refresh()
    assert (words(report), scene.device.says()) == ({"main": "refused", "other": "refused"}, "1")
    delegate(scene, "o")
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2")
    [found] = read_status(scene.device.device, NOW).delegations
    assert (found["delegation"], found["sequence"], found["roles"]) == ("acme/partner", 1, ["release", "revision"])


def test_what_is_not_his_is_refused(scene: Scene) -> None:
    """SPEC AU-3: a partner with apps named `tool` in the device's other packages."""
    delegate(scene, packages=["acme/other"])
    ship(scene, 2)
    report = scene.device.refresh()
    assert ("TH-1" in all_rules(report), scene.device.says()) == (True, "1")


def test_an_ended_delegation_installs_nothing_and_its_work_is_still_a_floor(scene: Scene) -> None:
    """SPEC AU-6, TM-1: what was shown before does not go back with it."""
    delegate(scene, expires=NOW + 5 * DAY)
    ship(scene, 2)
    scene.device.refresh()
    ship(scene, 3)
    scene.device.at = NOW + 5 * DAY
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("stale", "2")
    assert "TM-1" in all_rules(report)
    scene.release(2)
    assert "FL-1" in all_rules(scene.device.refresh())


def test_a_narrowed_delegation_ends_what_it_no_longer_covers(scene: Scene) -> None:
    """SPEC AU-6: of a delegation the highest counts, also where it covers nothing here any more."""
    delegate(scene)
    ship(scene, 2)
    scene.device.refresh()
    delegate(scene, sequence=2, packages=["acme/other"])
    ship(scene, 3)
    report = scene.device.refresh()
    assert (scene.device.says(), words(report)["main"]) == ("2", "fresh")
    assert "AU-3" in all_rules(report)
    assert [one["sequence"] for one in read_status(scene.device.device, NOW).delegations] == [2]


def test_a_revoked_delegation_signs_nothing_more(scene: Scene) -> None:
    """SPEC RK-1: `keep`: nothing new by it, and what runs goes on, said to be vulnerable."""
    delegate(scene)
    ship(scene, 2)
    scene.device.refresh()
    revoke(scene, 1, ("delegation acme/partner", "keep"))
    ship(scene, 3)
    report = scene.device.refresh()
    assert (scene.device.says(), words(report)["main"]) == ("2", "fresh")
    assert "AU-6" in all_rules(report)
    assert [(one.package, one.action) for one in report.vulnerable] == [("acme/tool", "keep")]
    status = read_status(scene.device.device, NOW)
    assert (status.delegations, [one.action for one in status.vulnerable]) == ([], ["keep"])
    assert status.revocations == [{"issuer": "acme/acme", "sequence": 1, "lines": 1, "counts": True}]


def test_a_delegation_that_was_replaced_and_then_revoked_reaches_what_it_had_signed(scene: Scene) -> None:
    """SPEC RK-6: a new version with new keys does not hide who signed what runs."""
    delegate(scene)
    ship(scene, 2)
    scene.device.refresh()
    delegate(scene, sequence=2, keys=key_set(1, *scene.world.delegate_keys("partner", 2)))
    scene.device.refresh()
    revoke(scene, 1, ("delegation acme/partner", "replace"))
    scene.release(3)
    assert scene.device.refresh().outcome == "installed"
    assert scene.device.says() == "3"
    scene.device.refresh()


def test_a_list_that_a_release_names_must_be_held(scene: Scene) -> None:
    """SPEC RC-1: a store that withholds the brand's list gets nothing installed."""
    w = scene.world
    listed = w.signed(w.revocations(1, ("revision acme/tool/9/amd64", "keep")))
    revision, release = w.revision(2, image_of("2")), w.release(2, revocations=1)
    scene.publish([listed, w.signed(revision), w.signed(release)], 2)
    for store in (scene.main, scene.other):
        del store.heads["revocations", 1, "acme/acme"]
        store.publish_heads()
    report = scene.device.refresh()
    assert ("RC-1" in all_rules(report), scene.device.says()) == (True, "1")
    scene.publish([listed], stores="o")
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_store_that_shows_an_older_list_is_behind(scene: Scene) -> None:
    """SPEC DV-5, RK-2: lists come from every source together, and one that is older is no news."""
    revoke(scene, 1, ("revision acme/tool/9/amd64", "keep"))
    revoke(scene, 2, ("revision acme/tool/9/amd64", "keep"), stores="o")
    report = scene.device.refresh()
    assert (words(report), rules(report, "main")) == ({"main": "behind", "other": "fresh"}, ["DV-5"])


def test_a_store_that_shows_an_older_delegation_is_behind(scene: Scene) -> None:
    """SPEC DV-5: it does not know who may speak today."""
    delegate(scene)
    delegate(scene, "o", sequence=2)
    assert words(scene.device.refresh()) == {"main": "behind", "other": "fresh"}


def test_a_rotation_takes_back_no_revocation(scene: Scene) -> None:
    """SPEC RK-3: weakened until the new keys speak; then their list counts alone."""
    w = scene.world
    revoke(scene, 1, ("revision acme/tool/2/amd64", "stop"))
    scene.device.refresh()
    new = w.brand_keys("acme", 2)
    brand = sign(w.brand(sequence=2, keys=key_set(2, *new)), *w.brand_role, *w.brand_keys("acme")[:2])
    fresh = [w.model(stores=["acme/main", "acme/other"], sequence=2), w.store(A, scene.main.pin, sequence=2)]
    fresh += [w.revision(2, image_of("2"), sequence=2), w.release(2)]
    scene.publish([brand, *(sign(one, *new[:2]) for one in fresh)], 2, stores="m")
    report = scene.device.refresh()
    assert ("RK-1" in all_rules(report), scene.device.says()) == (True, "1")
    assert [one["counts"] for one in read_status(scene.device.device, NOW).revocations] == [False]
    scene.publish([sign(w.revocations(2), *new[:2])], stores="m")
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_the_root_takes_back_a_brand(scene: Scene) -> None:
    """SPEC RK-1: by a list of the role root, whatever the brand's certificate says."""
    w = scene.world
    scene.publish([sign(w.revocations(1, ("brand acme", "keep"), brand="root"), *w.root_keys[:2])])
    scene.release(2)
    report = scene.device.refresh()
    assert (report.exit_code, report.problem and report.problem.rule) == (21, "RK-1")
    assert scene.device.says() == "1"


@pytest.mark.parametrize("what", ["store acme/main", "model acme/door-1"])
def test_a_revoked_store_or_model_is_not_used_and_stays_an_address(scene: Scene, what: str) -> None:
    """SPEC RK-1, SR-3: nothing follows from it, and what is newer still comes from there."""
    w = scene.world
    revoke(scene, 1, (what, "keep"))
    scene.release(2, stores="m")
    report = scene.device.refresh()
    assert scene.device.says() == "1"
    found = [refusal.rule for one in report.stores for refusal in one.refusals]
    assert "RK-1" in [*found, report.problem.rule if report.problem else ""]
    scene.publish([w.signed(w.revocations(2))], stores="m")
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")


def test_a_delegates_list_keeps_new_software_away_and_stops_nothing(scene: Scene) -> None:
    """SPEC RK-4, AU-5: his own list, of what lies within his delegation."""
    delegate(scene, roles=["release", "revision", "revocations"])
    lines = (("revision acme/tool/2/amd64", "replace"),)
    scene.publish(by_partner(scene, scene.world.revocations(1, *lines, issuer="partner")))
    scene.release(2)
    report = scene.device.refresh()
    assert ("RK-1" in all_rules(report), scene.device.says()) == (True, "1")


def test_a_brand_cannot_fill_a_device_with_delegations(scene: Scene) -> None:
    """SPEC FL-4: 64 of them are held; what covers nothing here is not taken at all."""
    w = scene.world
    useless = [w.signed(w.delegation(f"u{n}", packages=["acme/other"])) for n in range(3)]
    scene.publish([*useless, *(w.signed(w.delegation(f"d{n:02}")) for n in range(70))], stores="o")
    report = scene.device.refresh()
    assert "FL-4" in rules(report, "other")
    assert len(read_status(scene.device.device, NOW).delegations) == 64


def test_a_publishers_date_binds_nobody_else(scene: Scene) -> None:
    """SPEC TM-4: a partner who dates his work years ahead ends no life but his own."""
    delegate(scene, packages=["acme/tool"])
    w = scene.world
    ahead = w.release(2, issued=NOW + 250 * DAY, expires=NOW + 300 * DAY)
    scene.publish(by_partner(scene, w.revision(2, image_of("2")), ahead), 2, stores="o")
    scene.device.refresh()
    scene.release(3, stores="m")
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "3")
