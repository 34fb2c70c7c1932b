"""What a device says of the releases that it takes; nothing that it does depends on who hears it (SPEC RP-1, RP-4)."""

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import pae_of
from sealring.keys import signed_by
from sealring.names import spell
from sealring.report import REPORT_TYPE, Report, ShownReport, open_report, report_name
from sealring.statement.software import Health
from sealring_client.apply.install import Disk
from sealring_client.command.main import main
from sealring_client.device_file import load_secret
from sealring_client.disk import lock
from sealring_client.fetch.errors import NoAnswer, Redirected, TooSlow
from sealring_client.fetch.fetcher import Fetcher
from sealring_client.reports import FILE, MAX_WAITING, Reports, Speaker, Trial, load_reports, save_reports
from sealring_client.rollback import roll_back
from sealring_client.sending import FIRST_SECONDS, ONE_SECONDS, send_reports
from sealring_client.serial import install_serial, own_key
from sealring_client.status import read_status
from tests.front import Told, front, of_store
from tests.scenarios.devices import MODEL, image_of, new_device, now
from tests.scenarios.scene import Scene
from tests.simulated import SimulatedStore
from tests.sticks import stick_of
from tests.world import DAY, NOW, World


@pytest.fixture
def scene() -> Iterator[Scene]:
    with new_device(NOW) as device:
        yield Scene(device)


def release(scene: Scene, number: int, health: str, *, soak: int = 0, stores: str = "mo") -> None:
    """A release whose health check is this."""
    image, w = image_of(str(number), health), scene.world
    revision = w.revision(number, image, health=Health(["bin/check"], 5, soak))
    for letter, store in (("m", scene.main), ("o", scene.other)):
        if letter in stores:
            store.publish([w.signed(revision), w.signed(w.release(number))], [image])


def heard(store: SimulatedStore) -> list[Report]:
    return [one.report for one in store.reports]


def events(store: SimulatedStore) -> list[tuple[int, str, object]]:
    return [(one.revision, one.event, one.reason if isinstance(one.reason, str) else None) for one in heard(store)]


def waits(scene: Scene, store: str = "acme/main") -> list[str]:
    queue = load_reports(scene.device.folder).queue
    return [open_report(one.envelope).report.event for one in queue if one.store == store]


# --- what is said


def test_each_store_that_showed_it_hears_how_it_went(scene: Scene) -> None:
    """SPEC RP-1: begun and good, by another name to each store, with growing numbers; to who showed it."""
    device, secret = scene.device, load_secret(scene.device.folder)
    assert device.refresh().outcome == "installed"
    ground = next(h.id.hex() for about, h in scene.main.heads.items() if about[0] == "release")
    for name, store in (("acme/main", scene.main), ("acme/other", scene.other)):
        begun, good = heard(store)
        assert (begun.event, good.event) == ("begun", "good")
        assert begun.number < good.number
        assert (begun.root, begun.store, begun.model) == (scene.world.root_id, name, MODEL)
        assert begun.device == report_name(secret, name).hex()
        assert (begun.package, begun.ground, begun.revision, spell(begun.at)) == ("acme/tool", ground, 1, spell(NOW))
        assert not any(one.signatures for one in store.reports)
        assert "serial" not in repr(begun).replace("serial=UNSET", "")
    assert heard(scene.main)[0].device != heard(scene.other)[0].device

    scene.release(2, stores="m")
    assert device.refresh().outcome == "installed"
    assert [(one.revision, one.previous, one.event) for one in heard(scene.main)[2:]] == [
        (2, 1, "begun"),
        (2, 1, "good"),
    ]
    assert len(heard(scene.other)) == 2
    assert read_status(device.device, NOW).reports == 0


def test_what_went_back_is_said_with_its_reason_and_no_output(scene: Scene) -> None:
    """SPEC RP-1: a check's words may be anybody's secret: the code it ended with is all that leaves the device."""
    scene.device.refresh()
    release(scene, 2, "echo password 1234; exit 7")
    report = scene.device.refresh()
    assert (report.outcome, report.exit_code, scene.device.says()) == ("failed", 27, "1")
    assert events(scene.main)[2:] == [(2, "begun", None), (2, "rolled-back", "health check ended with 7")]
    assert events(scene.main) == events(scene.other)


def test_what_can_not_be_tried_is_said_once(scene: Scene) -> None:
    """SPEC RP-1: an image of other bytes, at every check of a week; when it changes it is said again."""
    scene.device.refresh()
    scene.release(2)
    for store in (scene.main, scene.other):
        store.files[f"v1/blobs/{sha256(image_of('2')).hexdigest()}"] = image_of("3")
    for _ in range(3):
        assert scene.device.refresh().exit_code == 26
    assert events(scene.main)[2:] == [(2, "failed", "image: not the signed bytes")]


def test_that_no_store_can_be_reached_is_no_fault_of_the_release(scene: Scene) -> None:
    """SPEC RP-1: a broken line must not make a store halt anything."""
    scene.device.refresh()
    scene.release(2)
    for store in (scene.main, scene.other):
        del store.files[f"v1/blobs/{sha256(image_of('2')).hexdigest()}"]
    assert scene.device.refresh().outcome == "failed"
    assert len(events(scene.main)) == 2


class CutOff(BaseException):
    """The power goes."""


def test_a_trial_that_was_cut_off_is_said_at_the_next_start(scene: Scene) -> None:
    """SPEC RP-1, GN-3: `begun` is durable before the switch, and what followed is seen from what runs."""
    device = scene.device
    device.refresh()
    release(scene, 2, "exit 0", soak=60)

    def cut(_: float) -> None:
        assert os.readlink(device.folder / "current") != os.readlink(device.folder / "good")
        assert [(one.revision, one.event) for one in load_reports(device.folder).open()] == [(2, "begun")] * 2
        raise CutOff

    device.slept = type("", (list,), {"append": lambda _, seconds: cut(seconds)})()
    with pytest.raises(CutOff):
        device.refresh()
    # HL-2: it was sent before the switch, so that a device which never starts again falls silent.
    assert [one.event for one in heard(scene.main)] == ["begun", "good", "begun"]
    device.slept = []
    device.check()
    assert events(scene.main)[2:] == [(2, "begun", None), (2, "rolled-back", "interrupted")]
    assert device.refresh().outcome == "installed"
    assert [one[1] for one in events(scene.main)[4:]] == ["begun", "good"]


def test_a_kill_after_the_commit_leaves_nobody_waiting(scene: Scene) -> None:
    """SPEC RP-1, HL-2: a store would take silence for failure; the next start sees that it runs, and says so."""
    device, kept = scene.device, Path()
    release(scene, 2, "exit 0", soak=60)
    kept = device.folder.parent / "reports-at-the-trial"
    device.slept = type("", (list,), {"append": lambda _, __: shutil.copy(device.folder / FILE, kept)})()
    assert device.refresh().outcome == "installed"
    shutil.copy(kept, device.folder / FILE)
    assert device.refresh().outcome == "none"
    assert [one[1] for one in events(scene.main)] == ["begun", "good", "good"]
    assert read_status(device.device, NOW).reports == 0


def test_going_back_by_hand_is_said_to_whoever_heard_that_it_was_good(scene: Scene) -> None:
    """SPEC RP-1, DV-12: a person who goes back has a reason; it waits for the next check."""
    scene.device.refresh()
    scene.release(2, stores="m")
    scene.device.refresh()
    roll_back(scene.device.device, NOW)
    assert waits(scene) == ["rolled-back"]
    assert not waits(scene, "acme/other")
    scene.device.refresh()
    assert events(scene.main)[-1] == (2, "rolled-back", "by hand")
    assert scene.device.says() == "1"


def test_it_is_signed_where_the_model_knows_its_devices() -> None:
    """SPEC RP-1, RP-3, SN-1: by the serial's key, over exactly these bytes, with the serial's name."""
    with new_device(NOW) as device:
        scene = Scene(device, model={"serial": "required"})
        public = own_key(device.device, None)
        install_serial(device.device, scene.world.signed(scene.world.serial(public)).raw, NOW)
        assert device.refresh().outcome == "installed"
        for one in scene.main.reports:
            assert one.report.serial == "SN-1"
            assert signed_by(public, one.signatures[public.id], pae_of(REPORT_TYPE, one.payload))


def test_a_device_that_was_told_not_to_says_nothing(scene: Scene, tmp_path: Path) -> None:
    """SPEC RP-1: by `provision --no-reports`; nothing is made, kept or sent, not even about a rollback by hand."""
    (tmp_path / "root").write_bytes(scene.world.root.raw)
    (tmp_path / "seed").write_bytes(seed_of(scene))
    with new_device(NOW) as quiet:
        quiet.stores = scene.device.stores
        given = ["--root", str(tmp_path / "root"), "--seed", str(tmp_path / "seed"), "--state", str(quiet.folder)]
        assert main(["provision", "--model", MODEL, "--no-reports", *given]) == 0
        assert quiet.device.reports is False
        assert quiet.refresh().outcome == "installed"
        release(scene, 2, "exit 1")
        quiet.refresh()
        assert not (quiet.folder / FILE).exists()
        assert not scene.main.reports
        assert read_status(quiet.device, NOW).reports is None


def seed_of(scene: Scene) -> bytes:
    return write_bundle([StatementEntry(one.raw) for one in scene.seed])


# --- who hears it changes nothing


class Watching(SimulatedStore):
    """Looks at the device at the very moment when something is sent."""

    folder = Path()

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        if self.reports:
            assert os.readlink(self.folder / "current") == os.readlink(self.folder / "good")
            assert (self.folder / "poll.json").exists()
            with lock(self.folder):  # a person could go back just now
                return super().post(path, body, seconds=seconds)
        assert not (self.folder / "current").exists()
        assert [one.event for one in load_reports(self.folder).open()] == ["begun"] * 2
        return super().post(path, body, seconds=seconds)


def test_begun_is_sent_before_the_switch_and_all_else_when_it_is_decided(scene: Scene) -> None:
    """SPEC RP-4, HL-2: nothing while a trial runs, and nothing else while the device's lock is held."""
    scene.main.__class__ = Watching
    scene.main.folder = scene.device.folder  # type: ignore[attr-defined]
    assert scene.device.refresh().outcome == "installed"
    assert [one.event for one in heard(scene.main)] == ["begun", "good"]


class Slow(SimulatedStore):
    """Uses up all of the time that it is given."""

    waited: list[float]

    def post(self, path: str, body: bytes, *, seconds: float) -> int:
        self.waited.append(seconds)
        raise TooSlow(self.name, f"{path} of {len(body)} bytes", seconds)


def test_a_slow_store_delays_no_update_by_more_than_seconds_nor_another_s_news(scene: Scene) -> None:
    """SPEC RP-4: what an update waits for is bounded for all stores together, and each has its part of it."""
    slow, waited = scene.main, list[float]()
    slow.__class__ = Slow
    slow.waited = waited  # type: ignore[attr-defined]
    release(scene, 2, "exit 1")
    assert scene.device.refresh().exit_code == 27
    assert waited[0] <= FIRST_SECONDS / 2
    assert all(seconds <= ONE_SECONDS for seconds in waited)
    assert len(waited) == 2
    assert [one[1] for one in events(scene.other)] == ["begun", "rolled-back"]
    assert waits(scene) == ["begun", "rolled-back"]


def test_a_store_that_asks_for_a_pause_gets_it_and_then_all_of_it(scene: Scene) -> None:
    """SPEC RP-4: `Retry-After`; the other store hears everything at once, and no address of the first is asked."""
    asked: list[str] = []
    honest = SimulatedStore.post

    def busy(path: str, *_: bytes, **__: float) -> int:
        asked.append(path)
        raise NoAnswer("acme/main", path, "status 503", 3600)

    scene.main.__dict__["post"] = busy
    assert scene.device.refresh().outcome == "installed"
    assert asked == ["v1/reports"]
    assert waits(scene) == ["begun", "good"]
    assert [one[1] for one in events(scene.other)] == ["begun", "good"]
    scene.device.at = NOW + timedelta(minutes=59)
    scene.device.refresh()
    assert len(asked) == 1
    scene.main.__dict__["post"] = lambda *given, **more: honest(scene.main, *given, **more)
    scene.device.at = NOW + timedelta(minutes=60)
    scene.device.refresh()
    assert [one[1] for one in events(scene.main)] == ["begun", "good"]
    assert not waits(scene)


def test_a_pause_is_a_day_at_most_and_none_for_a_clock_that_was_wrong() -> None:
    """SPEC RP-4, DV-13: what helps must not silence a device for ever after its clock was years ahead."""
    held = Reports().with_pause("acme/main", NOW + timedelta(days=1))
    assert held.is_paused("acme/main", NOW)
    assert not held.is_paused("acme/other", NOW)
    assert not held.is_paused("acme/main", NOW + timedelta(days=1))
    assert not held.is_paused("acme/main", NOW - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("status", "after", "pause"),
    [(503, "120", 120), (429, "999999", 86_400), (503, "soon", None), (500, "120", None), (400, "120", None)],
)
def test_retry_after_is_heard_over_http(status: int, after: str, pause: int | None) -> None:
    """SPEC RP-4: in seconds, at most a day, and only where the store is busy."""
    told = Told(status, b"", [("Retry-After", after)])
    with front(lambda _: told) as url:
        if pause is None:
            assert Fetcher(url).post("v1/reports", b"x", seconds=5) == status
            return
        with pytest.raises(NoAnswer) as refused:
            Fetcher(url).post("v1/reports", b"x", seconds=5)
    assert refused.value.retry_after_seconds == pause


def lies(status: int) -> Callable[[SimulatedStore], None]:
    def change(store: SimulatedStore) -> None:
        store.post_status = status

    return change


def raises(err: Exception) -> Callable[[SimulatedStore], None]:
    def change(store: SimulatedStore) -> None:
        def post(*_: object, **__: object) -> int:
            raise err

        store.__dict__["post"] = post

    return change


BAD: list[Any] = [
    *(pytest.param(lies(status), True, id=str(status)) for status in (401, 403, 408, 429, 500, 502, 503)),
    *(pytest.param(lies(status), False, id=str(status)) for status in (400, 404, 405, 410, 413, 422)),
    pytest.param(raises(NoAnswer("x", "v1/reports", "down")), True, id="no answer"),
    pytest.param(raises(Redirected("x", "v1/reports", 307)), True, id="a redirect"),
    pytest.param(lies(200), False, id="another good status"),
]


@pytest.mark.parametrize("health", ["exit 0", "exit 1"], ids=["good", "sick"])
@pytest.mark.parametrize(("change", "stays"), BAD)
def test_whatever_a_store_answers_nothing_else_changes(change: Any, stays: bool, health: str) -> None:
    """SPEC RP-4: outcome, code and disk are those of a device that is listened to; what may arrive stays."""
    found = []
    for bad in (False, True):
        with new_device(NOW) as device:
            scene = Scene(device)
            device.refresh()
            release(scene, 2, health)
            if bad:
                change(scene.main)
            report = device.refresh()
            kept = {name: one[1] for name, one in device.everything().items() if name not in ("secret", FILE)}
            found.append((report, kept))
            assert bool(waits(scene)) == (bad and stays)
            assert not waits(scene, "acme/other")
            if bad and stays:
                scene.main.post_status = 204
                scene.main.__dict__.pop("post", None)
                device.refresh()
                assert [one[1] for one in events(scene.main)] == ["begun", "good", "begun", events(scene.other)[-1][1]]
    assert found[0] == found[1]


def test_the_same_report_is_sent_again_byte_by_byte(scene: Scene) -> None:
    """SPEC RP-2, RP-4: where the answer got lost the store has it already; a repetition is no news to it."""
    got: list[ShownReport] = []
    honest = scene.main.post

    def deaf(path: str, body: bytes, *, seconds: float) -> int:
        honest(path, body, seconds=seconds)
        got[:] = scene.main.reports
        raise NoAnswer("acme/main", path, "lost")

    scene.main.__dict__["post"] = deaf
    scene.device.refresh()
    scene.main.reports.clear()
    del scene.main.__dict__["post"]
    scene.device.refresh()
    # `begun` before the switch, then again beside `good`.
    assert [one.report.event for one in got] == ["begun", "begun", "good"]
    assert got[0].raw == got[1].raw
    assert [one.raw for one in scene.main.reports] == [one.raw for one in got[1:]]


def test_one_that_a_store_will_not_have_holds_up_no_other(scene: Scene) -> None:
    """SPEC RP-4: the bundle with it is refused whole, and each is then tried by itself."""
    scene.main.post_status = 500
    scene.device.refresh()
    release(scene, 2, "exit 0")
    scene.device.refresh()
    assert len(waits(scene)) == 4
    honest = SimulatedStore.post

    def choosy(path: str, body: bytes, *, seconds: float) -> int:
        before = len(scene.main.reports)
        scene.main.post_status = 204
        honest(scene.main, path, body, seconds=seconds)
        if any(one.report.event == "begun" for one in scene.main.reports[before:]):
            del scene.main.reports[before:]
            return 409
        return 204

    scene.main.__dict__["post"] = choosy
    scene.device.refresh()
    assert [one.event for one in heard(scene.main)] == ["good", "good"]
    assert not waits(scene)


def test_a_drip_ends_within_the_time_for_all(scene: Scene) -> None:
    """SPEC RP-4, HF-1: a store that sends a byte now and then is left after the seconds that it was given."""
    scene.main.down = scene.other.down = False
    scene.main.post_status = scene.other.post_status = 500
    scene.device.refresh()
    ends = threading.Event()
    with closing(socket.create_server(("127.0.0.1", 0))) as server:

        def drip() -> None:
            line, _ = server.accept()
            with line:
                while not ends.wait(0.05):
                    line.send(b"H")

        thread = threading.Thread(target=drip)
        thread.start()
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        times = iter([0.0, *[29.5] * 2])
        outside = scene.device.outside()
        outside = type(outside)(Fetcher, outside.clock, outside.sleep, outside.progress)
        send_reports(scene.device.folder, {"acme/main": [url, url]}, outside, clock=lambda: next(times, 31.0))
        ends.set()
        thread.join()
    assert len(waits(scene)) == 2


def test_more_than_64_push_out_the_oldest(tmp_path: Path) -> None:
    """SPEC RP-4: and a store that never answers can't fill the disk."""
    by, at = Speaker("ab" * 32, MODEL, bytes(32)), NOW
    reports = Reports()
    for number in range(1, 101):
        trial = Trial("acme/tool", "cd" * 32, number, None, ("acme/main",))
        reports = reports.with_event(by, trial, "begun", at)
    save_reports(tmp_path, reports)
    found = [open_report(one.envelope).report for one in load_reports(tmp_path).queue]
    assert [one.revision for one in found] == list(range(101 - MAX_WAITING, 101))
    assert all(one.number < other.number for one, other in pairwise(found))
    assert (tmp_path / FILE).stat().st_size < 128 * 1024


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"queue":[1]}', b"\xff" * 99, bytes(3 * 2**20)], ids=range(6))
def test_a_damaged_file_counts_as_empty(scene: Scene, raw: bytes) -> None:
    """SPEC DV-13, RP-2: and the numbers that follow are above those of before, or no store would take them."""
    scene.device.refresh()
    (scene.device.folder / FILE).write_bytes(raw)
    scene.release(2)
    scene.device.at = NOW + timedelta(seconds=90)
    assert scene.device.refresh().outcome == "installed"
    numbers = [one.number for one in heard(scene.main)]
    assert numbers == sorted(set(numbers))
    assert len(numbers) == 4


def test_where_none_can_be_kept_the_update_goes_on(scene: Scene) -> None:
    """SPEC RP-4: the file's place is taken by a folder, so that every write of it fails."""
    (scene.device.folder / FILE).mkdir()
    (scene.device.folder / FILE / "x").touch()
    assert scene.device.refresh().outcome == "installed"
    release(scene, 2, "exit 1")
    assert scene.device.refresh().exit_code == 27
    assert scene.device.says() == "1"
    assert not scene.main.reports


def test_after_a_stick_they_wait_for_the_network(scene: Scene, tmp_path: Path) -> None:
    """SPEC BN-6, RP-4: whoever brings a bundle does so since there is no line."""
    scene.device.by_hand(stick_of(tmp_path / "stick", {"acme/main": scene.main}))
    assert not scene.main.reports
    assert waits(scene) == ["begun", "good"]
    scene.device.refresh()
    assert [one[1] for one in events(scene.main)] == ["begun", "good"]


def test_a_quiet_poll_sends_what_waits_and_is_one_request_without(capsys: pytest.CaptureFixture[str]) -> None:
    """SPEC RP-4, DV-8: the real command over HTTP: with a queue one more request; else one, and no write."""
    world = World(at=now() - DAY)
    store = SimulatedStore(world.root_id, world.at)
    with front(of_store(store)) as url, new_device() as rig:
        seed = [world.signed(one) for one in (world.brand(), world.model(), world.store(url, store.pin))]
        software = [world.signed(world.revision(1, image_of("poll"))), world.signed(world.release(1))]
        store.publish([*seed, *software], [image_of("poll")])
        rig.provision(world.root, seed)
        store.post_status = 503
        words = ["refresh", "--state", str(rig.folder), "--json"]
        assert main(words) == 0
        assert '"installed"' in capsys.readouterr().out
        store.post_status = 204
        store.asked.clear()
        assert main(words) == 0
        assert store.asked == ["tuf/timestamp.json", "v1/reports"]
        assert [one[1] for one in events(store)] == ["begun", "good"]
        store.asked.clear()
        before = rig.everything()
        assert main(words) == 0
        assert store.asked == ["tuf/timestamp.json"]
        assert rig.everything() == before
        assert len(Disk.of(rig.folder).generations.numbers()) == 1
