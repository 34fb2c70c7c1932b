"""One served store with software in it, for all tests of this folder that change nothing in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stores import RunningStore, first_software, now, running_store
from tests.world import World

IMAGE = b"an image that is released " * 100


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """A store that serves one release."""
    world = World(at=now())
    folder: Path = tmp_path_factory.mktemp("served") / "shop"
    with running_store(world, folder) as store:
        store.publish(first_software(world, store, IMAGE), [IMAGE])
        yield store
