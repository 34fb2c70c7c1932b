"""`sealring-device tuf`, broken off at one system call, and what has to hold afterwards (SPEC TF-12, DK-1).

The oracle knows every file that the repository ever published, and asks the client for nothing.
"""

import contextlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from tests.rigs.device.strace import NotStruck, Point, Ran, points_of, strike
from tests.tuf_tree import TOP, TufTree
from tests.unit.device_tuf.serving import Served, served

TARGET = "folder/file"
OLD, NEW = b"old" * 1000, b"new!" * 200_000  # the new one comes in several pieces
TRIES = 4  # for a fault to strike where it should
Action = Literal["init", "refresh", "download"]
ACTIONS: tuple[Action, ...] = ("init", "refresh", "download")


@dataclass(frozen=True)
class Left:
    """What a broken command left of the target (`none`, `old` or `new`) and of the root (its version), and its code."""

    target: str
    root: int
    code: int


class TufStage:
    """A repository at its second state, two roots further on, and a client that has seen the first."""

    def __init__(self, strace: Path, folder: Path) -> None:
        self.strace, self.folder = strace, folder
        self.tree = TufTree(datetime.now(UTC))
        self.published: dict[str, set[bytes]] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["TufStage"]:
        """The server is up until the block ends."""
        tree = self.tree
        tree.delegate("targets", "A/B", ["folder/*"])
        tree.add("A/B", TARGET, OLD)
        tree.publish_all()
        with served(tree) as here:
            self.here: Served = here
            (self.folder / "root.json").write_bytes(tree.raw("root"))
            old = self.folder / "old"
            (old / "metadata").mkdir(parents=True)
            (old / "files").mkdir()
            for action in ACTIONS:
                assert self.run(action, old) == 0
            tree.add("A/B", TARGET, NEW)
            tree.rotate("timestamp", "new timestamp")
            tree.rotate("root", "new root")
            tree.publish_all()
            for path, raw in tree.metadata.items():
                role = unquote(path.removesuffix(".json").lstrip("0123456789").removeprefix("."))
                self.published.setdefault(role, set()).add(raw)
            self.published["timestamp"].add((old / "metadata" / "timestamp.json").read_bytes())
            yield self

    def argv(self, action: Action, state: Path) -> list[str]:
        """The command as its user types it."""
        where = ["--metadata-dir", str(state / "metadata"), "--metadata-url", self.here.metadata_url]
        what = ["--target-dir", str(state / "files"), "--target-base-url", self.here.targets_url]
        name = ["--target-name", TARGET, action, *([str(self.folder / "root.json")] if action == "init" else [])]
        return [sys.executable, "-m", "sealring_client.command.main", "tuf", *where, *what, *name]

    def run(self, action: Action, state: Path) -> int:
        """The command without a fault; its exit code."""
        return subprocess.run(self.argv(action, state), capture_output=True, timeout=60).returncode

    def fresh(self, action: Action, name: str) -> Path:
        """A state in which the action has something to do."""
        state = self.folder / name
        shutil.rmtree(state, ignore_errors=True)
        if action == "init":
            (state / "files").mkdir(parents=True)
        else:
            shutil.copytree(self.folder / "old", state)
        return state

    def points(self, action: Action) -> list[Point]:
        """Every point of the action."""
        state = self.fresh(action, f"points-{action}")
        return points_of(self.strace, self.argv(action, state), state, self.folder / f"points-{action}.log")

    def interrupt(self, action: Action, point: Point, name: str = "broken") -> Left:
        """Break it off there; look at what is left; let the next one end.

        Raises:
            AssertionError: something did not hold.
            NotStruck: the fault never came where it should.
        """
        for attempt in range(1, TRIES + 1):
            state = self.fresh(action, name)
            try:
                ran = strike(self.strace, self.argv(action, state), state, self.folder / f"{name}.log", point)
                return self._judge(action, state, ran)
            except NotStruck:
                if attempt == TRIES:
                    raise
        raise AssertionError

    def _judge(self, action: Action, state: Path, ran: Ran) -> Left:
        assert ran.code in (0, 1, -9), ran
        assert "Traceback" not in ran.said, ran.said
        assert "unexpected" not in ran.said, ran.said
        left = Left(self._target(state), self._check_metadata(state), ran.code)
        if ran.code == 0:
            assert action != "download" or left.target == "new"
        # The next one ends well, and leaves exactly what an undisturbed one leaves.
        assert action != "init" or self.run("init", state) == 0
        assert self.run("download", state) == 0
        assert self._target(state) == "new"
        assert self._check_metadata(state) == 3
        assert {path.name for path in state.rglob("*") if path.is_file()} == {
            "A%2FB.json",
            "folder%2Ffile",
            *(f"{role}.json" for role in TOP),
        }
        return left

    def _target(self, state: Path) -> str:
        path = state / "files" / "folder%2Ffile"
        found = path.read_bytes() if path.exists() else b""
        return {b"": "none", OLD: "old", NEW: "new"}[found]

    def _check_metadata(self, state: Path) -> int:
        """Every trusted file is one that was published, byte for byte; the version of the root, 0 for none."""
        for path in (state / "metadata").glob("[!.]*"):
            assert path.read_bytes() in self.published[unquote(path.name.removesuffix(".json"))], path.name
        root = state / "metadata" / "root.json"
        if not root.exists():
            return 0
        digest = sha256(root.read_bytes()).digest()
        versions = (1, 2, 3)
        return next(n for n in versions if sha256(self.tree.metadata[f"{n}.root.json"]).digest() == digest)
