"""docs/offline.md can be followed as it is written: a store's folder, one file, a device that asks nobody."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring_client.apply.mount import unmount
from tests.scenarios.devices import image_of
from tests.sessions.runner import console_blocks, parse_session, run_session
from tests.stores import first_software, now, running_store
from tests.world import World

PAGE = Path(__file__).resolve().parents[2] / "docs" / "offline.md"


@pytest.fixture
def folder() -> Iterator[Path]:
    """A store that is no longer served, and what a device is provisioned from."""
    found = Path(tempfile.mkdtemp(prefix="sealring-offline-"))
    world = World(at=now())
    try:
        with running_store(world, found / "shop") as store:
            software = first_software(world, store, image_of("carried"))
            store.publish(software, [image_of("carried")])
        (found / "root.json").write_bytes(world.root.raw)
        (found / "seed.bundle").write_bytes(write_bundle([StatementEntry(one.raw) for one in software[:3]]))
        yield found
    finally:
        for place in (found / "device" / "mounts").glob("*"):
            unmount(place)
        shutil.rmtree(found)


def test_the_page_leads_from_a_store_to_a_device_without_a_network(folder: Path) -> None:
    """SPEC BN-6: each command, its output, its exit code."""
    steps = parse_session(console_blocks(PAGE.read_text(encoding="utf-8")))
    assert len(steps) == 7
    run_session(steps, folder)
