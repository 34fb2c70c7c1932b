"""Whole commands of the device, broken off at some of their system calls; `make sweep-kill` takes all of them."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rigs.components import path_of
from tests.rigs.device.interrupted import PROVISION, REFRESH, ROLLBACK, STOPPING, Command, Stage, Third
from tests.rigs.device.strace import IN_TOOL, Point


class Rehearsed:
    """A stage, and the points of each command that was asked for."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._points: dict[str, list[Point]] = {}

    def point(self, command: Command, fault: str, call: str, place: str) -> Point:
        """The first point of the command at which this call is about such a place."""
        if command.name not in self._points:
            self._points[command.name] = command.points(self.stage, self.stage.folder / "points")
        points = self._points[command.name]
        return next(p for p in points if (p.fault, p.call) == (fault, call) and place in p.place)


@contextlib.contextmanager
def rehearsal(third: Third) -> Iterator[Rehearsed]:
    with tempfile.TemporaryDirectory(prefix="sealring-kill-") as name:
        with Stage(path_of("strace"), Path(name), third=third).running() as stage:
            yield Rehearsed(stage)


@pytest.fixture(scope="module")
def rehearsed() -> Iterator[Rehearsed]:
    with rehearsal("healthy") as found:
        yield found


@pytest.fixture(scope="module")
def stopping() -> Iterator[Rehearsed]:
    with rehearsal("stopping") as found:
        yield found


SAMPLE = [
    (REFRESH, "KILL", "unlinkat", "statements/", "old"),  # both copies name the new statements, the old lie there still
    (REFRESH, "ENOSPC", "renameat", "trust.1.json", "old"),
    (REFRESH, "KILL", "renameat", "view.json", "new"),  # the next answer is longer, and nothing is wrong
    (REFRESH, "ENOSPC", "write", "view.json", "new"),
    (REFRESH, "KILL", "write", ".part", "old"),
    (REFRESH, "ENOSPC", "fallocate", ".part", "old"),
    (REFRESH, "EIO", "ioctl", "LOOP_CONFIGURE", "new"),  # squashfuse is there too
    (REFRESH, "EIO", "mount", IN_TOOL, "old"),
    (REFRESH, "EIO", "fsync", "generations/.new", "old"),
    (REFRESH, "KILL", "renameat", "good", "trial"),  # the trial has ended well, and nobody has noted it
    (REFRESH, "KILL", "renameat", "generations/.gone-", "new"),
    (REFRESH, "EBUSY", "umount2", IN_TOOL, "new"),  # programs of the generation before the last run on
    (ROLLBACK, "KILL", "renameat", "current", "old"),
    (PROVISION, "KILL", "mkdirat", "statements", "old"),
]


@pytest.mark.parametrize(
    ("command", "fault", "call", "place", "found"),
    [pytest.param(*one, id=f"{one[0].name} {one[1]} {one[2]} {one[3]}") for one in SAMPLE],
)
def test_a_command_that_is_broken_off_leaves_old_or_new_and_the_next_one_ends_well(
    command: Command, fault: str, call: str, place: str, found: str, rehearsed: Rehearsed
) -> None:
    """SPEC DV-1, DV-2, GN-1 to GN-4, DK-1."""
    point = rehearsed.point(command, fault, call, place)
    assert command.interrupt(rehearsed.stage, rehearsed.stage.folder / "broken", point).found == found


STOPS = [
    ("KILL", "renameat", "trust.0.json", "old"),  # the list is not held yet
    ("KILL", "renameat", "stopped.json", "old"),
    ("ENOSPC", "fsync", "generations/.new", "old"),
    ("KILL", "renameat", "good", "old"),
    ("KILL", "renameat", "current", "trial"),  # `good` is ahead of `current`: the next start goes on to it
    ("KILL", "renameat", "generations/.gone-", "new"),
    ("EBUSY", "umount2", IN_TOOL, "new"),
]


@pytest.mark.parametrize(
    ("fault", "call", "place", "found"),
    [pytest.param(*one, id=f"{one[0]} {one[1]} {one[2]}") for one in STOPS],
)
def test_a_stop_that_is_broken_off_is_done_at_the_next_start(
    fault: str, call: str, place: str, found: str, stopping: Rehearsed
) -> None:
    """SPEC RK-6, GN-3: once the list is held no store is needed, and no start goes back to what was stopped."""
    point = stopping.point(STOPPING, fault, call, place)
    assert STOPPING.interrupt(stopping.stage, stopping.stage.folder / "broken", point).found == found
