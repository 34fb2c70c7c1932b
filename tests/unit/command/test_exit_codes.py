"""Each family of SPEC section 15 through the real commands, in words and as one object (SPEC "Exit codes")."""

import json
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from sealring.bundle import StatementEntry, write_bundle
from sealring.keyfile import create_key_file
from sealring.statement.software import Health
from sealring_client.disk import lock
from tests.scenarios.devices import image_of, new_device
from tests.stores import RunningStore, first_software, now, running_store
from tests.world import DAY, World, sign

BIN = Path(sys.executable).parent
SPEC = Path(__file__).resolve().parents[3] / "SPEC.md"
MOUNT = 14  # needs a mount that is not ours: tests/rigs/device/test_hard_mounts.py

TABLE = {
    "a passphrase that opens nothing": (1, "KY-5", "sealring sign release --key a.key --passphrase-file junk --yes"),
    "no passphrase and nobody to ask": (1, "KY-6", "sealring key create b.key --name b"),
    "a store over a store": (1, "", "sealring-store init store --root root --passphrase-file junk"),
    "a device over a device": (
        1,
        "DV-11",
        "sealring-device provision --root root --seed seed --model acme/door-1 {dev}",
    ),
    "no such command": (2, "", "sealring frobnicate"),
    "no such command of the store": (2, "", "sealring-store frobnicate"),
    "no such option of the device": (2, "", "sealring-device check --frobnicate"),
    "half an option": (2, "", "sealring-device rollback --dry {dev}"),
    "no address": (2, "", "sealring-store status http://127.0.0.1:x"),
    "a publication to nobody": (10, "", "sealring publish http://127.0.0.1:{free} root"),
    "a status of nobody": (10, "", "sealring-store status http://127.0.0.1:{free}"),
    "no device": (11, "DV-11", "sealring-device status --state empty"),
    "no store": (11, "", "sealring-store serve empty"),
    "no way back": (11, "DV-12", "sealring-device rollback {dev}"),
    "no such file": (12, "", "sealring verify none --root root"),
    "no such file for the store": (12, "", "sealring-store init new --root none"),
    "no such file for the device": (
        12,
        "DK-1",
        "sealring-device provision --root none --seed seed --model acme/door-1 --state new",
    ),
    "a name that is taken": (12, "", "sealring bundle create root -o seed"),
    "a port that is taken": (13, "", "sealring-store serve store --bind 127.0.0.1:{taken}"),
    "a device that is at it": (13, "", "sealring-device refresh {busy}"),
    "not one of our files": (20, "ST-1", "sealring show junk"),
    "a root that is none": (20, "EN-2", "sealring-store init new --root junk --dry-run"),
    "a seed that is none": (
        20,
        "BN-1",
        "sealring-device provision --root root --seed junk --model acme/door-1 --state new",
    ),
    "nobody signed": (21, "TH-1", "sealring verify draft --root root --brand brand"),
    "long ago": (22, "TM-1", "sealring verify release --root root --brand brand --at 2099-01-01T00:00:00Z"),
    "below the floor": (23, "FL-1", "sealring verify release --root root --brand brand --floor 2"),
    "another of a sequence that the store has": (23, "FL-3", "sealring publish {url} other"),
    "another brand": (24, "BR-1", "sealring verify release --root root --brand evil"),
    "a seed for another model": (
        24,
        "DV-11",
        "sealring-device provision --root root --seed seed --model acme/other --state new",
    ),
    "no TUF root": (
        25,
        "TF-7",
        "sealring create store --store acme/main --url {url} --tuf-root junk --packages acme/* --root root -o new",
    ),
    "an image that was not given": (26, "PB-8", "sealring publish {url} revision"),
    "a health check that fails": (27, "HC-1", "sealring-device refresh {sick}"),
}


@dataclass(frozen=True)
class Scene:
    """A folder of files, a served store and three devices."""

    folder: Path
    words: dict[str, str]

    def run(self, line: str, *more: str) -> subprocess.CompletedProcess[str]:
        command, *rest = line.format(**self.words).split(" ")
        given = [str(BIN / command), *rest, *more]
        return subprocess.run(
            given, cwd=self.folder, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
        )


def _files(world: World, store: RunningStore, folder: Path) -> None:
    software = first_software(world, store, image_of("sick", "exit 1"))
    software[3] = world.signed(world.revision(1, image_of("sick", "exit 1"), health=Health(["bin/check"], 30, 0)))
    store.publish(software, [image_of("sick", "exit 1")])
    made = {
        "root": world.root.raw,
        "brand": software[0].raw,
        "evil": world.signed(world.brand("evil")).raw,
        "release": software[4].raw,
        "other": world.signed(world.release(1, issued=world.at - DAY)).raw,
        "draft": sign(world.release(2)).raw,
        "revision": world.signed(world.revision(7, b"hsqs, and never sent")).raw,
        "seed": write_bundle([StatementEntry(one.raw) for one in software[:3]]),
        "junk": b"nonsense\n",
    }
    for name, raw in made.items():
        (folder / name).write_bytes(raw)
    create_key_file(folder / "a.key", "a", b"open sesame", strength="interactive")
    (folder / "empty").mkdir()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Built once: each row of the table leaves it as it was, or differs in what no other row looks at."""
    folder, world = tmp_path_factory.mktemp("codes"), World(at=now())
    with ExitStack() as stack:
        store = stack.enter_context(running_store(world, folder / "store"))
        _files(world, store, folder)
        states = {}
        for name in ("dev", "busy", "sick"):
            state = stack.enter_context(new_device()).folder
            states[name] = f"--state {state}"
            _provision(folder, state)
        stack.enter_context(lock(Path(states["busy"].split(" ")[1])))
        taken = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        unused = stack.enter_context(socket.socket())
        unused.bind(("127.0.0.1", 0))  # bound and not listening: nobody answers there, and nobody else gets it
        ports = {"taken": str(taken.getsockname()[1]), "free": str(unused.getsockname()[1])}
        yield Scene(folder, {**states, **ports, "url": store.url})


def _provision(folder: Path, state: Path) -> None:
    words = ["provision", "--root", "root", "--seed", "seed", "--model", "acme/door-1", "--state", str(state)]
    subprocess.run([str(BIN / "sealring-device"), *words], cwd=folder, check=True, capture_output=True)


@pytest.mark.parametrize("name", TABLE)
def test_each_family_has_its_code_a_rule_and_a_hint(scene: Scene, name: str) -> None:
    """SPEC 15: a script goes by the code, a person by the words; both name the same rule."""
    code, rule, line = TABLE[name]
    done = scene.run(line)
    assert done.returncode == code, done
    first, *rest = done.stderr.splitlines()
    program = line.split(" ", 1)[0]
    assert first.startswith(f"{program}: ")
    assert (f"[{rule}]" in first) == bool(rule), done.stderr
    assert not first.endswith(".")
    assert [one.startswith(f"{program}: hint: ") for one in rest] == [True], done.stderr


@pytest.mark.parametrize("name", [name for name in TABLE if name != "a health check that fails"])
def test_the_same_as_one_object(scene: Scene, name: str) -> None:
    """A release that was unhealthy is kept away afterwards, so that row is asked once."""
    code, rule, line = TABLE[name]
    done = scene.run(line, "--json")
    assert done.returncode == code, done
    said = json.loads(done.stderr)
    assert set(said) == {"rule", "message", "hint"}
    assert (said["rule"], bool(said["message"]), bool(said["hint"])) == (rule, True, True)


def test_the_table_and_the_specification_know_the_same_families() -> None:
    """A code that is used and not written down can't be relied on."""
    section = SPEC.read_text(encoding="utf-8").partition("## 15. Exit codes")[2].partition("\n## ")[0]
    written = {int(number) for number in re.findall(r"(?:^|·)\s*(\d+)\s", section, re.MULTILINE)}
    # 0, 3 and 4 are answers; 130 and 141 are the shell's: tests/unit/command/test_command.py, tests/scenarios.
    assert written == {code for code, *_ in TABLE.values()} | {MOUNT, 0, 3, 4, 130, 141}


@pytest.mark.parametrize("program", ["sealring", "sealring-store", "sealring-device"])
def test_each_program_tells_its_edition(program: str) -> None:
    done = subprocess.run([str(BIN / program), "--version"], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(rf"{program} \d+\.\d+\.\d+\S*\n", done.stdout)


DEFECT = (
    "import sys; import {module} as at; sys.excepthook = getattr(at, 'PROGRAM', at).unexpected; "
    "sys.argv.append('{flag}'); {{}}['x\\x1b']"
)


@pytest.mark.parametrize(
    "module", ["sealring.command.main", "sealring_server.command.main", "sealring_client.command.main"]
)
def test_what_nobody_foresaw_is_one_line_without_a_traceback(module: str) -> None:
    """A person is told where, and what to do; a script gets its object; a terminal gets no control characters."""
    for flag in ("-", "--json"):
        code = DEFECT.format(module=module, flag=flag)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
        assert done.returncode == 1
        assert "unexpected KeyError at <string>:1" in done.stderr
        assert "Traceback" not in done.stderr
        assert "\x1b" not in done.stderr
        assert flag != "--json" or set(json.loads(done.stderr)) == {"rule", "message", "hint"}
