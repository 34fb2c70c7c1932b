"""Bundles that a person has brought: as good as what a store shows, and no better (SPEC BN-3, BN-6, BN-7)."""

import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sealring.bundle import Entry, ImageEntry, StatementEntry, TufEntry, write_bundle
from sealring.errors import SealringError, TrustError
from sealring.statement.software import Image
from sealring_client.disk import DiskError
from sealring_client.poll import Quiet
from sealring_client.stick import StickFile, Sticks
from tests.scenarios.devices import MODEL, Rig, image_of, line, new_device, now
from tests.scenarios.scene import A, Scene, rules, words
from tests.simulated import SimulatedStore
from tests.sticks import image_entry, images_of, of_store, stick_of, write_stick
from tests.world import DAY, NOW, World, key_set, sign

COMMAND = [sys.executable, "-c", "import sys; from sealring_client.command.main import main; sys.exit(main())"]
WITHOUT_NETWORK = ["unshare", "-n", *COMMAND]


@pytest.fixture
def device() -> Iterator[Rig]:
    with new_device(NOW) as found:
        yield found


def shelf(device: Rig, *, age: timedelta = timedelta(), **model: Any) -> Scene:
    """Two stores, and a device that has heard nothing yet; its model grants bundles this age."""
    return Scene(device, model={"offline_age": int(age.total_seconds()), **model})


def both(scene: Scene) -> dict[str, SimulatedStore]:
    return {"acme/main": scene.main, "acme/other": scene.other}


def unplug(scene: Scene) -> None:
    scene.main.down = scene.other.down = True


def test_the_real_command_takes_it_with_the_network_unplugged(tmp_path: Path) -> None:
    """SPEC BN-6: a new device, then an update, in a network namespace that has not even a loopback address."""
    world = World(at=now())
    store = SimulatedStore(world.root_id, world.at)
    first = [world.signed(one) for one in (world.brand(), world.model(), world.store(A, store.pin))]
    with new_device() as rig:
        for number in (1, 2):
            image = image_of(f"by hand {number}")
            software = [world.signed(world.revision(number, image)), world.signed(world.release(number))]
            store.publish([*first, *software] if number == 1 else software, [image])
            stick = stick_of(tmp_path / f"stick-{number}", {"acme/main": store})
            if number == 1:
                rig.provision(world.root, first)
            options = ("--state", str(rig.folder), "--bundle", str(stick))
            looked = subprocess.run([*WITHOUT_NETWORK, "check", *options], capture_output=True, text=True, timeout=60)
            assert (looked.returncode, looked.stderr) == (3, "")
            done = subprocess.run([*WITHOUT_NETWORK, "refresh", *options], capture_output=True, text=True, timeout=60)
            assert (done.returncode, done.stdout.splitlines()[0]) == (0, f"installed generation {number}"), done
            assert rig.says() == f"by hand {number}"
        alone = subprocess.run(
            [*WITHOUT_NETWORK, "refresh", "--state", str(rig.folder)], capture_output=True, text=True, timeout=60
        )
        assert alone.returncode == 10


def test_years_off_with_new_keys_everywhere(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-6, RT-2, BR-2, TF-3: roots, a brand's versions and TUF roots, one by one, from one file."""
    scene = shelf(device)
    assert device.refresh().outcome == "installed"
    unplug(scene)
    w = scene.world
    w.at = device.at = scene.main.at = NOW + 800 * DAY
    _, first_pin = scene.main.pin
    for n in (2, 3):
        scene.main.publish([w.signed(w.root_statement(sequence=n, root=w.root_id))])
        scene.main.tuf.at = w.at
        scene.main.tuf.next_root()
    del scene.main.heads["root", 1, "2"]  # a view lists the newest
    old, new = w.brand_keys("acme")[:2], w.brand_keys("acme", 2)
    brand = sign(w.brand(sequence=2, keys=key_set(2, *new)), *w.brand_role, *old, *new[:2])
    stores = ["acme/main", "acme/other"]
    said = [
        w.model(sequence=2, stores=stores),
        w.store(A, (1, first_pin), sequence=2),
    ]
    software = [w.revision(2, image_of("years")), w.release(2)]
    scene.main.publish([brand, *(sign(one, *new[:2]) for one in (*said, *software))], [image_of("years")])
    stick = stick_of(tmp_path / "stick", {"acme/main": scene.main})
    report = device.by_hand(stick)
    assert (report.outcome, device.says()) == ("installed", "years"), report.as_json()
    assert device.device.anchor.statement.sequence == 1
    assert words(report) == {"main": "fresh", "other": "refused"}


def test_a_device_that_has_seen_any_entry_finds_its_way_in_the_log(device: Rig, tmp_path: Path) -> None:
    """SPEC LG-2: who makes a stick can't know which entry a device saw last, so that it has all leaves of the log."""
    scene = shelf(device)
    scene.release(2)
    assert device.refresh().outcome == "installed"
    for number in range(3, 8):
        scene.release(number)
    unplug(scene)
    whole = stick_of(tmp_path / "whole", both(scene))
    entries = [e for n, s in both(scene).items() for e in of_store(n, s, [MODEL], piece=2)]
    pathless = write_stick(
        tmp_path / "pathless", [e for e in entries if not (isinstance(e, TufEntry) and "/log/" in e.name)]
    )
    assert device.by_hand(pathless).problem is not None
    wrong = [
        TufEntry(e.name, bytes(len(e.data))) if isinstance(e, TufEntry) and "/log/" in e.name else e for e in entries
    ]
    assert rules(device.by_hand(write_stick(tmp_path / "wrong", wrong)), "main") == ["LG-2"]
    assert device.says() == "2"
    old = [
        TufEntry(e.name.replace("/log/0", "/log/left-out"), e.data) if isinstance(e, TufEntry) else e for e in entries
    ]
    [refusal] = line(device.by_hand(write_stick(tmp_path / "old", old)), "acme/main").refusals
    assert (refusal.rule, refusal.exit_code) == ("BN-6", 11)
    assert re.search(r"has its log from entry 32769 on, this device saw entry \d last", refusal.message)
    pieces = write_stick(tmp_path / "pieces", entries, images_of(scene.main))
    assert device.by_hand(pieces).outcome == "installed"
    assert device.by_hand(whole).outcome == "none"
    assert device.says() == "7"


def test_afterwards_no_poll_says_that_nothing_is_new(device: Rig, tmp_path: Path) -> None:
    """SPEC DV-8: what a stick brought is no store's answer: the next check asks, whole, and goes on from there."""
    scene = shelf(device)
    assert device.refresh().outcome == "installed"
    assert isinstance(device.turn(), Quiet)
    scene.release(2)
    stick = stick_of(tmp_path / "stick", both(scene))
    report = device.by_hand(stick)
    assert (report.outcome, report.deadline) == ("installed", None)
    assert not (device.folder / "poll.json").exists()
    asked = device.turn()
    assert not isinstance(asked, Quiet)
    assert (asked.outcome, words(asked)) == ("none", {"main": "fresh", "other": "fresh"})
    assert isinstance(device.turn(), Quiet)


# --- BN-7


def test_an_answer_that_has_ended_counts_from_a_stick_as_long_as_the_model_says(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-7, TF-6: TUF files live 7 days here; the model grants 30 more, to a bundle, and not a second more."""
    scene = shelf(device, age=30 * DAY)
    stick = stick_of(tmp_path / "stick", both(scene))
    device.at = NOW + 37 * DAY
    before = device.everything()
    late = device.by_hand(stick, apply=False)
    assert (late.outcome, late.exit_code, words(late)) == ("stale", 4, {"main": "stale", "other": "stale"})
    assert "generations" not in {path.parts[0] for path in map(Path, device.everything().keys() - before.keys())}
    device.at = NOW + 37 * DAY - timedelta(seconds=1)
    report = device.by_hand(stick)
    assert (report.outcome, device.says()) == ("installed", "1")
    assert any("granted to a bundle" in note for note in report.notes)


@pytest.mark.parametrize("first", [True, False], ids=["before a stick", "after a stick"])
def test_the_network_is_granted_nothing(device: Rig, tmp_path: Path, first: bool) -> None:
    """SPEC BN-7: he answers with what the stick would have: what a store shows ends when it ends."""
    scene = shelf(device, age=400 * DAY)
    device.at = NOW + 30 * DAY
    if not first:
        assert device.by_hand(stick_of(tmp_path / "stick", both(scene))).outcome == "installed"
    report = device.refresh()
    assert (report.outcome, report.exit_code) == ("stale", 4)
    assert set(words(report).values()) == {"stale"}
    assert (device.folder / "current").exists() is not first


@pytest.mark.parametrize("what", ["release", "store", "nothing granted"])
def test_all_else_that_has_ended_stays_so(device: Rig, tmp_path: Path, what: str) -> None:
    """SPEC BN-7, TM-1: a release lives 90 days here, a store's statement 300; a model may grant nothing."""
    scene = shelf(device, age=timedelta() if what == "nothing granted" else 400 * DAY)
    device.at = NOW + {"release": 91, "store": 301, "nothing granted": 8}[what] * DAY
    report = device.by_hand(stick_of(tmp_path / "stick", both(scene)))
    assert report.outcome in ("stale", "failed"), report.as_json()
    assert not (device.folder / "current").exists()


def test_a_clock_that_is_behind_lends_no_time(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-7, TM-4: the age is counted at the later of the clock and what is signed, as all else is."""
    scene = shelf(device, age=DAY)
    stick = stick_of(tmp_path / "stick", both(scene))
    w = scene.world
    scene.main.publish([w.signed(w.model(sequence=2, issued=NOW + 20 * DAY, offline_age=86_400))])
    newer = write_stick(
        tmp_path / "newer", [StatementEntry(r) for p, r in scene.main.files.items() if "statements" in p]
    )
    device.at = NOW - 300 * DAY
    report = device.by_hand(stick, newer)
    assert not report.proven
    assert set(words(report).values()) == {"stale"}


# --- whose it is


def other_brand(_: Scene) -> list[Entry]:
    w = World(at=NOW, salt="other")
    store = SimulatedStore(w.root_id, NOW, "elsewhere")
    w_store = w.store(A, store.pin)
    store.publish([w.signed(one) for one in (w.brand(), w.model(), w_store, w.revision(9), w.release(9))])
    return of_store("acme/main", store, [MODEL])


def other_model(scene: Scene) -> list[Entry]:
    scene.main.publish([scene.world.signed(scene.world.model("door-2"))])
    return of_store("acme/main", scene.main, ["acme/door-2"])


def other_store(scene: Scene) -> list[Entry]:
    return of_store("acme/third", scene.main, [MODEL])


def under_anothers_name(scene: Scene) -> list[Entry]:
    return of_store("acme/main", scene.other, [MODEL])


def half_and_half(scene: Scene) -> list[Entry]:
    """The roots of one store, and the rest of the other's."""
    mine, others = of_store("acme/main", scene.main, [MODEL]), of_store("acme/main", scene.other, [MODEL])
    roots = [e for e in mine if isinstance(e, TufEntry) and e.name.endswith("root.json")]
    return [*roots, *(e for e in others if not (isinstance(e, TufEntry) and e.name.endswith("root.json")))]


def nothing_at_all(_: Scene) -> list[Entry]:
    return []


Make = Callable[[Scene], list[Entry]]


@pytest.mark.parametrize(
    ("make", "code"),
    [
        pytest.param(other_brand, 23, id="another root's, with the same names"),
        pytest.param(other_model, 11, id="another model's"),
        pytest.param(other_store, 11, id="a store that the model does not name"),
        pytest.param(under_anothers_name, 23, id="another store's files under this one's name"),
        pytest.param(half_and_half, 21, id="files of two stores mixed"),
        pytest.param(nothing_at_all, 11, id="nothing"),
    ],
)
def test_what_is_for_others_is_of_no_use(device: Rig, tmp_path: Path, make: Make, code: int) -> None:
    """SPEC BN-3, BN-6: nothing is installed, and what runs and is trusted stays; the person is told."""
    scene = shelf(device)
    assert device.refresh().outcome == "installed"
    trusted = (device.folder / "trust.0.json").read_bytes()
    scene.release(2)
    report = device.by_hand(write_stick(tmp_path / "stick", make(scene), images_of(scene.main)))
    assert report.exit_code != 0
    assert device.says() == "1"
    assert (device.folder / "trust.0.json").read_bytes() == trusted
    if code == 11:
        assert report.problem is not None
        assert (report.outcome, report.problem.rule, report.exit_code) == ("failed", "BN-6", 11)


def test_a_good_file_beside_a_bad_one_is_taken(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-6: files are not mixed: a forged model and a newer, forged timestamp in one hide nothing of the other."""
    scene = shelf(device)
    w, thief = scene.world, World(at=NOW).delegate_keys()
    forged = sign(w.model(sequence=99), *thief)
    scene.other.tuf.timestamp.version = 99
    scene.other.tuf.write_timestamp()
    bad: list[Entry] = [e for e in of_store("acme/main", scene.other, [MODEL]) if not isinstance(e, StatementEntry)]
    bad.append(StatementEntry(forged.raw))
    good = stick_of(tmp_path / "good", {"acme/main": scene.main})
    report = device.by_hand(write_stick(tmp_path / "bad", bad), good)
    assert (report.outcome, device.says()) == ("installed", "1"), report.as_json()


def test_a_stick_for_several_models_serves_each(tmp_path: Path) -> None:
    """SPEC BN-6: a device takes its own model's, and of two sticks the newer, in whichever order they are given."""
    with new_device(NOW) as device, new_device(NOW) as second:
        scene = shelf(device)
        w = scene.world
        door = w.signed(w.model("door-2", stores=["acme/main"]))
        scene.main.publish([door])
        second.provision(w.root, [*scene.seed, door], model="acme/door-2")
        models = [MODEL, "acme/door-2"]
        old = stick_of(tmp_path / "old", {"acme/main": scene.main}, models)
        scene.release(2, stores="m")
        new = stick_of(tmp_path / "new", {"acme/main": scene.main}, models)
        for rig, sticks in ((device, (old, new)), (second, (new, old))):
            assert rig.by_hand(*sticks).outcome == "installed"
            assert rig.says() == "2"


def test_a_stick_below_the_floors_is_refused(device: Rig, tmp_path: Path) -> None:
    """SPEC CT-2, FL-1, DV-5: what the device saw itself, or another store showed, a stick can't take back."""
    scene = shelf(device)
    old = stick_of(tmp_path / "old", both(scene))
    scene.release(2)
    assert device.refresh().outcome == "installed"
    before = {name: one for name, one in device.everything().items() if name != "poll.json"}
    report = device.by_hand(old)
    assert (report.outcome, report.exit_code) == ("refused", 25)
    assert all(rule in ("CT-2", "TF-4") for store in ("main", "other") for rule in rules(report, store))
    assert {name: one for name, one in device.everything().items() if name != "poll.json"} == before
    assert device.says() == "2"


# --- its bytes


def test_a_part_of_a_bundle_is_none(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-1: wherever it breaks off, in an image too; it is refused before anything is done."""
    scene = shelf(device)
    raw = stick_of(tmp_path / "whole", both(scene)).read_bytes()
    before = device.everything()
    for size in (0, 5, 18, 40, len(raw) // 3, len(raw) - 4000, len(raw) - 12, len(raw) - 11, len(raw) - 1):
        part = tmp_path / "part"
        part.write_bytes(raw[:size])
        with pytest.raises(TrustError) as refused:
            device.by_hand(part)
        assert (refused.value.rule, refused.value.exit_code) == ("BN-1", 20), size
    (tmp_path / "more").write_bytes(raw + b"!")
    with pytest.raises(TrustError):
        device.by_hand(tmp_path / "more")
    assert device.everything() == before


def test_what_is_no_plain_file_is_not_read(device: Rig, tmp_path: Path) -> None:
    """SPEC ST-7: nobody waits for a pipe, nor reads a device without end; a missing file is said to be missing."""
    shelf(device)
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero"), tmp_path, tmp_path / "none"):
        with pytest.raises(DiskError) as refused:
            device.by_hand(path)
        assert refused.value.exit_code == 12


IMAGES: list[Any] = [
    pytest.param(lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]), 26, id="a bit is another"),
    pytest.param(lambda raw: raw + b"more", 26, id="longer than signed"),
    pytest.param(lambda raw: raw[:-1], 26, id="shorter than signed"),
    pytest.param(lambda _: None, 11, id="not there"),
]


@pytest.mark.parametrize(("spoil", "code"), IMAGES)
def test_an_image_is_taken_by_its_signed_digest_only(
    device: Rig, tmp_path: Path, spoil: Callable[[bytes], bytes | None], code: int
) -> None:
    """SPEC IM-1, IM-2: whatever stands under the digest; and the right bytes from a second file mend it."""
    scene = shelf(device)
    digest, spoilt = sha256(image_of("1")).hexdigest(), spoil(image_of("1"))
    images = [image_entry(spoilt, digest)] if spoilt is not None else []
    bad = write_stick(tmp_path / "bad", of_store("acme/main", scene.main, [MODEL]), images)
    report = device.by_hand(bad)
    assert (report.outcome, report.exit_code) == ("failed", code), report.as_json()
    assert not (device.folder / "current").exists()
    assert device.by_hand(stick_of(tmp_path / "good", {"acme/main": scene.main})).outcome == "installed"


class Zeros:
    """An image of any length."""

    def __init__(self, size: int) -> None:
        self.left = size

    def read(self, size: int, /) -> bytes:
        count = min(size, self.left)
        self.left -= count
        return bytes(count)


def test_an_image_that_does_not_fit_takes_no_room(device: Rig, tmp_path: Path) -> None:
    """SPEC IM-1: a sparse file of a tebibyte: the room is asked for before its first byte, and the rest runs on."""
    scene = shelf(device)
    size = 2**40
    w, claimed = scene.world, "ab" * 32
    revision = msgspec.structs.replace(w.revision(2), image=Image(claimed, size, "squashfs"))
    scene.main.publish([w.signed(revision), w.signed(w.release(2))])
    stick = tmp_path / "stick"
    head = write_bundle(of_store("acme/main", scene.main, [MODEL]))[:-11]
    with stick.open("wb") as file:
        file.write(head + b"\x10\x00\x40" + size.to_bytes(8, "big") + claimed.encode())
        file.truncate(file.tell() + size)
        file.seek(0, os.SEEK_END)
        file.write(bytes(11))
    report = device.by_hand(stick)
    assert (report.outcome, report.exit_code) == ("failed", 12)
    assert sum(path.stat().st_blocks for path in (device.folder / "images").iterdir()) < 100


def test_images_never_lie_in_memory(tmp_path: Path) -> None:
    """SPEC BN-1, IM-1: 64 MiB of image, and less than 4 MiB of memory, to read the bundle and to take from it."""
    size = 64 * 1024 * 1024
    path = write_stick(tmp_path / "stick", [], [ImageEntry(b"\xab" * 32, size, Zeros(size))])
    tracemalloc.start()
    try:
        stick = StickFile(path)
        at, found = stick.images["ab" * 32]
        assert sum(len(piece) for piece in stick.pieces(at, found, "")) == size
        stick.close()
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_a_file_that_shrinks_while_it_is_read_is_no_image(device: Rig, tmp_path: Path) -> None:
    """SPEC HF-3: the stick is pulled out, or somebody writes to it: a part is never returned as the whole."""
    scene = shelf(device)
    path = stick_of(tmp_path / "stick", {"acme/main": scene.main})
    sticks = Sticks.open([path])
    os.truncate(path, path.stat().st_size - 2000)
    file = sticks.files[0]
    at, size = file.images[sha256(image_of("1")).hexdigest()]
    with pytest.raises(SealringError) as failed:
        for _ in file.pieces(at, size, "image"):
            pass
    assert failed.value.exit_code == 10
    sticks.close()


def test_a_paranoid_device_says_what_it_misses(device: Rig, tmp_path: Path) -> None:
    """SPEC VW-4: where a bundle has not the proof of every row, it takes nothing from it."""
    scene = shelf(device)
    device.folder.joinpath("device.json").write_bytes(
        device.folder.joinpath("device.json").read_bytes().replace(b"}", b',"paranoid":true}')
    )
    report = device.by_hand(stick_of(tmp_path / "stick", both(scene)))
    assert (report.outcome, report.exit_code) == ("failed", 11)
    assert all("v1/proofs/" in one.refusals[-1].message for one in report.stores)
    assert line(report, "acme/main").requests == 0
