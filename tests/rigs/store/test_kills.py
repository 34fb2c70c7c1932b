"""Some of the points of `make sweep-store-kill`, for every day (SPEC PB-3, PB-7, PB-11)."""

from collections.abc import Iterator

import pytest

from sealring_server.database import FILE
from tests.rigs.components import path_of
from tests.rigs.store.broken_off import Breaking, breaking
from tests.rigs.store.points import Point


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Breaking]:
    """One store for all: what a fault had spoilt in secret would be met by the next one."""
    with breaking(path_of("strace"), tmp_path_factory.mktemp("broken") / "off") as found:
        yield found


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("point", "found"),
    [
        pytest.param(Point("pwrite64", 40, "KILL"), "old", id="killed in the middle of a commit"),
        pytest.param(Point("pwrite64", 5, "KILL", FILE), "new", id="killed in a checkpoint"),
        pytest.param(Point("link", 1, "EIO"), "", id="an image gets no final name"),
        pytest.param(Point("fsync", 2, "EIO"), "", id="an image is not durable"),
        pytest.param(Point("fdatasync", 3, "EIO"), "", id="a commit is not durable"),
        pytest.param(Point("fdatasync", 1, "EIO", FILE), "new", id="a checkpoint is not durable"),
        pytest.param(Point("pwrite64", 40, "ENOSPC"), "", id="no room for a commit"),
        pytest.param(Point("openat", 6, "ENOSPC"), "", id="no room for a file"),
    ],
)
def test_whatever_breaks_it_off_a_publication_is_whole_or_not_at_all(
    broken: Breaking, point: Point, found: str
) -> None:
    """PB-3: readers see old or new, what was acknowledged stays, the same command again ends it, nothing is left over.

    After an error a publisher may get through by himself: then it is new.
    """
    left = broken.break_off(point)
    assert left.found == found or not found


def test_the_points_are_those_of_the_whole_publication(broken: Breaking) -> None:
    """PB-3: what a sweep counts on: pages, syncs, the image's bytes and its final name are among them."""
    calls = {point.call for point in broken.points()}
    assert {"openat", "write", "pwrite64", "fsync", "fdatasync", "link", "unlink"} <= calls
