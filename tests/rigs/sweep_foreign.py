"""TUF clients of others against a running store; writes docs/foreign-clients.md (SPEC TF-11).

    make sweep-foreign

go-tuf comes as a Go module, tuf-js from npm, in the newest edition that these give; python-tuf is the one of this
environment. Each downloads a real image through the role `packages`, follows a rotation of all online keys with the
state that it kept, refuses an image that was changed on the store's disk, and finds nothing once the role is off.
"""

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from sealring_server.here import StoreHere, open_store
from sealring_server.images.folder import ImageFolder
from sealring_server.key_folder import ONLINE_ROLES
from sealring_server.tuf_packages import turn_off, turn_on
from sealring_server.tuf_roots import Change, publish_root, request_root
from tests.rigs.components import path_of
from tests.stores import RunningStore, first_software, next_software, now, running_store, tuf_root_signer
from tests.world import World

CHECKOUT = Path(__file__).resolve().parents[2]
PROGRAMS = CHECKOUT / "tests" / "rigs" / "foreign"
WORK = CHECKOUT / ".cache" / "foreign"
PAGE = CHECKOUT / "docs" / "foreign-clients.md"
IMAGES = [b"hsqs" + f"image {number} ".encode() * 100_000 for number in (1, 2, 3)]
_HEAD = """# TUF clients of others

Written by `make sweep-foreign` (`tests/rigs/sweep_foreign.py`). Each client is given the store's `1.root.json` and its
address, and nothing of sealring. Through the role `packages` (SPEC TF-11,
[store-keys.md](store-keys.md#4-clients-that-know-tuf-only)) it downloads a real image from a store that is served, with
signatures by Ed25519.

**Such a client trusts the store, not the brand's chain**: no brand has signed what it sees, and no revocation reaches
it. That is TUF's promise and no more; devices of sealring ask for more.
"""


@dataclass(frozen=True)
class Client:
    """A client of others: what it is called, and the command that downloads a target by it."""

    name: str
    edition: str
    command: list[str]
    environment: dict[str, str]

    def download(self, store: RunningStore, folder: Path, target: str) -> bytes | None:
        """The image that it took, or None where it took none."""
        (folder / "image").unlink(missing_ok=True)
        command = [*self.command, store.url, str(folder), target]
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=120
        )
        print(f"{self.name}: {target}: exit {done.returncode} {done.stdout.strip()[-200:]}", flush=True)
        return (folder / "image").read_bytes() if done.returncode == 0 else None


def clients() -> list[Client]:
    """Fetched through their registries and built, into a folder of their own."""
    WORK.mkdir(parents=True, exist_ok=True)
    return [_python_tuf(), _go_tuf(), _tuf_js()]


def _python_tuf() -> Client:
    return Client("python-tuf", version("tuf"), [sys.executable, str(PROGRAMS / "client.py")], {})


def _go_tuf() -> Client:
    go, place = path_of("go"), WORK / "go"
    place.mkdir(exist_ok=True)
    shutil.copy(PROGRAMS / "main.go", place)
    (place / "go.mod").write_text("module foreign\n\ngo 1.25\n")
    module = "github.com/theupdateframework/go-tuf/v2"
    for arguments in (["get", f"{module}@latest"], ["mod", "tidy"], ["build", "-o", "foreign", "."]):
        subprocess.run([go, *arguments], cwd=place, check=True, capture_output=True, timeout=900)
    listed = subprocess.run([go, "list", "-m", module], cwd=place, check=True, capture_output=True, text=True)
    return Client("go-tuf", listed.stdout.split()[1], [str(place / "foreign")], {})


def _tuf_js() -> Client:
    npm, node, place = shutil.which("npm"), shutil.which("node"), WORK / "npm"
    if npm is None or node is None:
        sys.exit("npm and node are missing: apt install npm")
    place.mkdir(exist_ok=True)
    (place / "package.json").write_text('{"private": true}\n')
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "tuf-js"]
    subprocess.run(install, cwd=place, check=True, capture_output=True, timeout=900)
    edition = json.loads((place / "node_modules" / "tuf-js" / "package.json").read_text())["version"]
    environment = {"NODE_PATH": str(place / "node_modules")}
    return Client("tuf-js", edition, [node, str(PROGRAMS / "client.cjs")], environment)


def target_of(number: int) -> str:
    """The name of an image as a target."""
    return f"acme~tool~{number}~amd64.img"


def rotate(store: RunningStore, here: StoreHere) -> None:
    """New keys for all online roles."""
    request = request_root(here, Change(dict.fromkeys(ONLINE_ROLES)))
    one = tuf_root_signer(store.world).sign(request.draft.signed_bytes)
    publish_root(here, request.with_signatures({one.keyid: one.signature}).draft.raw)


def play(store: RunningStore, found: list[Client], folders: dict[str, Path]) -> Iterator[tuple[str, dict[str, bool]]]:
    """What each client has to do, step by step, and whether it did."""
    here = open_store(store.folder, now)

    def ask(number: int, expected: bytes | None) -> dict[str, bool]:
        return {one.name: one.download(store, folders[one.name], target_of(number)) == expected for one in found}

    turn_on(here)
    yield "downloads a released image of 800 kB", ask(1, IMAGES[0])
    yield "takes no name that is not listed", ask(7, None)
    rotate(store, here)
    turn_off(here)
    store.publish(next_software(store.world, IMAGES[1], 2), [IMAGES[1]])
    turn_on(here)  # a new key of `packages` too
    yield "follows new keys of all online roles, with the state that it kept", ask(2, IMAGES[1])
    assert isinstance(here.images, ImageFolder)
    blob = here.images.path(sha256(IMAGES[1]).hexdigest())
    blob.write_bytes(IMAGES[1][:-1] + b"?")
    yield "refuses an image that was changed on the store's disk", ask(2, None)
    turn_off(here)
    yield "finds nothing once the role is off", ask(1, None)


def main() -> None:
    """The sweep, and its page."""
    found, world = clients(), World(at=now())
    with tempfile.TemporaryDirectory(prefix="sealring-foreign-") as place:
        with running_store(world, Path(place) / "store") as store:
            store.publish(first_software(world, store, IMAGES[0]), [IMAGES[0]])
            folders = {one.name: Path(place) / one.name for one in found}
            for folder in folders.values():
                folder.mkdir()
                shutil.copy(store.folder / "1.root.json", folder / "root.json")
            rows = list(play(store, found, folders))
    PAGE.write_text(page(found, rows), encoding="utf-8")
    failed = [f"{name}: {step}" for step, by in rows for name, good in by.items() if not good]
    sys.exit("\n".join(failed) or 0)


def page(found: list[Client], rows: list[tuple[str, dict[str, bool]]]) -> str:
    """The page."""
    names = " | ".join(f"{one.name} {one.edition}" for one in found)
    lines = [_HEAD, f"| | {names} |", "|---" * (len(found) + 1) + "|"]
    lines += [f"| {step} | {' | '.join('yes' if by[one.name] else '**no**' for one in found)} |" for step, by in rows]
    machine = f"{platform.system()} on {platform.machine()}, {os.cpu_count()} cores"
    tools = f"Python {platform.python_version()}"
    lines += ["", f"{datetime.now(UTC):%Y-%m-%d}, {machine}, {tools}.", ""]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
