"""A repository behind a server, and a client that has a folder."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.tuf_tree import TufTree
from tests.unit.device_tuf.clients import NOW
from tests.unit.device_tuf.serving import Client, Served, served


@dataclass
class Stand:
    """A repository, its server and one client."""

    tree: TufTree
    here: Served
    client: Client


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    tree = TufTree(NOW)
    with served(tree) as here:
        yield Stand(tree, here, Client(here, tmp_path))


@pytest.fixture
def begun(stand: Stand) -> Stand:
    assert stand.client.init() == 0
    assert stand.client.refresh() == 0
    stand.here.asked.clear()
    return stand
