"""A witness follows a real store over HTTP, is killed on the way, and goes on (SPEC CT-4, CT-5)."""

import json
import os
import re
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sealring.catalogue.sparse import SparseMap
from sealring_server.audit.compare import Sources, compare
from sealring_server.audit.observation import Observation, load_observation
from sealring_server.making import TufPinned
from sealring_server.schedule import sign_again
from tests.scenarios.compromise.forger import Forger
from tests.stores import REPOSITORY, RunningStore, make_folder, next_software, now
from tests.unit.server.conftest import Shop
from tests.world import World

STORE = Path(sys.executable).with_name("sealring-store")
RELEASES = 150
TABLES = ("entries", "heads", "said", "wants")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStore]:
    """Some hundred publications of half a year, with entries between that were only signed again."""
    at = now() - timedelta(days=60)
    world = World(at=at)
    folder = tmp_path_factory.mktemp("audited") / "store"
    made = make_folder(world, folder)
    shop = Shop(world, folder, made.pin, at)
    shop.first()
    for number in range(2, RELEASES + 2):
        shop.later(hours=9)
        image = b"image %d" % number
        shop.publish(next_software(world, image, number), [image])
        if number % 25 == 0:
            shop.later(days=1)
            sign_again(shop.here)
    shop.at = now()
    sign_again(shop.here)
    shop.here.database.close()
    found = RunningStore(world, folder, TufPinned(*made.pin)).start()
    yield found
    found.stop()
    found.kill()


def line(store: RunningStore, state: Path, *more: str) -> list[str | Path]:
    """The command of a witness."""
    return [STORE, "audit", store.url, "--state", state, "--tuf-root", store.pin[1], "--json", *more]


def whole(store: RunningStore, state: Path) -> dict[str, Any]:
    """One audit that is not disturbed."""
    done = subprocess.run(line(store, state), capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def replayed(state: Path) -> int:
    """How many entries a state has judged."""
    if not (state / "audit.db").exists():
        return 0
    with closing(sqlite3.connect(f"file:{state / 'audit.db'}?mode=ro", uri=True, timeout=30)) as database:
        try:
            row = database.execute("SELECT value FROM facts WHERE name = 'replayed'").fetchone()
        except sqlite3.OperationalError:
            return 0
    return int(row[0]) if row else 0


def content(state: Path) -> dict[str, list[Any]]:
    """All that a state knows of the store."""
    with closing(sqlite3.connect(state / "audit.db")) as database:
        return {table: sorted(map(repr, database.execute(f"SELECT * FROM {table}"))) for table in TABLES}


def test_an_audit_that_is_killed_again_and_again_ends_like_one_that_never_was(
    store: RunningStore, tmp_path: Path
) -> None:
    """CT-5: a kill at any moment costs at most the entry that was being judged."""
    killed = tmp_path / "killed"
    for goal in (1, 60, 110):
        running = subprocess.Popen(line(store, killed), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while replayed(killed) < goal and running.poll() is None:
            time.sleep(0.002)
        os.kill(running.pid, signal.SIGKILL)
        running.wait(30)
        assert replayed(killed) >= goal
    last = whole(store, killed)
    assert last["entries"] < RELEASES
    found = whole(store, tmp_path / "calm")
    assert found["entries"] == found["entry"] > RELEASES
    assert found["views"] > RELEASES
    assert content(killed) == content(tmp_path / "calm")
    assert (killed / "observation.bundle").read_bytes() == (tmp_path / "calm" / "observation.bundle").read_bytes()


def test_two_audits_never_work_on_one_state(store: RunningStore, tmp_path: Path) -> None:
    """A timer that fires while the last run is still at work."""
    state = tmp_path / "busy"
    first = subprocess.Popen(line(store, state, "--rate", "20"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    while replayed(state) < 1 and first.poll() is None:
        time.sleep(0.01)
    second = subprocess.run(line(store, state), capture_output=True, text=True, timeout=60)
    first.kill()
    first.communicate(timeout=30)
    assert second.returncode == 13
    assert "another audit is at work" in second.stderr


def forked(store: RunningStore, state: Path) -> bytes:
    """Evidence against a thief of this store's keys, who shows another newest entry than the witness saw."""
    thief = Forger.of(store.folder, now())
    thief.log.pop()
    thief.show(thief.entry(SparseMap.empty()))
    seen = load_observation(state / "observation.bundle")
    files = {path.removeprefix("/tuf/"): raw for path, raw in thief.files.items()}
    snapshot, targets = (files[f"{thief.version}.{role}.json"] for role in ("snapshot", "targets"))
    other = Observation(seen.roots, files["timestamp.json"], snapshot, targets, thief.log[-1].raw)
    found = compare(seen, other, Sources()).evidence
    assert found is not None
    return found


def test_the_manual_s_commands_do_what_it_says(store: RunningStore, tmp_path: Path) -> None:
    """docs/witnesses.md: each line of its shell blocks, in their order, with this store's address."""
    text = (REPOSITORY / "docs" / "witnesses.md").read_text(encoding="utf-8")
    lines = [
        line
        for block in re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
    ]
    assert [shlex.split(line)[:2] for line in lines] == [["sealring-store", "audit"]] * 4
    statement = store.world.store(store.url, store.pin)
    (tmp_path / "store.json").write_bytes(store.world.signed(statement).raw)
    shutil.copy(store.folder / "1.root.json", tmp_path)
    outputs = []
    for number, words in enumerate(map(shlex.split, lines)):
        if number == 2:
            (tmp_path / "witness" / "evidence").mkdir()
            (tmp_path / words[3]).write_bytes(forked(store, tmp_path / "witness"))
            shutil.copytree(tmp_path / "witness", tmp_path / "other")
        given = [store.url if word == "https://store.example" else word for word in words[1:]]
        done = subprocess.run([STORE, *given], capture_output=True, text=True, timeout=100, cwd=tmp_path)
        assert done.returncode == 0, (given, done.stderr)
        outputs.append(done.stdout)
    assert outputs[0].startswith("one true story up to entry")
    assert "judged now: 0 entries" in outputs[1]
    assert outputs[2].startswith("proven [CT-3]: ")
    assert outputs[3].startswith("the same: both are entry")
