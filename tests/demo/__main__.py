"""sealring's main job on real software, told as it happens.

    python3 tests/run.py demo            tell it, then clean up
    python3 tests/run.py demo --keep     leave the stores running and everything in place

Every step runs the commands that a security team, an operator and a device run. The exit code is 0 only if each of
them did what the story says.
"""

import argparse
import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tests.demo.acts import attacks, ceremony, everyday
from tests.demo.shop import Shop
from tests.demo.story import Story


def main() -> int:
    """Tell the story; 0 if it was true."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", action="store_true", help="leave the stores running and the files in place")
    keep = parser.parse_args().keep
    folder = Path(tempfile.mkdtemp(prefix="sealring-demo-"))
    story = Story(folder)
    shops = [Shop(story, name) for name in ("main", "second")]
    with _cleaned_up(folder, shops, keep):
        print("sealring: any device can take software from any number of stores without having to trust them.")
        print(f"Everything happens in {folder}, with throw-away keys and real releases of ruff, a Python linter.")
        ceremony(story, shops)
        everyday(story, shops)
        attacks(story, shops)
        story.chapter("The end")
        story.tell("Everything did what the story says.")
        if keep:
            story.tell(f"The stores run on: {shops[1].url} and {shops[0].url}; the files are in {folder}.")
            story.tell(f"To end it: pkill -f {folder}; umount {folder}/device/mounts/*; rm -r {folder}")
    return 0


@contextlib.contextmanager
def _cleaned_up(folder: Path, shops: list[Shop], keep: bool) -> Iterator[None]:
    told = False
    try:
        yield
        told = True
    finally:
        # What is kept is kept for a person who asked for it and has seen the end.
        if not (keep and told):
            for shop in shops:
                shop.close()
            _unmount(folder)
            shutil.rmtree(folder)


def _unmount(folder: Path) -> None:
    """Unmount every image that the device mounted."""
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        where = line.split()[4]
        if where.startswith(f"{folder}/"):
            for command in (["umount", where], ["fusermount3", "-u", where]):
                if subprocess.run(command, capture_output=True).returncode == 0:
                    break


if __name__ == "__main__":
    raise SystemExit(main())
