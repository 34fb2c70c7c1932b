"""A real store of the story: its folder, its process, its address."""

import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.demo.story import Story

START_SECONDS = 30.0


class Shop:
    """One `sealring-store` with an address that stays the same when it is stopped and started."""

    def __init__(self, story: Story, name: str) -> None:
        self.story, self.name = story, name
        self.folder = story.folder / name
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where devices and publishers find it."""
        return f"http://127.0.0.1:{self.port}"

    def open(self) -> None:
        """Start it, and wait until it answers."""
        ready = self.story.folder / f"{self.name}.url"
        ready.unlink(missing_ok=True)
        program = Path(sys.executable).parent / "sealring-store"
        bind = f"127.0.0.1:{self.port}"
        with (self.story.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                [program, "serve", self.folder, "--bind", bind, "--ready-file", ready], stdout=log, stderr=log
            )
        deadline = time.monotonic() + START_SECONDS
        while not ready.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.story.fail(f"the store {self.name} did not start; see {log.name}")
            time.sleep(0.05)

    def close(self) -> None:
        """Stop it, if it runs."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=30)
            self.process = None

    def copy_to(self, folder: Path) -> None:
        """Copy everything that it has; it must be closed."""
        shutil.copytree(self.folder, folder)

    def put_back(self, folder: Path) -> None:
        """Become what it was when `folder` was copied from it; it must be closed."""
        shutil.rmtree(self.folder)
        shutil.copytree(folder, self.folder)

    def blob(self, digest: str) -> Path:
        """The file of one image."""
        found = [path for path in self.folder.rglob(digest) if path.is_file()]
        if len(found) != 1:
            self.story.fail(f"{len(found)} files of image {digest} in {self.folder}, one was to be there")
        return found[0]
