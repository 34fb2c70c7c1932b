"""A store says: begin this release no more. What a device makes of it, and of who lies about that (SPEC HL-3)."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec
import pytest

from sealring.catalogue.leaf import Head
from sealring.envelope import Envelope
from sealring.names import spell
from sealring.statement.software import Rollout, Target
from sealring_client.command.lines import report_lines
from sealring_client.known_halts import FILE, load_halts
from sealring_client.poll import poll
from sealring_client.report import Report
from tests.scenarios.devices import Rig, image_of, new_device
from tests.scenarios.scene import A, B, Scene
from tests.simulated import SimulatedStore
from tests.sticks import images_of, of_store, write_stick
from tests.world import DAY, NOW

HALT_SECONDS = 3 * 86_400
PLAN = Rollout("5e" * 32, 10_000, [], NOW, 500, 86_400, HALT_SECONDS)


class Halting(Scene):
    """Both stores may halt, and show release 2 in phases; the device runs 1."""

    def __init__(
        self, device: Rig, *, may_halt: bool = True, agree: int = 1, running: bool = True, **more: Any
    ) -> None:
        super().__init__(device, model={"agree": agree})
        w = self.world
        again = {"may_halt": may_halt, "sequence": 2}
        stores = [w.store(A, self.main.pin, **again), w.store(B, self.other.pin, store="other", **again)]
        self.publish([w.signed(one) for one in stores])
        if running:
            assert device.refresh().outcome == "installed"
        self.second = self.released(2, **more)

    def released(
        self, number: int, *, stores: str = "mo", revision: dict[str, Any] | None = None, **more: Any
    ) -> Envelope:
        found = self.world.signed(self.world.release(number, **{"rollout": PLAN, **more}))
        build = self.world.signed(self.world.revision(number, image_of(str(number)), **(revision or {})))
        self.publish([build, found], number, stores=stores)
        return found

    def halt(self, at: datetime = NOW, **more: Any) -> None:
        self.main.halt(self.second, at, **more)


@pytest.fixture
def device() -> Iterator[Rig]:
    with new_device(NOW) as found:
        yield found


def turn(report: Report) -> str | None:
    return report.packages[0].rollout


def test_a_halted_release_is_not_begun(device: Rig) -> None:
    """SPEC HL-3: it is said, by whom and until when; what runs goes on, and that is no failure."""
    scene = Halting(device)
    scene.halt(NOW - timedelta(hours=1))
    report = device.refresh()
    assert (report.outcome, report.exit_code, device.says(), turn(report)) == ("none", 0, "1", "halted")
    line = report.packages[0].as_json()
    until = NOW + timedelta(days=3, hours=-1)
    assert line["halted"] == {
        "store": "acme/main",
        "reason": "3 of 9 failed",
        "since": spell(NOW - timedelta(hours=1)),
        "until": spell(until),
    }
    assert (line["chosen"], line["refusals"][-1]["rule"]) == (1, "HL-3")
    assert any("halted" in text for text in report_lines(report))
    assert report.deadline == until


def test_the_device_wakes_when_the_halt_ends(device: Rig) -> None:
    """SPEC DV-8, HL-3: no store has anything new by then; the poll's deadline is the end of the halt."""
    scene = Halting(device)
    scene.halt()
    device.refresh()
    device.at = NOW + timedelta(seconds=HALT_SECONDS - 1)
    assert poll(device.folder, device.outside(), running=True) is not None
    device.at = NOW + timedelta(seconds=HALT_SECONDS)
    assert poll(device.folder, device.outside(), running=True) is None
    assert device.refresh().outcome == "installed"
    assert device.says() == "2"


def test_asking_costs_one_request_and_only_who_begins_asks(device: Rig) -> None:
    """SPEC HL-3: no device asks about what it runs, what waits for its turn, or what has no rollout."""
    scene = Halting(device)
    asked = scene.main.asked
    asked.clear()
    assert device.refresh().outcome == "installed"
    assert sum("v1/proofs/" in path for path in asked) == 1
    asked.clear()
    device.refresh()
    assert not any("v1/proofs/" in path for path in asked)
    late = Rollout("5e" * 32, 10_000, [], NOW + DAY, 500, 86_400, 3600)
    scene.second = scene.released(3, rollout=late, targets=[Target("amd64", 3, 1, 2)])
    scene.halt()
    asked.clear()
    assert turn(device.refresh()) == "waiting"
    assert not any("v1/halts/" in path for path in asked)


def test_the_brands_next_release_ends_it(device: Rig) -> None:
    """SPEC HL-2, HL-3: a halt names one release by its id; the leaf stays in the map, and binds no other."""
    scene = Halting(device)
    scene.halt()
    device.refresh()
    scene.released(3)
    assert device.refresh().outcome == "installed"
    assert device.says() == "3"
    assert not (device.folder / FILE).exists()


# --- whom no halt holds back


FREE: list[Any] = [
    pytest.param({"may_halt": False}, id="a store that may not halt"),
    pytest.param({"revision": {"purpose": "security"}}, id="a revision that mends a hole"),
    pytest.param({"targets": [Target("amd64", 2, 2)]}, id="what runs lies below the minimum"),
]


@pytest.mark.parametrize("more", FREE)
def test_what_does_not_wait_for_a_stores_word(device: Rig, more: dict[str, Any]) -> None:
    """SPEC HL-3: a thief of a store's keys keeps no hole open."""
    scene = Halting(device, **more)
    scene.halt()
    scene.other.halt(scene.second, NOW)
    assert device.refresh().outcome == "installed"
    assert device.says() == "2"


def test_what_is_revoked_on_the_device_does_not_wait(device: Rig) -> None:
    """SPEC HL-3, RK-6: what runs has to go, whatever a store says of what follows."""
    scene = Halting(device)
    scene.halt()
    scene.publish([scene.world.signed(scene.world.revocations(1, ("revision acme/tool/1/amd64", "replace")))])
    assert device.refresh().outcome == "installed"
    assert device.says() == "2"


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"id": "ab" * 32}, id="another release's id"),
        pytest.param({"root": "ab" * 32}, id="another root"),
        pytest.param({"release": "acme/tool/latest/edge"}, id="another channel"),
    ],
)
def test_a_halt_of_something_else_is_none(device: Rig, more: dict[str, Any]) -> None:
    """SPEC HL-1, HL-3: a halt in the wrong place is a store that proves nothing; one of an old id is over."""
    scene = Halting(device)
    scene.halt(**more)
    report = device.refresh()
    assert (report.outcome, device.says()) == ("installed", "2")
    assert report.packages[0].store == ("acme/main" if "id" in more else "acme/other")


# --- how long


def test_a_halt_that_is_dated_anew_each_day_ends_all_the_same(device: Rig) -> None:
    """SPEC HL-3: a hostile store could hold a release back for ever; it counts from when the device met it first."""
    scene = Halting(device)
    for day in range(3):
        device.at = scene.main.at = scene.other.at = NOW + day * DAY
        scene.halt(device.at)
        scene.other.publish([])
        assert turn(device.refresh()) == "halted", day
    device.at = scene.main.at = NOW + 3 * DAY
    scene.halt(device.at, reason="again")
    assert device.refresh().outcome == "installed"
    assert device.says() == "2"


@pytest.mark.parametrize(
    ("at", "halted"),
    [
        pytest.param(NOW - timedelta(seconds=HALT_SECONDS), False, id="old"),
        pytest.param(NOW - timedelta(seconds=HALT_SECONDS - 1), True, id="a second left"),
        pytest.param(NOW + 3000 * DAY, True, id="years ahead"),
    ],
)
def test_a_halt_has_an_age(device: Rig, at: datetime, halted: bool) -> None:
    """SPEC HL-3: no older than the plan's `halt`; a date ahead counts as now."""
    scene = Halting(device)
    scene.halt(at)
    report = device.refresh()
    assert (turn(report) == "halted") is halted
    if at > NOW:
        assert report.packages[0].halted is not None
        assert report.packages[0].halted.until == NOW + timedelta(seconds=HALT_SECONDS)


@pytest.mark.parametrize("raw", [b"", b"{}", b"\xff", bytes(100_000)], ids=range(4))
def test_a_damaged_file_begins_the_count_anew(device: Rig, raw: bytes) -> None:
    """SPEC DV-13: no rule but this one rests on it."""
    scene = Halting(device)
    scene.halt()
    device.refresh()
    assert load_halts(device.folder) == {scene.second.id: NOW}
    (device.folder / FILE).write_bytes(raw)
    device.at = NOW + DAY
    assert turn(device.refresh()) == "halted"
    assert load_halts(device.folder) == {scene.second.id: NOW}  # by the halt's own date


# --- who lies


def no_proof(store: SimulatedStore) -> None:
    honest = store._file
    store.__dict__["_file"] = lambda path: None if "/v1/proofs/" in f"/{path}" else honest(path)


def no_document(store: SimulatedStore) -> None:
    for path in [path for path in store.files if path.startswith("v1/halts/")]:
        del store.files[path]


def other_document(store: SimulatedStore) -> None:
    for path in [path for path in store.files if path.startswith("v1/halts/")]:
        raw = store.files[path]
        store.files[path] = raw.replace(b"failed", b"FAILED")


def no_halt_at_all(store: SimulatedStore) -> None:
    about = next(one for one in store.heads if one[0] == "halt")
    digest = sha256(b"{}").digest()
    store.heads[about] = Head(9, digest, digest)
    store.files[f"v1/halts/{digest.hex()}"] = b"{}"
    store.publish_heads()


def proof_of_another_map(store: SimulatedStore) -> None:
    honest = store._file
    old = next(iter(store.maps.values()))

    def change(path: str) -> bytes | None:
        if path.startswith("v1/proofs/"):
            return old.prove([bytes.fromhex(path.rpartition("/")[2])])
        return honest(path)

    store.__dict__["_file"] = change


def too_long(store: SimulatedStore) -> None:
    for path in [path for path in store.files if path.startswith("v1/halts/")]:
        store.files[path] = bytes(100_000)


LIES: list[Any] = [no_proof, no_document, other_document, no_halt_at_all, proof_of_another_map, too_long]


@pytest.mark.parametrize("lie", LIES)
def test_a_store_that_proves_neither_is_not_listened_to(device: Rig, lie: Callable[[SimulatedStore], None]) -> None:
    """SPEC HL-3: the other one's word decides; where there is no other, the release is not begun in this check."""
    scene = Halting(device)
    scene.halt()
    lie(scene.main)
    device.stores = {A: scene.main}
    scene.other.down = True
    device.stores[B] = scene.other
    alone = device.refresh()
    assert (alone.packages[0].chosen, device.says()) == (1, "1")
    assert turn(alone) is None
    scene.other.down = False
    report = device.refresh()
    assert (report.outcome, device.says(), report.packages[0].store) == ("installed", "2", "acme/other")
    assert any(refusal.about == "acme/main" for refusal in report.packages[0].refusals)


def test_who_is_not_listened_to_has_no_vote_either(device: Rig) -> None:
    """SPEC HL-3, AG-1: where two must have shown it, one that proves nothing has not."""
    scene = Halting(device, agree=2)
    scene.halt()
    no_document(scene.main)
    report = device.refresh()
    assert (report.packages[0].chosen, device.says()) == (1, "1")
    assert any(refusal.rule == "AG-1" for refusal in report.packages[0].refusals)


def test_one_stores_halt_is_enough(device: Rig) -> None:
    """SPEC HL-3: also where another has shown the same release, and knows of no halt."""
    scene = Halting(device)
    scene.other.halt(scene.second, NOW)
    report = device.refresh()
    assert (turn(report), report.packages[0].halted and report.packages[0].halted.store) == ("halted", "acme/other")


def test_a_device_that_runs_nothing_yet_is_held_back_too(device: Rig) -> None:
    """SPEC HL-3, DV-7: it says what is missing, and installs when the halt has ended."""
    scene = Halting(device, running=False)
    scene.halt()
    report = device.refresh()
    assert (report.outcome, report.exit_code, turn(report)) == ("failed", 24, "halted")
    device.at = NOW + timedelta(seconds=HALT_SECONDS)
    assert device.refresh().outcome == "installed"


def test_a_stick_brings_halts_and_the_proofs_of_them(device: Rig, tmp_path: Path) -> None:
    """SPEC BN-6, HL-3: by the same rules; a stick without the proof is a store that proves nothing."""
    scene = Halting(device)
    scene.halt()
    entries = of_store("acme/main", scene.main, ["acme/door-1"])
    report = device.by_hand(write_stick(tmp_path / "with", entries, images_of(scene.main)))
    assert (turn(report), device.says()) == ("halted", "1")
    without = [one for one in entries if type(one).__name__ != "HaltEntry"]
    report = device.by_hand(write_stick(tmp_path / "without", without, images_of(scene.main)))
    assert (turn(report), report.packages[0].chosen) == (None, 1)
    (device.folder / FILE).unlink(missing_ok=True)
    scene.main.heads = {about: head for about, head in scene.main.heads.items() if about[0] != "halt"}
    scene.main.publish_heads()
    free = write_stick(tmp_path / "free", of_store("acme/main", scene.main, ["acme/door-1"]), images_of(scene.main))
    assert device.by_hand(free).outcome == "installed"


def test_the_plan_bounds_what_a_store_may_do() -> None:
    """SPEC HL-3: seven days at most, by the type."""
    assert msgspec.structs.replace(PLAN, halt=604_800).halt == 7 * 86_400
    raw = msgspec.json.encode(msgspec.structs.replace(PLAN, halt=604_801))
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(raw, type=Rollout)
