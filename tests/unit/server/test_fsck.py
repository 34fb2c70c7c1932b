"""`sealring-store fsck`: a store that was damaged in any one place is found out, and a good one is not (SPEC 15)."""

import json
import random
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealring.catalogue.leaf import Head
from sealring.catalogue.sparse import map_of
from sealring.statement.fleet import Wanted
from sealring.statement.software import Target
from sealring_server.collecting import collect_old
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.database import NotAStore
from sealring_server.fsck.leaves import map_root
from sealring_server.fsck.run import check_folder
from sealring_server.publication import open_publication
from sealring_server.tuf_packages import remake, turn_on
from tests.stores import RunningStore
from tests.unit.server.conftest import Shop, bundle
from tests.unit.server.view_world import Chance

FREE = {
    ("publications", "expires"): "any instant may be one at which a publication ends",
    (
        "uploads",
        "received",
    ): "whether the file beside the database came is looked for again when it is committed",
    ("speakers", "authority"): "it bounds who may hold places, and says nothing of what is published",
    ("publications", "opened"): "it says which of those goes first that nobody needs",
    ("tuf_packages", "made"): "any instant may be one at which a list was made",
}
"""Columns of which no other row says what they must be."""
REPORTED = {"reporters", "reports", "progress", "rollouts", "halts"}
"""Tables of what devices said, which tests of their own fill and check."""


@pytest.fixture(scope="module")
def good(template: RunningStore, tmp_path_factory: pytest.TempPathFactory) -> Shop:
    """A store in which every table but that of the TUF role for others has rows; nobody writes to it any more."""
    folder = tmp_path_factory.mktemp("good") / "store"
    shutil.copytree(template.folder, folder)
    shop = Shop(template.world, folder, template.pin, template.world.at)
    world = shop.world
    shop.first()
    packages = [Wanted(f"acme/{name}", "latest/stable", "app", "required") for name in ("other", "tool")]
    stack = world.stack(("tool", 1), ("other", 1))
    second = [world.model("gate", packages=packages, stack="acme/line"), world.delegation(), stack]
    second += [world.revision(1, b"other", package="other"), world.revocations(1, authority="root", issuer="root")]
    shop.publish([world.signed(one) for one in second], [b"other"])
    for number in (2, 3, 4):
        release = world.release(number, targets=[Target("amd64", number, 1, number - 1)])
        shop.publish([world.signed(world.revision(number, b"%d" % number)), world.signed(release)], [b"%d" % number])
    open_publication(shop.here, bundle([world.signed(world.revision(9, b"to come"))]))
    shop.here.database.close()
    return shop


@pytest.fixture
def copy(good: Shop, tmp_path: Path) -> Path:
    """That store's folder, to be damaged."""
    shutil.copytree(good.folder, tmp_path / "store")
    return tmp_path / "store"


def found(folder: Path, good: Shop, *, quick: bool = False) -> dict[str, Any]:
    try:
        report, entry = check_folder(folder, good.at, quick=quick)
    except NotAStore as err:
        return {"exit": err.exit_code}
    return report.as_object(str(folder), entry)


def _tables(folder: Path) -> dict[str, list[str]]:
    with closing(sqlite3.connect(folder / "store.db")) as db:
        names = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
        return {name: [row[1] for row in db.execute(f"PRAGMA table_info({name})")] for name in names}


def _flipped(value: Any, bit: int) -> Any:
    if isinstance(value, int):
        return value ^ (1 << bit % 3)
    raw = bytearray(value if isinstance(value, bytes) else value.encode())
    raw[bit // 8 % len(raw)] ^= 1 << (bit % 6)
    return bytes(raw) if isinstance(value, bytes) else raw.decode()


def _flip(folder: Path, table: str, column: str, row: int, bit: int) -> str:
    """Flip one bit of one row, and leave no other trace; what it did, or nothing where there is no value."""
    with closing(sqlite3.connect(folder / "store.db", isolation_level=None)) as db:
        db.execute("PRAGMA ignore_check_constraints=ON")
        db.execute("PRAGMA synchronous=OFF")
        names = [each[1] for each in db.execute(f"PRAGMA table_info({table})")]
        keys = [each[1] for each in db.execute(f"PRAGMA table_info({table})") if each[5]]
        rows = db.execute(f"SELECT * FROM {table} WHERE {column} IS NOT NULL ORDER BY {', '.join(keys)}").fetchall()
        if not rows:
            return ""
        chosen = dict(zip(names, rows[row % len(rows)], strict=True))
        new = _flipped(chosen[column], bit)
        where = " AND ".join(f"{key} = ?" for key in keys)
        try:
            db.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (new, *(chosen[key] for key in keys)))
        except sqlite3.IntegrityError:
            return ""  # two rows with one key: this can't be the state of a disk
        return f"{table}.{column}: {chosen[column]!r:.80} became {new!r:.80}"


def test_a_good_store_is_found_good(good: Shop) -> None:
    """The measure of all other tests here: nothing wrong, nothing to tell, and each part was looked at."""
    said = found(good.folder, good)
    assert (said["wrong"], said["told"], said["exit"]) == ([], [], 0)
    assert set(said["checked"]) >= {
        "entries",
        "statements",
        "heads",
        "leaves",
        "tiles",
        "older maps",
        "views",
        "images",
    }
    assert all(said["checked"].values())
    assert found(good.folder, good, quick=True)["exit"] == 0


def test_every_table_has_rows(good: Shop) -> None:
    """Or the next test would flip nothing there and be content."""
    with closing(sqlite3.connect(good.folder / "store.db")) as db:
        empty = {name for name in _tables(good.folder) if not db.execute(f"SELECT 1 FROM {name}").fetchone()}
    assert empty - REPORTED == {"tuf_packages", "stopped", "job_runs", "serial_keys"}


@pytest.mark.parametrize("seed", range(2))
def test_one_bit_in_any_column_of_any_table_is_found(good: Shop, copy: Path, seed: int) -> None:
    """The attack is a disk's or a hand's: what the store says would no longer be what was published."""
    missed = []
    for table, columns in _tables(good.folder).items():
        for column in columns:
            chance = random.Random(f"{seed} {table}.{column}")  # a new table moves no other's bits
            shutil.copyfile(good.folder / "store.db", copy / "store.db")
            what = _flip(copy, table, column, chance.randrange(1000), chance.randrange(4096))
            if what and found(copy, good)["exit"] not in (11, 12, 25, 26) and (table, column) not in FREE:
                missed.append(what)
    assert "\n".join(missed) == ""


@pytest.mark.parametrize(
    "table", ["entries", "statements", "heads", "leaves", "tiles", "superseded", "log", "views", "view_rows", "tuf"]
)
def test_a_row_that_is_gone_is_found(good: Shop, copy: Path, table: str) -> None:
    """What is missing is as wrong as what is changed; nothing else in the row's table says so."""
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        key = next(row[1] for row in db.execute(f"PRAGMA table_info({table})") if row[5] == 1)
        middle = db.execute(f"SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET 1").fetchone()[0]
        db.execute(f"DELETE FROM {table} WHERE {key} = ?", (middle,))
    assert found(copy, good)["exit"] == 25


def test_a_row_too_many_is_found(good: Shop, copy: Path) -> None:
    """VW-3: rows of a model that nobody published would be in its view from its first publication on."""
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        row = "INSERT INTO view_rows SELECT 'acme/never', type, format, subject, since, value FROM view_rows LIMIT 1"
        db.execute(row)
    said = found(copy, good)
    assert [one["what"] for one in said["wrong"]] == ["table view_rows: rows of acme/never, and there is no such model"]


def _image(folder: Path) -> Path:
    return next(path for path in folder.glob("blobs/??/*") if path.read_bytes() == b"other")


def _remove(image: Path) -> None:
    image.unlink()


def _cut(image: Path) -> None:
    image.write_bytes(b"othe")


def _change(image: Path) -> None:
    image.write_bytes(b"oTher")


@pytest.mark.parametrize(("damage", "quickly"), [(_remove, True), (_cut, True), (_change, False)])
def test_a_wrong_image_is_told_by_its_own_code(
    good: Shop, copy: Path, damage: Callable[[Path], None], quickly: bool
) -> None:
    """SPEC 15: 26 is for images; --quick sees sizes and no bytes."""
    damage(_image(copy))
    said = found(copy, good)
    assert (said["exit"], {one["part"] for one in said["wrong"]}) == (26, {"images"})
    assert found(copy, good, quick=True)["exit"] == (26 if quickly else 0)


def test_what_no_row_names_is_told_and_is_no_error(good: Shop, copy: Path) -> None:
    """PB-3: a crash leaves files and never a lie."""
    shutil.copyfile(_image(copy), copy / "blobs" / "00" / ("00" * 32))
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        db.execute("INSERT INTO tiles SELECT max(number) + 1, raw FROM tiles")
    said = found(copy, good)
    assert (said["exit"], len(said["told"])) == (0, 2)
    assert "1 tiles that no kept map has" in said["told"][0]
    assert "1 images that no row names" in said["told"][1]


def test_what_a_publisher_has_just_sent_is_told_as_his(good: Shop, copy: Path) -> None:
    """PB-3: an operator who deletes what waits for its commit would break a publication that is under way."""
    digest = sha256(b"to come").hexdigest()
    (copy / "blobs" / digest[:2]).mkdir(exist_ok=True)
    (copy / "blobs" / digest[:2] / digest).write_bytes(b"to come")
    said = found(copy, good)
    assert (said["exit"], len(said["told"])) == (0, 1)
    assert "1 images that open publications have sent: leave them" in said["told"][0]


def test_a_row_that_opens_an_image_is_told_or_wrong(good: Shop, copy: Path) -> None:
    """RD-1: one more that is released may be from before format 3; that one is another's is always wrong."""
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        db.execute("INSERT INTO released VALUES (?)", (sha256(b"to come").hexdigest(),))
    said = found(copy, good)
    assert (said["exit"], len(said["told"])) == (0, 1)
    assert "1 images may be read that no release or stack names" in said["told"][0]
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        db.execute("INSERT INTO image_owners SELECT sha256, 'evil' FROM blobs LIMIT 1")
    said = found(copy, good)
    assert (said["exit"], len(said["wrong"])) == (25, 1)
    assert "there for evil, none of whose revisions names it" in said["wrong"][0]["what"]


def test_an_image_that_may_not_be_read_though_it_is_released_is_wrong(good: Shop, copy: Path) -> None:
    """RD-1: devices would ask for it in vain."""
    with closing(sqlite3.connect(copy / "store.db", isolation_level=None)) as db:
        db.execute("DELETE FROM released WHERE sha256 = ?", (sha256(b"other").hexdigest(),))
    said = found(copy, good)
    assert said["exit"] == 25
    assert "and no row lets it be read" in said["wrong"][0]["what"]


def test_what_has_expired_is_told_and_is_no_damage(good: Shop) -> None:
    """TF-10: a store that was off is late, and not broken."""
    late = replace(good, at=good.at + timedelta(days=31))
    said = found(good.folder, late)
    assert (said["exit"], len(said["told"])) == (0, 3)


def test_a_file_that_is_no_database_any_more_is_a_disk_to_replace(good: Shop, copy: Path) -> None:
    """SPEC 15: 12 where pages can't be read, and 11 where nothing of it is a store."""
    file = copy / "store.db"
    raw = bytearray(file.read_bytes())
    for page in range(len(raw) // 2 // 4096 * 4096, len(raw), 4096):
        raw[page : page + 64] = bytes(64)
    file.write_bytes(raw)
    assert found(copy, good)["exit"] == 12
    file.write_bytes(b"not a database" * 1000)
    assert _command(copy, "--json") == 11


def test_collected_stores_are_good_stores(good: Shop, copy: Path) -> None:
    """MP-6: after a month older maps and views are gone, and nothing that is left names them."""
    shop = Shop(good.world, copy, good.pin, good.at + timedelta(days=40))
    shop.publish([shop.world.signed(shop.world.brand("late"))])
    shop.later(days=31)
    shop.publish([shop.world.signed(shop.world.brand("later"))])
    collect_old(shop.here)
    shop.here.database.close()
    said = found(copy, good)
    assert (said["wrong"], said["told"]) == ([], [])
    assert said["checked"]["older maps"] == 1
    assert said["checked"]["kept views"] == said["checked"]["views"] == 2


def test_it_writes_nothing_and_runs_beside_a_publisher(template: RunningStore, tmp_path: Path) -> None:
    """One committed state is checked, however much is published meanwhile; and no byte of the folder is changed."""
    shutil.copytree(template.folder, tmp_path / "store")
    shop = Shop(template.world, tmp_path / "store", template.pin, template.world.at)
    shop.first()
    done = threading.Event()

    def publish() -> None:
        try:
            for number in range(2, 14):
                image = b"%d" % number
                news = (shop.world.revision(number, image), shop.world.release(number))
                shop.publish([shop.world.signed(one) for one in news], [image])
        finally:
            done.set()

    publisher = threading.Thread(target=publish)
    publisher.start()
    entries = [found(shop.folder, shop) for _ in _until(done)]
    publisher.join()
    entries.append(found(shop.folder, shop))
    assert [one["wrong"] for one in entries] == [[]] * len(entries)
    assert entries[-1]["entry"] == 14


def _until(done: threading.Event) -> Iterator[None]:
    while not done.is_set():
        yield


def _command(folder: Path, *more: str) -> int:
    return run(["fsck", str(folder), *more], Outside(lambda: Chance(0).world.at, lambda _: ""))


def test_the_command_says_what_is_wrong_and_what_to_do(
    good: Shop, copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report is on stdout, also where it is bad; the error and its hint on stderr, and the code is its family's."""
    assert _command(good.folder) == 0
    assert capsys.readouterr().out.endswith("all of it is right\n")
    assert _command(good.folder, "--quick", "--json") == 0
    assert json.loads(capsys.readouterr().out)["wrong"] == []
    assert _flip(copy, "heads", "sequence", 0, 1)
    assert _command(copy) == 25
    out, err = capsys.readouterr()
    assert "wrong: heads: " in out
    assert "is not its newest statement" in err
    assert "keep a copy of the folder as evidence" in err
    _remove(_image(copy))
    assert _command(copy, "--json") == 25
    out, err = capsys.readouterr()
    assert {one["exit"] for one in json.loads(out)["wrong"]} == {25, 26}
    assert json.loads(err)["hint"]


def test_the_root_of_sorted_leaves_is_the_maps() -> None:
    """MP-3: computed with one pass over the keys, and no tree."""
    chance = Chance(5).random
    for size in (0, 1, 2, 3, 50, 400):
        items = {chance.randbytes(32): Head(chance.randint(1, 9), chance.randbytes(32), chance.randbytes(32))}
        items = {chance.randbytes(32): next(iter(items.values())) for _ in range(size)}
        items |= {key[:31] + bytes([key[31] ^ 1]): head for key, head in list(items.items())[: size // 5]}
        found = map_root((key, items[key].to_bytes()) for key in sorted(items))
        assert found == map_of(items.items()).root


def test_an_older_list_of_packages_by_another_key_is_found(shop: Shop) -> None:
    """SPEC TF-11: to clients that know TUF only it is the store's word, and a disk or a hand must not say it."""
    shop.first()
    turn_on(shop.here)
    shop.publish([shop.world.signed(one) for one in (shop.world.revision(2, b"2"), shop.world.release(2))], [b"2"])
    shop.later(hours=1)
    remake(shop.here)
    assert found(shop.folder, shop)["exit"] == 0
    with closing(sqlite3.connect(shop.folder / "store.db", isolation_level=None)) as db:
        (first,) = db.execute("SELECT min(version) FROM tuf WHERE role = 'packages'").fetchone()
        (raw,) = db.execute("SELECT raw FROM tuf WHERE role = 'packages' AND version = ?", (first,)).fetchone()
        assert db.execute("SELECT count(*) FROM tuf WHERE role = 'packages'").fetchone()[0] > 1
        said = json.loads(raw)
        said["signed"]["expires"] = "2039-01-01T00:00:00Z"
        raw = json.dumps(said).encode()
        db.execute("UPDATE tuf SET raw = ? WHERE role = 'packages' AND version = ?", (raw, first))
    assert found(shop.folder, shop)["exit"] == 25
