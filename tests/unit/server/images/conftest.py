"""Every place where a store can keep its images; a new one is one more name here."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from sealring_server import settings
from sealring_server.images.chosen import images_of
from sealring_server.images.driver import Images
from tests.rigs.s3 import S3, s3_server

_numbers = count()


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """One server for all tests; each has a bucket of its own."""
    with s3_server(tmp_path_factory.mktemp("s3") / "server") as server:
        yield server


@pytest.fixture(params=["folder", "bucket"])
def said(request: pytest.FixtureRequest) -> settings.Images:
    """The settings of each kind of place."""
    if request.param == "folder":
        return settings.Images()
    server: S3 = request.getfixturevalue("s3")
    return server.settings(f"bucket-{next(_numbers)}")


@pytest.fixture
def images(said: settings.Images, tmp_path: Path) -> Images:
    """An empty place of each kind."""
    found = images_of(said, tmp_path)
    found.create()
    return found
