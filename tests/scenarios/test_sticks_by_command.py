"""From the operator's command to the device's: a bundle of a real store, with no network, off a shelf (SPEC BN-6)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.statement.software import Final
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from tests.scenarios.devices import MODEL, Rig, image_of, new_device, now
from tests.stores import running_store
from tests.world import DAY, World, sign

DEVICE = [sys.executable, "-c", "import sys; from sealring_client.command.main import main; sys.exit(main())"]


@pytest.fixture
def device() -> Iterator[Rig]:
    with new_device() as rig:
        yield rig


@pytest.fixture
def stick(device: Rig, tmp_path: Path) -> Path:
    """What the real command makes of a real store's folder: the last release of a product, kept for 400 days."""
    world = World(at=now())
    brand, model = world.signed(world.brand()), world.signed(world.model(offline_age=400 * 86400))
    revision = world.signed(world.revision(1, image_of("shelf")))
    rests = Final(brand.id, [model.id], [revision.id])
    release = sign(world.release(1, final=rests), *world.brand_keys("acme")[:2], *world.brand_role)
    with running_store(world, tmp_path / "store") as store:
        first = [brand, model, world.signed(world.store(store.url, store.pin, expires=now() + 365 * DAY))]
        store.publish([*first, revision, release], [image_of("shelf")])
        made = ["bundle", str(store.folder), MODEL, "-o", str(tmp_path / "stick")]
        assert run(made, Outside(now, lambda _: "")) == 0
    device.provision(world.root, first)
    return tmp_path / "stick"


def refresh(device: Rig, stick: Path, days: int = 0) -> tuple[int, dict[str, object]]:
    """The device's command in a network namespace that has not even a loopback address, so many days later."""
    later = ["env", "DONT_FAKE_MONOTONIC=1", "faketime", "-f", f"+{days}d"] if days else []
    words = ["refresh", "--state", str(device.folder), "--bundle", str(stick), "--json"]
    command = ["unshare", "-n", *later, *DEVICE, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env={**os.environ})
    return done.returncode, json.loads(done.stdout) if done.stdout else {}


def test_a_device_with_nothing_but_its_root_takes_it(device: Rig, stick: Path) -> None:
    """SPEC BN-6."""
    assert refresh(device, stick)[0] == 0
    assert device.says() == "shelf"


def test_after_a_year_on_a_shelf_it_is_taken_and_after_more_refused(device: Rig, stick: Path) -> None:
    """SPEC BN-7: the store's files have ended long ago; the model says for how long that is granted, and no longer."""
    code, said = refresh(device, stick, 420)
    assert code == 4, said
    assert not (device.folder / "current").exists()
    code, said = refresh(device, stick, 364)
    assert code == 0, said["stores"]
    assert device.says() == "shelf"
