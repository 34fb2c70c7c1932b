"""`sealring-store backup`, `restore` and `resume`: one state, verified from the root alone (SPEC BK-1 to BK-3)."""

import json
import shutil
import sqlite3
import threading
import zlib
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealring.keyfile.form import public_file
from sealring.request.tuf_root import parse_root_request
from sealring_server.backup.errors import BackupBusy, BackupDamaged, NotABackup, NotStopped, Stopped
from sealring_server.backup.form import MANIFEST, part_path, read_manifest
from sealring_server.backup.stopped import stop
from sealring_server.backup.tables import LEFT_OUT, kept_tables
from sealring_server.backup.take import _locked, back_up
from sealring_server.backup.verify import verify_backup
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.here import open_store
from sealring_server.publication import open_publication
from sealring_server.schedule import sign_due
from sealring_server.schema import metadata
from tests.stores import signer
from tests.unit.server.conftest import Shop, bundle
from tests.world import World

KEPT = {
    "store", "entries", "statements", "heads", "tallies", "leaves", "tiles", "superseded", "log", "views", "view_rows",
    "view_past", "view_wants", "view_models", "tuf", "tuf_packages", "blobs",
    "released", "serial_keys", "image_owners", "reporters", "reports", "progress", "rollouts", "halts",
}  # fmt: skip
"""Whoever adds a table decides whether a backup has it."""


@pytest.fixture
def filled(shop: Shop) -> Shop:
    """A store with two revisions, and an upload under way."""
    shop.first(b"image 1")
    shop.publish([shop.world.signed(one) for one in (shop.world.revision(2, b"2"), shop.world.release(2))], [b"2"])
    open_publication(shop.here, bundle([shop.world.signed(shop.world.revision(9, b"to come"))]))
    return shop


@pytest.fixture
def root(shop: Shop, tmp_path: Path) -> Path:
    """The root assertion as the operator has it."""
    (tmp_path / "root.json").write_bytes(shop.world.root.raw)
    return tmp_path / "root.json"


def call(shop: Shop, *arguments: object) -> int:
    return run([str(one) for one in arguments], Outside(lambda: shop.at, lambda _: ""))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


def rows_of(folder: Path) -> dict[str, list[tuple[Any, ...]]]:
    with closing(sqlite3.connect(folder / "store.db")) as db:
        return {one.name: sorted(db.execute(f"SELECT * FROM {one.name}")) for one in kept_tables()}


def test_every_table_is_in_a_backup_or_left_out_on_purpose() -> None:
    """SPEC BK-1: a table that nobody thought of would be lost with the machine."""
    assert {table.name for table in metadata.sorted_tables} == KEPT | LEFT_OUT


def test_a_backup_becomes_the_same_store(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-1, BK-2: every row and every image; what was under way is not in it."""
    assert call(filled, "backup", filled.folder, tmp_path / "b") == 0
    assert call(filled, "backup", "verify", tmp_path / "b", "--root", root) == 0
    assert call(filled, "restore", tmp_path / "b", tmp_path / "new", "--root", root) == 0
    assert rows_of(tmp_path / "new") == rows_of(filled.folder)
    assert call(filled, "fsck", tmp_path / "new") == 0
    with closing(sqlite3.connect(tmp_path / "new" / "store.db")) as db:
        assert db.execute("SELECT count(*) FROM publications").fetchone() == (0,)


def test_no_secret_is_in_a_backup(filled: Shop, tmp_path: Path) -> None:
    """SPEC BK-1: neither keys, nor their passphrases, nor the tokens of open publications."""
    opened = open_publication(filled.here, bundle([filled.world.signed(filled.world.revision(10, b"more"))]))
    back_up(filled.here, tmp_path / "b")
    files = everything(tmp_path / "b")
    whole = b"\n".join(zlib.decompress(raw, 31) if name.endswith(".gz") else raw for name, raw in files.items())
    secrets = [one.read_bytes().strip() for one in (filled.folder / "keys").iterdir()]
    secrets += [opened.token.encode(), sha256(opened.token.encode()).hexdigest().encode()]
    assert len(secrets) > 5
    for secret in secrets:
        assert secret not in whole
        assert all(line not in whole for line in secret.split(b"\n") if len(line) > 40)


def test_again_only_what_is_new_is_written(filled: Shop, tmp_path: Path) -> None:
    """SPEC BK-1: images by their digest are not copied twice, and the same state gives the same bytes."""
    first = back_up(filled.here, tmp_path / "b")
    assert (first.new_images, first.new_bytes > 0) == (2, True)
    before = everything(tmp_path / "b")
    again = back_up(filled.here, tmp_path / "b")
    assert (again.new_images, again.new_parts, again.new_bytes) == (0, 0, 0)
    assert everything(tmp_path / "b") == before
    more = [filled.world.revision(3, b"3"), filled.world.release(3)]
    filled.publish([filled.world.signed(one) for one in more], [b"3"])
    third = back_up(filled.here, tmp_path / "b")
    assert third.new_images == 1
    named = {f"{part.sha256}.gz" for table in third.manifest.tables for part in table.parts}
    assert {one.name for one in (tmp_path / "b" / "rows").iterdir()} == named


def test_a_backup_is_one_state_however_much_is_published_meanwhile(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-1: heads of one entry and leaves of another would be no store."""
    ended = threading.Event()

    def publish() -> None:
        number = 3
        while not ended.is_set():
            new = [filled.world.revision(number, b"%d" % number), filled.world.release(number)]
            filled.publish([filled.world.signed(one) for one in new], [b"%d" % number])
            number += 1

    publisher = threading.Thread(target=publish)
    publisher.start()
    try:
        for _ in range(4):
            back_up(filled.here, tmp_path / "b")
            found = verify_backup(tmp_path / "b", root.read_bytes(), filled.at)
            assert [one.what for one in found.report.wrong] == []
    finally:
        ended.set()
        publisher.join()


def test_one_bit_anywhere_is_found(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-1: a disk that rotted for years says so before anybody relies on it."""
    back_up(filled.here, tmp_path / "good")
    for place in everything(tmp_path / "good"):
        shutil.rmtree(tmp_path / "b", ignore_errors=True)
        shutil.copytree(tmp_path / "good", tmp_path / "b")
        raw = bytearray((tmp_path / "b" / place).read_bytes())
        raw[len(raw) // 2] ^= 1
        (tmp_path / "b" / place).write_bytes(raw)
        assert call(filled, "backup", "verify", tmp_path / "b", "--root", root) != 0 or place == MANIFEST


def test_another_root_is_refused(filled: Shop, tmp_path: Path) -> None:
    """SPEC BK-1: whoever swaps the backup for that of another world is found out by the root that the operator gave."""
    back_up(filled.here, tmp_path / "b")
    found = verify_backup(tmp_path / "b", World(salt="other").root.raw, filled.at)
    assert [one.part for one in found.report.wrong] == ["root"]
    (tmp_path / "other.json").write_bytes(World(salt="other").root.raw)
    assert call(filled, "restore", tmp_path / "b", tmp_path / "new", "--root", tmp_path / "other.json") == 25
    assert not (tmp_path / "new").exists()


def test_a_row_that_somebody_changed_with_its_digests_is_found(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-1: the manifest is signed by nobody; what the rows say is."""
    back_up(filled.here, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / MANIFEST).read_bytes())
    table = next(one for one in manifest["tables"] if one["name"] == "heads")
    part = table["parts"][0]
    lines = zlib.decompress(part_path(tmp_path / "b", str(part["sha256"])).read_bytes(), 31).replace(
        b"acme/tool", b"acme/tolo"
    )
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    raw = packer.compress(lines) + packer.flush()
    part |= {"sha256": sha256(raw).hexdigest(), "size": len(raw), "unpacked": len(lines)}
    part_path(tmp_path / "b", part["sha256"]).write_bytes(raw)
    (tmp_path / "b" / MANIFEST).write_bytes(json.dumps(manifest, separators=(",", ":")).encode())
    assert call(filled, "backup", "verify", tmp_path / "b", "--root", root) == 25


@pytest.mark.parametrize("unpacked", [10, 2**31])
def test_a_bomb_is_refused_by_its_bounds(filled: Shop, tmp_path: Path, unpacked: int) -> None:
    """SPEC BK-1: a part is never unpacked beyond what its manifest may name, and says."""
    back_up(filled.here, tmp_path / "b")
    manifest = json.loads((tmp_path / "b" / MANIFEST).read_bytes())
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    raw = packer.compress(bytes(64 * 1024 * 1024)) + packer.flush()
    part = {"sha256": sha256(raw).hexdigest(), "size": len(raw), "unpacked": unpacked}
    part_path(tmp_path / "b", str(part["sha256"])).write_bytes(raw)
    manifest["tables"][0]["parts"] = [part]
    (tmp_path / "b" / MANIFEST).write_bytes(json.dumps(manifest, separators=(",", ":")).encode())
    with pytest.raises(BackupDamaged):
        verify_backup(tmp_path / "b", filled.world.root.raw, filled.at)


def test_two_backups_into_one_folder_do_not_mix(filled: Shop, tmp_path: Path) -> None:
    """SPEC BK-1: the second one is refused while the first is written."""
    (tmp_path / "b").mkdir()
    with _locked(tmp_path / "b"), pytest.raises(BackupBusy):
        back_up(filled.here, tmp_path / "b")


def test_what_is_no_backup_is_not_written_over(filled: Shop, tmp_path: Path) -> None:
    """SPEC BK-1: a slip in a path must not cost somebody else's folder."""
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / MANIFEST).write_bytes(b"{}")
    with pytest.raises(BackupDamaged):
        back_up(filled.here, tmp_path / "b")
    with pytest.raises(NotABackup):
        read_manifest(tmp_path / "nothing")


def test_a_restored_store_signs_nothing_and_takes_nothing(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-2: it may have shown a later entry, and two entries of one number are a contradiction for ever."""
    back_up(filled.here, tmp_path / "b")
    keys = filled.folder / "keys"
    assert call(filled, "restore", tmp_path / "b", tmp_path / "new", "--root", root, "--keys", keys) == 0
    shop = Shop(filled.world, tmp_path / "new", filled.pin, filled.at)
    new = [filled.world.revision(3, b"3"), filled.world.release(3)]
    with pytest.raises(Stopped):
        shop.publish([filled.world.signed(one) for one in new], [b"3"])
    shop.later(days=3)
    with pytest.raises(Stopped):
        sign_due(shop.here)
    assert call(shop, "sign", shop.folder) == 13
    assert call(shop, "resume", shop.folder, "--nothing-newer") == 0
    assert sign_due(shop.here) == "entry"
    shop.publish([filled.world.signed(one) for one in new], [b"3"])
    assert call(shop, "fsck", shop.folder) == 0
    assert call(shop, "resume", shop.folder, "--nothing-newer") == NotStopped.exit_code


def test_without_keys_it_stays_stopped(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-1, BK-2: private keys are in no backup, and a store that can't sign must not say that it goes on."""
    back_up(filled.here, tmp_path / "b")
    assert call(filled, "restore", tmp_path / "b", tmp_path / "new", "--root", root) == 0
    assert call(filled, "resume", tmp_path / "new", "--nothing-newer") == 11
    here = open_store(tmp_path / "new", lambda: filled.at)
    with pytest.raises(Stopped):
        sign_due_later(here, filled)


def sign_due_later(here: Any, shop: Shop) -> None:
    shop.later(days=2)
    sign_due(here)


def test_a_store_that_was_shown_a_later_entry_is_not_resumed_by_a_word(filled: Shop) -> None:
    """SPEC BK-2: what its own keys signed is no opinion."""
    with filled.here.database.writing() as connection:
        stop(connection, "shown", 99)
    assert call(filled, "resume", filled.folder, "--nothing-newer") == 13


def test_a_restore_never_writes_over_a_store(filled: Shop, root: Path, tmp_path: Path) -> None:
    """SPEC BK-2: neither a store in the folder, nor a folder of keys that is none."""
    back_up(filled.here, tmp_path / "b")
    assert call(filled, "restore", tmp_path / "b", filled.folder, "--root", root) == 1
    assert call(filled, "restore", tmp_path / "b", tmp_path / "n", "--root", root, "--keys", tmp_path / "b") == 11
    assert not (tmp_path / "n" / "store.db").exists()


def test_several_holders_sign_the_new_tuf_root(
    filled: Shop, root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BK-3, TF-9: the request goes round; no old TUF file is served under the new root, which no chain reaches."""
    back_up(filled.here, tmp_path / "b")
    new = tmp_path / "new"
    assert call(filled, "restore", tmp_path / "b", new, "--root", root) == 0
    keys = [filled.world.key(name) for name in ("ann", "bob")]
    words: list[object] = []
    for key, name in zip(keys, ("ann", "bob"), strict=True):
        (tmp_path / f"{name}.pub").write_bytes(public_file(key.public))
        words += ["--tuf-root-pub", tmp_path / f"{name}.pub"]
    request = tmp_path / "root.request"
    assert call(filled, "resume", new, "--new-tuf-root", *words, "--tuf-root-threshold", 2, "--out", request) == 0
    draft = parse_root_request(request.read_bytes()).draft
    made = [signer(key).sign(draft.signed_bytes) for key in keys]
    (tmp_path / "one.json").write_bytes(draft.with_signatures({made[0].keyid: made[0].signature}).raw)
    assert call(filled, "resume", new, "--tuf-root", tmp_path / "one.json") == 21
    signed = draft.with_signatures({one.keyid: one.signature for one in made})
    (tmp_path / "1.root.json").write_bytes(signed.raw)
    capsys.readouterr()
    assert call(filled, "resume", new, "--tuf-root", tmp_path / "1.root.json", "--json") == 0
    assert json.loads(capsys.readouterr().out)["sha256"] == sha256(signed.raw).hexdigest()
    assert call(filled, "fsck", new) == 0
    assert (new / "1.root.json").read_bytes() == signed.raw
    shop = Shop(filled.world, new, filled.pin, filled.at)
    shop.publish(
        [filled.world.signed(one) for one in (filled.world.revision(3, b"3"), filled.world.release(3))], [b"3"]
    )
    assert call(filled, "resume", new, "--tuf-root", tmp_path / "1.root.json") != 0  # once is enough
