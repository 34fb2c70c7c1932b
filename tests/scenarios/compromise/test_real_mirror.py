"""A mirror as `sealring-store mirror` makes one, in the hands of an attacker (SPEC 16, MI-1)."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sealring_server.mirror.folder import make_mirror, open_mirror
from sealring_server.mirror.run import Look, look
from sealring_server.settings import Mirror
from tests.hostile import SILENCE, from_folder
from tests.scenarios.compromise.stage import Play, Stage
from tests.scenarios.compromise.table import cell


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
