"""`sealring-store bundle`: one file for devices without a network, from a folder or an address (SPEC BN-6)."""

import json
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from sealring.bundle import (
    HaltEntry,
    ImageEntry,
    ProofEntry,
    StatementEntry,
    TufEntry,
    ViewEntry,
    open_entries,
)
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.leaf import map_key
from sealring.catalogue.log import leaf_hash, verify_inclusion
from sealring.catalogue.proof import verify_proof
from sealring.catalogue.shelved_log import ShelvedLog
from sealring.halt import Halt, halt_bytes
from sealring.statement.software import Rollout, Target
from sealring.tuf_form import NotVouched
from sealring_client.decide.answer import AnswerSource, Shelf
from sealring_server.bundle.log_leaves import shelved_log
from sealring_server.bundle.source import FolderSource
from sealring_server.catalogue import last_entry
from sealring_server.command.given import Outside
from sealring_server.command.main import run
from sealring_server.commit import begin_draft
from sealring_server.schedule import sign_due
from tests.stores import first_software, now, running_store
from tests.unit.server.conftest import Shop
from tests.world import NOW, World

MODEL = "acme/door-1"


def read(path: Path) -> list[Any]:
    """Every entry, an image with its bytes' digest instead of them."""
    found: list[Any] = []
    with path.open("rb") as file:
        for entry in open_entries(file, image_limit=2**40):
            if isinstance(entry, ImageEntry):
                found.append((entry.digest.hex(), entry.size, sha256(entry.data.read(2**20)).hexdigest()))
            else:
                found.append(entry)
    return found


def make(shop: Shop, out: Path, *more: str, store: str = "") -> int:
    outside = Outside(lambda: shop.at, lambda _: "")
    return run(["bundle", store or str(shop.folder), MODEL, "-o", str(out), *more], outside)


def test_a_bundle_has_all_that_a_device_asks_for_that_holds_nothing_but_its_root(shop: Shop, tmp_path: Path) -> None:
    """SPEC BN-6: statements, view, proofs, TUF files below the store's name from the pinned root on, and images."""
    shop.first(b"image 1")
    new = [shop.world.revision(2, b"image 2"), shop.world.release(2, targets=[Target("amd64", 2, 1, 1)])]
    shop.publish([shop.world.signed(one) for one in new], [b"image 2"])
    assert make(shop, tmp_path / "b") == 0
    found = read(tmp_path / "b")
    names = [one.name for one in found if isinstance(one, TufEntry)]
    assert all(name.startswith("acme/main/") for name in names)
    assert {"acme/main/1.root.json", "acme/main/timestamp.json"} <= set(names)
    kinds = {type(one) for one in found}
    assert {StatementEntry, TufEntry, ViewEntry, ProofEntry} <= kinds
    images = sorted(one for one in found if isinstance(one, tuple))
    wanted = [(sha256(image).hexdigest(), len(image)) for image in (b"image 1", b"image 2")]
    assert images == sorted((digest, size, digest) for digest, size in wanted)


def test_the_same_state_gives_the_same_bytes_from_the_folder_and_from_the_address(tmp_path: Path) -> None:
    """SPEC BN-6: two sticks can be compared by their digests, whoever made them."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        root = tmp_path / "root.json"
        root.write_bytes(world.root.raw)
        outside = Outside(now, lambda _: "")
        for name, place in (("a", str(store.folder)), ("b", store.url), ("c", store.url)):
            more = ["-o", str(tmp_path / name), "--root", str(root)]
            assert run(["bundle", place, MODEL, *more], outside) == 0
    raws = {(tmp_path / name).read_bytes() for name in "abc"}
    assert len(raws) == 1


def test_an_address_needs_a_root_and_another_worlds_root_is_refused(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BN-3: whoever answers at an address must not choose from which root he is judged."""
    shop.first()
    assert make(shop, tmp_path / "b", store="http://127.0.0.1:1") == 2
    (tmp_path / "other.json").write_bytes(World(salt="other").root.raw)
    assert make(shop, tmp_path / "b", "--root", str(tmp_path / "other.json")) != 0
    assert not (tmp_path / "b").exists()
    capsys.readouterr()


def test_an_image_whose_file_rotted_leaves_no_bundle(shop: Shop, tmp_path: Path) -> None:
    """SPEC IM-2: nobody carries a stick to a place without a network on which the image is another."""
    shop.first(b"image 1")
    digest = sha256(b"image 1").hexdigest()
    (shop.folder / "blobs" / digest[:2] / digest).write_bytes(b"Image 1")
    (tmp_path / "b").write_bytes(b"the old one")
    assert make(shop, tmp_path / "b") == 26
    assert (tmp_path / "b").read_bytes() == b"the old one"
    assert [one.name for one in tmp_path.iterdir() if "tmp" in one.name] == []


def test_without_images_and_dry_run_do_what_they_say(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BN-6."""
    shop.first(b"image 1")
    assert make(shop, tmp_path / "b", "--dry-run", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["images"], said["image_bytes"], said["stores"]) == (1, 7, {"acme/main": 2})
    assert not (tmp_path / "b").exists()
    assert make(shop, tmp_path / "b", "--without-images") == 0
    assert not any(isinstance(one, tuple) for one in read(tmp_path / "b"))


def test_a_model_that_is_not_there_is_said_by_its_name(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BN-6: a stick without what was asked for is found out where it is made."""
    shop.first()
    outside = Outside(lambda: shop.at, lambda _: "")
    assert run(["bundle", str(shop.folder), "acme/gate-7", "-o", str(tmp_path / "b")], outside) == 11
    assert "acme/gate-7" in capsys.readouterr().err


def test_who_saw_any_entry_finds_its_path(shop: Shop, tmp_path: Path) -> None:
    """SPEC BN-6, LG-2: a device that saw an earlier entry follows by the stick alone."""
    shop.first()
    raws = grown(shop, 8)
    assert make(shop, tmp_path / "b") == 0
    files = {one.name: one.data for one in read(tmp_path / "b") if isinstance(one, TufEntry)}
    newest = parse_entry(next(raw for name, raw in files.items() if "catalogue" in name))
    log = ShelvedLog.of({name.rpartition("/")[2]: raw for name, raw in files.items() if "/log/" in name})
    assert (log.left_out, len(log.leaves)) == ([], newest.sequence - 1)
    for index in range(newest.sequence - 1):
        path = log.path(newest.sequence - 1, index)
        assert path is not None
        verify_inclusion(leaf_hash(raws[index]), index, newest.sequence - 1, path, newest.log)


def grown(shop: Shop, entries: int) -> list[bytes]:
    """The entries of the log, after the store has made one a day until there are so many."""
    with shop.here.database.reading() as connection:
        number = last_entry(connection).sequence
    for _ in range(number, entries):
        shop.at += timedelta(days=1)
        sign_due(shop.here)
    with shop.here.database.reading() as connection:
        return list(FolderSource(shop.here, connection).entries(entries))


def test_a_log_that_is_not_the_signed_one_is_refused(shop: Shop) -> None:
    """SPEC LG-1: entries that anybody may send are the log, or nothing is made of them."""
    shop.first()
    raws = grown(shop, 3)
    newest = parse_entry(raws[-1])
    for wrong in ([raws[0]], [raws[1], raws[0]], []):
        with pytest.raises(NotVouched):
            shelved_log(wrong, newest)


def test_a_rollouts_halt_is_proved_to_be_there_or_not(shop: Shop, tmp_path: Path) -> None:
    """SPEC HL-3: a device asks for this proof before it begins, and a stick can't be asked later."""
    shop.first()
    release = shop.world.release(1, sequence=2, rollout=rollout())
    shop.publish([shop.world.signed(release)])
    assert make(shop, tmp_path / "b") == 0
    key = map_key(bytes.fromhex(shop.world.root_id), "halt", 1, release.subject)
    proof = next(one for one in read(tmp_path / "b") if isinstance(one, ProofEntry) and one.keys == (key,))
    assert not verify_proof(proof.proof, proof.root, [key]).present


def test_a_halt_goes_along_with_its_proof(shop: Shop, tmp_path: Path) -> None:
    """SPEC HL-1, HL-3: without the document a device could not tell how old the halt is."""
    shop.first()
    release = shop.world.release(1, sequence=2, rollout=rollout())
    envelope = shop.world.signed(release)
    shop.publish([envelope])
    root, about = shop.world.root_id, release.subject
    said = Halt(format=1, root=root, release=about, id=envelope.id, reason="two failed", time=shop.at)
    with shop.here.database.writing() as connection:
        draft = begin_draft(connection, last_entry(connection).sequence + 1)
        draft.halt(said)
        draft.append(shop.here, shop.at)
    assert make(shop, tmp_path / "b") == 0
    assert [one.data for one in read(tmp_path / "b") if isinstance(one, HaltEntry)] == [halt_bytes(said)]


def rollout() -> Any:
    """Some plan."""
    return Rollout("11" * 32, 1000, [], NOW, 100, 3600, 86400)


def test_what_the_bundle_answers_is_what_a_device_asks(shop: Shop, tmp_path: Path) -> None:
    """SPEC AN-3, BN-3: read as a device reads a stick, behind which there is nothing."""
    shop.first()
    assert make(shop, tmp_path / "b", "--without-images") == 0
    source = AnswerSource.read("stick", (tmp_path / "b").read_bytes(), Shelf())
    for path in ("v1/roots/1", "v1/brands/acme/1", f"v1/heads/model/1/{MODEL}", "v1/heads/store/1/acme/main"):
        assert source.fetch(path, limit=2**20)


def test_a_mirror_that_lacks_the_image_before_tells_so(
    shop: Shop, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SPEC BN-6, MI-2: what came before may be gone; what is released now must be there."""
    shop.first(b"image 1")
    new = [shop.world.revision(2, b"image 2"), shop.world.release(2, targets=[Target("amd64", 2, 1, 1)])]
    shop.publish([shop.world.signed(one) for one in new], [b"image 2"])
    copy = tmp_path / "copy"
    shutil.copytree(shop.folder, copy)
    (copy / "blobs" / sha256(b"image 1").hexdigest()[:2] / sha256(b"image 1").hexdigest()).unlink()
    assert make(shop, tmp_path / "b", "--json", store=str(copy)) == 0
    assert "came before" in json.loads(capsys.readouterr().out)["told"][0]
    (copy / "blobs" / sha256(b"image 2").hexdigest()[:2] / sha256(b"image 2").hexdigest()).unlink()
    assert make(shop, tmp_path / "b2", store=str(copy)) == 11
