"""The device between stores that are slow, late or hostile: each is its own line in the report, and none decides."""

from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import pytest

from sealring.catalogue.leaf import Head
from sealring.names import spell
from sealring.statement.software import Health
from sealring_client.apply.install import LONGEST_SOAK
from sealring_client.poll import poll
from sealring_client.status import read_status
from tests.scenarios.devices import image_of, new_device
from tests.scenarios.scene import A, B, Scene, rules, words
from tests.simulated import SimulatedStore
from tests.world import DAY, NOW, key_set, sign


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        found = Scene(device)
        assert device.refresh().outcome == "installed"
        yield found


def test_the_newest_release_wins_wherever_it_came_from(scene: Scene) -> None:
    """SPEC DV-5: a store that is frozen is out-voted by one that is fresh."""
    scene.release(2, stores="o")
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2")
    assert report.packages[0].store == "acme/other"
    report = scene.device.refresh()
    assert words(report) == {"main": "behind", "other": "fresh"}
    assert rules(report, "main") == ["FL-1"]


def test_a_store_that_is_down_stops_nobody(scene: Scene) -> None:
    """SPEC DV-6."""
    scene.main.down = True
    scene.release(2, stores="o")
    report = scene.device.refresh()
    assert words(report) == {"main": "unreachable", "other": "fresh"}
    assert scene.device.says() == "2"


def test_an_image_comes_from_any_store_that_has_it(scene: Scene) -> None:
    """SPEC IM-2: the digest decides, so a store that serves other bytes is passed over."""
    scene.release(2)
    digest = f"v1/blobs/{scene.world.revision(2, image_of('2')).image.sha256}"
    scene.main.files[digest] = bytes(len(image_of("2")))
    assert scene.device.refresh().outcome == "installed"
    scene.release(3)
    for store in (scene.main, scene.other):
        store.files[f"v1/blobs/{scene.world.revision(3, image_of('3')).image.sha256}"] = image_of("3") + b"!"
    report = scene.device.refresh()
    assert (report.exit_code, report.problem and report.problem.rule) == (26, "IM-1")
    assert scene.device.says() == "2"


def test_half_an_image_of_a_hostile_store_costs_an_honest_one_nothing(scene: Scene) -> None:
    """SPEC IM-2: what one store sent before it broke off is not held against the next."""
    scene.release(2)
    image = image_of("2")
    digest = scene.world.revision(2, image).image.sha256
    part = scene.device.folder / "images" / f"{digest}.part"
    part.write_bytes(b"x" * (len(image) // 2))
    assert scene.device.refresh().outcome == "installed"
    assert scene.device.says() == "2"


def test_a_release_by_strange_keys_is_refused(scene: Scene) -> None:
    """SPEC TH-1, DV-4: a store can list what it likes; the brand's keys decide."""
    stranger = scene.world.key("stranger")
    forged = sign(scene.world.release(2), stranger)
    scene.publish([scene.software(2)[0], forged], 2, stores="m")
    report = scene.device.refresh()
    assert (report.outcome, words(report)["main"], scene.device.says()) == ("none", "refused", "1")
    assert "TH-1" in rules(report, "main")


def test_a_statement_that_is_not_the_listed_one_is_refused(scene: Scene) -> None:
    """SPEC DV-4: two genuine releases; the one that is not in the view is what a store shows to one device alone."""
    scene.release(2, stores="m")
    shown = scene.software(3)[1]
    scene.main.files[f"v1/statements/{scene.software(2)[1].digest}"] = shown.raw
    report = scene.device.refresh()
    assert "DV-4" in [refusal.rule for refusal in report.packages[0].refusals]
    assert scene.device.says() == "1"


def test_a_head_with_another_sequence_than_its_statement_is_refused(scene: Scene) -> None:
    """SPEC DV-4: the view's row and the statement must say the same."""
    release = scene.software(2)[1]
    scene.release(2, stores="m")
    about = ("release", 1, "acme/tool/latest/stable")
    scene.main.heads[about] = Head(9, bytes.fromhex(release.id), bytes.fromhex(release.digest))
    scene.main.publish_heads()
    report = scene.device.refresh()
    assert "DV-4" in [refusal.rule for refusal in report.packages[0].refusals]
    assert scene.device.says() == "1"


def test_a_store_put_back_to_its_first_day_is_refused(scene: Scene) -> None:
    """SPEC TF-4: the thief of all its keys shows yesterday again."""
    old = deepcopy(scene.main)
    scene.release(2)
    scene.device.refresh()
    scene.device.stores[A] = old
    report = scene.device.refresh()
    assert (words(report), rules(report, "main")) == ({"main": "refused", "other": "fresh"}, ["TF-4"])


def test_a_catalogue_below_the_one_seen_is_refused_under_new_metadata_too(scene: Scene) -> None:
    """SPEC CT-2: the store's online keys can sign anything; what this device has seen of it stays seen."""
    first = scene.main.entries[0]
    scene.release(2)
    scene.device.refresh()
    scene.main.tuf.publish(first.raw)
    report = scene.device.refresh()
    assert (words(report)["main"], rules(report, "main")) == ("refused", ["CT-2"])


def test_another_history_is_refused(scene: Scene) -> None:
    """SPEC CT-3, LG-2: a store that shows this device other entries than before has two histories."""
    twin = deepcopy(scene.main)
    scene.release(2)
    scene.device.refresh()
    for number in (7, 8, 9):
        twin.publish(scene.software(number), [image_of(str(number))])
    scene.main.entries = twin.entries
    scene.main.tuf.publish(twin.entries[-1].raw)
    scene.main.maps |= twin.maps
    scene.main.files |= twin.files
    report = scene.device.refresh()
    assert (words(report)["main"], rules(report, "main")) == ("refused", ["LG-2"])
    assert scene.device.says() == "2"


@pytest.mark.parametrize("answers", [True, False])
def test_a_missed_stretch_of_the_log_is_proved(scene: Scene, *, answers: bool) -> None:
    """SPEC LG-2: after many entries the store shows that the one seen is among them; with or without an answer."""
    scene.main.answer = list if answers else None
    for number in (2, 3, 4, 5):
        scene.release(number)
    report = scene.device.refresh()
    assert (words(report)["main"], scene.device.says()) == ("fresh", "5")
    assert any(path.startswith("v1/log/") for path in scene.main.asked) != answers


def test_a_store_that_lists_older_keys_is_behind_and_not_listened_to(scene: Scene) -> None:
    """SPEC DV-5: reported, and silent, however new the release is that it offers."""
    w = scene.world
    scene.publish([w.signed(w.brand(sequence=2))], stores="o")
    scene.release(2, stores="m")
    report = scene.device.refresh()
    assert words(report) == {"main": "behind", "other": "fresh"}
    assert rules(report, "main") == ["DV-5"]
    assert scene.device.says() == "1"


def test_rotated_brand_keys_end_what_the_old_ones_signed(scene: Scene) -> None:
    """SPEC BR-1, FL-2, DV-3: new keys come from any store, and the old ones' releases count for nothing."""
    w = scene.world
    new = key_set(2, *w.brand_keys("acme", 2))
    brand = sign(w.brand(sequence=2, keys=new), *w.brand_role, *w.brand_keys("acme")[:2])
    scene.publish([brand], stores="o")
    scene.release(2)
    report = scene.device.refresh()
    assert (report.exit_code, scene.device.says()) != (0, "2")
    assert scene.device.says() == "1"


def test_a_store_of_the_wrong_packages_is_not_heard(scene: Scene) -> None:
    """SPEC SR-2: the brand says for which packages a store may be used."""
    w = scene.world
    scene.publish([w.signed(w.store(A, scene.main.pin, sequence=2, packages=["acme/other"]))])
    scene.release(2, stores="m")
    report = scene.device.refresh()
    assert "SR-2" in [refusal.rule for refusal in report.packages[0].refusals]
    assert scene.device.says() == "1"


def test_a_new_address_is_learnt_from_any_store_and_old_ones_stay_addresses(scene: Scene) -> None:
    """SPEC SR-3: stores come from the brand's statements alone; an expired one still says where to ask."""
    w = scene.world
    moved = "http://moved.test"
    scene.device.stores[moved] = scene.main
    del scene.device.stores[A]
    scene.publish([w.signed(w.store(moved, scene.main.pin, sequence=2))])
    assert words(scene.device.refresh()) == {"main": "fresh", "other": "fresh"}


def test_old_store_statements_still_lead_to_new_ones(scene: Scene) -> None:
    """SPEC SR-3, DV-10: a device that was off for a year comes back by itself."""
    w, later = scene.world, NOW + 320 * DAY
    scene.device.at = later
    w.at = scene.main.at = scene.other.at = later
    for store in (scene.main, scene.other):
        store.tuf.at = later
        store.tuf.next_root()
    scene.publish(
        [
            w.signed(w.store(A, scene.main.pin, sequence=2)),
            w.signed(w.store(B, scene.other.pin, store="other", sequence=2)),
            *scene.software(2),
        ],
        2,
    )
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2")


def test_a_re_keyed_store_begins_anew(scene: Scene) -> None:
    """SPEC TF-8: the brand replaces a store's lost root keys; its own floors go, the device's stay."""
    w = scene.world
    scene.release(2)
    scene.device.refresh()
    fresh = SimulatedStore(w.root_id, NOW, "rebuilt")
    moved = w.signed(w.store(A, fresh.pin, sequence=2))
    fresh.publish([*scene.seed[:2], moved, scene.seed[3], *scene.software(2)], [image_of("2")])
    scene.publish([moved], stores="o")
    scene.device.stores[A] = fresh
    assert words(scene.device.refresh()) == {"main": "fresh", "other": "fresh"}
    scene.device.stores[A] = scene.main
    assert words(scene.device.refresh())["main"] == "refused"


def test_two_releases_of_one_sequence_are_both_left_alone(scene: Scene) -> None:
    """SPEC FL-3: the brand has signed two; which one a store shows decides nothing."""
    w = scene.world
    scene.release(2, stores="m")
    rival = [scene.software(3)[0], w.signed(w.release(3, sequence=2))]
    scene.publish(rival, 3, stores="o")
    report = scene.device.refresh()
    assert "FL-3" in [refusal.rule for refusal in report.packages[0].refusals]
    assert scene.device.says() == "1"


# --- time


def test_a_stolen_timestamp_key_freezes_no_longer_than_the_catalogue_s_age(scene: Scene) -> None:
    """SPEC TF-6: timestamps can be signed for ever; the catalogue below them grows old."""
    for store in (scene.main, scene.other):
        for role in ("timestamp", "snapshot", "targets"):
            getattr(store.tuf, role).expires = NOW + 300 * DAY
        store.tuf.at = NOW + 300 * DAY
        store.tuf.timestamp.version += 1
        store.tuf.snapshot.version += 1
        store.tuf.targets.version += 1
        store.tuf.write_targets()
    scene.device.at = NOW + 6 * DAY
    assert scene.device.refresh().outcome == "none"
    scene.device.at = NOW + 7 * DAY
    report = scene.device.refresh()
    assert (report.outcome, report.exit_code, rules(report, "main")) == ("stale", 4, ["TF-6"])


def test_a_catalogue_dated_ahead_is_refused(scene: Scene) -> None:
    """SPEC TF-6: a date in the future would outlive its age."""
    scene.main.at = NOW + timedelta(minutes=11)
    scene.release(2, stores="m")
    report = scene.device.refresh()
    assert rules(report, "main") == ["TF-6"]


def test_without_a_proven_time_only_a_higher_release_is_taken(scene: Scene) -> None:
    """SPEC TM-5: a clock at 1970 learns the time from what is signed, and says that it does not know it."""
    with new_device(NOW - 20_000 * DAY) as device:
        device.stores = scene.device.stores
        device.provision(scene.world.root, scene.seed, clock="poor")
        report = device.refresh()
        assert (report.outcome, report.proven, report.at) == ("installed", False, NOW)
        assert read_status(device.device, device.at).time == "unproven"
        scene.release(2)
        assert device.refresh().outcome == "installed"
        assert device.says() == "2"


def test_a_failed_release_waits_eight_hours_then_twice_as_long(scene: Scene) -> None:
    """SPEC DV-9: and the poll is quiet only until then."""
    bad = image_of("bad", "exit 1")
    revision = scene.world.revision(2, bad, health=Health(["bin/check"], 5, 0))
    for store in (scene.main, scene.other):
        store.publish([scene.world.signed(revision), scene.world.signed(scene.world.release(2))], [bad])
    hour = timedelta(hours=1)
    assert scene.device.refresh().exit_code == 27
    report = scene.device.refresh()
    assert (report.outcome, report.deadline) == ("none", NOW + 8 * hour)
    scene.device.at = NOW + 8 * hour
    assert poll(scene.device.folder, scene.device.outside(), running=True) is None
    assert scene.device.refresh().exit_code == 27
    report = scene.device.refresh()
    assert report.deadline == NOW + 24 * hour
    assert spell(NOW + 24 * hour) in report.packages[0].refusals[0].message
    scene.release(3)
    assert scene.device.refresh().outcome == "installed"


def test_a_soak_runs_the_checks_a_second_time(scene: Scene) -> None:
    """SPEC HC-1: healthy at first, and still so after the soak."""
    image = image_of("2")
    revision = scene.world.revision(2, image, health=Health(["bin/check"], 5, 60))
    scene.publish([scene.world.signed(revision), scene.world.signed(scene.world.release(2))], 2)
    assert scene.device.refresh().outcome == "installed"
    assert scene.device.slept == [60]


def test_a_publisher_s_week_of_soak_is_ten_minutes_here(scene: Scene) -> None:
    """SPEC HC-4: everybody's update waits for the slowest, so nobody may make it wait for a week."""
    image = image_of("2")
    revision = scene.world.revision(2, image, health=Health(["bin/check"], 604_800, 604_800))
    scene.publish([scene.world.signed(revision), scene.world.signed(scene.world.release(2))], 2)
    assert scene.device.refresh().outcome == "installed"
    assert scene.device.slept == [LONGEST_SOAK]


def test_nothing_is_written_where_nothing_is_new(scene: Scene) -> None:
    """SPEC DV-8, DV-2: not by a poll, and not by a whole check either."""
    scene.device.refresh()
    before = scene.device.everything()
    scene.main.asked.clear()
    assert poll(scene.device.folder, scene.device.outside(), running=True) is not None
    assert scene.main.asked == ["tuf/timestamp.json"]
    assert scene.device.refresh().outcome == "none"
    assert scene.device.everything() == before
