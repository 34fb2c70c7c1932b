"""Real stores, real publishers in processes of their own, and bad lines between them."""

import io
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from sealring.chain import read_claim
from sealring.command.main import run
from sealring.command.outside import Outside
from tests.rigs.cutting import Cutting, cutting
from tests.stores import RunningStore, first_software, now, running_store
from tests.world import World

_NUMBERS = count(1)


@dataclass
class Scene:
    """A store that is served, a line to it, and one publisher's own folder."""

    world: World
    store: RunningStore
    line: Cutting
    folder: Path
    package: str
    """The one that no other test publishes."""
    slept: list[float] = field(default_factory=list)
    started: "list[subprocess.Popen[str]]" = field(default_factory=list)

    @property
    def kept(self) -> list[Path]:
        """The tokens that the publisher keeps."""
        place = self.folder / "state" / "sealring" / "publications"
        return sorted(place.iterdir()) if place.exists() else []

    def written(self, number: int, image: bytes, package: str = "") -> list[str]:
        """A revision and its release as files, and the image's file, as a publisher names them."""
        package = package or self.package
        base = self.folder / f"{package}-{number}"
        revision = self.world.signed(self.world.revision(number, image, package=package))
        release = self.world.signed(self.world.release(number, package=package))
        paths = [base.with_suffix(end) for end in (".revision", ".release", ".squashfs")]
        for path, raw in zip(paths, (revision.raw, release.raw, image), strict=True):
            path.write_bytes(raw)
        pinned = str(self.store.folder / "1.root.json")
        return [str(paths[0]), str(paths[1]), "--image", str(paths[2]), "--tuf-root", pinned, "--json"]

    def several(self, name: str, images: list[bytes]) -> list[str]:
        """The same of several packages, whose releases belong together."""
        found = [self.written(1, image, f"{name}-{number}") for number, image in enumerate(images)]
        return [word for one in found for word in one[:4]] + found[0][4:]

    def publish(self, *arguments: str, url: str = "") -> tuple[int, str, str]:
        """One run of the command in this process, which never really pauses: exit code, stdout, stderr."""
        out, err = io.StringIO(), io.StringIO()
        state = self.folder / "state" / "sealring"
        outside = Outside(now, out, err, False, False, state, self.slept.append, lambda: 0.5)
        code = run(["publish", url or self.line.url, *arguments], outside)
        return code, out.getvalue(), err.getvalue()

    def start(self, *arguments: str, url: str = "") -> "subprocess.Popen[str]":
        """The command in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "sealring.command.main", "publish", url or self.line.url, *arguments],
            env={"XDG_STATE_HOME": str(self.folder / "state"), "PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def end(self) -> None:
        """Let nothing go on."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=20)

    def newest(self, package: str = "") -> int:
        """The sequence of the release that the store shows."""
        answer = self.store.get(f"/v1/heads/release/1/acme/{package or self.package}/latest/stable")
        assert answer.status == 200
        return read_claim(answer.body).statement.sequence


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """One store for a module; each test publishes what is its own."""
    world = World(at=now())
    with running_store(world, tmp_path_factory.mktemp("store") / "store") as store:
        store.publish(first_software(world, store, b"first"), [b"first"])
        yield store


@pytest.fixture
def scene(served: RunningStore, tmp_path: Path) -> Iterator[Scene]:
    """A publisher of its own, and a good line to the store."""
    with cutting(served.port) as line:
        scene = Scene(served.world, served, line, tmp_path, f"tool-{next(_NUMBERS)}")
        yield scene
        scene.end()
