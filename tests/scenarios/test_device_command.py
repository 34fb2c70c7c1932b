"""The command `sealring-device` as its user sees it, against a real store."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring_client.device_file import load_device
from sealring_client.disk import lock
from tests.scenarios.devices import Rig, image_of, new_device, now
from tests.stores import RunningStore, first_software, next_software, running_store
from tests.world import World

COMMAND = [sys.executable, "-c", "import sys; from sealring_client.command.main import main; sys.exit(main())"]


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*COMMAND, *map(str, words)], capture_output=True, text=True, timeout=60)


def as_json(*words: str | Path, exits: int = 0) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.returncode == exits, done
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, RunningStore, Path]]:
    """A store with one release, and the two files that a device is provisioned from."""
    world, folder = World(at=now()), tmp_path_factory.mktemp("scene")
    with running_store(world, folder / "store") as store:
        software = first_software(world, store, image_of("one"))
        store.publish(software, [image_of("one")])
        (folder / "root.json").write_bytes(world.root.raw)
        (folder / "seed").write_bytes(write_bundle([StatementEntry(one.raw) for one in software[:3]]))
        yield world, store, folder


@pytest.fixture
def device(scene: tuple[World, RunningStore, Path]) -> Iterator[Rig]:
    """A device that was provisioned by the command."""
    folder = scene[2]
    with new_device() as found:
        words: list[str | Path] = ["--root", folder / "root.json", "--seed", folder / "seed", "--state", found.folder]
        done = run("provision", "--model", "acme/door-1", *words)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("provisioned acme/door-1")
        yield found


def test_the_everyday_commands(scene: tuple[World, RunningStore, Path], device: Rig) -> None:
    """SPEC DV-8, DV-12: exit 3 when there is something new, 0 when not; and the way back."""
    world, store, _ = scene
    state = ("--state", device.folder)
    assert run("check", *state).returncode == 3
    done = run("refresh", *state)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[:2] == [
        "installed generation 1",
        "  acme/tool: revision none -> 1 (1.1), release 1 from acme/main",
    ]
    assert run("check", *state).stdout.startswith("nothing new (good until ")
    assert as_json("refresh", *state)["stores"] == [
        {"store": "acme/main", "word": "same", "requests": 1, "bytes": 0, "refusals": []}
    ]

    store.publish(next_software(world, image_of("two"), 2), [image_of("two")])
    assert as_json("check", *state, exits=3)["packages"][0]["chosen"] == 2
    assert as_json("refresh", *state)["generation"] == 2
    status = as_json("status", *state)
    assert (status["model"], status["current"], status["good"], status["previous"]) == ("acme/door-1", 2, 2, 1)
    assert status["packages"] == [
        {
            "package": "acme/tool",
            "revision": 2,
            "version": "1.2",
            "sequence": 2,
            "integrity": "digest checked at mount",
        }
    ]
    assert (status["time"], status["stores"][0]["word"], status["failures"]) == ("proven", "fresh", [])
    assert [one["generation"] for one in as_json("list", *state)["generations"]] == [1, 2]

    assert as_json("rollback", *state, "--dry-run") == {
        "schema": 1,
        "left": 2,
        "current": 1,
        "kept_away": ["acme/tool"],
        "done": False,
    }
    assert device.says() == "two"
    assert run("rollback", *state).stdout.startswith("went back from generation 2 to 1")
    assert device.says() == "one"
    assert "kept away: release" in run("status", *state).stdout
    assert run("refresh", *state).returncode == 0
    assert device.says() == "one"
    done = run("rollback", *state)
    assert (done.returncode, "[DV-12]" in done.stderr) == (11, True)


def test_paranoid_for_once_and_for_good(scene: tuple[World, RunningStore, Path], device: Rig) -> None:
    """SPEC VW-4: by hand for this time, where a poll would have done; by provisioning in each check."""
    assert as_json("refresh", "--state", device.folder)["stores"][0]["requests"] == 1
    assert as_json("check", "--state", device.folder)["stores"][0]["requests"] == 1
    found = as_json("check", "--paranoid", "--state", device.folder)
    assert (found["outcome"], found["stores"][0]["word"], found["stores"][0]["requests"]) == ("none", "fresh", 3)
    with new_device() as other:
        words: list[str | Path] = ["--root", scene[2] / "root.json", "--seed", scene[2] / "seed"]
        words += ["--state", other.folder]
        assert run("provision", "--paranoid", "--model", "acme/door-1", *words).returncode == 0
        assert load_device(other.folder).paranoid
        assert as_json("refresh", "--state", other.folder)["stores"][0]["requests"] == 2


def test_a_second_command_at_the_same_time_is_told_so(device: Rig) -> None:
    """SPEC DV-1."""
    with lock(device.folder):
        done = run("refresh", "--state", device.folder)
    assert (done.returncode, done.stdout) == (13, "")
    assert done.stderr.splitlines()[1].startswith("sealring-device: hint: ")


def test_errors_are_words_or_one_object(tmp_path: Path) -> None:
    done = run("status", "--state", tmp_path)
    assert (done.returncode, done.stdout) == (11, "")
    assert done.stderr.startswith(f"sealring-device: {tmp_path}: no device is provisioned here [DV-11]\n")
    done = run("status", "--state", tmp_path, "--json")
    assert set(json.loads(done.stderr)) == {"rule", "message", "hint"}
    assert run("nonsense").returncode == 2
    words: list[str | Path] = ["--root", tmp_path / "none", "--seed", tmp_path / "none", "--state", tmp_path / "d"]
    assert run("provision", "--model", "acme/door-1", *words).returncode == 12


def test_help_begins_with_examples() -> None:
    done = run("--help")
    assert (done.returncode, done.stdout.startswith("examples:\n")) == (0, True)
