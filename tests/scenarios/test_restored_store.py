"""A store restored from an older backup, and a real device that saw more: nothing rolls back (SPEC BK-2, BK-3)."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.keyfile import create_key_file
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.making import TufPinned
from sealring_server.mirror.folder import make_mirror, open_mirror
from sealring_server.mirror.run import Look, look
from sealring_server.settings import Mirror
from tests.scenarios.devices import Rig, image_of, line, new_device, now
from tests.stores import Refused, RunningStore, first_software, next_software, running_store
from tests.world import World

MAIN = "acme/main"


@pytest.fixture
def device() -> Iterator[Rig]:
    with new_device() as rig:
        yield rig


class Operator:
    """What the operator does, by the commands of docs/backup.md."""

    def __init__(self, folder: Path, world: World) -> None:
        self.folder, self.world, self.said = folder, world, ""
        (folder / "root.json").write_bytes(world.root.raw)
        (folder / "passphrase").write_text("several good words")
        create_key_file(folder / "tuf-root.key", "tuf-root", b"several good words")

    def does(self, *arguments: object) -> int:
        return run([str(one) for one in arguments], Outside(now, lambda _: ""))

    def restores(self, name: str, port: int, *more: object) -> RunningStore:
        """A new folder from the backup; not yet served."""
        root = self.folder / "root.json"
        assert self.does("restore", self.folder / "backup", self.folder / name, "--root", root, *more) == 0
        store = RunningStore(self.world, self.folder / name, TufPinned(1, ""))
        store.url = f"http://127.0.0.1:{port}"
        return store


def publish(world: World, store: RunningStore, *numbers: int) -> None:
    for number in numbers:
        image = image_of(str(number))
        store.publish(next_software(world, image, number), [image])


def test_an_older_backup_rolls_no_device_back(device: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SPEC BK-2, BK-3: the device saw two entries that the backup has not; the operator says that nobody did.

    It refuses both what is older and what is another history, says so, and runs on. With a new TUF root, pinned by a
    newer `store` statement, it takes the store again, and its floors stay.
    """
    world = World(at=now())
    operator = Operator(tmp_path, world)
    with running_store(world, tmp_path / "store") as store:
        image = image_of("1")
        store.publish(first_software(world, store, image), [image])
        device.provision(world.root, first_software(world, store, image)[:3])
        device.refresh()
        assert operator.does("backup", store.folder, tmp_path / "backup") == 0
        publish(world, store, 2, 3)
        device.refresh()
        assert device.says() == "3"
        port = store.port

    refuses_another_history(device, operator, port)
    goes_on_under_a_new_root(device, operator, port, capsys)


def refuses_another_history(device: Rig, operator: Operator, port: int) -> None:
    """The wrong word: entries of numbers that the device saw, with other content, and then later ones."""
    world = operator.world
    wrong = operator.restores("wrong", port, "--keys", operator.folder / "store" / "keys")
    assert operator.does("resume", wrong.folder, "--nothing-newer") == 0
    wrong.start(port=port)
    try:
        publish(world, wrong, 5)
        report = device.refresh()
        assert (device.says(), line(report, MAIN).word) == ("3", "refused")
        assert {one.rule for one in line(report, MAIN).refusals} & {"CT-2", "CT-3", "TF-4"}
        publish(world, wrong, 6, 7)
        report = device.refresh()
        assert (device.says(), line(report, MAIN).word) == ("3", "refused")
        assert {one.rule for one in line(report, MAIN).refusals} & {"CT-3", "LG-2"}
    finally:
        wrong.stop()
        wrong.kill()


def goes_on_under_a_new_root(device: Rig, operator: Operator, port: int, capsys: pytest.CaptureFixture[str]) -> None:
    """The way of BK-3: nobody saved a private key, and nobody knows what was shown."""
    world = operator.world
    again = operator.restores("again", port)
    capsys.readouterr()
    key = ["--tuf-root-key", operator.folder / "tuf-root.key", "--passphrase-file", operator.folder / "passphrase"]
    assert operator.does("resume", again.folder, "--new-tuf-root", *key, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    again.start(port=port)
    try:
        assert line(device.refresh(), MAIN).word == "refused"  # nobody has pinned the new root yet
        renewed = world.store(again.url, (said["version"], said["sha256"]), sequence=2)
        again.publish([world.signed(renewed)])
        report = device.refresh()
        assert (device.says(), line(report, MAIN).word) == ("3", "behind")
        publish(world, again, 2)
        device.refresh()
        assert device.says() == "3"  # FL-1: its own floors stay
        publish(world, again, 8)
        report = device.refresh()
        assert device.says() == "8"
        assert operator.does("fsck", again.folder) == 0
    finally:
        again.stop()
        again.kill()


def test_what_a_mirror_kept_comes_back_byte_for_byte(
    device: Rig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BK-2, MI-1: no device sees a difference, and the store goes on by its old keys."""
    world = World(at=now())
    operator = Operator(tmp_path, world)
    with running_store(world, tmp_path / "store") as store:
        image = image_of("1")
        store.publish(first_software(world, store, image), [image])
        device.provision(world.root, first_software(world, store, image)[:3])
        assert operator.does("backup", store.folder, tmp_path / "backup") == 0
        publish(world, store, 2, 3)
        device.refresh()
        make_mirror(tmp_path / "mirror", Mirror(store.url, images="all"), world.root.raw)
        look(open_mirror(tmp_path / "mirror", now), Look())
        port = store.port
    mirror = RunningStore(world, tmp_path / "mirror", TufPinned(1, "")).start()
    again = operator.restores("again", port, "--keys", tmp_path / "store" / "keys")
    try:
        # Its own keys signed what the mirror shows: no word of the operator's lets it go another way then.
        assert operator.does("resume", again.folder, "--from", mirror.url, "--check") == 13
        assert operator.does("resume", again.folder, "--from", mirror.url) == 0
    finally:
        mirror.stop()
        mirror.kill()
    again.start(port=port)
    try:
        publish(world, again, 4)
        report = device.refresh()
        assert (device.says(), [one.rule for one in line(report, MAIN).refusals]) == ("4", [])
        assert operator.does("fsck", again.folder) == 0
    finally:
        again.stop()
        again.kill()
    capsys.readouterr()


def test_a_store_that_is_shown_a_later_entry_of_its_own_stops(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BK-2: somebody put an old disk back and never called it a restore; a mirror knows better."""
    world = World(at=now())
    operator = Operator(tmp_path, world)
    with running_store(world, tmp_path / "store") as store:
        image = image_of("1")
        store.publish(first_software(world, store, image), [image])
        assert operator.does("resume", store.folder, "--from", store.url) == 0  # nothing later is shown
    shutil.copytree(store.folder, tmp_path / "old")
    store.start()
    old = RunningStore(world, tmp_path / "old", TufPinned(1, "")).start()
    try:
        publish(world, store, 2, 3)
        assert operator.does("resume", old.folder, "--from", store.url, "--check") == 13
        with pytest.raises(Refused) as refused:
            publish(world, old, 4)
        assert (refused.value.status, refused.value.rule) == (503, "BK-2")
        assert old.get("/tuf/timestamp.json").status == 200  # what was published can be read
        assert operator.does("resume", old.folder, "--nothing-newer") == 13
    finally:
        for one in (store, old):
            one.stop()
            one.kill()
    capsys.readouterr()
