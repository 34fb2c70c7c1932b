"""Images of real software: successive releases of ruff, a Python linter, from the Python package registry.

The wheels are pinned by digest; uv fetches, checks and unpacks them. Each becomes a squashfs image with fixed
times, so that the same release makes the same bytes on every machine.
"""

import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

MKSQUASHFS = shlex.split(
    "-noappend -reproducible -mkfs-time 1767225600 -all-time 1767225600 -all-root -no-xattrs -no-exports "
    "-comp gzip -b 131072 -quiet -no-progress"
)
PLATFORMS = {"x86_64": "x86_64-unknown-linux-gnu", "aarch64": "aarch64-unknown-linux-gnu"}
OTHER = {"x86_64": "aarch64", "aarch64": "x86_64"}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
# SHA-256 of the wheels, as the registry named them on 2026-11-22.
WHEELS = {
    ("0.17.2", "x86_64"): "c60f93fec7142dba5b8f487f94bf2f6231dae24dc11e4c48648347c8b0720004",
    ("0.17.2", "aarch64"): "b7d0906677d89bbf3cf73cde64b5bbe2ab35df3ae43e49ee2627301e91265bac",
    ("0.17.3", "x86_64"): "7fa4b0f931cdbcb8a52044f370a3eb429fb42eb88807b0e800fcaa98dd42b24e",
    ("0.17.3", "aarch64"): "ab5fa7ed5ce18554ea69d850ad162cbaa0c85fc47c08d83a569f806681c9a6ad",
    ("0.17.4", "x86_64"): "2cd025509b2e15721b426fc70fd946d71f43b3db3b08e946dfec2d696d911690",
    ("0.17.4", "aarch64"): "8ea6e0017c785f7282092b11e46338e4ebed1b9e575ebf2e55a8a1eda968241a",
    ("0.17.5", "x86_64"): "40ca8afaac309b41a5b2e09e4e7beb1f824826b93c25697c4d74f573324fba4e",
    ("0.17.5", "aarch64"): "6f6a7b138edf9cc402ca736a59d9525e6d766e5395760b72e7e146e6251ac963",
    ("0.17.6", "x86_64"): "aa3b08254a732acba246891089a152c47c5733dc36b8ecb76ce8602f8326e5e4",
    ("0.17.6", "aarch64"): "435241c61af5909a022f76219d3d1bf24730dc1bf0acabb5ddf4b569ab3cbb30",
}
# What the package's maker calls healthy: the program starts, and finds the one fault in a file that has one.
CHECK = """#!/bin/sh
set -eu
bin/ruff --version
found=$(printf 'import os\\n' | bin/ruff check --isolated --no-cache --output-format concise - || true)
case "$found" in *F401*) echo "lints as it should" ;; *) echo "no fault found: $found"; exit 1 ;; esac
"""


@dataclass(frozen=True)
class Built:
    """One image on disk."""

    version: str
    path: Path

    @property
    def size(self) -> int:
        """In bytes."""
        return self.path.stat().st_size


def machine() -> str:
    """This machine's name in WHEELS; `architecture` has the one that models use."""
    name = platform.machine()
    if name not in PLATFORMS:
        raise SystemExit(f"demo: no wheel of ruff is pinned for {name}; x86_64 and aarch64 are")
    return name


def architecture() -> str:
    """This machine's architecture by Debian's name."""
    return ARCHITECTURES[machine()]


def build(version: str, folder: Path, *, wrong_machine: bool = False) -> Built:
    """An image of this release of ruff under `folder`.

    Args:
        wrong_machine: pack the wheel for the other processor, as a build server's slip would.

    Raises:
        SystemExit: the registry can't be reached, or its bytes are not the pinned ones.
    """
    target = OTHER[machine()] if wrong_machine else machine()
    tree = folder / f"ruff-{version}-{target}"
    pinned = folder / f"{tree.name}.txt"
    pinned.write_text(f"ruff=={version} --hash=sha256:{WHEELS[version, target]}\n")
    uv = os.environ.get("UV") or shutil.which("uv")
    if uv is None:
        raise SystemExit("demo: uv was not found; start the demo by `python3 tests/run.py demo`, which brings it")
    fetch = [uv, "pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    fetch += ["--require-hashes", "--no-config", "--python-platform", PLATFORMS[target], "--target", str(tree / "lib")]
    done = subprocess.run([*fetch, "-r", str(pinned)], capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"demo: ruff {version} could not be fetched from the package registry:\n{done.stderr}")
    (tree / "bin").mkdir()
    shutil.move(tree / "lib" / "bin" / "ruff", tree / "bin" / "ruff")
    shutil.rmtree(tree / "lib")
    check = tree / "bin" / "check"
    check.write_text(CHECK)
    check.chmod(0o755)
    image = folder / f"{tree.name}.squashfs"
    subprocess.run(["mksquashfs", str(tree), str(image), *MKSQUASHFS], check=True, capture_output=True)
    return Built(version, image)
