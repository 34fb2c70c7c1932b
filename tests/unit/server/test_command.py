"""`sealring-store` as its operator uses it (SPEC TF-1, exit codes)."""

import json
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path

import pytest

from sealring.keyfile import create_key_file
from sealring_server.command.main import main
from sealring_server.status import status_of_folder
from tests.oracle import check_store
from tests.stores import RunningStore, ask, now
from tests.unit.server.conftest import Shop
from tests.world import DAY, World


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    """The command in a process of its own, without a terminal."""
    command = [sys.executable, "-m", "sealring_server.command.main", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root assertion in a file."""
    file = tmp_path / "root.1.json"
    file.write_bytes(World(at=now()).root.raw)
    return file


@pytest.fixture
def passphrase(tmp_path: Path) -> Path:
    """A passphrase in a file."""
    file = tmp_path / "passphrase"
    file.write_text("correct horse\n")
    return file


def test_from_nothing_to_a_served_store(tmp_path: Path, root: Path, passphrase: Path) -> None:
    """init, serve on a free port, status from inside and outside, sign, and an orderly end."""
    shop, ready = tmp_path / "shop", tmp_path / "ready"
    create_key_file(tmp_path / "tuf.key", "tuf", b"correct horse", strength="interactive")
    made = run(
        "init", shop, "--root", root, "--tuf-root-key", tmp_path / "tuf.key", "--passphrase-file", passphrase, "--json"
    )
    assert made.returncode == 0, made.stderr
    pin = json.loads(made.stdout)
    assert pin["sha256"] == sha256((shop / "1.root.json").read_bytes()).hexdigest()
    secrets = list((shop / "keys").iterdir())
    assert len(secrets) == 7  # a key and a passphrase for each role, and the list
    assert all(secret.stat().st_mode & 0o777 == 0o600 for secret in secrets)
    command = [sys.executable, "-m", "sealring_server.command.main", "serve", str(shop), "--bind", "127.0.0.1:0"]
    served = subprocess.Popen([*command, "--ready-file", str(ready)], stdout=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not ready.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    url = ready.read_text()
    assert ask(url, "/v1/roots/1").body == root.read_bytes()
    outside = json.loads(run("status", url, "--json").stdout)
    inside = json.loads(run("status", shop, "--json").stdout)
    assert outside["entry"] == inside["entry"]
    assert inside["statements"] == {"root": 1}
    assert inside["authorities"]["root"]["statement"] == "root 1"
    assert set(inside["tuf_expires"]) == {"root", "timestamp", "snapshot", "targets"}
    taken = run("serve", shop, "--bind", url.removeprefix("http://"))
    assert (taken.returncode, "already in use" in taken.stderr) == (13, True)
    served.send_signal(signal.SIGTERM)
    assert served.communicate(timeout=30)[0] == url + "\n"
    assert served.returncode == 0
    assert run("sign", shop).returncode == 0
    assert check_store(shop).entry == 1


def test_a_root_key_is_made_when_none_is_given(tmp_path: Path, root: Path, passphrase: Path) -> None:
    """TF-1: encrypted, beside the store, with a clear word to take it away; a store is never made over another."""
    first = run("init", tmp_path / "shop", "--root", root, "--passphrase-file", passphrase)
    assert (first.returncode, "offline" in first.stdout) == (0, True)
    assert (tmp_path / "shop-tuf-root.key").stat().st_mode & 0o777 == 0o600
    again = run("init", tmp_path / "shop", "--root", root, "--passphrase-file", passphrase)
    assert again.returncode == 1
    assert "there is a store already" in again.stderr


def test_refusals_have_a_rule_a_hint_and_a_code(tmp_path: Path, root: Path, passphrase: Path) -> None:
    """A root that nobody signed, a wrong passphrase, a folder and an address without a store."""
    create_key_file(tmp_path / "tuf.key", "tuf", b"another", strength="interactive")
    wrong = run(
        "init", tmp_path / "a", "--root", root, "--tuf-root-key", tmp_path / "tuf.key", "--passphrase-file", passphrase
    )
    assert (wrong.returncode, "[KY-5]" in wrong.stderr) == (1, True)
    unsigned = tmp_path / "unsigned.json"
    unsigned.write_bytes(root.read_bytes()[:-2])
    refused = run("init", tmp_path / "b", "--root", unsigned, "--json")
    said = json.loads(refused.stderr)
    assert (refused.returncode, set(said)) == (20, {"rule", "message", "hint"})
    assert said["rule"]
    assert not (tmp_path / "b").exists()
    assert run("status", tmp_path).returncode == 11
    assert run("status", "http://127.0.0.1:9").returncode == 10
    assert run("init", tmp_path / "c", "--root", root).returncode == 2  # no passphrase, and no terminal
    assert run("serve", tmp_path, "--bind", "nonsense").returncode == 2
    assert run("frobnicate").returncode == 2


def test_status_counts_every_type_and_says_what_ends_next(shop: Shop) -> None:
    """An operator sees of each authority what expires next, before its devices say `stale`."""
    world = shop.world
    shop.first()
    device = world.key("device").public
    more = [world.delegation(), world.revocations(1), world.stack(("tool", 1)), world.serial(device)]
    more.append(world.brand("other"))
    shop.publish([*(world.signed(s) for s in more), world.signed(world.revocations(1, brand="root"))])
    found = status_of_folder(shop.folder, shop.at)
    types = ["brand", "delegation", "model", "release", "revision", "revocations", "root", "serial", "stack", "store"]
    assert list(found["statements"]) == types
    assert found["authorities"] == {
        "acme": {"next": "2026-05-30T12:00:00Z", "statement": "release acme/tool/latest/stable", "expired": 0},
        "other": {"next": "2027-03-01T12:00:00Z", "statement": "brand other", "expired": 0},
        "root": {"next": "2026-12-26T12:00:00Z", "statement": "revocations root/root", "expired": 0},
    }
    later = status_of_folder(shop.folder, shop.at + 100 * DAY)["authorities"]
    assert (later["acme"]["expired"], later["acme"]["statement"]) == (2, "delegation acme/partner")
    assert status_of_folder(shop.folder, shop.at + 400 * DAY)["authorities"]["other"]["next"] is None
    shown = run("status", shop.folder).stdout
    assert all(f"\n{name}: " in shown for name in found["authorities"])


def test_dry_runs_change_nothing(tmp_path: Path, root: Path, template: RunningStore) -> None:
    """What changes state can be tried first."""
    assert run("init", tmp_path / "shop", "--root", root, "--dry-run").returncode == 0
    assert not (tmp_path / "shop").exists()
    before = (template.folder / "store.db").read_bytes()
    assert run("sign", template.folder, "--dry-run").returncode == 0
    assert (template.folder / "store.db").read_bytes() == before


@pytest.mark.parametrize("command", [[], ["init"], ["serve"], ["sign"], ["status"]])
def test_help_begins_with_examples(command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Every command shows how it is used before it lists options."""
    with pytest.raises(SystemExit) as ended:
        main([*command, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.index("examples:") < shown.index("options:")
