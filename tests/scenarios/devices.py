"""A real device for scenarios: a state folder, the real command's parts, and tiny real squashfs images."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from sealring.bundle import StatementEntry, write_bundle
from sealring.envelope import Envelope
from sealring_client.apply import mount
from sealring_client.device_file import Clock, Device, load_device
from sealring_client.fetch.fetcher import Fetcher, Limits
from sealring_client.outside import Fetches, Outside
from sealring_client.poll import Heard, Quiet, poll
from sealring_client.provision import provision
from sealring_client.refresh import refresh
from sealring_client.report import Report, StoreLine
from sealring_client.stick import Sticks

MODEL = "acme/door-1"


def now() -> datetime:
    """The machine's time in whole seconds."""
    return datetime.now(UTC).replace(microsecond=0)


@lru_cache(maxsize=64)
def image_of(text: str, health: str = "exit 0") -> bytes:
    """A squashfs image with the program `bin/tool`, which says `text`, and `bin/check`, a health check."""
    with tempfile.TemporaryDirectory() as folder:
        tree, image = Path(folder, "tree"), Path(folder, "image")
        (tree / "bin").mkdir(parents=True)
        for name, body in (("tool", f"echo {text}"), ("check", health)):
            (tree / "bin" / name).write_text(f"#!/bin/sh\n{body}\n")
            (tree / "bin" / name).chmod(0o755)
        options = ["-quiet", "-no-progress", "-noappend", "-all-root", "-mkfs-time", "0", "-all-time", "0"]
        subprocess.run(["mksquashfs", str(tree), str(image), *options], check=True, capture_output=True)
        return image.read_bytes()


@dataclass
class Rig:
    """One device, and the outside world that it is given."""

    folder: Path
    at: datetime
    stores: dict[str, Fetches] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    slept: list[float] = field(default_factory=list)

    def connect(self, url: str) -> Fetches:
        """What answers at an address: a given stand-in, else the network."""
        self.asked.append(url)
        return self.stores.get(url) or Fetcher(url, limits=Limits(read_seconds=2, total_seconds=5))

    def outside(self) -> Outside:
        return Outside(self.connect, lambda: self.at, self.slept.append, lambda *_: None)

    @property
    def device(self) -> Device:
        return load_device(self.folder)

    def provision(
        self,
        root: Envelope,
        seed: Iterable[Envelope],
        clock: Clock = "trusted",
        model: str = MODEL,
        groups: tuple[str, ...] = (),
    ) -> None:
        bundle = write_bundle([StatementEntry(one.raw) for one in seed])
        provision(self.folder, root.raw, model, bundle, clock, groups)

    def check(self) -> Report:
        return refresh(self.device, self.outside(), apply=False)

    def refresh(self) -> Report:
        return refresh(self.device, self.outside(), apply=True)

    def by_hand(self, *bundles: Path, apply: bool = True, paranoid: bool = False) -> Report:
        """What the command does with `--bundle`; no address answers."""
        sticks = Sticks.open(bundles)
        try:
            return refresh(self.device, self.outside(), apply=apply, paranoid=paranoid, sticks=sticks)
        finally:
            sticks.close()

    def turn(self, *, paranoid: bool = False) -> Quiet | Report:
        """What the command does: a poll, and a refresh where that is not enough."""
        heard = Heard()
        quiet = poll(self.folder, self.outside(), running=True, heard=heard)
        if quiet is not None:
            return quiet
        return refresh(self.device, self.outside(), apply=True, heard=heard, paranoid=paranoid)

    def says(self, package: str = "acme/tool") -> str:
        """What the installed program says when it is run from the mount."""
        program = self.folder / "current" / package / "bin" / "tool"
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout.strip()

    def everything(self) -> dict[str, tuple[int, bytes]]:
        """Every file and link below the folder with its time of change; mounts are left out."""
        found = {}
        for path in sorted(self.folder.rglob("*")):
            if "mounts" in path.relative_to(self.folder).parts or (path.is_dir() and not path.is_symlink()):
                continue
            data = os.readlink(path).encode() if path.is_symlink() else path.read_bytes()
            found[str(path.relative_to(self.folder))] = (path.lstat().st_mtime_ns, data)
        return found


@contextmanager
def new_device(at: datetime | None = None) -> Iterator[Rig]:
    """A folder that other users may pass through, as health checks must; unmounted and removed at the end."""
    folder = Path(tempfile.mkdtemp(prefix="sealring-device-"))
    folder.chmod(0o755)
    try:
        yield Rig(folder / "state", at or now())
    finally:
        for place in sorted((folder / "state" / "mounts").glob("*")):
            mount.unmount(place)
        shutil.rmtree(folder)


def line(report: Report, store: str) -> StoreLine:
    """One store's line."""
    return next(one for one in report.stores if one.name == store)
