"""The files that put a store to work are what the tools that know their forms call good (SPEC HT-4, HT-6)."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from sealring_server.command.main import parser
from tests.rigs.components import path_of
from tests.stores import first_software, make_folder, now
from tests.world import World

ROOT = Path(__file__).resolve().parents[3]
UNIT = ROOT / "server" / "systemd" / "sealring-store.service"
CONTAINERFILE = ROOT / "deploy" / "Containerfile"
COMPOSE = ROOT / "deploy" / "compose.yaml"
PR_SET_MDWE = 65  # of Linux 6.3 and later
AS_ROOT = {"fchown"}  # SQLite gives a new file to the owner of its database, where it is root; under the unit it is not
MOST_EXPOSED = 20  # tenths: a score of 2.0


def _run(*command: str | Path) -> str:
    """What it says; nothing may be wrong."""
    done = subprocess.run([str(one) for one in command], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def _values(name: str) -> list[str]:
    return re.findall(rf"^{name}=(.*)$", UNIT.read_text(), re.MULTILINE)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """The unit with the program where it is here; verification looks whether it is there."""
    text = UNIT.read_text().replace("/usr/bin/sealring-store", str(path_of("sealring-store")))
    found = tmp_path / UNIT.name
    found.write_text(text)
    return found


def test_systemd_knows_every_word_of_the_unit(unit: Path) -> None:
    """A misspelt restriction is none, and systemd only warns."""
    assert _run(path_of("systemd-analyze"), "verify", "--man=no", unit) == ""


def test_the_unit_gives_little_to_who_takes_the_store_over(unit: Path) -> None:
    """Its exposure is at most 2.0 of 10."""
    said = _run(path_of("systemd-analyze"), "security", "--offline=true", f"--threshold={MOST_EXPOSED}", unit)
    (score,) = re.findall(r"exposure level for .*: ([0-9.]+)", said)
    assert float(score) * 10 <= MOST_EXPOSED


def test_the_commands_in_the_files_are_commands() -> None:
    """What a unit or a container starts is what this edition takes."""
    program, *arguments = _values("ExecStart")[0].split()
    assert program.endswith("/sealring-store")
    (container,) = re.findall(r"^CMD (\[.*\])$", CONTAINERFILE.read_text(), re.MULTILINE)
    service = YAML(typ="safe").load(COMPOSE.read_text())["services"]["store"]
    for given in (arguments, json.loads(container), service["command"]):
        found = parser().parse_args(given)
        assert found.log_format == "json"
        assert found.operator.startswith("127.0.0.1:")  # HT-6: no page for the whole network
        assert found.stop_seconds < 60


def test_a_stop_has_more_time_than_the_store_takes() -> None:
    """PB-11: a manager that kills sooner would cut off what the store would have ended well."""
    (seconds,) = _values("TimeoutStopSec")
    assert int(seconds) > parser().parse_args(["serve", "x"]).stop_seconds
    assert _values("KillMode") == ["mixed"]
    service = YAML(typ="safe").load(COMPOSE.read_text())["services"]["store"]
    assert int(service["stop_grace_period"].removesuffix("s")) > 30


def test_the_unit_comes_with_the_distribution() -> None:
    """Whoever installs the server has it."""
    text = (ROOT / "server" / "pyproject.toml").read_text()
    assert '"systemd/sealring-store.service" = "lib/systemd/system/sealring-store.service"' in text


def test_the_containerfile_is_linted() -> None:
    """By hadolint, which also asks a shell checker about what it runs."""
    assert _run(path_of("hadolint"), "--failure-threshold", "style", CONTAINERFILE) == ""
    text = CONTAINERFILE.read_text()
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    assert "HEALTHCHECK" in text


def test_the_compose_file_is_in_the_form_of_its_specification() -> None:
    """By the compose specification's own schema."""
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    assert "ok" in _run(*check, COMPOSE)


def _services() -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe").load(COMPOSE.read_text())["services"]
    return found


@pytest.mark.parametrize("name", sorted(_services()))
def test_each_service_has_no_more_than_it_needs(name: str) -> None:
    """Not root, nothing to write but what is named, no capabilities; only nginx is reached from outside."""
    service = _services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert int(service["user"].split(":")[0]) > 0
    assert ("ports" in service) == (name == "nginx")
    assert not re.search(r"password\s*[:=]\s*[^/\s]", json.dumps(service), re.IGNORECASE)


def _allowed() -> set[str]:
    """The system calls that the unit lets through, by systemd's own lists."""
    said = _run(path_of("systemd-analyze"), "--no-pager", "syscall-filter")
    lists = {
        block.split("\n", 1)[0].strip(): re.findall(r"^\s+([@\w-]+)$", block, re.MULTILINE)
        for block in re.split(r"^(?=@)", said, flags=re.MULTILINE)
    }

    def all_of(name: str) -> set[str]:
        return {call for each in lists[name] for call in (all_of(each) if each.startswith("@") else {each})}

    allowed: set[str] = set()
    for line in _values("SystemCallFilter"):
        for name in line.removeprefix("~").split():
            allowed = allowed - all_of(name) if line.startswith("~") else allowed | all_of(name)
    return allowed


def test_the_store_lives_with_the_restrictions_of_the_unit(tmp_path: Path) -> None:
    """Serving, publishing and stopping use no forbidden system call, and no memory that is both written and run.

    No service manager runs in a test; the kernel's own switch stands for MemoryDenyWriteExecute, and a trace for the
    filter of system calls.
    """
    world = World(at=now())
    made = make_folder(world, tmp_path / "shop")
    trace = tmp_path / "calls"
    begin = f"import ctypes, os, sys; assert ctypes.CDLL(None).prctl({PR_SET_MDWE}, 1, 0, 0, 0) == 0; "
    begin += "os.execv(sys.argv[1], sys.argv[1:])"
    command = [path_of("strace"), "-f", "-qq", "-o", trace, sys.executable, "-c", begin, sys.executable]
    command += [
        "-m",
        "sealring_server.command.main",
        "serve",
        made.folder,
        "--bind",
        "127.0.0.1:0",
        "--stop-seconds",
        "5",
    ]
    ready = tmp_path / "ready"
    with subprocess.Popen(
        [*map(str, command), "--ready-file", str(ready)], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        made.url = process.stdout.readline().strip()
        assert made.url.startswith("http://")
        made.publish(first_software(world, made, b"image"), [b"image"])
        pid = int(trace.read_text().split(None, 1)[0])
        os.kill(pid, signal.SIGTERM)
        assert process.wait(60) == 0
    used = set(re.findall(r"^\d+ +([a-z_0-9]+)\(", trace.read_text(), re.MULTILINE))
    assert len(used) > 40
    assert used - _allowed() <= AS_ROOT
