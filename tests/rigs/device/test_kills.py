"""A kill, and a failing disk, at every system call that changes something: old or new, never neither."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sealring_client.apply.generations import Generations
from tests.rigs.device import switch

CALLS = ("rename", "symlink", "symlinkat", "fsync", "mkdir", "mkdirat", "unlink", "unlinkat", "rmdir", "fchmod")
RENAMES = ("renameat", "renameat2")


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A device that has run two generations: 1 (images a.) and 2 (images b.), and holds the images of the third."""
    state = tmp_path / "old"
    for letter in "abc":
        for part in switch.parts(letter):
            (state / "images").mkdir(parents=True, exist_ok=True)
            (state / "images" / part.sha256).write_bytes(b"img")
    generations = Generations(state)
    for letter in "ab":
        number = generations.stage(switch.parts(letter))
        generations.try_(number)
        generations.commit(number)
    return state


def run(strace: Path, state: Path, *options: str) -> int:
    """The update under strace with the real interpreter; what it returned, or the negative number of its signal."""
    folders = os.pathsep.join(entry for entry in sys.path if entry)
    command = [str(strace), "-f", "-qq", *options, os.path.realpath(sys.executable), "-B", "-S", switch.__file__]
    done = subprocess.run([*command, str(state), "c"], env={"PYTHONPATH": folders}, capture_output=True, text=True)
    return done.returncode


def check_state(state: Path, letter: str, *, at_least: int = 1) -> None:
    """The oracle, with code of its own: `current` is a whole generation with these images, and they are there."""
    target = state / os.readlink(state / "current")
    assert os.readlink(state / "current") == os.readlink(state / "good")
    links = {f"{link.parent.name}/{link.name}": os.readlink(link) for link in target.glob("*/*")}
    assert links == {p.package: f"../../../mounts/{p.sha256}" for p in switch.parts(letter)}
    assert {p["sha256"] for p in json.loads((target / "generation.json").read_text())["parts"]} == {
        Path(link).name for link in links.values()
    }
    for link in links.values():
        assert (state / "images" / Path(link).name).read_bytes() == b"img"
    assert not [name for name in os.listdir(state / "generations") if name.startswith(".")]
    assert len(list((state / "generations").iterdir())) >= at_least


def points(strace: Path, state: Path, log: Path) -> list[tuple[str, int]]:
    """Every call of an update that goes well, as (name, which one)."""
    assert run(strace, state, "-o", str(log), "-e", f"trace={','.join((*CALLS, *RENAMES))}") == 0
    counts = Counter(re.findall(r"^\d+ +(\w+)\(", log.read_text(), re.MULTILINE))
    return [(name, number) for name, count in sorted(counts.items()) for number in range(1, count + 1)]


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        pytest.param("signal=KILL", -signal.SIGKILL, id="kill"),
        pytest.param("error=EIO", 12, id="EIO"),
        pytest.param("error=ENOSPC", 12, id="ENOSPC"),
    ],
)
def test_every_interrupted_update_is_old_or_new(
    fault: str, code: int, old: Path, tmp_path: Path, need: Callable[[str], Path]
) -> None:
    """SPEC GN-1, GN-2, GN-3, DK-1: and the next update goes through, whatever was left."""
    strace = need("strace")
    whole = Path(shutil.copytree(old, tmp_path / "whole", symlinks=True))
    calls = points(strace, whole, tmp_path / "log")
    check_state(whole, "c")
    assert len(calls) > 40

    def interrupted(call: tuple[str, int]) -> str:
        name, number = call
        state = Path(shutil.copytree(old, tmp_path / f"{name}-{number}", symlinks=True))
        inject = f"inject={name}:{fault}:when={number}"
        assert run(strace, state, "-o", "/dev/null", "-e", f"trace={name}", "-e", inject) == code, call
        # No recovery yet: a reader in this moment finds a whole generation.
        assert len(list((state / os.readlink(state / "current")).glob("*/*"))) == 2
        letter = "c" if Generations(state).recover().current == 3 else "b"
        check_state(state, letter)
        assert switch.switch(state, "c") == 0
        check_state(state, "c")
        return letter

    with ThreadPoolExecutor(2) as pool:
        ends = set(pool.map(interrupted, calls))
    # Both ends occur: an injection that never fired, or always before the switch, would prove nothing.
    assert ends == {"b", "c"}
