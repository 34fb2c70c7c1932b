"""He holds keys of the store `main`: the timestamp's, all of them, or the whole machine (SPEC section 16).

The keys are the real ones from the store's folder. What he signs with them is as good as the store's own word; what
brands sign he still can't make. `second` is honest throughout.
"""

import shutil
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from tuf.api.metadata import TargetFile

from sealring.catalogue.sparse import SparseMap
from sealring.envelope import Envelope
from sealring.names import instant
from sealring.statement import Store
from tests.hostile import NOT_THERE, SILENCE, from_folder
from tests.rotations import rotate
from tests.scenarios.compromise.forger import Forger, endless_roots
from tests.scenarios.compromise.stage import DAY, MAX_AGE, Play, Stage, rules
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.stores import signer
from tests.world import sign

OLD, NEW = ["app 1", "tool 1", "gadget 1"], ["app 2", "tool 2", "gadget 1"]


def alone(stage: Stage) -> None:
    """The other store is out of reach: the worst day for a device."""
    stage.second.line.change = lambda *_: SILENCE


# --- the timestamp key


@pytest.fixture
def thief(stage: Stage) -> Forger:
    """Signs with all online keys of `main`."""
    return stage.forger()


@pytest.fixture
def clock_thief(stage: Stage) -> Forger:
    """Has the timestamp key of `main`, and for all else a key of his own."""
    all_keys, mine = stage.forger(), signer(stage.world.key("mallory-tuf"))
    all_keys.keys = {"timestamp": all_keys.keys["timestamp"], "snapshot": mine, "targets": mine}
    return all_keys


@cell("the store's timestamp key", "freeze", says="bounded")
def test_fresh_timestamps_over_an_old_state_end_with_max_age(
    stage: Stage, yesterday: Play, clock_thief: Forger
) -> None:
    """He signs a new timestamp over yesterday's snapshot every day, each good for ten years: TF-6."""
    alone(stage)
    stage.hide_today(stage.main)
    stage.main.line.change = clock_thief.change
    end = stage.at - DAY + MAX_AGE
    for version, at in enumerate([stage.at, end - DAY / 24], 500):
        clock_thief.timestamp(version, 2)
        assert yesterday.refresh(at).outcome == "none"
    clock_thief.timestamp(600, 2)
    report = yesterday.refresh(end)
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert "TF-6" in rules(report)
    assert yesterday.runs() == OLD
    stage.second.line.reset()
    assert yesterday.refresh(stage.at).outcome == "installed"
    assert yesterday.runs() == NEW


@cell("the store's timestamp key", "install an old revision", "show two views")
def test_a_timestamp_that_names_an_older_snapshot_is_refused(stage: Stage, today: Play, clock_thief: Forger) -> None:
    """He leads a device that has seen today back to yesterday: TF-4."""
    alone(stage)
    before = today.picture()
    stage.hide_today(stage.main)
    stage.main.line.change = clock_thief.change
    clock_thief.timestamp(500, 2)
    report = today.refresh()
    assert "TF-4" in rules(report)
    assert report.outcome == "refused"
    assert (today.runs(), today.picture()) == (NEW, before)


@cell("the store's timestamp key", "install anything", "mix and match")
def test_a_timestamp_vouches_for_no_snapshot_by_itself(stage: Stage, yesterday: Play, clock_thief: Forger) -> None:
    """He names a snapshot of his own, signed by a key of his own, or another day's under today's number: TF-4."""
    alone(stage)
    before = yesterday.picture()
    stage.main.line.change = clock_thief.change
    clock_thief.list(*stage.statements())
    report = yesterday.refresh()
    assert "TF-4" in rules(report)
    assert (report.outcome, yesterday.runs()) == ("refused", OLD)
    clock_thief.files.clear()
    clock_thief.timestamp(2000, 7)
    clock_thief.files["/tuf/7.snapshot.json"] = stage.main.line.honest("/tuf/3.snapshot.json", {}).body
    assert "TF-4" in rules(yesterday.refresh())
    assert yesterday.picture()["links"] == before["links"]


@cell("the store's timestamp key", "stop what runs")
def test_a_timestamp_far_ahead_costs_this_store_only(stage: Stage, yesterday: Play, clock_thief: Forger) -> None:
    """He signs version 2^31, so that the store's own timestamps look old (TF-4): the other store goes on."""
    stage.hide_today(stage.main)
    stage.main.line.change = clock_thief.change
    clock_thief.timestamp(2**31, 2)
    assert yesterday.refresh().outcome == "installed"
    stage.reset()
    report = yesterday.refresh()
    assert (line(report, "acme/main").word, line(report, "acme/second").word) == ("refused", "fresh")
    assert yesterday.runs() == NEW


@cell("the store's timestamp key", "freeze", says="bounded")
def test_a_timestamp_key_ends_with_its_rotation(stage: Stage, today: Play, clock_thief: Forger, tmp_path: Path) -> None:
    """New keys by the root's holders (TF-9), and what he signed far ahead is forgotten with the old one (TF-4)."""
    alone(stage)
    stage.main.line.change = clock_thief.change
    clock_thief.timestamp(2**31, 2**30)
    assert line(today.refresh(), "acme/main").word != "fresh"
    shutil.copytree(stage.main.today, rotated := tmp_path / "rotated")
    rotate(rotated, stage.main.root_signer, stage.at)
    stage.main.line.change, stage.main.line.upstream = None, from_folder(rotated, lambda: stage.at)
    report = today.refresh()
    assert line(report, "acme/main").word == "fresh"
    clock_thief.files.clear()
    stage.main.line.change = clock_thief.change
    clock_thief.timestamp(2**31 - 1, 2)
    report = today.refresh(stage.at + DAY)
    assert "TF-4" in rules(report)
    assert line(report, "acme/main").word == "refused"


# --- all keys


def forged_software(stage: Stage) -> list[Envelope]:
    """A release of acme/tool that nobody of acme has signed, with its revision."""
    keys = [stage.world.key(f"mallory-{n}") for n in "ab"]
    return [sign(stage.revision("acme/tool", 9), *keys), sign(stage.release("acme/tool", 9), *keys)]


@cell("all store keys", "install anything")
@cell("the store's machine", "install anything")
def test_whatever_the_store_lists_must_be_the_brand_s(stage: Stage, yesterday: Play, thief: Forger) -> None:
    """His catalogue, perfectly signed and proved, lists software by keys of his own: TH-1."""
    alone(stage)
    before = yesterday.picture()
    stage.main.line.change = thief.change
    thief.list(*stage.statements(*stage.first[:2], *forged_software(stage)))
    report = yesterday.refresh()
    assert "TH-1" in rules(report)
    assert line(report, "acme/main").word == "refused"
    assert report.outcome == "refused"
    assert yesterday.runs() == OLD
    after = yesterday.picture()
    assert (after["links"], after["statements"]) == (before["links"], before["statements"])


@cell("all store keys", "install an old revision", says="bounded")
def test_a_device_that_has_seen_newer_is_never_taken_back(stage: Stage, today: Play, thief: Forger) -> None:
    """A new entry after the true ones lists yesterday's releases again: FL-1."""
    alone(stage)
    stage.main.line.change = thief.change
    thief.list(*stage.statements(*stage.first))
    report = today.refresh()
    assert "FL-1" in rules(report)
    assert line(report, "acme/main").word == "behind"
    assert report.outcome == "stale"
    assert today.runs() == NEW


@cell("all store keys", "install an old revision", says="bounded")
def test_a_newborn_is_shown_the_oldest_release_while_it_lasts(stage: Stage, newborn: Play, thief: Forger) -> None:
    """The bound: a release ends at its own date (TM-1), and at the word of an honest store (DV-5)."""
    alone(stage)
    newborn.provision()
    stage.main.line.change = thief.change
    thief.list(*stage.statements(*stage.first), at=stage.at)
    assert newborn.refresh().outcome == "installed"
    assert newborn.runs() == OLD
    stage.second.line.reset()
    assert newborn.refresh().outcome == "installed"
    assert newborn.runs() == NEW


@cell("all store keys", "install an old revision", says="bounded")
def test_a_release_that_has_ended_is_shown_to_nobody(stage: Stage, newborn: Play, thief: Forger) -> None:
    """The same, after the release's life: TM-1."""
    alone(stage)
    newborn.provision()
    late = stage.at + 100 * DAY
    stage.main.line.change = thief.change
    thief.list(*stage.statements(*stage.first), at=late)
    report = newborn.refresh(late)
    assert "TM-1" in rules(report)
    assert (report.generation, report.exit_code != 0) == (None, True)


@cell("all store keys", "freeze", says="bounded")
def test_with_all_keys_a_freeze_lasts_as_long_as_a_release(stage: Stage, yesterday: Play, thief: Forger) -> None:
    """He signs yesterday's state anew each day; once the release has ended the device says `stale` (TM-1, DV-8)."""
    alone(stage)
    stage.main.line.change = thief.change
    ends = stage.at - 2 * DAY + 90 * DAY
    thief.list(*stage.statements(*stage.first), at=ends - DAY)
    assert yesterday.refresh(ends - DAY).outcome == "none"
    thief.list(*stage.statements(*stage.first), at=ends)
    report = yesterday.refresh(ends)
    assert "TM-1" in rules(report)
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert yesterday.runs() == OLD


@cell("all store keys", "freeze", says="bounded")
def test_the_poll_after_a_freeze_ends_with_the_release_too(stage: Stage, yesterday: Play, thief: Forger) -> None:
    """The deadline of "nothing new" is the earliest expiry of all that it rests on, the releases too (DV-8)."""
    alone(stage)
    stage.main.line.change = thief.change
    ends = stage.at - 2 * DAY + 90 * DAY
    almost = ends - DAY / 2
    thief.list(*stage.statements(*stage.first), at=almost)
    report = yesterday.refresh(almost)
    assert (report.outcome, report.deadline) == ("none", ends)


@cell("all store keys", "mix and match", says="bounded")
def test_he_can_hold_one_package_back_but_not_take_it_back(stage: Stage, yesterday: Play, thief: Forger) -> None:
    """He shows the new app with the old tool. Each is above its floor, and what was seen stays so: FL-1."""
    alone(stage)
    stage.main.line.change = thief.change
    app, tool, gadget = stage.latest[:2], stage.latest[2:4], stage.latest[4:]
    thief.list(*stage.statements(*app, *stage.first[2:4], *gadget))
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == ["app 2", "tool 1", "gadget 1"]
    thief.list(*stage.statements(*stage.first[:2], *tool, *gadget))
    report = yesterday.refresh()
    assert "FL-1" in rules(report)
    assert yesterday.runs()[0] == "app 2"


@cell("all store keys", "endless or slow data")
@cell("the store's machine", "endless or slow data")
def test_a_chain_of_roots_without_end_ends(stage: Stage, yesterday: Play) -> None:
    """He answers each question for one more TUF root with one that is genuinely signed: at most 256 (TF-3)."""
    first = (stage.main.today / "1.root.json").read_bytes()
    stage.main.line.change = endless_roots(first, stage.main.root_signer).change
    report = yesterday.refresh()
    asked = [path for path in stage.main.line.asked if path.endswith(".root.json")]
    assert len(asked) <= 257
    assert report.outcome == "installed"


@cell("all store keys", "endless or slow data")
@cell("the store's machine", "endless or slow data")
@pytest.mark.parametrize("what", ["a catalogue of a terabyte", "a view of two megabytes"])
def test_what_is_signed_as_huge_is_refused_by_its_length(
    stage: Stage, yesterday: Play, thief: Forger, what: str
) -> None:
    """His own targets name a giant (TF-5), or his catalogue commits to one (HF-1)."""
    stage.main.line.change = thief.change
    entry = thief.list(*stage.statements(*stage.first))
    if what == "a catalogue of a terabyte":
        thief.version += 1
        thief.show_target(TargetFile(2**40, {"sha256": entry.digest.hex()}, "catalogue.json"))
        needed = {"TF-5"}
    else:
        view = next(name for name in thief.files if name.startswith("/v1/views/"))
        thief.files[view] = bytes(2 * 2**20)
        needed = {"HF-1"}
    report = yesterday.refresh()
    assert needed <= rules(report)
    assert (report.outcome, yesterday.runs()) == ("installed", NEW)


FORKS = ["the same entry twice", "another entry before", "a log without what was seen"]


@cell("all store keys", "show two views", says="bounded")
@cell("the store's machine", "show two views", says="bounded")
@pytest.mark.parametrize("fork", FORKS)
def test_a_device_refuses_what_contradicts_what_it_saw(stage: Stage, today: Play, thief: Forger, fork: str) -> None:
    """He keeps a second history for this device: CT-3, LG-2. Another device that saw neither can't tell."""
    alone(stage)
    before = today.picture()
    stage.main.line.change = thief.change
    found = thief.commit(stage.statements(*stage.first))
    other = [*thief.log[:-1]]
    match fork:
        case "the same entry twice":
            thief.show(thief.entry(found, after=other))
        case "another entry before":
            thief.entry(SparseMap.empty(), after=other)
            thief.show(thief.entry(found))
        case _:
            thief.entry(SparseMap.empty(), after=other)
            thief.entry(SparseMap.empty())
            thief.show(thief.entry(found))
    report = today.refresh()
    assert rules(report) & {"CT-3", "LG-2"}
    assert report.outcome == "refused"
    after = today.picture()
    assert (today.runs(), after["files"], after["links"]) == (NEW, before["files"], before["links"])


@cell("all store keys", "block another store", "stop what runs")
@cell("the store's machine", "block another store", "stop what runs")
def test_a_history_from_the_far_future_blocks_nobody_else(stage: Stage, yesterday: Play, thief: Forger) -> None:
    """Versions, numbers and dates as high as they go, for software that is not there (DV-6, TF-6)."""
    stage.main.line.change = thief.change
    thief.version = 2**31
    thief.list(*stage.statements(), at=instant("2099-01-01T00:00:00Z"))
    report = yesterday.refresh()
    assert line(report, "acme/main").word == "refused"
    assert "TF-6" in rules(report)
    assert (report.outcome, yesterday.runs()) == ("installed", NEW)


@cell("all store keys", "block another store", "stop what runs")
@cell("the store's machine", "block another store", "stop what runs")
def test_a_newer_release_without_its_image_does_not_keep_the_other_store_s(
    stage: Stage, yesterday: Play, thief: Forger
) -> None:
    """He lists today's releases and gives no revision and no image: the other store gives both (DV-5, DV-6)."""
    stage.main.line.change = lambda path, reply: (
        NOT_THERE if path.startswith("/v1/blobs/") else thief.change(path, reply)
    )
    thief.list(*stage.statements(stage.second_software[1], stage.second_software[3]))
    report = yesterday.refresh()
    assert (report.outcome, yesterday.runs()) == ("installed", NEW)


@cell("all store keys", "freeze", says="bounded")
@pytest.mark.parametrize("clock", ["trusted", "poor"])
def test_new_keys_for_the_store_end_what_the_old_ones_did(
    stage: Stage, newborn: Play, thief: Forger, clock: str
) -> None:
    """He jumps ahead in versions, and on a device without a clock in time; the brand re-keys the store (TF-8)."""
    alone(stage)
    newborn.provision(clock=clock)
    stage.main.line.change = thief.change
    thief.version = 2**31
    thief.list(*stage.statements(*stage.first), at=stage.at if clock == "trusted" else stage.at + 150 * DAY)
    newborn.refresh()
    # The brand pins the root of a new store at the old address; the keys of `second` stand in for its new ones.
    rekeyed = stage.world.signed(repinned(stage))
    honest = stage.forger(stage.second)
    honest.list(*[one for one in stage.statements() if one.id != stage.chain[3].id], rekeyed, *stage.latest)
    stage.main.line.upstream, stage.main.line.change = stage.second.line.honest, honest.change
    report = newborn.refresh()
    assert line(report, "acme/main").word == "fresh", rules(report)
    assert newborn.runs() == NEW


def repinned(stage: Stage) -> Store:
    """A newer statement of `main` that pins the root of `second`."""
    return stage.world.store(
        stage.main.line.url,
        stage.second.store.pin,
        store="main",
        sequence=2,
        max_age=int(MAX_AGE.total_seconds()),
        packages=["acme/*", "evil/*"],
        issued=stage.at,
    )


# --- the machine


@pytest.fixture
def machine(stage: Stage, tmp_path: Path) -> Path:
    """The machine of `main`, in his hands: its folder of today, to be changed and served."""
    folder = tmp_path / "main"
    shutil.copytree(stage.main.today, folder)
    alone(stage)
    return folder


@cell("the store's machine", "install an old revision", says="bounded")
def test_the_folder_of_yesterday_put_back_is_refused(stage: Stage, today: Play) -> None:
    """He restores a backup of everything: TF-4, and with timestamps that he signs anew CT-2."""
    alone(stage)
    before = today.picture()
    stage.hide_today(stage.main)
    assert "TF-4" in rules(today.refresh())
    assert today.picture() == before
    thief = Forger.of(stage.main.yesterday, stage.at)
    thief.version = 5000
    thief.show(thief.log[-1])
    stage.main.line.change = thief.change
    report = today.refresh()
    assert "CT-2" in rules(report)
    assert (report.outcome, today.runs()) == ("refused", NEW)


@cell("the store's machine", "freeze", says="bounded")
def test_a_machine_that_never_says_anything_new_is_stale_in_time(stage: Stage, yesterday: Play) -> None:
    """He runs yesterday's folder for ever, where the store signs its own metadata again: the releases end it (TM-1)."""
    alone(stage)
    late = stage.at + 100 * DAY
    thief = Forger.of(stage.main.yesterday, late)
    thief.list(*stage.statements(*stage.first), at=late)
    stage.main.line.change = thief.change
    report = yesterday.refresh(late)
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert yesterday.runs() == OLD


@cell("the store's machine", "mix and match", says="bounded")
@cell("the store's machine", "install anything")
def test_a_row_changed_in_its_database_is_noticed(stage: Stage, yesterday: Play, machine: Path) -> None:
    """He swaps the bytes of today's release for yesterday's, or for his own: DV-4."""
    release, old, forged = stage.second_software[3], stage.first[3], forged_software(stage)[1]
    for raw in (old.raw, forged.raw):
        with sqlite3.connect(machine / "store.db") as rows:
            rows.execute("UPDATE statements SET raw = ? WHERE envelope = ?", (raw, release.digest))
        rows.close()
        stage.main.line.upstream = from_folder(machine, lambda: stage.at)
        report = yesterday.refresh()
        assert "DV-4" in rules(report)
        assert (line(report, "acme/main").word, yesterday.runs()[1]) == ("refused", "tool 1")


@cell("the store's machine", "mix and match", says="bounded")
def test_one_release_held_back_on_the_machine_stays_above_its_floor(stage: Stage, today: Play) -> None:
    """He lists a new app beside yesterday's tool to a device that has today's: FL-1."""
    alone(stage)
    thief = stage.forger()
    thief.list(*stage.statements(*stage.second_software[:2], *stage.first[2:]))
    stage.main.line.change = thief.change
    report = today.refresh()
    assert "FL-1" in rules(report)
    assert today.runs() == NEW


@cell("the store's machine", "install anything")
@pytest.mark.parametrize("how", ["another image", "one bit"])
def test_an_image_changed_on_its_disk_is_refused(stage: Stage, yesterday: Play, machine: Path, how: str) -> None:
    """He changes the image under its digest: IM-2, or HF-3 where its length tells."""
    image = image_of("tool 2")
    blob = next(path for path in (machine / "blobs").rglob(sha256(image).hexdigest()))
    other = {"another image": image_of("mallory"), "one bit": bytes([image[0] ^ 1]) + image[1:]}
    blob.chmod(0o644)
    blob.write_bytes(other[how])
    stage.main.line.upstream = from_folder(machine, lambda: stage.at)
    before = yesterday.picture()
    report = yesterday.refresh()
    assert rules(report) & {"IM-2", "HF-3"}
    assert (report.outcome, yesterday.runs()) == ("failed", OLD)
    assert yesterday.picture()["links"] == before["links"]
    stage.second.line.reset()
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == NEW
