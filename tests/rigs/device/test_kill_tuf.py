"""A kill, and a failing disk, at chosen calls of `sealring-device tuf`; `make sweep-tuf-kill` takes all of them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.components import path_of
from tests.rigs.device.strace import Point
from tests.rigs.device.tuf_interrupted import Action, Left, TufStage


@pytest.fixture(scope="module")
def stage() -> Iterator[TufStage]:
    with tempfile.TemporaryDirectory(prefix="sealring-tuf-kill-") as name:
        with TufStage(path_of("strace"), Path(name)).running() as found:
            yield found


@pytest.fixture(scope="module")
def points(stage: TufStage) -> dict[str, list[Point]]:
    return {action: stage.points(action) for action in ("init", "download")}


SAMPLE: list[tuple[Action, str, str, str, Left]] = [
    ("init", "KILL", "renameat", "root.json", Left("none", 0, -9)),
    ("download", "KILL", "renameat", "root.json", Left("old", 1, -9)),
    ("download", "ENOSPC", "write", ".timestamp.json.new", Left("old", 3, 1)),
    ("download", "KILL", "fsync", "metadata", Left("old", 2, -9)),
    ("download", "KILL", "renameat", "A%2FB.json", Left("old", 3, -9)),
    ("download", "KILL", "write", "+new", Left("old", 3, -9)),
    ("download", "EIO", "fsync", "+new", Left("old", 3, 1)),
    ("download", "KILL", "renameat", "folder%2Ffile", Left("old", 3, -9)),
    ("download", "EIO", "fsync", "files", Left("new", 3, 1)),
]


@pytest.mark.parametrize(
    ("action", "fault", "call", "place", "left"), [pytest.param(*one, id=" ".join(one[:4])) for one in SAMPLE]
)
def test_what_is_left_is_whole_and_the_next_run_ends_well(
    action: Action, fault: str, call: str, place: str, left: Left, stage: TufStage, points: dict[str, list[Point]]
) -> None:
    """SPEC TF-12, DK-1: old or new, file by file, and no file of which nobody has vouched."""
    found = [p for p in points[action] if (p.fault, p.call) == (fault, call)]
    exact = [p for p in found if p.place == place]
    point = next(iter(exact or [p for p in found if place in p.place]))
    assert stage.interrupt(action, point) == left
