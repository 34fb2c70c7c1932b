"""Take the pictures of docs/operator-page.md: `make screenshots` writes docs/screenshots/*.png.

The store, its clock and its history are the same each time; only the free space of this machine is not, so a picture
changes when the page does. With Debian's `pngquant` the files have a quarter of their size.
"""

import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.rigs.operator.browser import Scheme, chromium, looking
from tests.rigs.operator.scene import make_scene, served

FOLDER = Path(__file__).resolve().parents[3] / "docs" / "screenshots"
COLOURS = "64"


class Shot(NamedTuple):
    """One picture: its name, what it shows, and how."""

    name: str
    path: str
    size: str
    scheme: Scheme = "light"
    height: int = 0
    """Of the picture, in CSS pixels; 0 for the whole page."""


SHOTS = (
    Shot("overview", "/", "desk"),
    Shot("fleet", "/fleet", "desk"),
    Shot("rollouts", "/rollouts", "desk", "light", 1000),
    Shot("packages", "/packages", "desk", "light", 800),
    Shot("expiry", "/expiry", "desk", "light", 900),
    Shot("publications", "/publications", "desk", "light", 800),
    Shot("entry", "/publications/2", "desk", "light", 800),
    Shot("faults", "/faults", "desk"),
    Shot("rollouts-dark", "/rollouts", "desk", "dark", 900),
    Shot("overview-phone", "/", "phone", "light", 1400),
    Shot("rollouts-phone", "/rollouts", "phone", "dark", 1400),
)


def take(folder: Path) -> None:
    """Write every picture into this folder."""
    folder.mkdir(exist_ok=True)
    with TemporaryDirectory() as place, served(make_scene(Path(place) / "shop")) as store, chromium() as browser:
        for shot in SHOTS:
            with looking(browser, shot.size, shot.scheme) as look:
                look.page.goto(store.operator_url + shot.path)
                file = folder / f"{shot.name}.png"
                if shot.height:
                    look.page.set_viewport_size(
                        {"width": look.page.evaluate("() => innerWidth"), "height": shot.height}
                    )
                look.page.screenshot(path=file, full_page=not shot.height)
                _shrink(file)
                print(f"{file.name}: {file.stat().st_size} bytes")


def _shrink(file: Path) -> None:
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--strip", "--ext=.png", COLOURS, file], check=True)


if __name__ == "__main__":
    take(FOLDER)
