"""Publishing to a real store, and receipts that prove too little (SPEC PB-8)."""

import io
import json
import re
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from sealring.bundle import Entry, ProofEntry, TufEntry, read_bundle, write_bundle
from sealring.chain import read_claim
from sealring.command.main import run
from sealring.command.outside import Outside
from sealring.command.receipt import BadReceipt, verify_receipt
from sealring.command.store_http import BadAnswer, StoreClient, StoreUnreachable
from sealring.command.tuf_files import load_tuf_root
from sealring.envelope import Envelope
from sealring.errors import SealringError
from sealring.names import spell
from sealring.statement.software import Rollout
from tests.stores import RunningStore, first_software, make_folder, next_software, now, running_store
from tests.world import DAY, World, key_set, sign

IMAGE = b"hsqs" + bytes(3_000_000)


@dataclass(frozen=True)
class Shop:
    """A served store, the files of a first publication, and the receipt that it gave."""

    world: World
    store: RunningStore
    folder: Path
    statements: Sequence[Envelope]
    receipt: bytes = field(repr=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    """One store for all of these tests; each publishes what is its own."""
    folder, world = tmp_path_factory.mktemp("shop"), World(at=now())
    with running_store(world, folder / "store") as store:
        statements = first_software(world, store, b"first image")
        entries = store.publish(statements, [b"first image"])
        yield Shop(world, store, folder, statements, write_bundle(entries))


def sealring(*arguments: str) -> tuple[int, str, str]:
    """One run of the command: exit code, stdout, stderr."""
    out, err = io.StringIO(), io.StringIO()
    code = run(arguments, Outside(clock=now, out=out, err=err, interactive=False, color=False))
    return code, out.getvalue(), err.getvalue()


def written(shop: Shop, number: int, image: bytes) -> list[str]:
    """The next revision and release as files, and the image's file last."""
    paths = []
    for name, envelope in zip(["revision", "release"], next_software(shop.world, image, number), strict=True):
        path = shop.folder / f"{name}-{number}.json"
        path.write_bytes(envelope.raw)
        paths.append(str(path))
    (shop.folder / f"image-{number}").write_bytes(image)
    return [*paths, str(shop.folder / f"image-{number}")]


def test_a_publication_is_taken_whole_and_its_receipt_proves_it(shop: Shop) -> None:
    """SPEC PB-8, with the store's TUF signatures checked, and an image of more than one piece."""
    revision, release, image = written(shop, 2, IMAGE)
    pinned = str(shop.store.folder / "1.root.json")
    asked = ("publish", shop.store.url, revision, release, "--image", image, "--tuf-root", pinned, "--json")
    code, out, err = sealring(*asked)
    assert (code, err) == (0, "")
    said = json.loads(out)
    assert said["signatures_checked"] is True
    assert [each["subject"] for each in said["published"]] == ["acme/tool/2/amd64", "acme/tool/latest/stable"]
    head = shop.store.get("/v1/heads/release/1/acme/tool/latest/stable").body
    assert read_claim(head).statement.sequence == 2
    # Sent again, it is there already: nothing to upload, and the receipt proves the same.
    code, again, _ = sealring(*asked)
    assert code == 0
    assert json.loads(again)["published"] == said["published"]


def test_what_lacks_no_image_is_one_request(shop: Shop, tmp_path: Path) -> None:
    """SPEC PB-10, PB-8: one connection is answered here, and with the receipt; nothing was opened at the real store."""
    files = [str(tmp_path / f"{number}.json") for number, _ in enumerate(shop.statements)]
    for path, envelope in zip(files, shop.statements, strict=True):
        Path(path).write_bytes(envelope.raw)
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(shop.receipt), shop.receipt)
    with answering(raw) as url:
        assert sealring("publish", url, *files)[0] == 0
    sent, before = str(tmp_path / "model.json"), _open(shop)
    Path(sent).write_bytes(shop.world.signed(shop.world.model("once")).raw)
    assert sealring("publish", shop.store.url, sent)[0] == 0
    assert _open(shop) == before


def _open(shop: Shop) -> list[str]:
    with closing(sqlite3.connect(shop.store.folder / "store.db")) as database:
        return [token for (token,) in database.execute("SELECT token FROM publications ORDER BY token")]


def test_a_receipt_for_nothing_is_refused_in_one_request_too(shop: Shop, tmp_path: Path) -> None:
    """SPEC PB-8: the attack: a store that answers at once, with the receipt of somebody else."""
    sent = tmp_path / "model.json"
    sent.write_bytes(shop.world.signed(shop.world.model("never")).raw)
    raw = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(shop.receipt), shop.receipt)
    with answering(raw) as url:
        assert sealring("publish", url, str(sent))[0] == 25


def test_a_dry_run_says_what_would_change_for_which_models(shop: Shop) -> None:
    """SPEC PB-12: a table for people, one object with --json, and the store is as it was."""
    revision, release, image = written(shop, 3, b"not sent")
    before = shop.store.get("/tuf/timestamp.json").body, _open(shop)
    code, out, err = sealring("publish", shop.store.url, revision, release, "--image", image, "--dry-run")
    assert (code, err) == (0, "")
    assert "nothing was" in out
    assert re.search(r"acme/door-1 +acme/tool latest/stable [0-9]+ -> 3 \(amd64\), every device", out)
    assert image in out
    code, out, _ = sealring("publish", shop.store.url, revision, release, "--dry-run", "--json")
    said = json.loads(out)
    assert (code, said["new"], said["other_models"], [m["given"] for m in said["missing"]]) == (0, 2, 0, [False])
    assert said["models"][0]["rows"][0]["type"] == "release"
    assert "not given" in sealring("publish", shop.store.url, revision, release, "--dry-run")[1]
    assert (shop.store.get("/tuf/timestamp.json").body, _open(shop)) == before


def test_a_rollout_is_told_with_its_share_and_its_start(shop: Shop) -> None:
    """SPEC PB-12, RO: who approves a release reads for how many devices it is, and from when on."""
    revision = written(shop, 5, b"in phases")[0]
    plan = Rollout("a" * 64, 2500, ["canary"], shop.world.at, 100, 3600, 3600)
    Path(shop.folder / "phased.json").write_bytes(shop.world.signed(shop.world.release(5, rollout=plan)).raw)
    _, out, _ = sealring("publish", shop.store.url, revision, str(shop.folder / "phased.json"), "--dry-run")
    assert f"-> 5 (amd64), 25 % of devices and canary from {spell(shop.world.at)}" in out


def test_a_dry_run_is_refused_as_the_publication_would_be(shop: Shop) -> None:
    """SPEC PB-12, FL-1: which statement, both numbers, and what to do; the same words from both."""
    (shop.folder / "older.json").write_bytes(shop.world.signed(shop.world.release(1, issued=shop.world.at - DAY)).raw)
    (shop.folder / "newer.json").write_bytes(shop.world.signed(shop.world.model(sequence=2)).raw)
    assert sealring("publish", shop.store.url, str(shop.folder / "newer.json"))[0] == 0
    (shop.folder / "old.json").write_bytes(shop.world.signed(shop.world.model(issued=shop.world.at - DAY)).raw)
    for more in ([], ["--dry-run"]):
        code, out, err = sealring("publish", shop.store.url, str(shop.folder / "old.json"), *more)
        assert (code, out) == (23, "")
        assert err == (
            "sealring: model acme/door-1: sequence 1 was to be published, the store has 2 [FL-1]\n"
            "sealring: hint: nothing was published: look at what is there, make it again as sequence 3 or later,"
            " and have it signed\n"
        )


def test_quiet_says_nothing_and_a_folder_gives_the_images(shop: Shop, tmp_path: Path) -> None:
    """SPEC PB-8: other files in the folder, a link among them, are no images of anybody."""
    revision, folder = tmp_path / "other-1.json", tmp_path / "images"
    revision.write_bytes(shop.world.signed(shop.world.revision(1, b"in a folder", package="other")).raw)
    folder.mkdir()
    (folder / "other.squashfs").write_bytes(b"in a folder")
    (folder / "README").write_text("of another size")
    (folder / "same-size").write_bytes(b"IN A FOLDER")
    (folder / "dangling").symlink_to("nowhere")
    assert sealring("publish", shop.store.url, str(revision), "--images", str(folder), "--quiet") == (0, "", "")


def test_an_image_that_the_store_lacks_must_be_given(shop: Shop) -> None:
    """SPEC PB-8: said before anything becomes visible."""
    revision, release, image = written(shop, 4, b"kept back")
    code, _, err = sealring("publish", shop.store.url, revision, release)
    assert code == 26
    assert "--image" in err
    assert sealring("publish", shop.store.url, release, "--image", image)[0] == 2, "no revision names it"


def test_the_stores_refusal_is_told_with_its_rule(shop: Shop) -> None:
    """A store that refuses gives a rule and a hint, and they reach the person (SPEC HT-3)."""
    (shop.folder / "old.json").write_bytes(shop.world.signed(shop.world.release(1, issued=shop.world.at - DAY)).raw)
    code, _, err = sealring("publish", shop.store.url, str(shop.folder / "old.json"), "--json")
    assert code == 23
    assert json.loads(err)["rule"] in {"FL-1", "FL-3"}


def test_other_keys_are_announced_first_or_the_cut_is_said(shop: Shop) -> None:
    """SPEC PB-4, PB-9: refused with what would fall; --next lets the new signatures come first, --cut lets it fall."""
    world, old, new = shop.world, shop.world.brand_keys("rota"), shop.world.brand_keys("rota", 2)
    shop.store.publish([world.signed(world.brand("rota")), world.signed(world.model("gate", "rota"))])
    brand = sign(world.brand("rota", sequence=2, keys=key_set(2, *new)), *world.brand_role, *old[:2])
    again = sign(world.model("gate", "rota"), *new[:2])
    files = [str(shop.folder / name) for name in ("rota-2.json", "gate.json")]
    for path, envelope in zip(files, (brand, again), strict=True):
        Path(path).write_bytes(envelope.raw)
    code, _, err = sealring("publish", shop.store.url, files[0])
    assert (code, "[PB-9]" in err, "model rota/gate" in err, "--cut" in err) == (21, True, True, True)
    code, out, _ = sealring("publish", shop.store.url, files[1], "--next", files[0], "--cut", "--dry-run", "--json")
    assert (code, json.loads(out)["next"], json.loads(out)["cut"]) == (0, [brand.id], True)
    assert "announced" in sealring("publish", shop.store.url, files[1], "--next", files[0], "--dry-run")[1]
    assert sealring("publish", shop.store.url, files[0], "--next", files[1])[0] == 2, "a model is no authority"
    code, out, _ = sealring("publish", shop.store.url, files[1], "--next", files[0], "--json")
    assert (code, [each["subject"] for each in json.loads(out)["published"]]) == (0, ["rota/gate"])
    assert shop.store.get("/v1/brands/rota/2").status == 404
    assert sealring("publish", shop.store.url, files[0])[0] == 0
    third = world.brand("rota", sequence=3, keys=key_set(2, *world.brand_keys("rota", 3)))
    Path(files[0]).write_bytes(sign(third, *world.brand_role, *new[:2]).raw)
    assert sealring("publish", shop.store.url, files[0])[0] == 21
    assert sealring("publish", shop.store.url, files[0], "--cut")[0] == 0


def _receipt(shop: Shop, change: Callable[[Entry], Entry | None]) -> bytes:
    changed = [change(entry) for entry in read_bundle(shop.receipt)]
    return write_bundle([entry for entry in changed if entry is not None])


def _without(name: str) -> Callable[[Entry], Entry | None]:
    return lambda entry: None if isinstance(entry, TufEntry) and name in entry.name else entry


def _without_proofs(entry: Entry) -> Entry | None:
    return None if isinstance(entry, ProofEntry) else entry


def _other_version(entry: Entry) -> Entry:
    if isinstance(entry, TufEntry) and "snapshot" in entry.name:
        return TufEntry(entry.name, re.sub(rb'("version": ?)[0-9]+', rb"\g<1>99", entry.data))
    return entry


def _changed_catalogue(entry: Entry) -> Entry:
    if isinstance(entry, TufEntry) and "catalogue" in entry.name:
        return TufEntry(entry.name, entry.data.replace(b'"size":', b'"size":1'))
    return entry


def _flipped_proof(entry: Entry) -> Entry:
    if isinstance(entry, ProofEntry):
        return ProofEntry(entry.root, entry.keys, entry.proof[:-1] + bytes([entry.proof[-1] ^ 1]))
    return entry


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(_without("timestamp"), id="no timestamp"),
        pytest.param(_without("snapshot"), id="no snapshot"),
        pytest.param(_without("targets"), id="no targets"),
        pytest.param(_without("catalogue"), id="no catalogue"),
        pytest.param(_without_proofs, id="no proof"),
        pytest.param(_changed_catalogue, id="another catalogue than the targets name"),
        pytest.param(_flipped_proof, id="a proof of another map"),
        pytest.param(_other_version, id="another snapshot than the timestamp names"),
    ],
)
def test_a_receipt_that_proves_too_little_is_refused(shop: Shop, change: Callable[[Entry], Entry | None]) -> None:
    """SPEC PB-8: the attack: a store says "thank you" and shows the publication to nobody."""
    claims = [read_claim(envelope.raw) for envelope in shop.statements]
    pinned = load_tuf_root(shop.store.folder / "1.root.json")
    assert verify_receipt(shop.receipt, claims, pinned, now()).signed
    with pytest.raises(SealringError) as refused:
        verify_receipt(_receipt(shop, change), claims, None, now())
    assert refused.value.exit_code == 25


def test_a_receipt_for_other_statements_is_refused(shop: Shop) -> None:
    """SPEC PB-8: the attack: the proof of what was there before, in answer to something new."""
    newer = [read_claim(e.raw) for e in next_software(shop.world, b"never sent", 9)]
    with pytest.raises(BadReceipt):
        verify_receipt(shop.receipt, newer, None, now())


def test_a_receipt_signed_by_another_store_is_refused(shop: Shop, tmp_path: Path) -> None:
    """SPEC PB-8: the attack: someone in between answers with a store of his own."""
    other = World(at=now(), salt="other")
    make_folder(other, tmp_path / "other")
    claims = [read_claim(envelope.raw) for envelope in shop.statements]
    with pytest.raises(BadReceipt):
        verify_receipt(shop.receipt, claims, load_tuf_root(tmp_path / "other" / "1.root.json"), now())


def test_an_expired_receipt_is_refused(shop: Shop) -> None:
    """SPEC PB-8: the attack: yesterday's proof, kept from when the store was honest."""
    claims = [read_claim(envelope.raw) for envelope in shop.statements]
    with pytest.raises(BadReceipt):
        verify_receipt(shop.receipt, claims, None, now() + 40 * DAY)


@contextmanager
def answering(raw: bytes) -> Iterator[str]:
    """A server that gives these bytes to every request, whatever it is, and closes."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(20)

    def serve() -> None:
        with suppress(OSError):  # the other side may hang up first, and is then asked what it made of that
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(raw)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        thread.join(20)
        listener.close()


@pytest.mark.parametrize(
    ("raw", "refusal"),
    [
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
            BadAnswer,
            id="redirect",
        ),
        pytest.param(b"SSH-2.0-OpenSSH\r\n", StoreUnreachable, id="no HTTP"),
        pytest.param(b"HTTP/1.1 201 Created\r\nContent-Length: 50\r\n\r\nhalf", StoreUnreachable, id="half an answer"),
        pytest.param(b"", StoreUnreachable, id="nothing"),
    ],
)
def test_a_strange_answer_is_one_typed_error(raw: bytes, refusal: type[SealringError]) -> None:
    """No redirect is followed: a publication goes to the address that the person typed, or nowhere."""
    with answering(raw) as url, pytest.raises(refusal):
        StoreClient(url, timeout_seconds=5).post("/v1/publications", b"x", "text/plain", status=201)


def test_what_a_store_says_can_not_drive_a_terminal() -> None:
    """The attack: control characters in an error, to hide or rewrite what the person sees."""
    body = json.dumps({"detail": "\x1b[2Jall is well", "rule": "XX", "hint": "\u202e"}).encode()
    raw = b"HTTP/1.1 403 Forbidden\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
    with answering(raw) as url, pytest.raises(SealringError) as refused:
        StoreClient(url, timeout_seconds=5).post("/v1/publications", b"x", "text/plain", status=201)
    assert refused.value.exit_code == 21
    assert (str(refused.value) + refused.value.hint()).isascii()
    assert "\x1b" not in str(refused.value)
