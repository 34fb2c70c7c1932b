"""A mirror as `sealring-store mirror` makes one, in the hands of an attacker (SPEC 16, MI-1)."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sealring_server.mirror.folder import make_mirror, open_mirror
from sealring_server.mirror.run import Look, look
from sealring_server.settings import Mirror
from tests.hostile import SILENCE, Reply, from_folder, over_http
from tests.scenarios.compromise.stage import DAY, MAX_AGE, Play, Stage, publish_in, replaced
from tests.scenarios.compromise.table import cell
from tests.scenarios.devices import image_of, line
from tests.stores import RunningStore


def mirror_of(stage: Stage, folder: Path) -> Path:
    """A whole mirror of the first store, behind whose address it answers; the other store is silent."""
    make_mirror(folder, Mirror(stage.main.store.url, images="all"), stage.world.root.raw)
    here = open_mirror(folder, lambda: stage.at)
    assert look(here, Look()).images.lacking == []
    here.database.close()
    stage.main.line.upstream = from_folder(folder, lambda: stage.at)
    stage.second.line.change = lambda _path, _reply: SILENCE
    return folder


@cell("a mirror", "install anything")
def test_an_honest_mirror_is_as_good_as_its_store(stage: Stage, yesterday: Play, tmp_path: Path) -> None:
    """MI-1: without this the attacks below would prove nothing."""
    mirror_of(stage, tmp_path / "mirror")
    assert yesterday.refresh().outcome == "installed"
    assert yesterday.runs() == ["app 2", "tool 2", "gadget 1"]


@cell("a mirror", "install anything")
@pytest.mark.parametrize("what", ["images", "statements", "leaves", "views", "timestamp", "the newest entry"])
def test_whatever_is_changed_on_its_disk_is_only_a_refusal(
    stage: Stage, yesterday: Play, tmp_path: Path, what: str
) -> None:
    """MI-1: its operator, or who has his machine, changes what is served; devices take nothing of it."""
    spoil(mirror_of(stage, tmp_path / "mirror"), what)
    before = yesterday.picture()
    report = yesterday.refresh()
    assert report.outcome != "installed"
    after = yesterday.picture()
    assert (after["links"], after["generations"]) == (before["links"], before["generations"])
    assert yesterday.runs() == ["app 1", "tool 1", "gadget 1"]


def spoil(folder: Path, what: str) -> None:
    """Change one bit of each such thing."""
    if what == "images":
        for path in (folder / "blobs").glob("??/*"):
            raw = path.read_bytes()
            path.write_bytes(flipped(raw))
        return
    tables = {
        "statements": ("statements", "raw", "envelope", "type IN ('release', 'revision')"),
        "leaves": ("tiles", "raw", "number", "1"),
        "views": ("view_rows", "value", "subject", "1"),
        "timestamp": ("tuf", "raw", "role", "role = 'timestamp'"),
        "the newest entry": ("entries", "raw", "sequence", "sequence = (SELECT max(sequence) FROM entries)"),
    }
    table, column, key, where = tables[what]
    with closing(sqlite3.connect(folder / "store.db", timeout=60)) as database, database:
        for name, raw in database.execute(f"SELECT {key}, {column} FROM {table} WHERE {where}").fetchall():
            database.execute(f"UPDATE {table} SET {column} = ? WHERE {key} = ? AND {where}", (flipped(raw), name))


def flipped(raw: bytes) -> bytes:
    """One bit changed, in the middle."""
    middle = len(raw) // 2
    return raw[:middle] + bytes([raw[middle] ^ 1]) + raw[middle + 1 :]


@pytest.fixture
def two_ways(stage: Stage, newborn: Play, shop: RunningStore, tmp_path: Path) -> Play:
    """A device whose one store has a mirror's address first, and then its own; both show today's software."""
    w, copy = stage.world, tmp_path / "copy"
    urls = [stage.main.line.url, shop.url]
    signed = [
        w.signed(stage.model(stores=["acme/main"], sequence=2)),
        w.signed(stage.store_statement(stage.main, urls=urls, sequence=2)),
    ]
    publish_in(shop.folder, signed, [], stage.at)
    shutil.copytree(shop.folder, copy)
    stage.main.line.upstream = from_folder(copy, lambda: stage.at)
    assert newborn.provision(*replaced(stage.chain, *signed)).refresh().outcome == "installed"
    assert newborn.runs() == ["app 2", "tool 2", "gadget 1"]
    return newborn


@cell("a mirror", "freeze", says="bounded")
def test_one_that_stands_still_keeps_no_device_from_its_store(stage: Stage, two_ways: Play, shop: RunningStore) -> None:
    """DV-6: it shows genuine files for ever; when they are too old the next address of the same store is asked."""
    at = stage.at + MAX_AGE + DAY
    publish_in(shop.folder, stage.software("acme/tool", 3), [image_of("tool 3")], at)
    report = two_ways.refresh(at)
    assert (report.outcome, line(report, "acme/main").word) == ("installed", "fresh")
    assert {(one.address, one.rule) for one in line(report, "acme/main").refusals} == {(stage.main.line.url, "TF-6")}
    assert two_ways.runs() == ["app 2", "tool 3", "gadget 1"]


@cell("a mirror", "block another store")
@pytest.mark.parametrize("prefix", ["/", "/tuf/", "/v1/views/", "/v1/statements/", "/v1/blobs/"])
@pytest.mark.parametrize("how", ["other bytes", "nothing"])
def test_one_that_lies_keeps_no_device_from_its_store(
    stage: Stage, two_ways: Play, shop: RunningStore, prefix: str, how: str
) -> None:
    """DV-6, DV-4: whatever its first address says, the device goes on to the next."""
    publish_in(shop.folder, stage.software("acme/tool", 3), [image_of("tool 3")], stage.at)

    def change(path: str, reply: Reply) -> Reply:
        # Answers are what a mirror need not have; without them each part of the attack shows.
        if path.startswith("/v1/answers/") or (how == "nothing" and path.startswith(prefix)):
            return Reply(404)
        spoiled = path.startswith(prefix) and reply.body
        return replace(reply, body=flipped(reply.body)) if spoiled else reply

    stage.main.line.upstream, stage.main.line.change = over_http(shop.url), change
    report = two_ways.refresh()
    assert (report.outcome, line(report, "acme/main").word) == ("installed", "fresh"), report
    assert two_ways.runs() == ["app 2", "tool 3", "gadget 1"]
