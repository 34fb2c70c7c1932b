"""One stage for all tests of a process, and fresh devices on it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from sealring_server.making import TufPinned
from tests.scenarios.compromise.forger import Forger
from tests.scenarios.compromise.stage import Devices, Play, Stage, new_stage
from tests.stores import RunningStore


@pytest.fixture(scope="session")
def theatre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, Devices]]:
    """The stores run until the last attack is over."""
    folder = tmp_path_factory.mktemp("stage")
    with new_stage(folder) as stage:
        yield stage, Devices(stage, folder / "devices")


@pytest.fixture
def stage(theatre: tuple[Stage, Devices]) -> Iterator[Stage]:
    """The stage with honest lines."""
    theatre[0].reset()
    yield theatre[0]
    theatre[0].reset()


@pytest.fixture
def yesterday(theatre: tuple[Stage, Devices], stage: Stage) -> Iterator[Play]:
    """A device that runs yesterday's software; today's is out there."""
    with theatre[1].new("yesterday") as play:
        stage.reset()
        yield play


@pytest.fixture
def today(theatre: tuple[Stage, Devices], stage: Stage) -> Iterator[Play]:
    """A device that runs today's software."""
    with theatre[1].new("today") as play:
        stage.reset()
        yield play


@pytest.fixture
def newborn(theatre: tuple[Stage, Devices], stage: Stage) -> Iterator[Play]:
    """A folder that is no device yet."""
    with theatre[1].new() as play:
        stage.reset()
        yield play


@pytest.fixture
def thieves(stage: Stage) -> list[Forger]:
    """The thief of all keys of both stores; both lines answer with what he lists, and with the stores' own images."""
    found = []
    for shop in stage.shops.values():
        thief = stage.forger(shop)
        shop.line.change = thief.change
        found.append(thief)
    return found


@pytest.fixture
def shop(stage: Stage, tmp_path: Path) -> Iterator[RunningStore]:
    """A store of its own, served by granian: what is published to it disturbs nobody else."""
    folder = tmp_path / "store"
    shutil.copytree(stage.main.today, folder)
    store = RunningStore(stage.world, folder, TufPinned(*stage.main.store.pin)).start()
    yield store
    store.stop()
    store.kill()
