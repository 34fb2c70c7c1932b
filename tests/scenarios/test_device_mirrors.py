"""One store at several addresses, of which the first one lies or stands still (SPEC SR-3, DV-4, DV-6, 16)."""

from collections.abc import Callable, Iterator
from copy import deepcopy

import pytest

from sealring.names import spell
from sealring.statement.software import Rollout
from sealring_client.command.lines import report_lines
from sealring_client.fetch.errors import NotThere
from sealring_client.poll import Quiet
from sealring_client.report import Report
from tests.scenarios.devices import image_of, line, new_device
from tests.scenarios.scene import A, Scene, rules, words
from tests.simulated import SimulatedStore
from tests.world import DAY, NOW, key_set, sign

PLAN = Rollout("5e" * 32, 10_000, [], NOW, 500, 86_400, 3 * 86_400)  # everybody's turn at once
MIRROR = "http://0.test"  # what is first in a statement is asked first
Spoil = Callable[[str, bytes | None], bytes | None]


class Mirror(SimulatedStore):
    """A copy of a store as it was, that changes what it likes of what it shows."""

    def __init__(self, store: SimulatedStore, spoil: Spoil | None = None) -> None:
        self.__dict__.update(deepcopy(store).__dict__)
        self.asked = []
        self.spoil = spoil or (lambda _, raw: raw)

    def fetch(self, path: str, *, limit: int) -> bytes:
        try:
            found: bytes | None = super().fetch(path, limit=limit)
        except NotThere:
            found = None
        shown = self.spoil(path, found)
        if shown is None:
            raise NotThere(self.name, path, 404)
        return shown


def flipped(prefix: str) -> Spoil:
    return lambda path, raw: raw[:-1] + bytes([raw[-1] ^ 1]) if raw and path.startswith(prefix) else raw


def nothing(prefix: str) -> Spoil:
    return lambda path, raw: None if path.startswith(prefix) else raw


@pytest.fixture
def scene() -> Iterator[Scene]:
    """A store that is asked at `MIRROR` first, and at A; no other store."""
    with new_device(NOW) as device:
        yield two_addresses(Scene(device))


def two_addresses(scene: Scene) -> Scene:
    w, device = scene.world, scene.device
    scene.publish(
        [
            w.signed(w.model(stores=["acme/main"], sequence=2)),
            w.signed(w.store(tuf=scene.main.pin, urls=[MIRROR, A], sequence=2, may_halt=True)),
        ]
    )
    device.stores[MIRROR] = Mirror(scene.main)
    assert device.refresh().outcome == "installed"
    assert device.refresh().outcome == "none"
    scene.main.asked.clear()
    return scene


def put(scene: Scene, spoil: Spoil | None = None, *, answers: bool = True) -> Mirror:
    """What is at the first address from now on."""
    found = Mirror(scene.main, spoil)
    if not answers:
        found.answer = None
    scene.device.stores[MIRROR] = found
    return found


def later(scene: Scene, days: int) -> None:
    scene.device.at = scene.main.at = NOW + days * DAY
    scene.main.publish([])


def addresses(report: Report) -> set[str | None]:
    return {one.address for one in line(report, "acme/main").refusals}


def test_where_the_first_address_is_good_the_next_is_never_asked(scene: Scene) -> None:
    """DV-6: the ordinary check costs what it did."""
    scene.release(2)
    put(scene)
    assert (scene.device.refresh().outcome, scene.device.says()) == ("installed", "2")
    assert scene.main.asked == []


def test_a_mirror_that_stands_still_beyond_its_day_keeps_nobody_from_the_store(scene: Scene) -> None:
    """DV-6, TF-6: it shows last week's genuine files, for ever."""
    frozen = put(scene)
    later(scene, 8)
    scene.release(2)
    report = scene.device.refresh()
    assert (report.outcome, words(report), scene.device.says()) == ("installed", {"main": "fresh"}, "2")
    assert (addresses(report), rules(report, "main")) == ({MIRROR}, ["TF-6"])
    assert any(text.startswith(f"    {MIRROR}: ") and text.endswith("[TF-6]") for text in report_lines(report))
    assert report.as_json()["stores"][0]["refusals"][0]["address"] == MIRROR
    assert frozen.asked


def test_the_poll_asks_the_address_that_agreed(scene: Scene) -> None:
    """DV-8: or a mirror that stands still would make every poll a whole check."""
    frozen = put(scene)
    later(scene, 8)
    scene.release(2)
    scene.device.refresh()
    frozen.asked.clear()
    scene.main.asked.clear()
    assert isinstance(scene.device.turn(), Quiet)
    assert (frozen.asked, scene.main.asked) == ([], ["tuf/timestamp.json"])
    scene.release(3)
    assert isinstance(scene.device.turn(), Report)
    assert scene.device.says() == "3"


def test_two_addresses_that_both_stand_still_are_stale(scene: Scene) -> None:
    """DV-6, DV-10: what runs goes on, and it is said of both."""
    put(scene)
    scene.device.at = NOW + 8 * DAY
    report = scene.device.refresh()
    assert (report.outcome, report.exit_code, words(report)) == ("stale", 4, {"main": "stale"})
    assert addresses(report) == {MIRROR, A}
    assert scene.device.says() == "1"


@pytest.mark.parametrize("answers", [True, False], ids=["by answers", "by paths"])
@pytest.mark.parametrize("how", [flipped, nothing])
@pytest.mark.parametrize(
    "prefix",
    [
        "",
        "tuf/",
        "tuf/timestamp.json",
        "tuf/5.snapshot.json",
        "tuf/targets/",
        "v1/proofs/",
        "v1/views/",
        "v1/statements/",
        "v1/heads/",
        "v1/blobs/",
        "v1/log/",
        "v1/answers/",
    ],
)
def test_whatever_a_mirror_spoils_the_device_gets_from_the_store(
    scene: Scene, prefix: str, how: Callable[[str], Spoil], *, answers: bool
) -> None:
    """16: a mirror can't block a store that has another address."""
    for number in (2, 3, 4):
        scene.release(number)
    put(scene, how(prefix), answers=answers)
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "4"), report
    assert words(report) == {"main": "fresh"}


@pytest.mark.parametrize("answers", [True, False], ids=["by answers", "by paths"])
@pytest.mark.parametrize("prefix", ["v1/heads/brand/", "v1/brands/", "v1/"])
def test_new_keys_that_a_mirror_keeps_back_come_from_the_store(scene: Scene, prefix: str, *, answers: bool) -> None:
    """BR-2, DV-6: it proves a view that lists the brand's new keys, and does not give them."""
    w, new = scene.world, scene.world.brand_keys("acme", 2)
    later_ones = (
        w.model(stores=["acme/main"], sequence=3),
        w.store(tuf=scene.main.pin, urls=[MIRROR, A], sequence=3),
        w.revision(2, image_of("2")),
        w.release(2),
    )
    brand = sign(w.brand(sequence=2, keys=key_set(2, *new)), *w.brand_role, *w.brand_keys("acme")[:2])
    scene.publish([brand, *(sign(one, *new[:2]) for one in later_ones)], 2)
    put(scene, nothing(prefix), answers=answers)
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2"), report


@pytest.mark.parametrize("how", [flipped, nothing])
@pytest.mark.parametrize("halted", [True, False])
def test_a_mirror_can_neither_hide_a_halt_nor_pretend_that_it_might(
    scene: Scene, how: Callable[[str], Spoil], *, halted: bool
) -> None:
    """HL-3: the proof is bound to the map that was shown, so that any address of the store may give it."""
    w = scene.world
    release = w.signed(w.release(2, rollout=PLAN))
    scene.publish([w.signed(w.revision(2, image_of("2"))), release], 2)
    if halted:
        scene.main.halt(release, NOW)
    mirror = put(scene, answers=False)
    views = {path for path in mirror.asked if path.startswith("v1/proofs/")}
    seen: list[str] = []

    def spoil(path: str, raw: bytes | None) -> bytes | None:
        # The first proof is the view's: that one is honest.
        if path.startswith("v1/proofs/"):
            seen.append(path)
        of_halt = path.startswith("v1/halts/") or (path.startswith("v1/proofs/") and path != seen[0])
        return how("")(path, raw) if of_halt and path not in views else raw

    mirror.spoil = spoil
    report = scene.device.refresh()
    assert (report.packages[0].rollout, scene.device.says()) == (("halted", "1") if halted else ("chosen", "2"))


def test_a_contradiction_that_only_the_mirror_shows_is_kept(scene: Scene) -> None:
    """FL-6, DV-6: its answer counts for nothing else, and what two signatures prove is proved all the same."""
    w = scene.world
    rival = w.signed(w.model(stores=["acme/main", "acme/other"], sequence=2))
    put(scene, lambda path, raw: rival.raw if path == "v1/heads/model/1/acme/door-1" else raw, answers=False)
    later(scene, 8)
    scene.release(2)
    report = scene.device.refresh()
    assert (words(report), addresses(report)) == ({"main": "fresh"}, {MIRROR})
    assert [one["about"] for one in report.evidence] == ["model acme/door-1"]
    assert len(list((scene.device.folder / "evidence").iterdir())) == 1


def test_parts_of_two_addresses_never_make_one_view(scene: Scene) -> None:
    """TF-4, DV-6: after a mirror has shown a newer timestamp, what the store shows has to be as new, all of it."""
    old = deepcopy(scene.main)
    scene.release(2)
    put(scene, flipped("tuf/targets/"), answers=False)
    scene.device.stores[A] = old
    report = scene.device.refresh()
    assert (report.outcome, words(report)) == ("refused", {"main": "refused"})
    assert [(one.address, one.rule) for one in line(report, "acme/main").refusals] == [(MIRROR, "TF-5"), (A, "TF-4")]
    assert scene.device.says() == "1"


def test_a_mirror_that_breaks_off_on_the_way_is_left_for_good(scene: Scene) -> None:
    """DV-6: nothing of what it gave stays in the view; all of that is asked for again at the next address."""
    scene.release(2)

    def spoil(path: str, raw: bytes | None) -> bytes | None:
        mirror.down = mirror.down or path.endswith("snapshot.json")
        return raw

    mirror = put(scene, spoil, answers=False)
    report = scene.device.refresh()
    assert (report.outcome, scene.device.says()) == ("installed", "2")
    assert "tuf/timestamp.json" in scene.main.asked
    assert spell(NOW) == spell(report.at)
