"""Online keys that lie in a token, and passphrases that the service manager hands over (SPEC TF-1, KY-6, KY-7)."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tuf.api.metadata import Metadata, Root
from tuf.ngclient import Updater

from sealring.bundle import StatementEntry, write_bundle
from sealring.catalogue.entry import parse_entry
from tests.rigs.tokens import PIN, softhsm
from tests.stores import ask, now
from tests.world import World


def run(environment: Mapping[str, str], *arguments: object) -> subprocess.CompletedProcess[str]:
    """`sealring-store` in a process of its own."""
    command = [sys.executable, "-m", "sealring_server.command.main", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL, env=env, timeout=100)


def catalogue(url: str, shop: Path, folder: Path) -> bytes:
    """What python-tuf's own client finds: it verifies every signature."""
    folder.mkdir()
    updater = Updater(
        metadata_dir=str(folder),
        metadata_base_url=f"{url}/tuf/",
        target_dir=str(folder),
        target_base_url=f"{url}/tuf/targets/",
        bootstrap=(shop / "1.root.json").read_bytes(),
    )
    info = updater.get_targetinfo("catalogue.json")
    assert info is not None
    return Path(updater.download_target(info)).read_bytes()


@pytest.mark.timeout(300)
def test_keys_in_a_token_sign_in_every_process(tmp_path: Path) -> None:
    """Targets by P-256 and snapshot by P-384 in one token; the PIN is a credential; workers are forked after it."""
    world = World(at=now())
    (tmp_path / "hsm").mkdir()
    token = softhsm(tmp_path / "hsm")
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials" / "shop-pin").write_text(f"{PIN}\n")
    (tmp_path / "pass").write_text("correct horse\n")
    (tmp_path / "root.json").write_bytes(world.root.raw)
    outside = {**token.environment, "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials")}
    options = [f"--online=targets={token.uri(2)}", f"--online=snapshot={token.uri(3)}"]
    options += [f"--online-secret={role}=credential:shop-pin" for role in ("targets", "snapshot")]
    shop = tmp_path / "shop"
    made = run(
        outside, "init", shop, "--root", tmp_path / "root.json", "--passphrase-file", tmp_path / "pass", *options
    )
    assert made.returncode == 0, made.stderr
    root = Metadata[Root].from_bytes((shop / "1.root.json").read_bytes()).signed
    kinds = {role: root.keys[root.roles[role].keyids[0]].scheme for role in root.roles}
    assert (kinds["targets"], kinds["snapshot"]) == ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384")
    shown = json.loads(run(outside, "tuf", "show", shop, "--json").stdout)
    assert shown["roles"]["targets"]["keys"][0]["place"] == token.uri(2)
    ready = tmp_path / "ready"
    command = [sys.executable, "-m", "sealring_server.command.main", "serve", str(shop), "--bind", "127.0.0.1:0"]
    command += ["--ready-file", str(ready)]
    served = subprocess.Popen(command, env={**os.environ, **outside}, stdout=subprocess.DEVNULL)
    try:
        while not ready.exists():
            assert served.poll() is None
            time.sleep(0.05)
        url = ready.read_text()
        body = write_bundle([StatementEntry(world.signed(one).raw) for one in (world.brand(), world.model())])
        assert ask(url, "/v1/publications?commit=yes", "POST", body).status == 200
        assert parse_entry(catalogue(url, shop, tmp_path / "client")).sequence == 2
    finally:
        served.terminate()
        served.wait(40)
    # Without the credential nothing is signed, and the command says what is missing.
    refused = run(token.environment, "tuf", "packages", shop, "on")
    assert refused.returncode != 0
    assert "credential shop-pin" in refused.stderr
