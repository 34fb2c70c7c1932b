"""All at once or not at all, for whoever asks and whatever they send (SPEC PB-2, PB-3, PB-6, PB-7, HT-3, HT-4)."""

import http.client
import json
import os
import threading
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import pytest
from msgspec import structs

from sealring.bundle import ImageEntry, ProofEntry, StatementEntry, TufEntry, bundle_chunks, in_order
from sealring.catalogue.entry import parse_entry
from sealring.catalogue.leaf import Head, map_key
from sealring.catalogue.proof import verify_proof
from sealring.errors import TrustError
from sealring.statement.software import Image
from sealring_server.here import Limits
from sealring_server.images.errors import OtherBlob
from sealring_server.publication import MAX_BUNDLE, Gone, commit_publication, expire, open_publication
from sealring_server.quota import Quota
from sealring_server.uploading import add_to_upload
from tests.oracle import check_store
from tests.stores import (
    Refused,
    RunningStore,
    ask,
    begin,
    commit,
    first_software,
    next_software,
    now,
    patch,
    running_store,
    upload,
)
from tests.unit.server.conftest import Shop, bundle
from tests.world import World


@pytest.fixture
def store(tmp_path: Path) -> Iterator[RunningStore]:
    """A served store with one installation's worth, for one test alone."""
    world = World(at=now())
    with running_store(world, tmp_path / "store") as running:
        running.publish(first_software(world, running, b"image 1"), [b"image 1"])
        yield running


def test_the_receipt_proves_what_was_published(shop: Shop) -> None:
    """PB-3: TUF files that lead to the new entry, and a proof of every key under its map."""
    world = shop.world
    statements = [world.signed(s) for s in (world.brand(), world.model(), world.revision(1, b"1"), world.release(1))]
    receipt = shop.publish(statements, [b"1"])
    files = {e.name: e.data for e in receipt if isinstance(e, TufEntry)}
    (catalogue,) = (data for name, data in files.items() if name.endswith(".catalogue.json"))
    assert f"{sha256(catalogue).hexdigest()}.catalogue.json" in files
    assert {"timestamp.json", "2.snapshot.json", "2.targets.json"} < set(files)
    (proof,) = (e for e in receipt if isinstance(e, ProofEntry))
    found = verify_proof(proof.proof, parse_entry(catalogue).map, proof.keys).present
    root = bytes.fromhex(world.root_id)
    key = map_key(root, "release", 1, "acme/tool/latest/stable")
    assert found[key] == Head(1, bytes.fromhex(statements[3].id), bytes.fromhex(statements[3].digest))


def test_more_than_64_keys_take_several_proofs(shop: Shop) -> None:
    """MP-4: a proof has at most 64 keys."""
    world = shop.world
    models = [world.signed(world.model(f"door-{n}")) for n in range(70)]
    receipt = shop.publish([world.signed(world.brand()), *models])
    proofs = [e for e in receipt if isinstance(e, ProofEntry)]
    assert [len(p.keys) for p in proofs] == [64, 7] or sorted(len(p.keys) for p in proofs) == [7, 64]
    shop.check()


def test_a_missing_image_leaves_everything_as_it_was(shop: Shop) -> None:
    """PB-3, PB-6: the statements are good, the image never came; then it comes, and the same token commits."""
    world = shop.world
    shop.first()
    before = shop.check()
    opened = open_publication(shop.here, bundle(next_software(world, b"image 2", 2)))
    with pytest.raises(TrustError) as caught:
        commit_publication(shop.here, opened.token)
    assert caught.value.rule == "PB-6"
    assert shop.check() == before
    add_to_upload(shop.here, opened.token, sha256(b"image 2").hexdigest(), 0, BytesIO(b"image 2"))
    assert shop.check() == before
    commit_publication(shop.here, opened.token)
    assert shop.check().heads["release", "acme/tool/latest/stable"] == 2


@pytest.mark.parametrize("data", [b"", b"image", b"imagE 2", b"image 2 and more"])
def test_only_the_signed_image_is_kept(shop: Shop, data: bytes) -> None:
    """PB-2: another digest, too short, or bytes beyond the signed size, which are never read."""
    shop.first()
    opened = open_publication(shop.here, bundle(next_software(shop.world, b"image 2", 2)))
    source = BytesIO(data)
    digest = sha256(b"image 2").hexdigest()
    if data.startswith(b"image 2"):
        add_to_upload(shop.here, opened.token, digest, 0, source)
        assert source.tell() == len(b"image 2")
        return
    if len(data) < len(b"image 2"):
        assert add_to_upload(shop.here, opened.token, digest, 0, source) == len(data)
        with pytest.raises(TrustError, match="not uploaded"):
            commit_publication(shop.here, opened.token)
        return
    with pytest.raises(OtherBlob):
        add_to_upload(shop.here, opened.token, digest, 0, source)
    assert not list((shop.folder / "blobs" / "incoming").iterdir())


def test_an_image_that_no_statement_names_is_not_taken(shop: Shop) -> None:
    """PB-2: neither an unknown digest, nor one of another publication; a stranger can't fill the disk."""
    shop.first()
    opened = open_publication(shop.here, bundle(next_software(shop.world, b"image 2", 2)))
    other = open_publication(shop.here, bundle([shop.world.signed(shop.world.model("gate"))]))
    with pytest.raises(OtherBlob):
        add_to_upload(shop.here, opened.token, sha256(b"mine").hexdigest(), 0, BytesIO(b"mine"))
    with pytest.raises(OtherBlob):
        add_to_upload(shop.here, other.token, sha256(b"image 2").hexdigest(), 0, BytesIO(b"image 2"))
    with pytest.raises(Gone):
        add_to_upload(shop.here, "00" * 32, sha256(b"image 2").hexdigest(), 0, BytesIO(b"image 2"))


def test_one_digest_has_one_size(shop: Shop) -> None:
    """PB-2: a revision that signs another size for a known image names something that can't exist."""
    shop.first()
    revision = shop.world.revision(2, b"image 1")
    lie = structs.replace(revision, image=Image(revision.image.sha256, 8, "squashfs"))
    with pytest.raises(OtherBlob):
        open_publication(shop.here, bundle([shop.world.signed(lie)]))


def test_an_upload_belongs_to_its_token(shop: Shop) -> None:
    """PB-2: what one publication uploaded is no gift to another one that needs the same image."""
    shop.first()
    statements = next_software(shop.world, b"image 2", 2)
    one, two = (open_publication(shop.here, bundle(statements)) for _ in range(2))
    add_to_upload(shop.here, one.token, sha256(b"image 2").hexdigest(), 0, BytesIO(b"image 2"))
    with pytest.raises(TrustError) as caught:
        commit_publication(shop.here, two.token)
    assert caught.value.rule == "PB-6"
    commit_publication(shop.here, one.token)
    commit_publication(shop.here, two.token)  # now the image is the store's, and nothing is new
    assert shop.check().entry == 3


def test_open_publications_end_after_a_day_and_leave_nothing(shop: Shop) -> None:
    """PB-7: the token is dead, its upload is removed, its quota is free again."""
    shop.first()
    opened = open_publication(shop.here, bundle(next_software(shop.world, b"image 2", 2)))
    add_to_upload(shop.here, opened.token, sha256(b"image 2").hexdigest(), 0, BytesIO(b"image 2"))
    broken = shop.folder / "blobs" / "incoming" / "tmp_killed"
    going_on = shop.folder / "blobs" / "incoming" / "tmp_going_on"
    for file, hours in ((broken, 0), (going_on, 24)):
        file.write_bytes(b"half")
        at = shop.at.timestamp() + hours * 3600
        os.utime(file, (at, at))
    shop.later(hours=25)
    with pytest.raises(Gone):
        commit_publication(shop.here, opened.token)
    expire(shop.here)
    assert list((shop.folder / "blobs" / "incoming").iterdir()) == [going_on]


def test_quotas_are_each_authoritys_own(shop: Shop) -> None:
    """PB-7: a hostile certified publisher uses up its own quota and nobody else's; a crashed one can begin again."""
    world = shop.world
    shop.first()
    shop.publish([world.signed(world.brand("other"))])
    small = Shop(world, shop.folder, shop.pin, shop.at, Limits(open=2, idle=2, pending_bytes=100))
    same = bundle([world.signed(world.model("gate", "other"))])
    for _ in range(3):
        open_publication(small.here, same)  # the same again: it replaces its own leftovers
    open_publication(small.here, bundle([world.signed(world.model("gate-2", "other"))]))
    with pytest.raises(Quota):
        open_publication(small.here, bundle([world.signed(world.model("gate-3", "other"))]))
    open_publication(small.here, bundle([world.signed(world.model("gate"))]))
    with pytest.raises(Quota) as caught:
        open_publication(small.here, bundle(next_software(world, b"x" * 101, 2)))
    assert caught.value.what == "bytes of images"


def test_replaying_public_statements_reserves_nothing(shop: Shop) -> None:
    """PB-7: a stranger opens what is published already, over and over; the brand's own publication still opens."""
    world = shop.world
    shop.first()
    small = Shop(world, shop.folder, shop.pin, shop.at, Limits(open=2, idle=2))
    public = bundle([world.signed(world.model())])
    tokens = [open_publication(small.here, public).token for _ in range(5)]
    open_publication(small.here, bundle([world.signed(world.model("gate"))]))
    with small.here.database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM publications").scalar_one() == 3
    with pytest.raises(Gone):
        commit_publication(small.here, tokens[0])


def test_a_token_works_once(shop: Shop) -> None:
    """PB-7: after the commit it is gone."""
    shop.first()
    opened = open_publication(shop.here, bundle([shop.world.signed(shop.world.model("gate"))]))
    commit_publication(shop.here, opened.token)
    with pytest.raises(Gone):
        commit_publication(shop.here, opened.token)


# --- over HTTP


def test_a_bad_statement_among_good_ones(store: RunningStore) -> None:
    """PB-3, HT-3: refused with the device's own rule, and the reader sees the old state in every answer."""
    world = store.world
    before = store.get("/tuf/timestamp.json").body
    with pytest.raises(Refused) as caught:
        store.publish([*next_software(world, b"image 2", 2), world.signed(world.model("gate", "evil"))], [b"image 2"])
    assert (caught.value.status, caught.value.rule) == (403, "BR-1")
    assert caught.value.problem["hint"]
    assert store.get("/tuf/timestamp.json").body == before
    assert store.get("/v1/heads/release/1/acme/tool/latest/stable").body == world.signed(world.release(1)).raw
    assert check_store(store.folder).entry == 2


@pytest.mark.parametrize(
    ("body", "status", "rule"),
    [
        pytest.param(b"", 400, "BN-1", id="empty"),
        pytest.param(b"sealring bundle 1\n\0\0\0\0\0\0\0\0\0\0\0", 400, "PB-2", id="no statement"),
        pytest.param(b"\xff" * 1000, 400, "BN-1", id="rubbish"),
        pytest.param(b"".join(bundle_chunks([StatementEntry(b"{}")])), 400, "EN-2", id="no envelope"),
        pytest.param(b"".join(bundle_chunks([StatementEntry(b"x" * 262144)])), 400, "EN-2", id="large rubbish"),
        pytest.param(
            b"".join(bundle_chunks(in_order([ImageEntry(b"i" * 32, 3, BytesIO(b"abc"))]))), 413, "BN-2", id="an image"
        ),
        pytest.param(bytes(MAX_BUNDLE + 1), 413, "ST-7", id="too large"),
    ],
)
def test_what_is_no_publication_is_refused(served: RunningStore, body: bytes, status: int, rule: str) -> None:
    """HT-3, HT-4, PB-1: one problem document with the rule, whatever the bytes."""
    answer = ask(served.url, "/v1/publications", "POST", body)
    assert (answer.status, answer.problem()["rule"]) == (status, rule)


def test_a_length_is_believed_before_a_byte_is_read(served: RunningStore) -> None:
    """HT-4, HT-7: ten gigabytes announced are refused at once; a body without a length too."""
    for headers, status in (({"Content-Length": str(10**10)}, 413), ({"Transfer-Encoding": "chunked"}, 411)):
        connection = http.client.HTTPConnection(served.url.removeprefix("http://"), timeout=10)
        connection.putrequest("POST", "/v1/publications")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders()
        answer = connection.getresponse()
        assert answer.status == status
        assert answer.headers["content-type"] == "application/problem+json"
        connection.close()


def test_an_image_beyond_its_signed_size_is_refused_by_its_length(served: RunningStore) -> None:
    """PB-2, HT-4: and other bytes; nothing of either is kept, and no other path is reached."""
    world = served.world
    opened = begin(served.url, [world.signed(world.revision(77, b"image 77"))])
    digest = sha256(b"image 77").hexdigest()
    path = f"/v1/publications/{opened.token}/blobs/"
    assert patch(served.url, opened.token, b"image 77!", digest=digest).status == 413
    assert patch(served.url, opened.token, b"imagE 77", digest=digest).problem()["rule"] == "PB-2"
    assert ask(served.url, path + digest, "PUT", b"image 77").status == 405
    for trick in ("../../keys/keys.json", "..%2f..%2fstore.db", "A" * 64, digest.upper(), "%00" * 64):
        assert patch(served.url, opened.token, b"image 77", digest=trick).status in (400, 404, 405)
    assert not [f for f in (served.folder / "blobs" / "incoming").iterdir() if digest in f.name]
    upload(served.url, opened.token, b"image 77")
    assert ask(served.url, f"/v1/blobs/{digest}").status == 404  # not before the commit


def test_unknown_tokens_are_gone(served: RunningStore) -> None:
    """PB-7: 410, however the token is spelt."""
    for token in ("00" * 32, "x", "%ff%fe"):
        assert ask(served.url, f"/v1/publications/{token}/commit", "POST").status == 410


def test_two_publishers_at_once_never_interleave(store: RunningStore) -> None:
    """PB-3: each publication is one entry, sequences only grow, and the oracle finds one history."""
    world = store.world
    store.publish([world.signed(world.brand("other"))])
    failures: list[BaseException] = []

    def run(brand: str) -> None:
        try:
            for number in range(2, 10):
                image = f"{brand} {number}".encode()
                statements = [world.signed(world.revision(number, image, brand))]
                statements.append(world.signed(world.release(number, brand)))
                store.publish(statements, [image])
        except BaseException as err:
            failures.append(err)
            raise

    threads = [threading.Thread(target=run, args=(brand,)) for brand in ("acme", "other")]
    seen = []
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        timestamp = json.loads(store.get("/tuf/timestamp.json").body)["signed"]
        number = timestamp["meta"]["snapshot.json"]["version"]
        assert store.get(f"/tuf/{number}.snapshot.json").status == 200
        seen.append((timestamp["version"], number))
    for thread in threads:
        thread.join()
    assert not failures
    assert seen == sorted(seen)
    found = check_store(store.folder)
    assert found.entry == 3 + 16
    assert found.heads["release", "other/tool/latest/stable"] == 9


def test_several_workers_show_one_history(tmp_path: Path) -> None:
    """PB-3: whichever process answers; and the one that had cached an older map proves under the newest."""
    world = World(at=now())
    with running_store(world, tmp_path / "store", workers=2) as store:
        store.publish(first_software(world, store, b"image 1"), [b"image 1"])
        for number in range(2, 8):
            image = b"image %d" % number
            store.publish(next_software(world, image, number), [image])
            for _ in range(4):
                head = store.get("/v1/heads/release/1/acme/tool/latest/stable").body
                assert head == world.signed(world.release(number)).raw
        assert check_store(store.folder).entry == 8


def test_an_old_publication_is_judged_by_the_newest_state(served: RunningStore) -> None:
    """PB-1, HT-3: it was good when it was opened; another one came first, and 409 says so."""
    world = served.world
    opened = begin(served.url, [world.signed(world.model("later", sequence=3))])
    served.publish([world.signed(world.model("later", sequence=5))])
    with pytest.raises(Refused) as caught:
        commit(served.url, opened.token)
    assert (caught.value.status, caught.value.rule) == (409, "FL-1")
